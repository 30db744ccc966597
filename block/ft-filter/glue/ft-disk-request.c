/*
 * A request of the guest, from the instruction that submits it to the one that sees it
 * complete.
 *
 * When a request of the guest is done is for its host to say, and so is whether
 * it went well. Both enter the log as a DISK event, and on either node the guest
 * sees the completion at that event and nothing before: a read goes to a bounce
 * buffer that is copied into guest memory then; a write leaves through a copy
 * made when it was submitted, so that what reaches the image is what the guest's
 * memory held at that instruction.
 *
 * Primary: the event is logged at the top of a turn of the vCPU, or by the main
 * loop where the vCPU stands or drains (ft-disk-io.c). So a drain, which polls the
 * main loop's handlers, never waits for the vCPU. Secondary: the request goes to this
 * node's own image as well, and waits for its event. The event holds a hash of
 * the request and its data: an image that differs is found by the first read
 * that sees it, before the guest does.
 *
 * RL + BQL, in the main loop or in the vCPU thread.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-gate.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "qemu/coroutine.h"
#include "system/replay.h"
#include "accel/ft/glue/trace.h"

static void ft_disk_count(FtDiskRequest *r)
{
    FtDiskStats *s = &r->disk->stats;

    switch (r->op) {
    case FT_DISK_READ:
        s->reads++;
        s->read_bytes += r->bytes;
        break;
    case FT_DISK_FLUSH:
        s->flushes++;
        break;
    default:
        s->writes++;
        s->written_bytes += r->bytes;
    }
    s->errors += r->ret < 0 && r->ret != -ECANCELED;
}

/* Recording: the guest is about to see it. */
static void coroutine_fn ft_disk_record(FtDiskRequest *r)
{
    uint64_t seq = 0;

    if (replay_mode == REPLAY_MODE_RECORD && ft_disk_logs_data(r)) {
        ft_shared_wait_for_log(r);
    }
    if (replay_mode == REPLAY_MODE_RECORD) {
        ft_disk_log(r);
        seq = ft_log_next_seq();
    }
    if (ft_disk_shared()) {
        ft_shared_finished(r, seq);
    }
    if (ft_pausing()) {
        ft_output_wake();
    }
}

/* From the answer of our image to the moment at which the guest may see it. */
static void coroutine_fn ft_disk_complete(FtDiskRequest *r)
{
    if (ft_disk_changes(r)) {
        ft_pace_write(r->disk, r->offset, r->bytes);
    }
    if (!ft_disk_shared() || r->op == FT_DISK_READ) {
        r->hash = ft_disk_hash(r);
    }
    if (!ft_disk_follows_log()) {
        r->done = true;
        ft_disk_record(r);
        return;
    }
    ft_disk_answered(r);
    while (!r->event_came) {
        qemu_coroutine_yield();
    }
}

int coroutine_fn GRAPH_RDLOCK ft_disk_request(BlockDriverState *bs, FtDiskRequest *r)
{
    FtDisk *d = ((FtDiskState *)bs->opaque)->disk;

    r->disk = d;
    r->id = d->next_request++;
    r->co = qemu_coroutine_self();
    QTAILQ_INSERT_TAIL(&d->requests, r, next);
    d->in_flight++;
    trace_ft_disk_submit(d->name, r->id, ft_disk_op_name(r->op), r->offset, r->bytes);
    switch (ft_disk_shared() ? ft_shared_begin(bs, r) : FT_TURN_DO) {
    case FT_TURN_DO:
        d->writing += ft_disk_changes(r) ? r->bytes : 0;
        ft_io_do(r);
        d->writing -= ft_disk_changes(r) ? r->bytes : 0;
        ft_disk_complete(r);
        break;
    case FT_TURN_ANSWERED:
        ft_io_turn(r);
        ft_disk_complete(r);
        break;
    default:
        break;
    }
    trace_ft_disk_complete(d->name, r->id, ft_disk_op_name(r->op), r->ret);
    ft_disk_count(r);
    QTAILQ_REMOVE(&d->requests, r, next);
    d->in_flight--;
    return r->ret;
}

void ft_disk_go_live(void)
{
    ft_disk_unload_head();
    if (ft_disk_shared()) {
        ft_shared_go_live();
    } else {
        ft_disk_release_done();
    }
}

void ft_disk_begin(void)
{
    ft_disk_unload_head();
    for (unsigned i = 0; i < ft_disks_count; i++) {
        g_assert(ft_disks[i].in_flight == 0);
        ft_disks[i].next_request = 0;
    }
    ft_shared_restart();
}
