/*
 * The drives at start-up: which there are, what of them is refused, and the filter above
 * each image. Also the little that is in no device's own state.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "block/block-global-state.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "qapi/qapi-types-block-core.h"
#include "qobject/qdict.h"
#include "qom/object.h"
#include "system/block-backend.h"

/* What an error does must not be a stop of one node at the host's moment. */
static bool ft_disk_check_policy(const FtDisk *d, DeviceState *dev, Error **errp)
{
    static const char *const props[] = { "werror", "rerror" };

    for (size_t i = 0; i < ARRAY_SIZE(props); i++) {
        g_autofree char *value = object_property_get_str(OBJECT(dev), props[i], NULL);

        if (value && !g_str_equal(value, "auto") && !g_str_equal(value, "report")
            && !g_str_equal(value, "ignore")) {
            error_setg(errp, "drive '%s': %s=%s cannot be protected by ft=: it stops "
                       "the guest on one node; use report", d->name, props[i], value);
            return false;
        }
    }
    if (blk_get_public(d->blk)->throttle_group_member.throttle_state) {
        error_setg(errp, "drive '%s': I/O limits cannot be protected by ft=: their "
                   "timers are the host's", d->name);
        return false;
    }
    return true;
}

static BlockdevOnError ft_report_unless_ignored(BlockdevOnError policy)
{
    return policy == BLOCKDEV_ON_ERROR_IGNORE ? policy : BLOCKDEV_ON_ERROR_REPORT;
}

static bool ft_disk_insert_filter(FtDisk *d, Error **errp)
{
    BlockDriverState *below = blk_bs(d->blk);
    g_autofree char *node = g_strdup_printf("ft-disk%u", d->id);
    QDict *options = qdict_new();
    int flags = (below->open_flags & (BDRV_O_RDWR | BDRV_O_INACTIVE | BDRV_O_CACHE_MASK))
                | BDRV_O_UNMAP;

    qdict_put_str(options, "file", bdrv_get_node_name(below));
    d->bs = bdrv_new_open_driver_opts(&ft_filter_driver, node, options, flags, errp);
    if (!d->bs) {
        return false;
    }
    ((FtDiskState *)d->bs->opaque)->disk = d;
    if (blk_replace_bs(d->blk, d->bs, errp) < 0) {
        bdrv_unref(d->bs);
        d->bs = NULL;
        return false;
    }
    bdrv_unref(d->bs);          /* the device's BlockBackend holds it now */
    return !ft_disk_shared() || ft_image_setup(d, errp);
}

/*
 * Whether the guest has switched the write cache of the drive off is in no
 * device's state: the reset before a load would switch it on again, and a guest
 * that counts on writes that go through would send no flush.
 */
static int ft_disk_pre_save(void *opaque)
{
    FtDisk *d = opaque;

    d->write_cache = blk_enable_write_cache(d->blk);
    return 0;
}

static int ft_disk_post_load(void *opaque, int version_id)
{
    FtDisk *d = opaque;

    blk_set_enable_write_cache(d->blk, d->write_cache);
    return 0;
}

static const VMStateDescription vmstate_ft_disk = {
    .name = "ft-disk",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = ft_disk_pre_save,
    .post_load = ft_disk_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(write_cache, FtDisk),
        VMSTATE_END_OF_LIST()
    },
};

static bool ft_disk_add(BlockBackend *blk, DeviceState *dev, const char *path, Error **errp)
{
    FtDisk *d = &ft_disks[ft_disks_count];

    d->id = ft_disks_count;
    d->blk = blk;
    d->path = g_strdup(path);
    d->name = g_strdup(*blk_name(blk) ? blk_name(blk) : bdrv_get_node_name(blk_bs(blk)));
    QTAILQ_INIT(&d->requests);
    d->bytes = blk_getlength(blk);
    if (!ft_disk_check_policy(d, dev, errp)
        || (ft_disk_shared() && !ft_image_check(d, errp))) {
        return false;
    }
    ft_shared_init(d);
    blk_set_on_error(blk, ft_report_unless_ignored(blk_get_on_error(blk, true)),
                     ft_report_unless_ignored(blk_get_on_error(blk, false)));
    if (!ft_disk_insert_filter(d, errp)) {
        error_prepend(errp, "drive '%s' cannot be protected by ft=: ", d->name);
        return false;
    }
    ft_disks_count++;
    /* Behind all devices, so that it is loaded after them. */
    vmstate_register(NULL, d->id, &vmstate_ft_disk, d);
    return true;
}

typedef struct FtFound {
    char *path;
    BlockBackend *blk;
    DeviceState *dev;
} FtFound;

static gint ft_found_order(gconstpointer a, gconstpointer b)
{
    return strcmp(((const FtFound *)a)->path, ((const FtFound *)b)->path);
}

static void ft_found_clear(gpointer data)
{
    g_free(((FtFound *)data)->path);
}

bool ft_disks_add(Error **errp)
{
    g_autoptr(GArray) found = g_array_new(false, true, sizeof(FtFound));

    g_array_set_clear_func(found, ft_found_clear);
    if (!ft_io_setup(errp)) {
        return false;
    }
    ft_disk_drain_setup();
    for (BlockBackend *blk = blk_all_next(NULL); blk; blk = blk_all_next(blk)) {
        DeviceState *dev = blk_get_attached_dev(blk);

        if (dev && blk_bs(blk) && object_dynamic_cast(OBJECT(dev), "virtio-blk-device")) {
            FtFound f = { object_get_canonical_path(OBJECT(dev)), blk, dev };

            g_array_append_val(found, f);
        }
    }
    if (found->len > FT_DISKS_MAX) {
        error_setg(errp, "%u drives: more than %d cannot be protected", found->len,
                   FT_DISKS_MAX);
        return false;
    }
    /* Numbered by their devices' paths, which the fingerprint compares. */
    g_array_sort(found, ft_found_order);
    for (guint i = 0; i < found->len; i++) {
        FtFound *f = &g_array_index(found, FtFound, i);

        if (!ft_disk_add(f->blk, f->dev, f->path, errp)) {
            return false;
        }
    }
    return true;
}

static bool ft_disk_discards(const FtDisk *d)
{
    GRAPH_RDLOCK_GUARD_MAINLOOP();
    return d->bs->file->bs->open_flags & BDRV_O_UNMAP;
}

void ft_disks_describe(GPtrArray *lines)
{
    for (unsigned i = 0; i < ft_disks_count; i++) {
        FtDisk *d = &ft_disks[i];

        g_ptr_array_add(lines, g_strdup_printf("disk %s.bytes=%" PRId64, d->path, d->bytes));
        g_ptr_array_add(lines, g_strdup_printf("disk %s.write-cache=%d", d->path,
                                               blk_enable_write_cache(d->blk)));
        g_ptr_array_add(lines, g_strdup_printf("disk %s.writable=%d", d->path,
                                               !bdrv_is_read_only(d->bs)));
        g_ptr_array_add(lines, g_strdup_printf("disk %s.discard=%d", d->path,
                                               ft_disk_discards(d)));
        if (ft_disk_shared()) {
            g_ptr_array_add(lines, g_strdup_printf("disk %s.format=%s", d->path,
                                                   d->tables ? "qcow2" : "raw"));
        }
    }
}
