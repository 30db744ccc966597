/*
 * Where the main loop takes completions in the vCPU thread's place: while its CPU is
 * stopped, and in a drain of the guest's making.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "hw/core/cpu.h"
#include "qemu/main-loop.h"
#include "system/cpus.h"
#include "system/replay.h"
#include "replay/replay-internal.h"
#include "accel/ft/glue/trace.h"

/* While a drain waits for events of the log, it looks again so often. */
#define FT_DRAIN_LOOK_US 50

static bool ft_disk_any_draining(void)
{
    for (unsigned i = 0; i < ft_disks_count; i++) {
        if (ft_disks[i].bs && ft_disks[i].bs->quiesce_counter
            && ft_disks[i].in_flight) {
            return true;
        }
    }
    return false;
}

/* Takes the next event from the log if it is a completion. */
static bool ft_disk_next_event(void)
{
    if (!replay_mutex_locked()) {
        return false;
    }
    replay_account_executed_instructions();
    if (replay_state.instruction_count != 0) {
        return false;
    }
    replay_fetch_data_kind();
    return replay_state.has_unread_data && replay_state.data_kind == EVENT_DISK
        && ft_disk_event();
}

/*
 * Between the guest's order to reset itself and the reset its CPU is stopped and
 * takes no event, but requests complete on the primary: here the main loop takes
 * those events in its place.
 */
void ft_disk_look(void)
{
    if (ft_disk_follows_log() && (first_cpu->stop || first_cpu->stopped)) {
        while (ft_disk_next_event()) {
        }
    }
}

/*
 * A drain of the guest's making (a reset of the device) on the secondary: the
 * primary drained at the same instruction, so the completions it waited for are
 * next in the log. If the log has ended because the primary is gone, nothing
 * that this node does can contradict it. At exit there is no log any more.
 */
static void ft_disk_drain_bh(void *opaque)
{
    bool moved = false;

    if (!ft_disk_any_draining()) {
        return;
    }
    if (replay_mode == REPLAY_MODE_NONE) {
        ft_shared_destroy();
        ft_disk_release_done();
    } else if (ft_disk_follows_log()) {
        while (ft_disk_any_draining() && ft_disk_next_event()) {
            moved = true;
        }
        if (!moved && ft_log_has_ended()) {
            ft_disk_release_done();
        }
    } else {
        ft_shared_drain();
        ft_copy_hurry();
        return;                 /* recording: other completions need no help */
    }
    if (!moved) {
        g_usleep(FT_DRAIN_LOOK_US);
    }
    ft_disk_drain_soon();
}

void ft_filter_drain_begin(BlockDriverState *bs)
{
    FtDisk *d = ((FtDiskState *)bs->opaque)->disk;

    if (d) {
        trace_ft_disk_drain(d->name, d->in_flight);
    }
    ft_io_main_looks(true);
    ft_disk_drain_soon();
}

void ft_filter_drain_end(BlockDriverState *bs)
{
    ft_io_main_looks(false);
}

void ft_disk_drain_setup(void)
{
    ft_disk_drained_by(ft_disk_drain_bh);
}
