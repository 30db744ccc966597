/*
 * The block filter that FT puts on every drive: completions by the log.
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
 * Everything here runs with the BQL and the replay mutex held, in the main loop
 * or in the vCPU thread.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-gate.h"
#include "accel/ft/glue/ft-watchdog.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "accel/ft/glue/trace.h"
#include "block/block-io.h"
#include "block/block-global-state.h"
#include "block/thread-pool.h"
#include "hw/core/cpu.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "qapi/qapi-types-block-core.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/memalign.h"
#include "qobject/qdict.h"
#include "qom/object.h"
#include "system/block-backend.h"
#include "system/cpus.h"
#include "system/replay.h"
#include "replay/replay-internal.h"

/* While a drain waits for events of the log, it looks again so often. */
#define FT_DRAIN_LOOK_US 50
/* The fault slow-reads. */
#define FT_SLOW_READ_US 100000

static const char *const op_names[] = { "read", "write", "write-zeroes", "discard", "flush" };

typedef struct FtDiskState {
    FtDisk *disk;
    bool asleep;                /* the image below is the peer's            */
} FtDiskState;

FtDisk ft_disks[FT_DISKS_MAX];
unsigned ft_disks_count;

/* The DISK event at the head of the log, when its fields have been read. */
static struct {
    bool loaded;
    unsigned disk;
    uint64_t id, hash;
    int64_t status;
    const uint8_t *data;        /* of a read, with one image for both nodes */
    size_t len;
} head;

static QEMUBH *drain_bh;

/* -- one request --------------------------------------------------------------- */

/* Does it change the image? */
static bool ft_disk_changes(const FtDiskRequest *r)
{
    return r->op != FT_DISK_READ && r->op != FT_DISK_FLUSH;
}

/* What the request was, and its data, in one number. */
uint64_t ft_disk_hash(const FtDiskRequest *r)
{
    uint64_t what[4] = {
        cpu_to_le64(r->op), cpu_to_le64(r->offset), cpu_to_le64(r->bytes), 0
    };

    if (r->buf && r->ret >= 0) {
        what[3] = cpu_to_le64(ft_hash(r->buf, r->bytes));
    }
    return ft_hash((const uint8_t *)what, sizeof(what));
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
        if (ft_fault("slow-reads")) {
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

int coroutine_fn GRAPH_RDLOCK ft_disk_do(BlockDriverState *bs, FtDiskRequest *r)
{
    int ret;

    ft_image_use(1);
    ret = ft_image_do(bs, r);
    if (ret >= 0 && ft_disk_changes(r)) {
        int tables = ft_disk_write_tables(r->disk);

        ret = tables < 0 ? tables : ret;
    }
    ft_image_use(-1);
    return ret;
}

/* Recording: the completion belongs to this instruction. */
static void ft_disk_log(FtDiskRequest *r)
{
    bool data = ft_shared_logs_data(r);

    g_assert(replay_mutex_locked());
    replay_save_instructions();
    replay_put_event(EVENT_DISK);
    replay_put_dword(r->disk->id);
    replay_put_qword(r->id);
    replay_put_qword(r->ret);
    replay_put_qword(r->hash);
    replay_put_array(r->buf, data ? r->bytes : 0);
}

static bool ft_disk_is_head(const FtDiskRequest *r)
{
    return head.loaded && head.disk == r->disk->id && head.id == r->id;
}

/* Does the guest's next instruction depend on an event of the log? */
bool ft_disk_follows_log(void)
{
    return replay_mode == REPLAY_MODE_PLAY;
}

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

    if (replay_mode == REPLAY_MODE_RECORD && ft_shared_logs_data(r)) {
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

void ft_disk_answered(FtDiskRequest *r)
{
    r->done = true;
    if (ft_disk_is_head(r)) {
        qemu_cpu_kick(first_cpu);
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
    while (!r->released) {
        qemu_coroutine_yield();
    }
}

static int coroutine_fn GRAPH_RDLOCK ft_disk_request(BlockDriverState *bs, FtDiskRequest *r)
{
    FtDisk *d = ((FtDiskState *)bs->opaque)->disk;

    r->disk = d;
    r->id = d->next_request++;
    r->co = qemu_coroutine_self();
    QTAILQ_INSERT_TAIL(&d->requests, r, next);
    d->in_flight++;
    trace_ft_disk_submit(d->name, r->id, op_names[r->op], r->offset, r->bytes);
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
    trace_ft_disk_complete(d->name, r->id, op_names[r->op], r->ret);
    ft_disk_count(r);
    QTAILQ_REMOVE(&d->requests, r, next);
    d->in_flight--;
    return r->ret;
}

/* -- replaying: events from the log ---------------------------------------------- */

static FtDiskRequest *ft_disk_find(unsigned disk, uint64_t id)
{
    FtDiskRequest *r;

    if (disk < ft_disks_count) {
        QTAILQ_FOREACH(r, &ft_disks[disk].requests, next) {
            if (r->id == id) {
                return r;
            }
        }
    }
    return NULL;
}

/* Atomic: the last frame before that event; without one, no limit. */
static uint64_t executed_limit = UINT64_MAX;

static void ft_disk_load_head(void)
{
    qatomic_set_mb(&executed_limit, ft_log_next_seq() - 1);
    head.disk = replay_get_dword();
    head.id = replay_get_qword();
    head.status = (int64_t)replay_get_qword();
    head.hash = replay_get_qword();
    /* It stays the log's, and there, until this event is finished. */
    replay_log->get_array(&head.data, &head.len);
    head.loaded = true;
}

static void ft_disk_unload_head(void)
{
    head.loaded = false;
    qatomic_set_mb(&executed_limit, UINT64_MAX);
}

uint64_t ft_disk_executed_limit(void)
{
    return qatomic_read(&executed_limit);
}

/* With one image for both nodes, what the primary has read is what this one has. */
static bool ft_disk_take_data(FtDiskRequest *r)
{
    if (!ft_disk_shared() || ft_node.config.disk_reads || r->op != FT_DISK_READ
        || head.status < 0) {
        return true;
    }
    if (head.len != r->bytes) {
        g_autofree char *what = g_strdup_printf(
            "drive '%s': read of %" PRId64 " bytes, the log holds %zu", r->disk->name,
            r->bytes, head.len);

        ft_log_diverged(what);
        return false;
    }
    memcpy(r->buf, head.data, head.len);
    r->hash = ft_disk_hash(r);
    return true;
}

/*
 * The secondary reads the image ahead of the event, so that the guest need not wait
 * for it. The primary may have been in the middle of a write there by then; it is
 * not any more.
 */
static bool ft_disk_reads_again(FtDiskRequest *r)
{
    if (!ft_node.config.disk_reads || r->op != FT_DISK_READ || r->read_again
        || r->ret < 0 || head.status < 0 || r->hash == head.hash) {
        return false;
    }
    r->read_again = true;
    r->again = true;
    r->done = false;
    aio_co_wake(r->co);
    return true;
}

/* False names what this node's image did otherwise than the primary's. */
static bool ft_disk_agrees(const FtDiskRequest *r)
{
    g_autofree char *what = NULL;

    if (r->ret < 0 && head.status >= 0) {
        what = g_strdup_printf("drive '%s': this node's image failed a %s of %" PRId64
                               " bytes at %" PRId64 ": %s", r->disk->name,
                               op_names[r->op], r->bytes, r->offset, strerror(-r->ret));
    } else if (r->ret >= 0 && head.status >= 0 && r->hash != head.hash) {
        what = g_strdup_printf("drive '%s': %s of %" PRId64 " bytes at %" PRId64
                               ": the images of the nodes, or their requests, differ",
                               r->disk->name, op_names[r->op], r->bytes, r->offset);
    }
    if (what) {
        ft_log_diverged(what);
    }
    return !what;
}

static void ft_disk_release(FtDiskRequest *r)
{
    r->released = true;
    aio_co_wake(r->co);
}

bool ft_disk_event(void)
{
    FtDiskRequest *r;

    if (!head.loaded) {
        ft_disk_load_head();
    }
    r = ft_disk_find(head.disk, head.id);
    if (!r) {
        g_autofree char *what = g_strdup_printf(
            "completion of request %" PRIu64 " of drive %u, which was not made",
            head.id, head.disk);

        ft_log_diverged(what);
        return false;
    }
    if (!r->done) {
        ft_io_look();
    }
    if (!r->done || !ft_disk_take_data(r) || ft_disk_reads_again(r)
        || !ft_disk_agrees(r)) {
        return false;           /* ft_disk_answered() kicks the vCPU */
    }
    r->ret = head.status;
    ft_disk_unload_head();
    if (ft_node.config.disk_reads && r->op == FT_DISK_READ) {
        ft_log_report_frame();  /* a write of the primary may wait for that */
    }
    replay_finish_event();
    ft_disk_release(r);
    return true;
}

bool ft_disk_event_ready(void)
{
    FtDiskRequest *r = head.loaded ? ft_disk_find(head.disk, head.id) : NULL;

    return !head.loaded || (r && r->done) || ft_io_ready();
}

/*
 * With one image for both nodes there is no answer of our own. A guest that drains
 * resets its device and looks at none; a write that was under way then may have
 * been done by the primary, or not at all.
 */
static void ft_disk_without_answer(FtDiskRequest *r)
{
    if (ft_disk_shared() && r->op == FT_DISK_READ && !ft_node.config.disk_reads) {
        memset(r->buf, 0, r->bytes);
        r->ret = -EIO;
    }
}

/* What the log does not say any more: our own image's answers count. */
static void ft_disk_release_done(void)
{
    for (unsigned i = 0; i < ft_disks_count; i++) {
        FtDiskRequest *r, *next;

        QTAILQ_FOREACH_SAFE(r, &ft_disks[i].requests, next, next) {
            if (r->done && !r->released) {
                ft_disk_without_answer(r);
                if (replay_mode == REPLAY_MODE_RECORD) {
                    ft_disk_log(r);
                }
                ft_disk_release(r);
            }
        }
    }
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

/* -- drain ----------------------------------------------------------------------- */

unsigned ft_disk_in_flight(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < ft_disks_count; i++) {
        n += ft_disks[i].in_flight + ft_disks[i].owed_count;
    }
    return n;
}

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
    qemu_bh_schedule(drain_bh);
}

void ft_disk_drain_soon(void)
{
    qemu_bh_schedule(drain_bh);
}

static void ft_filter_drain_begin(BlockDriverState *bs)
{
    FtDisk *d = ((FtDiskState *)bs->opaque)->disk;

    if (d) {
        trace_ft_disk_drain(d->name, d->in_flight);
    }
    ft_io_main_looks(true);
    qemu_bh_schedule(drain_bh);
}

static void ft_filter_drain_end(BlockDriverState *bs)
{
    ft_io_main_looks(false);
}

/* -- the driver -------------------------------------------------------------------- */

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

int ft_disk_set_asleep(FtDisk *d, bool asleep, Error **errp)
{
    GRAPH_RDLOCK_GUARD_MAINLOOP();
    ((FtDiskState *)d->bs->opaque)->asleep = asleep;
    return bdrv_child_refresh_perms(d->bs, d->bs->file, errp);
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
static BlockDriver ft_filter_driver = {
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

/* -- start-up ----------------------------------------------------------------------- */

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
    drain_bh = qemu_bh_new(ft_disk_drain_bh, NULL);
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

void ft_disk_begin(void)
{
    ft_disk_unload_head();
    for (unsigned i = 0; i < ft_disks_count; i++) {
        g_assert(ft_disks[i].in_flight == 0);
        ft_disks[i].next_request = 0;
    }
    ft_shared_restart();
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
    d->stats.copy_left = d->copy ? ft_copy_map_left(d->copy) : 0;
    return &d->stats;
}
