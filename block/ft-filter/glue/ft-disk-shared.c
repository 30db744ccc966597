/*
 * ft-disk=shared: the requests of a drive whose image both nodes use.
 *
 * What changes the image is output. It gets an OUTPUT event with its hash where the
 * guest submits it, and goes to the image when that frame is acknowledged and the
 * lease is valid, as a packet does (design section 5); its completion is logged.
 * The secondary makes the same request, compares the hash, and keeps the request
 * with its data until the completion comes; then the primary has done it. What it
 * still keeps when it goes live it issues itself, in the order of submission.
 *
 * What a read finds goes with its completion, or the secondary reads the image
 * itself (ft-disk-reads=disk) and compares; a write of the primary then waits for
 * reads of the secondary that it would spoil (disk_order.hpp).
 *
 * Held requests never make the guest's reset of the device wait for the peer,
 * which may be gone: the reset ends them. Held writes are then owed: they are done
 * when they may, and whatever the guest asks afterwards waits for them. Nobody has
 * seen them complete, so they may also never happen.
 *
 * Everything here runs with the BQL held: in the main loop or the vCPU thread, which
 * hold the replay mutex too, or in the receiver thread, which brings an ack and
 * does not.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-gate.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "qemu/units.h"
#include "accel/ft/glue/trace.h"
#include "block/block-io.h"
#include "qemu/coroutine.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/memalign.h"
#include "system/replay.h"

/* The number of a drive in an OUTPUT event; netdevs count from 0. */
#define FT_OUTPUT_DISK 128
/* So much data of reads may be in one frame, and in the ring. */
#define FT_FRAME_DATA_BYTES (4 * MiB)
#define FT_BACKLOG_DATA_BYTES (24 * MiB)
#define FT_READS_MAX 8192

static QTAILQ_HEAD(, FtDiskRequest) held = QTAILQ_HEAD_INITIALIZER(held);
static uint64_t held_count;     /* atomic                                   */
/* Reads whose data find no room in the ring. */
static QTAILQ_HEAD(, FtDiskRequest) no_room = QTAILQ_HEAD_INITIALIZER(no_room);

/* -- may it go? ----------------------------------------------------------------- */

/* A flush changes nothing: what it makes durable has had its ack before. */
static bool ft_is_change(const FtDiskRequest *r)
{
    return r->op != FT_DISK_READ && r->op != FT_DISK_FLUSH;
}

static FtDiskKind ft_kind(const FtDiskRequest *r)
{
    switch (r->op) {
    case FT_DISK_READ:
        return FT_DISK_KIND_READ;
    case FT_DISK_FLUSH:
        return FT_DISK_KIND_FLUSH;
    default:
        return FT_DISK_KIND_WRITE;
    }
}

static bool ft_is_acked(const FtDiskRequest *r)
{
    uint64_t up_to;

    return r->seq == 0 || (ft_output_may_leave(&up_to)
                           && (r->seq <= up_to || ftc_fault("write-before-ack")));
}

/* What the secondary has executed; without one nothing waits for it. */
static uint64_t ft_executed(void)
{
    return ft_output_mode() == FT_OUTPUT_PASS ? UINT64_MAX : ft_peer_executed_seq();
}

static bool ft_may_go(const FtDiskRequest *r)
{
    FtDisk *d = r->disk;

    return d->owed_count == 0 && (!ft_is_change(r) || ft_is_acked(r))
        && (!r->ordered || ftc_disk_order_may_start(d->order, r->id, ft_executed()));
}

static bool ft_owed_may_go(const FtDiskRequest *r)
{
    return ft_is_acked(r) && ftc_disk_order_reads_executed(r->disk->order, ft_executed());
}

/* -- the hold ---------------------------------------------------------------------- */

static uint64_t ft_writes_held(void)
{
    return qatomic_read(&held_count);
}

static void ft_hold(FtDiskRequest *r)
{
    QTAILQ_INSERT_TAIL(&held, r, next_held);
    qatomic_inc(&held_count);
    r->disk->stats.held++;
}

static void ft_unhold(FtDiskRequest *r, FtTurn turn)
{
    QTAILQ_REMOVE(&held, r, next_held);
    qatomic_dec(&held_count);
    r->disk->stats.held--;
    r->turn = turn;
}

/* A request that went on is looked at by its own coroutine, which may end here. */
static void ft_wake(FtDiskRequest *r)
{
    aio_co_wake(r->co);
}

static void ft_owed_go(FtDisk *d);

static void ft_writes_release(void)
{
    QTAILQ_HEAD(, FtDiskRequest) go = QTAILQ_HEAD_INITIALIZER(go);
    FtDiskRequest *r, *next;

    for (unsigned i = 0; i < ft_disks_count; i++) {
        ft_owed_go(&ft_disks[i]);
    }
    QTAILQ_FOREACH_SAFE(r, &held, next_held, next) {
        if (ft_may_go(r)) {
            ft_unhold(r, FT_TURN_DO);
            QTAILQ_INSERT_TAIL(&go, r, next_held);
        }
    }
    while ((r = QTAILQ_FIRST(&go))) {
        QTAILQ_REMOVE(&go, r, next_held);
        ft_wake(r);
    }
}

/* -- writes that a reset has left behind -------------------------------------------- */

static void ft_owed_free(FtDiskRequest *r)
{
    r->disk->owed_count--;
    qatomic_dec(&held_count);
    qemu_vfree(r->buf);
    g_free(r);
}

static void coroutine_fn ft_owed_co(void *opaque)
{
    FtDisk *d = opaque;
    FtDiskRequest *r;

    while ((r = QTAILQ_FIRST(&d->owed)) && ft_owed_may_go(r)) {
        int ret;

        QTAILQ_REMOVE(&d->owed, r, next_held);
        trace_ft_disk_go(d->name, r->id, r->seq);
        WITH_GRAPH_RDLOCK_GUARD() {
            ret = ft_io_do(r);
        }
        if (ret < 0) {
            warn_report("drive '%s': a write of before the guest's reset failed: %s",
                        d->name, strerror(-ret));
        }
        ft_owed_free(r);
    }
    d->owing = false;
    ft_writes_release();
    if (ft_pausing()) {
        ft_output_wake();
    }
}

static void ft_owed_go(FtDisk *d)
{
    FtDiskRequest *r = QTAILQ_FIRST(&d->owed);

    if (r && !d->owing && ft_owed_may_go(r)) {
        d->owing = true;
        qemu_coroutine_enter(qemu_coroutine_create(ft_owed_co, d));
    }
}

/* The data stay; the request may end. */
static void ft_owe(FtDiskRequest *r)
{
    FtDiskRequest *o = g_memdup2(r, sizeof(*r));

    r->buf = NULL;
    QTAILQ_INSERT_TAIL(&r->disk->owed, o, next_held);
    r->disk->owed_count++;
    qatomic_inc(&held_count);
}

/* The guest resets its device, and looks at no result of what it had asked for. */
static void ft_abandon(FtDiskRequest *r)
{
    ft_unhold(r, FT_TURN_ANSWERED);
    trace_ft_disk_abandon(r->disk->name, r->id);
    r->ret = 0;
    if (r->op == FT_DISK_READ) {
        memset(r->buf, 0, r->bytes);
        r->ret = -EIO;
    } else if (r->op != FT_DISK_FLUSH) {
        ft_owe(r);
    }
    ft_wake(r);
}

void ft_shared_drain(void)
{
    FtDiskRequest *r, *next;

    QTAILQ_FOREACH_SAFE(r, &held, next_held, next) {
        if (r->disk->bs->quiesce_counter) {
            ft_abandon(r);
        }
    }
}

void ft_shared_destroy(void)
{
    FtDiskRequest *r;

    while ((r = QTAILQ_FIRST(&held))) {
        ft_unhold(r, FT_TURN_ANSWERED);
        r->ret = -ECANCELED;
        ft_wake(r);
    }
    for (unsigned i = 0; i < ft_disks_count; i++) {
        while ((r = QTAILQ_FIRST(&ft_disks[i].owed))) {
            QTAILQ_REMOVE(&ft_disks[i].owed, r, next_held);
            ft_owed_free(r);
        }
    }
}

/* -- a request ------------------------------------------------------------------------ */

/* Both nodes, at the guest's instruction. */
static void ft_submit(FtDiskRequest *r)
{
    if (r->op == FT_DISK_WRITE && ft_disk_follows_log() && ftc_fault("flip-write")) {
        r->buf[0] ^= 1;
    }
    if (r->op != FT_DISK_READ) {
        r->hash = ft_disk_hash(r);
    }
    if (ft_is_change(r)) {
        ft_log_about(r->disk->name);
        replay_output(FT_OUTPUT_DISK + r->disk->id, r->bytes, r->hash);
        ft_log_about(NULL);
        r->seq = ft_log_next_seq();
    }
}

static void ft_order(FtDiskRequest *r)
{
    ftc_disk_order_add(r->disk->order, r->id, ft_kind(r), r->offset, r->bytes);
    r->ordered = true;
}

/* Secondary: the image is the primary's, until the log says or we go live. */
static bool coroutine_fn GRAPH_RDLOCK ft_follow(BlockDriverState *bs, FtDiskRequest *r)
{
    do {
        r->again = false;
        if (ft_node.config.disk_reads && r->op == FT_DISK_READ) {
            ft_image_reads(1);
            ft_io_do(r);
            ft_image_reads(-1);
            r->hash = ft_disk_hash(r);
        }
        ft_disk_answered(r);
        while (!r->event_came && !r->again && !r->reissue) {
            qemu_coroutine_yield();
        }
    } while (!r->event_came && !r->reissue);
    return r->event_came;
}

/* Primary: until it may go to the image, or need not any more. */
static FtTurn coroutine_fn ft_wait_for_turn(FtDiskRequest *r)
{
    if (ft_may_go(r)) {
        r->turn = FT_TURN_DO;
        return r->turn;
    }
    if (ft_output_mode() == FT_OUTPUT_CLOSED) {
        r->ret = -ECANCELED;
        return FT_TURN_ANSWERED;
    }
    trace_ft_disk_hold(r->disk->name, r->id, r->seq);
    ft_hold(r);
    if (r->disk->bs->quiesce_counter) {
        ft_disk_drain_soon();   /* the next piece of one that was given up */
    }
    while (r->turn == FT_TURN_WAIT) {
        qemu_coroutine_yield();
    }
    return r->turn;
}

FtTurn coroutine_fn GRAPH_RDLOCK ft_shared_begin(BlockDriverState *bs, FtDiskRequest *r)
{
    FtTurn turn;

    ft_submit(r);
    if (ft_disk_follows_log()) {
        if (ft_follow(bs, r)) {
            return FT_TURN_LOGGED;
        }
    } else if (r->disk->reissuing
               || (ft_node.config.disk_reads && ft_output_mode() != FT_OUTPUT_PASS)) {
        ft_order(r);
    }
    turn = ft_wait_for_turn(r);
    if (turn == FT_TURN_DO && ft_is_change(r)) {
        trace_ft_disk_go(r->disk->name, r->id, r->seq);
    }
    return turn;
}

void ft_shared_finished(FtDiskRequest *r, uint64_t seq)
{
    if (r->ordered) {
        r->ordered = false;
        r->disk->reissuing -= r->reissue;
        ftc_disk_order_finish(r->disk->order, r->id, ft_node.config.disk_reads ? seq : 0);
        ft_writes_release();
    }
}

/* -- reads whose data are in the log ---------------------------------------------------- */

/*
 * A frame must fit into a message and the frames that are not sent into the ring,
 * whatever the guest reads at once. Between two completions a frame may end; a
 * drain does not wait for the peer.
 */
void coroutine_fn ft_shared_wait_for_log(FtDiskRequest *r)
{
    static size_t in_frame;
    size_t most = ftc_fault("little-room") ? 0 : FT_BACKLOG_DATA_BYTES;

    while (!r->disk->bs->quiesce_counter && !ft_log_has_room(most, ft_io_tell)) {
        trace_ft_disk_no_room(r->disk->name, r->id);
        QTAILQ_INSERT_TAIL(&no_room, r, next_held);
        qemu_coroutine_yield();
    }
    in_frame += r->bytes;
    if (in_frame > FT_FRAME_DATA_BYTES) {
        in_frame = r->bytes;
        ft_log_publish();
    }
}

static void ft_shared_look(void)
{
    QTAILQ_HEAD(, FtDiskRequest) again = QTAILQ_HEAD_INITIALIZER(again);
    FtDiskRequest *r;

    /* One that finds no room again is put into the other list. */
    while ((r = QTAILQ_FIRST(&no_room))) {
        QTAILQ_REMOVE(&no_room, r, next_held);
        QTAILQ_INSERT_TAIL(&again, r, next_held);
    }
    while ((r = QTAILQ_FIRST(&again))) {
        QTAILQ_REMOVE(&again, r, next_held);
        ft_wake(r);
    }
}

/* -- going live, and before ---------------------------------------------------------------- */

static FtDiskRequest *ft_next_to_reissue(FtDisk *d)
{
    FtDiskRequest *r;

    QTAILQ_FOREACH(r, &d->requests, next) {
        if (r->reissue && !r->again) {
            return r;
        }
    }
    return NULL;
}

/*
 * Whether the primary has done them is not known, and need not be: nobody has seen
 * them complete, and what is written again is the same.
 */
void ft_shared_go_live(void)
{
    ft_shared_restart();
    for (unsigned i = 0; i < ft_disks_count; i++) {
        FtDisk *d = &ft_disks[i];
        FtDiskRequest *r;

        QTAILQ_FOREACH(r, &d->requests, next) {
            r->reissue = true;
            r->seq = 0;
            r->ret = 0;
            r->turn = FT_TURN_WAIT;
            r->again = false;
            d->reissuing++;
            ft_order(r);
            trace_ft_disk_reissue(d->name, r->id, r->offset, r->bytes);
        }
        while ((r = ft_next_to_reissue(d))) {
            r->again = true;
            ft_wake(r);         /* it may end, and others with it */
        }
    }
}

void ft_shared_restart(void)
{
    for (unsigned i = 0; ft_disk_shared() && i < ft_disks_count; i++) {
        ftc_disk_order_free(ft_disks[i].order);
        ft_disks[i].order = ftc_disk_order_new(FT_READS_MAX);
        ft_disks[i].reissuing = 0;
    }
}

static const FtHolder ft_writes = {
    .release = ft_writes_release,
    .destroy = ft_shared_destroy,
    .held = ft_writes_held,
};

void ft_shared_init(FtDisk *d)
{
    if (d->id == 0) {
        ft_output_holder(&ft_writes);
        ft_io_listener(ft_shared_look);
    }
    QTAILQ_INIT(&d->owed);
    d->order = ftc_disk_order_new(FT_READS_MAX);
}
