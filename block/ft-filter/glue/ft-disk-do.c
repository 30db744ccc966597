/*
 * A request at the image: what is asked of it, and how many are there just now.
 *
 * THREAD: main or vCPU, or the receiver that brings an ack; all with the BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-watchdog.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "block/block-io.h"
#include "block/thread-pool.h"

/* The fault slow-reads. */
#define FT_SLOW_READ_US 100000

static int users;               /* BQL: requests that are at an image       */
static void (*none_left)(void); /* written at start                         */

/* What the request was, and its data, in one number. */
uint64_t ft_disk_hash(const FtDiskRequest *r)
{
    uint64_t what[4] = {
        cpu_to_le64(r->op), cpu_to_le64(r->offset), cpu_to_le64(r->bytes), 0
    };

    if (r->buf && r->ret >= 0) {
        what[3] = cpu_to_le64(ftc_hash(r->buf, r->bytes));
    }
    return ftc_hash((const uint8_t *)what, sizeof(what));
}

/* What qcow2 keeps in memory of its tables would be lost with this host. */
static int coroutine_fn GRAPH_RDLOCK ft_disk_write_tables(const FtDisk *d)
{
    return d->tables ? d->tables->drv->bdrv_co_flush_to_os(d->tables) : 0;
}

static int ft_sleep(void *opaque)
{
    g_usleep(FT_SLOW_READ_US);
    return 0;
}

static int ft_hang(void *opaque)
{
    while (ft_disk_hangs()) {
        g_usleep(FT_SLOW_READ_US);
    }
    return 0;
}

static int coroutine_fn GRAPH_RDLOCK ft_image_do(BlockDriverState *bs, FtDiskRequest *r)
{
    if (ft_disk_hangs()) {
        thread_pool_submit_co(ft_hang, NULL);
    }
    switch (r->op) {
    case FT_DISK_READ:
        if (ftc_fault("slow-reads")) {
            thread_pool_submit_co(ft_sleep, NULL);
        }
        return bdrv_co_pread(bs->file, r->offset, r->bytes, r->buf, 0);
    case FT_DISK_WRITE:
        return bdrv_co_pwrite(bs->file, r->offset, r->bytes, r->buf, r->flags);
    case FT_DISK_ZEROES:
        return bdrv_co_pwrite_zeroes(bs->file, r->offset, r->bytes, r->flags);
    case FT_DISK_DISCARD:
        /*
         * What is read from there afterwards must not depend on what the host's
         * file system makes of a discard: zeros, or what was there.
         */
        if (!(bs->file->bs->open_flags & BDRV_O_UNMAP)) {
            return 0;
        }
        return bdrv_co_pwrite_zeroes(bs->file, r->offset, r->bytes, BDRV_REQ_MAY_UNMAP);
    case FT_DISK_FLUSH:
        return bdrv_co_flush(bs->file->bs);
    }
    g_assert_not_reached();
}

static void ft_disk_use(int more)
{
    users += more;
    if (!users && none_left) {
        none_left();
    }
}

int coroutine_fn GRAPH_RDLOCK ft_disk_do(BlockDriverState *bs, FtDiskRequest *r)
{
    int ret;

    ft_disk_use(1);
    ret = ft_image_do(bs, r);
    if (ret >= 0 && ft_disk_changes(r)) {
        int tables = ft_disk_write_tables(r->disk);

        ret = tables < 0 ? tables : ret;
    }
    ft_disk_use(-1);
    return ret;
}

bool ft_disk_is_used(void)
{
    return users;
}

void ft_disk_unused_listener(void (*unused)(void))
{
    none_left = unused;
}
