/*
 * The block filter that FT puts above the image of every drive: QEMU's side of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "block/block-io.h"
#include "qemu/memalign.h"
#include "qobject/qdict.h"
#include "system/replay.h"

/*
 * Requests of the guest only: what is done before the machine runs, or at exit,
 * is in no log.
 */
static bool ft_is_guest_request(BlockDriverState *bs)
{
    FtDiskState *s = bs->opaque;

    return s->disk && replay_mode != REPLAY_MODE_NONE && replay_events_enabled();
}

static int coroutine_fn GRAPH_RDLOCK
ft_filter_co_preadv(BlockDriverState *bs, int64_t offset, int64_t bytes,
                    QEMUIOVector *qiov, BdrvRequestFlags flags)
{
    FtDiskRequest r = { .op = FT_DISK_READ, .offset = offset, .bytes = bytes };
    int ret;

    if (!ft_is_guest_request(bs)) {
        return bdrv_co_preadv(bs->file, offset, bytes, qiov, flags);
    }
    r.buf = qemu_blockalign(bs->file->bs, bytes);
    ret = ft_disk_request(bs, &r);
    if (ret >= 0) {
        qemu_iovec_from_buf(qiov, 0, r.buf, bytes);
    }
    qemu_vfree(r.buf);
    return ret;
}

static int coroutine_fn GRAPH_RDLOCK
ft_filter_co_pwritev(BlockDriverState *bs, int64_t offset, int64_t bytes,
                     QEMUIOVector *qiov, BdrvRequestFlags flags)
{
    FtDiskRequest r = { .op = FT_DISK_WRITE, .offset = offset, .bytes = bytes,
                        .flags = flags & ~BDRV_REQ_REGISTERED_BUF };
    int ret;

    if (!ft_is_guest_request(bs)) {
        return bdrv_co_pwritev(bs->file, offset, bytes, qiov, flags);
    }
    r.buf = qemu_blockalign(bs->file->bs, bytes);
    qemu_iovec_to_buf(qiov, 0, r.buf, bytes);
    ret = ft_disk_request(bs, &r);
    qemu_vfree(r.buf);
    return ret;
}

static int coroutine_fn GRAPH_RDLOCK
ft_filter_co_pwrite_zeroes(BlockDriverState *bs, int64_t offset, int64_t bytes,
                           BdrvRequestFlags flags)
{
    FtDiskRequest r = { .op = FT_DISK_ZEROES, .offset = offset, .bytes = bytes,
                        .flags = flags };

    if (!ft_is_guest_request(bs)) {
        return bdrv_co_pwrite_zeroes(bs->file, offset, bytes, flags);
    }
    return ft_disk_request(bs, &r);
}

static int coroutine_fn GRAPH_RDLOCK
ft_filter_co_pdiscard(BlockDriverState *bs, int64_t offset, int64_t bytes)
{
    FtDiskRequest r = { .op = FT_DISK_DISCARD, .offset = offset, .bytes = bytes };

    if (!ft_is_guest_request(bs)) {
        return bdrv_co_pdiscard(bs->file, offset, bytes);
    }
    return ft_disk_request(bs, &r);
}

static int coroutine_fn GRAPH_RDLOCK ft_filter_co_flush(BlockDriverState *bs)
{
    FtDiskRequest r = { .op = FT_DISK_FLUSH };

    if (!ft_is_guest_request(bs)) {
        return bdrv_co_flush(bs->file->bs);
    }
    return ft_disk_request(bs, &r);
}

static int64_t coroutine_fn GRAPH_RDLOCK ft_filter_co_getlength(BlockDriverState *bs)
{
    return bdrv_co_getlength(bs->file->bs);
}

/*
 * How a request of the guest is cut into pieces must not depend on this host's
 * storage: the layer below does that for itself.
 */
static void ft_filter_refresh_limits(BlockDriverState *bs, Error **errp)
{
    BlockLimits mem = bs->bl;

    memset(&bs->bl, 0, sizeof(bs->bl));
    bs->bl.request_alignment = 1;
    /* What is read from a shared image must fit into an event of the log. */
    bs->bl.max_transfer = ft_disk_shared() ? FT_PIECE_BYTES : 0;
    bs->bl.max_iov = IOV_MAX;
    bs->bl.min_mem_alignment = mem.min_mem_alignment;
    bs->bl.opt_mem_alignment = mem.opt_mem_alignment;
    bs->bl.has_variable_length = mem.has_variable_length;
}

/* The guest writes to this filter, but an image that is asleep gets nothing. */
static void ft_filter_child_perm(BlockDriverState *bs, BdrvChild *c, BdrvChildRole role,
                                 BlockReopenQueue *reopen_queue, uint64_t perm,
                                 uint64_t shared, uint64_t *nperm, uint64_t *nshared)
{
    if (((FtDiskState *)bs->opaque)->asleep) {
        *nperm = perm & BLK_PERM_CONSISTENT_READ;
        *nshared = BLK_PERM_ALL;
    } else {
        bdrv_default_perms(bs, c, role, reopen_queue, perm, shared, nperm, nshared);
    }
}

static int ft_filter_open(BlockDriverState *bs, QDict *options, int flags, Error **errp)
{
    int ret;

    ((FtDiskState *)bs->opaque)->asleep = ft_image_begins_asleep();
    ret = bdrv_open_file_child(NULL, options, "file", bs, errp);

    bs->supported_write_flags = BDRV_REQ_WRITE_UNCHANGED | BDRV_REQ_FUA;
    bs->supported_zero_flags = BDRV_REQ_WRITE_UNCHANGED | BDRV_REQ_FUA
                               | BDRV_REQ_MAY_UNMAP;
    return ret;
}

/* Not registered by name: nobody but FT can put it anywhere. */
BlockDriver ft_filter_driver = {
    .format_name = "ft-filter",
    .instance_size = sizeof(FtDiskState),
    .is_filter = true,
    .bdrv_open = ft_filter_open,
    .bdrv_child_perm = ft_filter_child_perm,
    .bdrv_refresh_limits = ft_filter_refresh_limits,
    .bdrv_co_getlength = ft_filter_co_getlength,
    .bdrv_co_preadv = ft_filter_co_preadv,
    .bdrv_co_pwritev = ft_filter_co_pwritev,
    .bdrv_co_pwrite_zeroes = ft_filter_co_pwrite_zeroes,
    .bdrv_co_pdiscard = ft_filter_co_pdiscard,
    .bdrv_co_flush = ft_filter_co_flush,
    .bdrv_drain_begin = ft_filter_drain_begin,
    .bdrv_drain_end = ft_filter_drain_end,
};
