/*
 * Attach: bring a secondary to the primary's state (design section 6).
 *
 * RAM is copied by QEMU's own migration code in short slices from the main
 * loop, which holds RL and BQL, so that no page is written while it is read and
 * no migration thread meets record/replay. Then comes the cut: stop, run what is
 * queued, save the devices, and LOAD THEM AGAIN ON THE PRIMARY TOO, so that both
 * nodes went through the same save and load and start with the same hidden
 * state. Only RAM is not loaded twice; RUN_STATE_RESTORE_VM keeps the reset
 * before the load from writing ROM images into it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-attach.h"
#include "accel/ft/glue/ft-gate.h"
#include "accel/ft/glue/ft-link.h"
#include "accel/ft/glue/ft-operator.h"
#include "accel/ft/glue/ft-session.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "net/ft-filter/glue/ft-net.h"
#include "qemu/units.h"
#include "exec/ramlist.h"
#include "exec/target_page.h"
#include "hw/boards.h"
#include "hw/core/cpu.h"
#include "io/channel-buffer.h"
#include "io/channel-socket.h"
#include "migration/global_state.h"
#include "migration/misc.h"
#include "migration/register.h"
#include "qemu/bitmap.h"
#include "qemu/coroutine.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/rcu.h"
#include "qemu/timer.h"
#include "qemu/yank.h"
#include "system/cpu-timers.h"
#include "system/cpus.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "../accel/tcg/internal-common.h"
#include "../migration/migration.h"
#include "../migration/ram.h"
#include "../migration/migration-stats.h"
#include "../migration/qemu-file.h"
#include "../migration/savevm.h"
#include "../migration/yank_functions.h"
#include "accel/ft/glue/trace.h"

#define FT_SLICE_BYTES (4 * MiB)
#define FT_CHUNK_BYTES (1 * MiB)
/* What a machine's devices take that was never saved yet. */
#define FT_DEVICES_BYTES (256 * KiB)
#define FT_LOOK_NS (5 * SCALE_MS)
#define FT_LOG_RING_BYTES (64 * MiB)
#define FT_QUIESCE_MAX 1000
/* So long the cut waits in all for requests that are under way: a host's disk may hang. */
#define FT_QUIET_NS (400 * SCALE_MS)
#define FT_STOPS_MAX 5
/*
 * How long nothing may arrive before an attach is given up: that is about the link and
 * the secondary, whatever ft-timeout is. Behind the cut output is held; a secondary
 * that is alive and does not load is one that has failed.
 */
#define FT_STILL_NS (10 * NANOSECONDS_PER_SECOND)
#define FT_LOADING_TIMEOUTS 4
#define FT_LOADING_MIN_NS (2 * NANOSECONDS_PER_SECOND)
/* migration_rate_set() wants bytes per second and divides by ten. */
#define FT_RATE_UNITS 10

/* -- primary ----------------------------------------------------------------- */

/*
 * Before the cut the secondary has to be ready to load what the cut brings:
 * while it works off a queue of RAM the guest's output would wait for it.
 */
typedef enum FtMark { FT_MARK_NONE, FT_MARK_ASKED, FT_MARK_BACK } FtMark;

static struct {
    bool active;
    QIOChannelBuffer *buffer;
    QEMUFile *file;
    QEMUTimer *timer;
    QEMUBH *bh;
    FtAttachPace *pace;
    bool closing;               /* the next cut follows on the next mark    */
    uint64_t moved_ns;          /* when something was last seen to move     */
    uint64_t devices_bytes;     /* what they took at the last cut           */
    FtMark mark;                /* atomic                                   */
    QEMUTimer *patience;        /* behind the cut                           */
    FtLogWriter *writer;        /* of the attach before; freed at the next  */
} attach;

static void ft_attach_cleanup(MigrationStatus end)
{
    MigrationState *ms = migrate_get_current();

    if (!attach.active) {
        return;
    }
    attach.active = false;
    ft_slow_set(0);
    qemu_savevm_state_cleanup();
    g_clear_pointer(&ms->vmdesc, json_writer_free);
    ms->to_dst_file = NULL;
    migrate_set_state(&ms->state, MIGRATION_STATUS_SETUP, end);
    qemu_fclose(attach.file);
    attach.file = NULL;
    object_unref(OBJECT(attach.buffer));
    attach.buffer = NULL;
}

void ft_attach_done(void)
{
    timer_del(attach.patience);
}

void ft_attach_abort(void)
{
    if (attach.patience) {
        timer_del(attach.patience);
    }
    ft_copy_abort();
    ft_attach_cleanup(MIGRATION_STATUS_FAILED);
}

static uint64_t ft_loading_max_ns(void)
{
    return MAX(FT_LOADING_MIN_NS, FT_LOADING_TIMEOUTS * ft_node.config.timeout_ns);
}

static void ft_attach_fail(const char *what)
{
    ft_attach_abort();
    ft_post(ft_peer_gen(), FT_IN_ATTACH_FAILED, 0, what);
}

/* Behind the cut: heartbeats answer, but its main loop or its loader hangs. */
static void ft_attach_stands_still(void *opaque)
{
    g_autofree char *text = g_strdup_printf("the secondary does not load the state: not in the "
                                            "%" PRIu64 " ms since it was sent",
                                            ft_loading_max_ns() / SCALE_MS);

    ft_attach_fail(text);
}

void ft_attach_moves(void)
{
    attach.moved_ns = ft_now_ns();
}

/* What the link has done until now. False: nothing has moved for too long. */
static bool ft_attach_follow_link(void)
{
    g_autofree char *text = NULL;
    uint64_t now_ns = ft_now_ns(), under_way = ft_link_under_way();
    FtAttachStats s;

    ft_attach_pace_link(attach.pace, now_ns, ft_node.attach_bytes, under_way);
    ft_attach_pace_stats(attach.pace, &s);
    ft_node.attach = s;
    attach.moved_ns = MAX(attach.moved_ns, s.moved_ns);
    if (now_ns - attach.moved_ns < FT_STILL_NS) {
        return true;
    }
    text = g_strdup_printf("%s: nothing has moved for %u s, %" PRIu64 " MiB are left",
                           under_way ? "the link to the secondary carries nothing"
                                     : "the secondary does not load the state",
                           (unsigned)(FT_STILL_NS / NANOSECONDS_PER_SECOND),
                           DIV_ROUND_UP(ft_node.attach_left + under_way, MiB));
    ft_attach_fail(text);
    return false;
}

/* Hands what the migration code has written to the sender. */
static void ft_attach_flush(void)
{
    QIOChannelBuffer *b = attach.buffer;

    qemu_fflush(attach.file);
    for (size_t at = 0; at < b->usage; at += FT_CHUNK_BYTES) {
        size_t len = MIN(FT_CHUNK_BYTES, b->usage - at);
        GByteArray *body = g_byte_array_sized_new(len);

        g_byte_array_append(body, b->data + at, len);
        ft_link_send(FT_MSG_STATE, body);
        ft_node.attach_bytes += len;
        ft_node.attach_covered += len;
    }
    b->usage = 0;
    b->offset = 0;
}

static GByteArray *ft_save_devices(void)
{
    QIOChannelBuffer *b = qio_channel_buffer_new(256 * KiB);
    QEMUFile *f = qemu_file_new_output(QIO_CHANNEL(b));
    GByteArray *blob = NULL;

    if (qemu_save_device_state(f) == 0 && qemu_fflush(f) == 0) {
        blob = g_byte_array_sized_new(b->usage);
        g_byte_array_append(blob, b->data, b->usage);
    }
    qemu_fclose(f);
    object_unref(OBJECT(b));
    return blob;
}

/* Both nodes: reset, then load what ft_save_devices() has made. */
static bool ft_restore_devices(const GByteArray *blob)
{
    QIOChannelBuffer *b = qio_channel_buffer_new(blob->len);
    QEMUFile *f;
    bool ok;

    qio_channel_write_all(QIO_CHANNEL(b), (char *)blob->data, blob->len, &error_abort);
    qio_channel_io_seek(QIO_CHANNEL(b), 0, 0, &error_abort);
    f = qemu_file_new_input(QIO_CHANNEL(b));
    qemu_system_reset(SHUTDOWN_CAUSE_SNAPSHOT_LOAD);
    ok = qemu_get_be32(f) == QEMU_VM_FILE_MAGIC
        && qemu_get_be32(f) == QEMU_VM_FILE_VERSION
        && qemu_load_device_state(f) == 0;
    /* Empty is not enough: the size of a TLB is history that the guest can see. */
    tlb_destroy(first_cpu);
    tlb_init(first_cpu);
    qemu_fclose(f);
    object_unref(OBJECT(b));
    return ok;
}

/*
 * What the restore has left for the vCPU thread to do, a flush of its TLB, is done
 * before the log begins: the first digest would come before it on the primary and
 * behind it on the secondary, and looks at the TLB. That thread, which may wait for
 * the replay mutex, cannot be asked; its CPU is stopped and the BQL is ours.
 */
static void ft_settle_cpu(void)
{
    g_assert(cpu_is_stopped(first_cpu));
    process_queued_cpu_work(first_cpu);
}

/*
 * The guest asked for a reset or its end, and the main loop has not come to it. Cut
 * now, the log would have the main loop's part of it and the secondary no request.
 */
static bool ft_main_loop_owes(void)
{
    return qemu_reset_requested_get() || qemu_shutdown_requested_get();
}

static bool ft_disks_are_quiet(void *opaque)
{
    return ft_disk_in_flight() == 0;
}

/* The vCPU waits for us meanwhile, so nothing new is asked. False: some have no answer. */
static bool ft_wait_for_disks(uint64_t deadline_ns)
{
    bool quiet;

    ft_io_main_looks(true);
    quiet = ft_poll_until(ft_disks_are_quiet, NULL, deadline_ns);
    ft_io_main_looks(false);
    return quiet;
}

/* The first drive that owes answers; there is one. */
static char *ft_slow_disk(void)
{
    const FtDiskStats *s = NULL;

    for (unsigned i = 0; (s = ft_disk_stats(i)) && !s->in_flight; i++) {
    }
    return g_strdup_printf("the cut: drive '%s' has not answered for %d ms (%" PRIu64
                           " requests)", s ? s->name : "?", (int)(FT_QUIET_NS / SCALE_MS),
                           s ? s->in_flight : 0);
}

/*
 * Events that are queued but not in the log yet would be lost at the cut. They
 * run while the guest still counts as running: a NIC that is stopped puts a
 * packet aside and gives it to the guest at the start, on this node only.
 * NULL, or why it cannot be; the caller's to free.
 */
static char *ft_quiesce(uint64_t deadline_ns)
{
    for (int i = 0; i < FT_QUIESCE_MAX; i++) {
        if (!ft_wait_for_disks(deadline_ns)) {
            return ft_slow_disk();
        }
        if (ft_main_loop_owes()) {
            break;
        }
        if (replay_can_snapshot()) {
            return NULL;
        }
        replay_async_events();
    }
    return g_strdup("the cut: events keep coming");
}

static char *ft_stop_quiet(bool was_running)
{
    uint64_t deadline_ns = ft_now_ns() + FT_QUIET_NS;

    for (int i = 0; i < FT_STOPS_MAX; i++) {
        char *why = ft_quiesce(deadline_ns);

        if (why || !was_running) {
            return why;
        }
        vm_stop(RUN_STATE_RESTORE_VM);
        if (replay_can_snapshot() && !ft_disk_in_flight()) {
            return NULL;
        }
        vm_start();
    }
    return g_strdup("the cut: events keep coming");
}

/* Nothing the secondary could go live with has been sent: the guest runs on. */
static void ft_cut_failed(bool was_running, const char *what)
{
    ft_attach_fail(what);
    if (was_running) {
        vm_start();
    }
}

static void ft_cut_now(void)
{
    uint64_t start_ns = ft_now_ns();
    bool was_running = runstate_is_running();
    g_autofree char *why = NULL;
    GByteArray *blob;
    guint blob_len;

    ft_die_at("die-at-cut");
    ft_slow_set(0);
    ft_copy_hurry();
    why = ft_link_log_is_unused() ? ft_stop_quiet(was_running)
                                  : g_strdup("the cut: ft-log-file= of the last attach hangs");
    if (why) {
        ft_attach_fail(why);
        return;
    }
    why = ft_copy_finish(FT_QUIET_NS);
    if (why) {
        ft_cut_failed(was_running, why);
        return;
    }
    qemu_savevm_live_state(attach.file);
    /* The loader wants a description; an empty one will do. */
    qemu_put_byte(attach.file, QEMU_VM_VMDESCRIPTION);
    qemu_put_be32(attach.file, 0);
    ft_attach_flush();
    ft_attach_cleanup(MIGRATION_STATUS_COMPLETED);

    global_state_store();
    blob = ft_save_devices();
    if (blob && blob->len > FT_WIRE_BODY_MAX) {
        g_byte_array_unref(blob);
        ft_cut_failed(was_running, "the cut: the devices' state is larger than a message");
        return;
    }
    if (!blob || !ft_restore_devices(blob)) {
        /* Saved and loaded by one process: if that fails it is our own fault. */
        error_report("ft: the cut: cannot load the device state just saved");
        abort();
    }
    blob_len = blob->len;
    attach.devices_bytes = blob_len;
    ft_node.attach_bytes += blob_len;
    ft_link_send(FT_MSG_DEVICES, blob);

    ft_log_writer_free(attach.writer);
    attach.writer = ft_log_writer_new(FT_LOG_RING_BYTES);
    ft_output_set(FT_OUTPUT_KEEP);
    ft_output_restart();
    ft_link_start_log(attach.writer);
    ft_digest_begin();
    ft_disk_begin();
    ft_settle_cpu();
    if (was_running) {
        vm_start();
    }
    if (ft_node.config.digest_ns && was_running) {
        /* The first event of the log proves that both start from the same state. */
        ft_digest_take(ft_node.config.digest_dir != NULL, &error_abort);
    }
    ft_node.attach_pause_ns = ft_now_ns() - start_ns;
    ft_node.attach_ns = ft_now_ns() - ft_node.attach_start_ns;
    ft_node.attach_left = 0;
    timer_mod(attach.patience, ft_now_ns() + ft_loading_max_ns());
    trace_ft_cut(icount_get_raw(), blob_len, ft_node.attach_pause_ns);
    /* At once: whatever is posted from here on happened after the cut. */
    ft_input(FT_IN_CUT_DONE, 0, NULL, &error_abort);
}

/*
 * It polls for completions of the disks, and what polls runs bottom halves: what
 * they bring of this attach waits until the cut is over.
 */
static void ft_cut(void)
{
    ft_node.cutting = true;
    ft_pause_lift();
    ft_cut_now();
    ft_pause_again();
    ft_node.cutting = false;
    ft_post_again();
}

/* -- the pass ----------------------------------------------------------------- */

/* Bytes of the pages that the guest has written to since the last look. */
static uint64_t ft_written_bytes(void)
{
    DirtyMemoryBlocks *dirty;
    uint64_t pages = 0;

    RCU_READ_LOCK_GUARD();
    dirty = qatomic_rcu_read(&ram_list.dirty_memory[DIRTY_MEMORY_MIGRATION]);
    for (unsigned i = 0; i < ram_list.num_dirty_blocks; i++) {
        pages += bitmap_count_one(dirty->blocks[i], DIRTY_MEMORY_BLOCK_SIZE);
    }
    return pages * qemu_target_page_size();
}

/* Looks at what the guest has written to, and asks how to go on. */
static FtAttachVerdict ft_attach_look(void)
{
    FtAttachLook look = { .written = ft_written_bytes() };
    uint64_t must, can;
    FtAttachVerdict verdict;

    qemu_savevm_state_pending_estimate(&must, &can);
    look.left_before = must + can;
    /* Written for the migration thread, it takes the BQL; RL keeps the
     * vCPU out of the guest meanwhile. */
    bql_unlock();
    qemu_savevm_state_pending_exact(&must, &can);
    bql_lock();
    look.left = must + can;
    look.now_ns = ft_now_ns();
    look.beside = ft_copy_left() + attach.devices_bytes;
    ft_node.attach_left = look.left + ft_copy_left();
    verdict = ft_attach_pace_look(attach.pace, &look);
    ft_attach_pace_stats(attach.pace, &ft_node.attach);
    ft_slow_set(ft_node.attach.slowed);
    trace_ft_attach_look(ft_node.attach.looks, look.left, look.written, ft_node.attach_bytes,
                         ft_node.attach.link_rate, ft_node.attach.slowed, verdict);
    return verdict;
}

/*
 * A look at the end of a pass, or because it is time for one. Before the cut the
 * secondary has to have loaded what was sent: it is asked behind the last pass, and that
 * one's look says whether the rest is still small enough. True: the attach is over, or cut.
 */
static bool ft_attach_decide(bool done)
{
    bool caught_up = done && qatomic_read(&attach.mark) == FT_MARK_BACK;
    FtAttachVerdict verdict = ft_attach_look();
    FtError why = { "" };

    qatomic_set(&attach.mark, FT_MARK_NONE);
    attach.closing = verdict == FT_ATTACH_CUT && !ft_main_loop_owes();
    if (verdict == FT_ATTACH_GIVE_UP) {
        ft_attach_pace_why(attach.pace, &why);
        ft_attach_fail(why.text);
        return true;
    }
    if (attach.closing && caught_up) {
        ft_cut();
        return true;
    }
    return false;
}

bool ft_attach_active(void)
{
    return attach.active;
}

bool ft_attach_drives_first(void)
{
    return !ft_copy_told_all() || ft_copy_left() > ft_copy_few();
}

/* One slice of memory; the guest runs between two of them. 1: all that is known to be
 * dirty has been sent, 0: there is more, -1: it failed. */
static int ft_attach_send_slice(void)
{
    int done;

    ft_die_at("die-at-ram-pass");
    migration_rate_set(ft_attach_pace_slice(attach.pace, FT_SLICE_BYTES) * FT_RATE_UNITS);
    migration_rate_reset();
    done = qemu_savevm_state_iterate(attach.file, false);
    ft_attach_flush();
    return done < 0 || qemu_file_get_error(attach.file) ? -1 : done;
}

/* Memory is added to the queue while no more than this is in it. The drives, which may
 * queue a slice, so come before the memory. */
static uint64_t ft_attach_room(void)
{
    uint64_t slice = ft_attach_pace_slice(attach.pace, FT_SLICE_BYTES);

    return ft_copy_left() ? slice / 2 : 2 * slice;
}

/* The link, the drives or the secondary first: looks again soon. True: it has to wait. */
static bool ft_attach_waits(void)
{
    if (ft_attach_drives_first()) {
        /* First the drives, which are larger: RAM would only get dirty again. */
        ft_node.attach_left = ram_bytes_total() + ft_copy_left();
    } else if (qatomic_read(&attach.mark) != FT_MARK_ASKED
               && ft_link_queued() <= ft_attach_room()) {
        return false;
    }
    timer_mod(attach.timer, ft_now_ns() + FT_LOOK_NS);
    return true;
}

static void ft_attach_slice(void *opaque)
{
    uint64_t start_ns = ft_now_ns();
    int done;

    if (ft_node.cutting || !attach.active) {
        return;
    }
    if (qemu_in_vcpu_thread()) {
        qemu_bh_schedule(attach.bh);    /* inside of a guest's instruction */
        return;
    }
    if (!ft_attach_follow_link() || ft_attach_waits()) {
        return;
    }
    done = ft_attach_send_slice();
    if (done < 0) {
        ft_attach_fail("the RAM pass failed");
        return;
    }
    if (!ft_attach_follow_link()) {
        return;
    }
    if (done && attach.closing && qatomic_read(&attach.mark) == FT_MARK_NONE) {
        qatomic_set(&attach.mark, FT_MARK_ASKED);
        ft_link_send(FT_MSG_MARK, NULL);
    } else if ((done || ft_attach_pace_due(attach.pace, start_ns)) && ft_attach_decide(done)) {
        return;
    }
    if (runstate_is_running()) {
        timer_mod(attach.timer, ft_now_ns() + (ft_now_ns() - start_ns));
    } else {
        qemu_bh_schedule(attach.bh);
    }
}

static void ft_attach_sent(void)
{
    if (attach.bh) {
        qemu_bh_schedule(attach.bh);
    }
}

static void ft_attach_mark_back(void)
{
    if (qatomic_cmpxchg(&attach.mark, FT_MARK_ASKED, FT_MARK_BACK) == FT_MARK_ASKED) {
        ft_attach_sent();
    }
}

static const FtAttachListener attach_listener = {
    .sent = ft_attach_sent,
    .caught_up = ft_attach_mark_back,
    .sums = ft_copy_sums,
    .zeros = ft_copy_told_zeros,
};

void ft_attach_start(void)
{
    ft_link_attach_listener(&attach_listener);
}

void ft_attach_begin(uint64_t epoch)
{
    MigrationState *ms = migrate_get_current();
    Error *err = NULL;

    ft_link_set_epoch(epoch);
    memset(&ft_node.takeover, 0, sizeof(ft_node.takeover));
    if (!attach.bh) {
        attach.bh = qemu_bh_new(ft_attach_slice, NULL);
        attach.timer = timer_new_ns(QEMU_CLOCK_REALTIME, ft_attach_slice, NULL);
        attach.patience = timer_new_ns(QEMU_CLOCK_REALTIME, ft_attach_stands_still, NULL);
    }
    if (migration_is_blocked(&err) || migration_is_running()
        || migrate_init(ms, &err) != 0) {
        ft_post(ft_peer_gen(), FT_IN_ATTACH_FAILED, 0,
                err ? error_get_pretty(err) : "a migration is under way");
        error_free(err);
        return;
    }
    attach.active = true;
    ft_attach_pace_free(attach.pace);
    attach.pace = ft_attach_pace_new(ft_now_ns(), ram_bytes_total());
    g_assert(attach.pace);
    attach.closing = false;
    attach.devices_bytes = attach.devices_bytes ?: FT_DEVICES_BYTES;
    attach.mark = FT_MARK_NONE;
    attach.buffer = qio_channel_buffer_new(FT_SLICE_BYTES);
    attach.file = qemu_file_new_output(QIO_CHANNEL(attach.buffer));
    ms->to_dst_file = attach.file;
    ft_node.attach_bytes = 0;
    ft_node.attach_covered = 0;
    ft_node.attach = (FtAttachStats) {};
    ft_node.attach_left = ram_bytes_total();
    ft_node.attach_start_ns = ft_now_ns();
    ft_node.attach_ns = 0;
    ft_attach_moves();
    qemu_savevm_state_header(attach.file);
    if (qemu_savevm_state_setup(attach.file, &err) != 0) {
        ft_attach_fail(err ? error_get_pretty(err) : "the RAM pass cannot be set up");
        error_free(err);
        return;
    }
    ft_attach_flush();
    ft_copy_begin();
    qemu_bh_schedule(attach.bh);
}

/* -- secondary ---------------------------------------------------------------- */

static struct {
    bool active, ram_done;
    bool running;               /* the loader's coroutine has not ended     */
    bool again;                 /* the next load waits for its end          */
    int write_fd;               /* the near end of the pipe, -1 without one */
    QemuEvent ready;            /* write_fd is there, or there will be none */
    GByteArray *devices;
    QEMUBH *bh;
    QemuMutex lock;             /* of devices                               */
} load;

static void __attribute__((constructor)) ft_load_init(void)
{
    load.write_fd = -1;
    qemu_event_init(&load.ready, false);
    qemu_mutex_init(&load.lock);
}

static void ft_load_fail(const char *what)
{
    ft_load_abort();
    ft_post(0, FT_IN_ATTACH_FAILED, 0, what);
}

/* The loader has ended and nobody needs its result: another one may begin. */
static void ft_load_clean(void)
{
    migration_incoming_state_destroy();
    close(load.write_fd);
    load.write_fd = -1;
    if (load.again) {
        load.again = false;
        ft_load_begin();
    }
}

/* RAM and devices are here: become what the primary was at the cut. */
static void ft_load_finish(const GByteArray *blob)
{
    replay_flush_events();
    if (!ft_restore_devices(blob)) {
        ft_load_fail("the device state of the primary could not be loaded");
        return;
    }
    load.active = false;
    ft_load_clean();
    ft_log_replay_from(ft_log_reader());
    ft_digest_begin();
    ft_disk_begin();
    ft_settle_cpu();
    ft_output_set(FT_OUTPUT_KEEP);
    ft_session_set_epoch(ft_node.session, ft_link_epoch());
    ft_die_at("die-at-state-loaded");
    trace_ft_loaded(icount_get_raw());
    vm_start();
    /* At once: a goodbye that waits in the queue must find us loaded. */
    ft_input(FT_IN_STATE_LOADED, 0, NULL, &error_abort);
}

/* The loader has ended, or the devices have come, in whatever order. */
static void ft_load_bh(void *opaque)
{
    g_autoptr(GByteArray) blob = NULL;

    if (load.running || load.write_fd < 0 || ft_fault("load-never")) {
        return;
    }
    if (!load.active) {
        ft_load_clean();
        return;
    }
    if (!load.ram_done) {
        ft_load_fail("the RAM of the primary could not be loaded");
        return;
    }
    WITH_QEMU_LOCK_GUARD(&load.lock) {
        blob = g_steal_pointer(&load.devices);
    }
    if (blob) {
        ft_load_finish(blob);
    }
}

static void coroutine_fn ft_load_ram_co(void *opaque)
{
    QIOChannel *ioc = opaque;
    MigrationIncomingState *mis = migration_incoming_get_current();

    mis->from_src_file = qemu_file_new_input(ioc);
    object_unref(OBJECT(ioc));
    load.ram_done = qemu_loadvm_state(mis->from_src_file) >= 0;
    load.running = false;
    qemu_bh_schedule(load.bh);
}

void ft_load_begin(void)
{
    QIOChannelSocket *ioc;
    Error *err = NULL;
    int fds[2];

    if (load.write_fd >= 0) {
        load.again = true;      /* ft_load_clean() comes back here */
        return;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0
        || !(ioc = qio_channel_socket_new_fd(fds[0], &error_abort))
        || !yank_register_instance(MIGRATION_YANK_INSTANCE, NULL)) {
        ft_load_fail("no resources to load the state");
        return;
    }
    migration_ioc_register_yank(QIO_CHANNEL(ioc));
    qio_channel_set_blocking(QIO_CHANNEL(ioc), false, NULL);
    load.active = true;
    load.running = true;
    load.ram_done = false;
    load.write_fd = fds[1];
    if (!load.bh) {
        load.bh = qemu_bh_new(ft_load_bh, NULL);
    }
    qemu_event_set(&load.ready);
    qemu_coroutine_enter(qemu_coroutine_create(ft_load_ram_co, ioc));
    if (ft_disk_shared() ? !ft_images_load_begin(&err) : !ft_copy_load_begin(ft_load_fail, &err)) {
        ft_load_fail(error_get_pretty(err));
        error_free(err);
    }
}

void ft_load_abort(void)
{
    qemu_event_set(&load.ready);
    load.again = false;
    ft_copy_load_abort();
    if (!load.active) {
        return;
    }
    load.active = false;
    /* The loader reads an end of file, the receiver's next write fails. */
    shutdown(load.write_fd, SHUT_RDWR);
    qemu_bh_schedule(load.bh);
}

static void ft_load_prepare(void)
{
    WITH_QEMU_LOCK_GUARD(&load.lock) {
        g_clear_pointer(&load.devices, g_byte_array_unref);     /* given up */
    }
    qemu_event_reset(&load.ready);
}

static int ft_load_open(void)
{
    qemu_event_wait(&load.ready);
    return load.write_fd >= 0 ? fcntl(load.write_fd, F_DUPFD_CLOEXEC, 0) : -1;
}

static void ft_load_devices(GByteArray *blob)
{
    WITH_QEMU_LOCK_GUARD(&load.lock) {
        if (load.devices) {
            g_byte_array_unref(load.devices);
        }
        load.devices = blob;
    }
    if (load.bh) {
        qemu_bh_schedule(load.bh);
    }
}

static const FtLoadListener load_listener = {
    .prepare = ft_load_prepare,
    .open = ft_load_open,
    .devices = ft_load_devices,
    .chunk = ft_copy_receive,
    .zeros = ft_copy_receive_zeros,
    .ask_durable = ft_copy_ask_durable,
    .is_durable = ft_copy_is_durable,
    .disk_failed = ft_copy_has_failed,
};

void ft_load_start(void)
{
    ft_link_load_listener(&load_listener);
}
