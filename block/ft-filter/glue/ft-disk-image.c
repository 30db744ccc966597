/*
 * ft-disk=shared: which node has a drive's image open.
 *
 * QEMU's lock on the image says who may write to it, on the storage itself, and is
 * what keeps a primary harmless that hung in the middle of a write and goes on after
 * the takeover: the survivor does not get the lock before that process has ended, or
 * has seen that it is fenced and has closed the image, which it does when no request
 * of it is under way any more. Until then the takeover waits, and says for what.
 *
 * A secondary has the image open "inactive", as the destination of QEMU's own
 * migration with shared storage: no locks, no writes, and a format's tables are read
 * anew when it is activated. The filter above it is active, for the guest uses it.
 *
 * Main thread, with the replay mutex and the BQL, but for ft_image_unused().
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "accel/ft/glue/trace.h"
#include "block/block-global-state.h"
#include "block/block-io.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "qobject/qdict.h"
#include "qom/object.h"
#include "system/block-backend.h"

/* How often an opening tries again: soon at first, for a process that is just ending. */
#define FT_TRY_NS_MIN (2 * SCALE_MS)
#define FT_TRY_NS_MAX (50 * SCALE_MS)
/* block/file-posix.c: a node that writes holds this byte; bit 1 is BLK_PERM_WRITE. */
#define FT_LOCK_BYTE_WRITE (100 + 1)

/* -- what can be shared ------------------------------------------------------------- */

static bool ft_is_driver(const BlockDriverState *bs, const char *name)
{
    return bs->drv && g_str_equal(bs->drv->format_name, name);
}

static bool ft_has_locks(const BlockDriverState *bs)
{
    return ft_is_driver(bs, "file") || ft_is_driver(bs, "host_device");
}

/* The node that has the image's file or device. */
static BlockDriverState *GRAPH_RDLOCK ft_bottom(BlockDriverState *bs)
{
    while (bs->file && !ft_has_locks(bs)) {
        bs = bs->file->bs;
    }
    return bs;
}

static BlockDriverState *GRAPH_RDLOCK ft_find_qcow2(BlockDriverState *bs)
{
    while (bs && !ft_is_driver(bs, "qcow2")) {
        bs = bs->file ? bs->file->bs : NULL;
    }
    return bs;
}

/* The first layer that is not known to do; NULL if all are. */
static BlockDriverState *GRAPH_RDLOCK ft_foreign_layer(BlockDriverState *bs)
{
    static const char *const known[] = { "raw", "qcow2", "throttle", "blkdebug" };

    for (; !ft_has_locks(bs); bs = bs->file->bs) {
        bool good = false;

        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
            good |= ft_is_driver(bs, known[i]);
        }
        if (!good || !bs->file) {
            return bs;
        }
    }
    return NULL;
}

/* Locks and what a host's memory may hold back. */
static bool ft_check_bottom(const FtDisk *d, BlockDriverState *bs, Error **errp)
{
    const char *locking = qdict_get_try_str(bs->options, "locking");

    if (!(bs->open_flags & BDRV_O_NOCACHE)) {
        error_setg(errp, "drive '%s': ft-disk=shared needs cache.direct=on (-drive "
                   "cache=none): what the host's page cache holds is lost with the "
                   "host, and the guest does not crash with it", d->name);
    } else if (locking && g_str_equal(locking, "off")) {
        error_setg(errp, "drive '%s': ft-disk=shared needs locking=on: the lock keeps "
                   "a primary that hung from writing after a takeover", d->name);
    } else {
        return true;
    }
    return false;
}

bool ft_image_check(FtDisk *d, Error **errp)
{
    BlockDriverState *bs = blk_bs(d->blk), *foreign;

    GRAPH_RDLOCK_GUARD_MAINLOOP();
    foreign = ft_foreign_layer(bs);
    d->tables = ft_find_qcow2(bs);
    if (foreign) {
        error_setg(errp, "drive '%s': ft-disk=shared needs an image in a file or on a "
                   "block device, raw or qcow2; '%s' is not", d->name,
                   foreign->drv->format_name);
        return false;
    }
    if (d->tables && ft_node.config.disk_reads) {
        error_setg(errp, "drive '%s': ft-disk-reads=disk needs a raw image: the "
                   "secondary cannot follow the tables of qcow2; use ft-disk-reads=log",
                   d->name);
        return false;
    }
    if (object_property_get_bool(OBJECT(blk_get_attached_dev(d->blk)), "share-rw", NULL)) {
        error_setg(errp, "drive '%s': share-rw=on cannot be given with ft-disk=shared: "
                   "the lock would let two nodes write", d->name);
        return false;
    }
    if (!ft_check_bottom(d, ft_bottom(bs), errp)) {
        return false;
    }
    if (ft_is_driver(ft_bottom(bs), "host_device")) {
        warn_report("drive '%s': the locks of a block device are known to this host "
                    "alone. A primary that hangs must be ended before its guest is "
                    "taken over; see 'One image for both' in docs/OPERATING.md", d->name);
    }
    return true;
}

/* -- asleep -------------------------------------------------------------------------- */

bool ft_image_begins_asleep(void)
{
    return ft_disk_shared() && ft_node.config.role == FT_ROLE_SECONDARY;
}

/* The guest's device gets its rights at the filter; the image below stays as it is. */
bool ft_image_setup(FtDisk *d, Error **errp)
{
    BdrvChild *parent;
    Error *err = NULL;

    GRAPH_RDLOCK_GUARD_MAINLOOP();
    d->image = ft_image_begins_asleep() ? FT_IMAGE_ASLEEP : FT_IMAGE_OPEN;
    if (d->image == FT_IMAGE_OPEN) {
        return true;
    }
    if (!bdrv_is_read_only(d->bs) && ft_is_driver(ft_bottom(d->bs), "file")) {
        d->lock_path = g_strdup(ft_bottom(d->bs)->filename);
    }
    /* As bdrv_activate() does, which would activate the image first. */
    d->bs->open_flags &= ~BDRV_O_INACTIVE;
    QLIST_FOREACH(parent, &d->bs->parents, next_parent) {
        if (parent->klass->activate && !err) {
            parent->klass->activate(parent, &err);
        }
    }
    error_propagate(errp, err);
    return !err;
}

/*
 * Nobody can tell two equal copies from one image by looking at them. But the
 * primary holds a lock on its image: if ours has none, it is another one, or locks
 * do not reach from host to host.
 *
 * THREAD: the one of a connection that comes in; paths do not change.
 */
static bool ft_check_peer_lock(const FtDisk *d, Error **errp)
{
    int fd, held;

    if (!d->lock_path) {
        return true;
    }
    fd = qemu_open(d->lock_path, O_RDONLY, errp);
    if (fd < 0) {
        error_prepend(errp, "drive '%s': ", d->name);
        return false;
    }
    held = qemu_lock_fd_test(fd, FT_LOCK_BYTE_WRITE, 1, true);
    qemu_close(fd);
    if (held == 0) {
        error_setg(errp, "drive '%s': nobody has locked %s: it is not the primary's "
                   "image, or locks do not reach from host to host there", d->name,
                   d->lock_path);
    }
    return held != 0;
}

bool ft_images_check_peer(Error **errp)
{
    for (unsigned i = 0; i < ft_disks_count; i++) {
        if (!ft_check_peer_lock(&ft_disks[i], errp)) {
            return false;
        }
    }
    return true;
}

/* What no filter stands above (flash memory) is each node's own. */
bool ft_images_load_begin(Error **errp)
{
    for (BlockBackend *blk = blk_all_next(NULL); blk; blk = blk_all_next(blk)) {
        bool ours = false;

        for (unsigned i = 0; i < ft_disks_count; i++) {
            ours |= ft_disks[i].blk == blk;
        }
        if (!ours && blk_bs(blk) && bdrv_activate(blk_bs(blk), errp) < 0) {
            return false;
        }
    }
    return true;
}

/* -- opening ------------------------------------------------------------------------- */

static struct {
    void (*then)(void);
    QEMUTimer *timer;
    uint64_t step_ns;
    bool looks;                 /* the main loop looks at answers meanwhile */
    char *why;                  /* NULL: nothing waits                      */
} opening;

static bool closing;
static unsigned reading;        /* secondary: its own reads under way       */

/* Does the filter want nothing of the image below? */
static int ft_disk_set_asleep(FtDisk *d, bool asleep, Error **errp)
{
    GRAPH_RDLOCK_GUARD_MAINLOOP();
    ((FtDiskState *)d->bs->opaque)->asleep = asleep;
    return bdrv_child_refresh_perms(d->bs, d->bs->file, errp);
}

static BlockDriverState *ft_image_below(const FtDisk *d)
{
    GRAPH_RDLOCK_GUARD_MAINLOOP();
    return d->bs->file->bs;
}

static bool ft_image_wake(FtDisk *d, Error **errp)
{
    /* The format's tables are read when the lock is held; raw gets it behind. */
    if (bdrv_activate(ft_image_below(d), errp) < 0) {
        return false;
    }
    if (ft_disk_set_asleep(d, false, errp) < 0) {
        ft_disk_set_asleep(d, true, NULL);
        return false;
    }
    return true;
}

static bool ft_image_open(FtDisk *d, Error **errp)
{
    bool ok;

    if (d->image == FT_IMAGE_OPEN) {
        return true;            /* by an earlier try that the next drive ended */
    }
    if (d->image == FT_IMAGE_ASLEEP) {
        ok = ft_image_wake(d, errp);
    } else {
        ok = bdrv_activate(d->bs, errp) == 0;
    }
    if (ok) {
        d->image = FT_IMAGE_OPEN;
        trace_ft_disk_image(d->name, "open");
    } else {
        error_prepend(errp, "drive '%s': ", d->name);
    }
    return ok;
}

static bool ft_images_open(Error **errp)
{
    bool ok = reading == 0;

    if (!ok) {
        error_setg(errp, "a read of this node");
    }
    /* What opens polls, and what polls runs bottom halves: not now. */
    ft_node.posts_wait = true;
    for (unsigned i = 0; ok && i < ft_disks_count; i++) {
        ok = ft_image_open(&ft_disks[i], errp);
    }
    ft_node.posts_wait = false;
    ft_post_again();
    return ok;
}

/* A vCPU that has no log left sleeps, and takes no answer of this node's own reads. */
static void ft_images_main_looks(bool on)
{
    if (opening.looks != on) {
        opening.looks = on;
        ft_io_main_looks(on);
    }
}

/* THREAD: main or vCPU, with the BQL. */
void ft_image_reads(int more)
{
    reading += more;
    if (reading == 0 && opening.looks) {
        timer_mod(opening.timer, ft_now_ns());
    }
}

static void ft_images_try(void *opaque)
{
    Error *err = NULL;

    if (closing) {
        return;                 /* this node became fenced or failed meanwhile */
    }
    if (ft_images_open(&err)) {
        if (opening.why) {
            info_report("ft: all images are this node's now");
        }
        g_clear_pointer(&opening.why, g_free);
        ft_images_main_looks(false);
        opening.then();
        return;
    }
    ft_images_main_looks(true);
    if (!opening.why || !g_str_equal(opening.why, error_get_pretty(err))) {
        warn_report("ft: waiting to open an image: %s", error_get_pretty(err));
        g_free(opening.why);
        opening.why = g_strdup(error_get_pretty(err));
    }
    error_free(err);
    timer_mod(opening.timer, ft_now_ns() + opening.step_ns);
    opening.step_ns = MIN(opening.step_ns * 2, FT_TRY_NS_MAX);
}

void ft_images_open_then(void (*then)(void))
{
    if (!ft_disk_shared() || !ft_disks_count) {
        then();
        return;
    }
    if (!opening.timer) {
        opening.timer = timer_new_ns(QEMU_CLOCK_REALTIME, ft_images_try, NULL);
    }
    closing = false;
    opening.then = then;
    opening.step_ns = FT_TRY_NS_MIN;
    ft_images_try(NULL);
}

const char *ft_images_wait_for(void)
{
    return opening.why;
}

/* -- closing ------------------------------------------------------------------------- */

static void ft_image_close(FtDisk *d)
{
    Error *err = NULL;

    if (d->image != FT_IMAGE_OPEN) {
        return;
    }
    if (bdrv_inactivate(d->bs, &err) < 0) {
        /* The lock may be held still: the other node waits, which is safe. */
        error_reportf_err(err, "drive '%s': its image cannot be closed, end this "
                          "process: ", d->name);
        return;
    }
    d->image = FT_IMAGE_CLOSED;
    trace_ft_disk_image(d->name, "closed");
}

static void ft_images_close_idle(void *opaque)
{
    if (!closing || ft_disk_is_used()) {
        return;                 /* ft_image_unused() comes back here */
    }
    ft_node.posts_wait = true;
    for (unsigned i = 0; i < ft_disks_count; i++) {
        ft_image_close(&ft_disks[i]);
    }
    ft_node.posts_wait = false;
    ft_post_again();
}

/* THREAD: main or vCPU, or the receiver. */
static void ft_image_unused(void)
{
    if (closing) {
        aio_bh_schedule_oneshot(qemu_get_aio_context(), ft_images_close_idle, NULL);
    }
}

void ft_images_close(void)
{
    if (!ft_disk_shared()) {
        return;
    }
    ft_disk_unused_listener(ft_image_unused);
    closing = true;
    g_clear_pointer(&opening.why, g_free);
    ft_images_main_looks(false);
    ft_images_close_idle(NULL);
}
