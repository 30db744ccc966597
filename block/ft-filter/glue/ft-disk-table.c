/*
 * The table of the guest's drives, and what is asked of it without touching a request.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "qemu/main-loop.h"
#include "system/replay.h"

FtDisk ft_disks[FT_DISKS_MAX];
unsigned ft_disks_count;

static QEMUBH *drain_bh;

const char *ft_disk_op_name(FtDiskOp op)
{
    static const char *const names[] = {
        "read", "write", "write-zeroes", "discard", "flush",
    };

    return names[op];
}

/* Does the guest's next instruction depend on an event of the log? */
bool ft_disk_follows_log(void)
{
    return replay_mode == REPLAY_MODE_PLAY;
}

/* Does it change the image? */
bool ft_disk_changes(const FtDiskRequest *r)
{
    return r->op != FT_DISK_READ && r->op != FT_DISK_FLUSH;
}

bool ft_disk_logs_data(const FtDiskRequest *r)
{
    return ft_disk_shared() && !ft_node.config.disk_reads && r->op == FT_DISK_READ
        && r->ret >= 0;
}

unsigned ft_disk_in_flight(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < ft_disks_count; i++) {
        n += ft_disks[i].in_flight + ft_disks[i].owed_count;
    }
    return n;
}

const FtDiskStats *ft_disk_stats(unsigned i)
{
    FtDisk *d = &ft_disks[i];

    if (i >= ft_disks_count) {
        return NULL;
    }
    d->stats.name = d->name;
    d->stats.in_flight = d->in_flight;
    d->stats.open = d->image == FT_IMAGE_OPEN;
    d->stats.copy_left = d->copy ? ftc_copy_map_left(d->copy) : 0;
    return &d->stats;
}

void ft_disk_drain_soon(void)
{
    qemu_bh_schedule(drain_bh);
}

void ft_disk_drained_by(QEMUBHFunc *drain)
{
    drain_bh = qemu_bh_new(drain, NULL);
}
