/*
 * The log under QEMU's replay/: its events to and from our own encoding.
 *
 * A frame is all that is recorded between taking and releasing the replay
 * mutex (design section 4); the secondary sees whole frames only, so every read
 * inside an event finds its data and every frame boundary is a point to go live.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/units.h"
#include "accel/ft/glue/ft-node.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/notify.h"
#include "qemu/seqlock.h"
#include "qemu/timer.h"
#include "system/cpu-timers.h"
#include "system/cpu-timers-internal.h"
#include "system/cpus.h"
#include "system/replay.h"
#include "replay/replay-internal.h"
#include "hw/core/cpu.h"

#define FT_RING_BYTES (64 * MiB)
#define FT_BACKLOG_MAX (16 * MiB)
#define FT_THROTTLE_US 200
#define FT_THROTTLE_MAX_US 100000
/* Falling asleep costs time: shorter pauses are saved up. */
#define FT_PAUSE_MIN_NS SCALE_MS
/* The longest delay of a frame that no output waits for. */
#define FT_LINGER_NS (2 * SCALE_MS)
#define FT_LINGER_MAX_NS (6 * SCALE_MS)
/* A guest that executes has its position in the log this often, at least. */
#define FT_SILENCE_NS (4 * SCALE_MS)
/* So much is not kept back: the link and the secondary can work on it meanwhile. */
#define FT_LINGER_BYTES (64 * KiB)

/* -- event numbers -------------------------------------------------------------
 * Written out both ways: the wire must not change when QEMU's enum does.
 */
static const struct {
    unsigned qemu;
    uint8_t wire;
} event_numbers[] = {
    { EVENT_INSTRUCTION, FT_EV_INSTRUCTION },
    { EVENT_INTERRUPT, FT_EV_INTERRUPT },
    { EVENT_EXCEPTION, FT_EV_EXCEPTION },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_BH, FT_EV_BH },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_BH_ONESHOT, FT_EV_BH_ONESHOT },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_INPUT, FT_EV_INPUT },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_INPUT_SYNC, FT_EV_INPUT_SYNC },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_CHAR_READ, FT_EV_CHAR_READ },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_BLOCK, FT_EV_BLOCK },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_NET, FT_EV_NET },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_OPERATOR, FT_EV_OPERATOR },
    { EVENT_CHAR_WRITE, FT_EV_CHAR_WRITE },
    { EVENT_CHAR_READ_ALL, FT_EV_CHAR_READ_ALL },
    { EVENT_CHAR_READ_ALL_ERROR, FT_EV_CHAR_READ_ALL_ERROR },
    { EVENT_RANDOM, FT_EV_RANDOM },
    { EVENT_CLOCK + REPLAY_CLOCK_HOST, FT_EV_CLOCK_HOST },
    { EVENT_CLOCK + REPLAY_CLOCK_VIRTUAL_RT, FT_EV_CLOCK_VIRTUAL_RT },
    { EVENT_GUEST_CLOCK, FT_EV_GUEST_CLOCK },
    { EVENT_CHECKPOINT + CHECKPOINT_CLOCK_WARP_START, FT_EV_CHECKPOINT + 0 },
    { EVENT_CHECKPOINT + CHECKPOINT_CLOCK_WARP_ACCOUNT, FT_EV_CHECKPOINT + 1 },
    { EVENT_CHECKPOINT + CHECKPOINT_RESET_REQUESTED, FT_EV_CHECKPOINT + 2 },
    { EVENT_CHECKPOINT + CHECKPOINT_SUSPEND_REQUESTED, FT_EV_CHECKPOINT + 3 },
    { EVENT_CHECKPOINT + CHECKPOINT_CLOCK_VIRTUAL, FT_EV_CHECKPOINT + 4 },
    { EVENT_CHECKPOINT + CHECKPOINT_CLOCK_HOST, FT_EV_CHECKPOINT + 5 },
    { EVENT_CHECKPOINT + CHECKPOINT_CLOCK_VIRTUAL_RT, FT_EV_CHECKPOINT + 6 },
    { EVENT_CHECKPOINT + CHECKPOINT_INIT, FT_EV_CHECKPOINT + 7 },
    { EVENT_CHECKPOINT + CHECKPOINT_RESET, FT_EV_CHECKPOINT + 8 },
    { EVENT_OUTPUT, FT_EV_OUTPUT },
    { EVENT_DIGEST, FT_EV_DIGEST },
    { EVENT_DISK, FT_EV_DISK },
};

static uint8_t to_wire[EVENT_COUNT];
static uint8_t from_wire[256];

static void ft_fill_numbers(void)
{
    memset(from_wire, EVENT_COUNT, sizeof(from_wire));
    for (size_t i = 0; i < ARRAY_SIZE(event_numbers); i++) {
        to_wire[event_numbers[i].qemu] = event_numbers[i].wire;
        from_wire[event_numbers[i].wire] = event_numbers[i].qemu;
    }
}

/* -- state ------------------------------------------------------------------------ */

static FtLogWriter *writer;     /* set with the VM stopped, RL              */
static QemuEvent *writer_wake;
static uint64_t next_seq = UINT64_MAX;  /* atomic copy of the writer's      */
static bool urgent;             /* of the open frame; RL                    */
static uint64_t unsent_ns;      /* since when a frame waits, 0: none; RL or BQL */
static uint64_t committed_ns;   /* the last frame; RL                       */
static uint64_t slowed_ns;      /* the guest has waited for the secondary; atomic */
static bool overflow_told;
static FtLogReader *reader;     /* fed by the receiver, read under RL       */
static bool replaying;          /* the reader is replay's, RL               */
static bool draining;           /* RL                                       */
static bool diverged;           /* RL                                       */
static const char *about;       /* RL: the drive that is putting out, or NULL */
static QEMUBH *drain_bh;

static FtLagSamples *lag_samples;       /* RL to write, any to read         */
static uint64_t icount_at_cut;  /* main                                     */
static unsigned logs_begun;     /* atomic                                   */
static FtLagEstimate *lag_estimate;     /* vCPU                             */

/* -- recording ---------------------------------------------------------------------- */

/*
 * Output waits for its frame's acknowledgement, and what was typed is lost with this
 * host until it is at the other: such frames are sent at once. All others only tell
 * the secondary where it may go on; they wait for company. So does a disk's
 * completion: nothing of it is lost with this host, because the other one's image
 * answers too, and whatever the guest says of it is output. So does a packet: until
 * the guest answers nobody outside counts on it, and with the answer it goes. Sent at
 * once, each request of a client cost two messages, two acks and four wake-ups more.
 */
static bool ft_event_is_urgent(unsigned event)
{
    switch (event) {
    case EVENT_OUTPUT:
    case EVENT_ASYNC + REPLAY_ASYNC_EVENT_CHAR_READ:
    case EVENT_ASYNC + REPLAY_ASYNC_EVENT_INPUT:
    case EVENT_ASYNC + REPLAY_ASYNC_EVENT_OPERATOR:
        return true;
    default:
        return false;
    }
}

static void ft_log_put_event_op(unsigned event)
{
    if (writer) {
        g_assert(to_wire[event] != 0);
        urgent = urgent || ft_event_is_urgent(event);
        ft_log_put_event(writer, to_wire[event]);
    }
}

static void ft_log_put_int_op(uint64_t value)
{
    if (writer) {
        ft_log_put_int(writer, value);
    }
}

static void ft_log_put_array_op(const uint8_t *buf, size_t size)
{
    if (writer) {
        ft_log_put_bytes(writer, buf, size);
    }
}

/* Of this node, until @now_ns: the time in which it did not wait for its secondary. */
static uint64_t ft_worked_ns(uint64_t now_ns)
{
    return now_ns - qatomic_read(&slowed_ns);
}

/*
 * RL or BQL: what was committed is sent now. A guest that sleeps between requests
 * will sleep again until its answer has brought the next: its vCPU thread has the
 * time to send. One that is busy leaves that to the sender thread.
 */
void ft_log_flush(void)
{
    if (writer) {
        unsent_ns = 0;
        if (!urgent || !qemu_in_vcpu_thread() || !ft_has_napped()
            || !ft_peer_send_now(writer)) {
            qemu_event_set(writer_wake);
        }
    }
}

/*
 * RL, recording: the log has said nothing for so long that the secondary should be
 * told how far it may execute, and what waits to be sent should go. A guest that
 * executes with its interrupts off makes no event by itself, for seconds maybe.
 */
bool ft_log_is_silent(uint64_t now_ns)
{
    return writer && now_ns - committed_ns >= FT_SILENCE_NS;
}

/* RL or BQL: nothing may be committed until then; INT64_MAX: until woken. */
void ft_log_sleeps_until(int64_t until_ns)
{
    if (unsent_ns && until_ns - (int64_t)unsent_ns > FT_LINGER_MAX_NS) {
        ft_log_flush();
    }
}

static void ft_log_commit_op(void)
{
    if (!writer) {
        return;
    }
    if (ft_log_commit(writer)) {
        uint64_t now = ft_now_ns();

        qatomic_set(&next_seq, ft_log_open_seq(writer));
        ft_lag_samples_add(lag_samples, next_seq - 1, now, ft_worked_ns(now),
                           ft_peer_executed_seq());
        committed_ns = now;
        unsent_ns = unsent_ns ? unsent_ns : now;
        if (urgent || ft_pausing() || now - unsent_ns >= FT_LINGER_NS
            || ft_log_writer_used(writer) >= FT_LINGER_BYTES) {
            ft_log_flush();
        }
        urgent = false;
    }
    if (ft_log_overflowed(writer) && !overflow_told) {
        g_autofree char *why = g_strdup_printf("the log overflowed: %zu MiB wait for the "
                                               "secondary, which takes them too slowly: look "
                                               "at the link and at its host's CPUs",
                                               ft_log_writer_used(writer) >> 20);

        overflow_told = true;
        ft_post(0, FT_IN_CONNECTION_LOST, 0, why);
    }
}

void ft_log_commit_large(void)
{
    if (writer && ft_log_open_bytes(writer) >= FT_LINGER_BYTES) {
        ft_log_commit_op();
    }
}

void ft_log_publish(void)
{
    g_assert(replay_mutex_locked());
    replay_save_instructions();
    ft_log_commit_op();
}

void ft_log_record_to(FtLogWriter *w, QemuEvent *wake)
{
    g_assert(replay_mutex_locked());
    writer = w;
    writer_wake = wake;
    overflow_told = false;
    urgent = false;
    unsent_ns = 0;
    icount_at_cut = replay_state.current_icount;
    ft_lag_samples_clear(lag_samples);
    qatomic_set(&logs_begun, logs_begun + 1);
    qatomic_set(&next_seq, w ? ft_log_open_seq(w) : UINT64_MAX);
    ft_log_taken();
}

/*
 * The frame that is being recorded or replayed; replaying, it may be one later.
 * Without a log there is none that could be acked: what is put out then waits
 * behind all that is held, until output is free.
 */
uint64_t ft_log_next_seq(void)
{
    return replaying ? ft_log_consumed_seq(reader) + 1 : qatomic_read(&next_seq);
}

size_t ft_log_backlog(void)
{
    FtLogWriter *w = qatomic_read(&writer);

    return w ? ft_log_writer_used(w) : 0;
}

/* Who waits until there is no more than that in the ring. */
static struct {
    void (*tell)(void);
    size_t most;
    bool waits;                 /* atomic                                   */
} room;

bool ft_log_has_room(size_t most, void (*tell)(void))
{
    if (ft_log_backlog() <= most) {
        return true;
    }
    room.tell = tell;
    room.most = most;
    /* Set before it looks again, as the sender takes before it looks. */
    qatomic_set_mb(&room.waits, true);
    return ft_log_backlog() <= most;
}

void ft_log_taken(void)
{
    smp_mb();
    if (qatomic_read(&room.waits) && ft_log_backlog() <= room.most
        && qatomic_xchg(&room.waits, false)) {
        room.tell();
    }
}

uint64_t ft_log_lag_ns(void)
{
    uint64_t at_ns, worked_ns;

    return ft_lag_samples_oldest(lag_samples, ft_peer_executed_seq(), &at_ns, &worked_ns)
               ? ft_now_ns() - at_ns : 0;
}

/*
 * vCPU. How long the secondary will need for what it has not executed. What is on a
 * long way there, or its report on the way back, is not the secondary's lag: it has
 * executed since what it could in a round trip.
 */
static uint64_t ft_log_lag_to_come_ns(uint64_t now_ns)
{
    static unsigned of_log;
    uint64_t worked_ns = ft_worked_ns(now_ns);
    uint64_t at_ns, executed_ns;

    if (!ft_lag_samples_oldest(lag_samples, ft_peer_executed_seq(), &at_ns, &executed_ns)) {
        executed_ns = worked_ns;
    }

    if (of_log != qatomic_read(&logs_begun)) {
        of_log = qatomic_read(&logs_begun);
        ft_lag_estimate_reset(lag_estimate);
    }
    return ft_lag_estimate(lag_estimate, now_ns, worked_ns, executed_ns,
                           ft_peer_executed_at_ns(), ft_peer_rtt_ns());
}

/* The lag at the end of each turn, for query-ft-histograms. */
static struct {
    QemuMutex lock;
    FtHistogram *histogram;
} lags;

static void ft_log_count_lag(uint64_t lag_ns)
{
    QEMU_LOCK_GUARD(&lags.lock);
    ft_histogram_add(lags.histogram, lag_ns);
}

/* Any thread. The next bin from *at on, as ft_histogram_next. */
bool ft_log_lag_bin(size_t *at, uint64_t *upto, uint64_t *count)
{
    if (!lags.histogram) {
        return false;
    }
    QEMU_LOCK_GUARD(&lags.lock);
    return ft_histogram_next(lags.histogram, at, upto, count);
}

/* A ring that is nearly full: sleep until the sender has taken from it. True: it was. */
static bool ft_log_wait_for_room(void)
{
    unsigned us = 0;

    for (; us < FT_THROTTLE_MAX_US && ft_log_backlog() > FT_BACKLOG_MAX;
         us += FT_THROTTLE_US) {
        g_usleep(FT_THROTTLE_US);
    }
    return us;
}

/*
 * The vCPU thread passes here on each turn with no lock held. A full log or a
 * secondary far behind slows it down; acks and the monitor go on meanwhile.
 */
static void ft_log_throttle_op(void)
{
    static uint64_t ended_ns;       /* the last turn, and the pause behind it */
    static uint64_t owed_ns;        /* pauses too short to sleep for */
    uint64_t begin_ns = ft_now_ns(), pause_ns;
    bool waited;

    ft_vcpu_moves();
    if (!qatomic_read(&writer)) {
        qatomic_set(&slowed_ns, slowed_ns + ft_attach_slow_guest());
        return;
    }
    waited = ft_log_wait_for_room();
    ft_log_count_lag(ft_log_lag_ns());
    pause_ns = ft_lag_pause(ft_log_lag_to_come_ns(begin_ns), ft_node.config.lag_limit_ns,
                            begin_ns - ended_ns);
    owed_ns = pause_ns ? owed_ns + pause_ns : 0;
    if (owed_ns >= FT_PAUSE_MIN_NS) {
        g_usleep(owed_ns / SCALE_US);
        owed_ns = 0;
        waited = true;
    }
    ended_ns = ft_now_ns();
    if (waited) {
        qatomic_set(&slowed_ns, slowed_ns + (ended_ns - begin_ns));
    }
}

uint64_t ft_log_slowed_ns(void)
{
    return qatomic_read(&slowed_ns);
}

static uint64_t bytes_total, frames_total;      /* atomic */

void ft_log_count(uint64_t last_seq, size_t bytes)
{
    qatomic_add(&bytes_total, bytes);
    qatomic_set(&frames_total, last_seq);
}

uint64_t ft_log_bytes(void)
{
    return qatomic_read(&bytes_total);
}

uint64_t ft_log_frames(void)
{
    return qatomic_read(&frames_total);
}

/* Without RL this is a moment old; good enough for a figure. */
uint64_t ft_log_executed_icount(void)
{
    return qatomic_read(&replay_state.current_icount) - icount_at_cut;
}

uint64_t ft_log_lag_instructions(void)
{
    uint64_t made, done;

    if (replay_mode == REPLAY_MODE_PLAY) {
        made = replaying ? ft_log_received_icount(reader) : 0;
        done = replaying ? ft_log_executed_icount() : 0;
    } else {
        made = qatomic_read(&writer) ? ft_log_executed_icount() : 0;
        done = ft_peer_executed_icount();
    }
    return made > done ? made - done : 0;
}

/* -- replaying ------------------------------------------------------------------------ */

void ft_log_diverged(const char *what)
{
    g_autofree char *text = NULL;

    if (diverged || replay_mode != REPLAY_MODE_PLAY) {
        return;
    }
    diverged = true;
    text = g_strdup_printf("diverged at instruction %" PRIu64 ", event %u (%u) of the "
                           "log, frame %" PRIu64 ": %s%s%s%s",
                           replay_state.current_icount, replay_state.current_event,
                           replay_state.data_kind, ft_log_consumed_seq(reader),
                           about ? "drive '" : "", about ?: "", about ? "': " : "", what);
    error_report("ft: %s", text);
    ft_post(0, FT_IN_DIVERGED, 0, text);
}

void ft_log_about(const char *drive)
{
    about = drive;
}

bool ft_log_readable(void)
{
    return replaying && !diverged && ft_log_available(reader)
        && !(ft_fault("stand-still") && ft_log_consumed_seq(reader) > 100);
}

/* The last event of a frame is behind us when the next frame's first one is read,
 * or at once if no field of it is left. */
static struct {
    bool due;
    uint64_t told_seq;
} report;                       /* RL                                       */

static void ft_log_report_due(void)
{
    if (report.due && ft_log_consumed_seq(reader) > report.told_seq) {
        report.due = false;
        report.told_seq = ft_log_consumed_seq(reader);
        ft_peer_report();
    }
}

void ft_log_report_frame(void)
{
    report.due = true;
    ft_log_report_due();
}

static bool ft_log_get_event_op(unsigned *event)
{
    uint8_t wire;

    if (!ft_log_readable()) {
        if (draining) {
            qemu_bh_schedule(drain_bh);
        }
        return false;
    }
    if (!ft_log_get_event(reader, &wire) || from_wire[wire] == EVENT_COUNT) {
        ft_log_diverged("an event that this build does not know");
        return false;
    }
    ft_log_report_due();
    *event = from_wire[wire];
    return true;
}

static uint64_t ft_log_get_int_op(void)
{
    uint64_t value = 0;

    if (!ft_log_get_int(reader, &value)) {
        ft_log_diverged("the event has other fields than replay expects");
    }
    return value;
}

static void ft_log_get_array_op(const uint8_t **buf, size_t *size)
{
    static const uint8_t nothing[1];

    if (!ft_log_get_bytes(reader, buf, size)) {
        ft_log_diverged("the event has other fields than replay expects");
        *buf = nothing;
        *size = 0;
    }
}

/* Wakes the vCPU thread if it sleeps; it wakes the main loop if it is its turn. */
void ft_log_arrived(void)
{
    ft_nap_end();
    if (first_cpu->stop || first_cpu->stopped) {
        qemu_notify_event();    /* it sleeps elsewhere, and can wake nobody */
    }
}

/* Replay must not wait for real time when the log says what comes next. */
static void ft_log_poll_notify(Notifier *n, void *data)
{
    MainLoopPoll *poll = data;

    if (poll->state != MAIN_LOOP_POLL_FILL) {
        return;
    }
    ft_disk_look();
    if (replay_main_loop_is_next()) {
        poll->timeout = 0;
    }
}

static Notifier poll_notifier = { .notify = ft_log_poll_notify };

FtLogReader *ft_log_reader(void)
{
    return reader;
}

void ft_log_replay_from(FtLogReader *r)
{
    g_assert(replay_mutex_locked());
    replay_restart_log();
    reader = r;
    icount_at_cut = replay_state.current_icount;
    report.due = false;
    report.told_seq = 0;
    replaying = true;
    ft_log_arrived();
}

bool ft_log_has_ended(void)
{
    return ft_peer_log_is_over() && !ft_log_available(reader);
}

/* -- going live -------------------------------------------------------------------------- */

static bool ft_log_drained(void)
{
    replay_account_executed_instructions();
    replay_fetch_data_kind();
    return !replay_state.has_unread_data && replay_state.instruction_count == 0
        && replay_state.read_event_id == -1 && !ft_log_available(reader);
}

bool ft_log_is_done(void)
{
    return replay_mode != REPLAY_MODE_PLAY || !replaying || diverged
        || (ft_peer_log_is_over() && ft_log_drained());
}

static void ft_log_drain_bh(void *opaque)
{
    if (draining && !diverged && ft_log_drained()) {
        draining = false;
        ft_post(0, FT_IN_DRAINED, 0, NULL);
    }
}

void ft_log_drain(void)
{
    draining = true;
    ft_log_arrived();
    qemu_bh_schedule(drain_bh);
}

bool ft_log_go_live(Error **errp)
{
    g_assert(replay_mutex_locked());
    if (diverged || !ft_log_drained()) {
        error_setg(errp, "asked to go live before the log was consumed");
        return false;
    }
    if (replay_state.current_icount != (uint64_t)icount_get_raw()) {
        error_setg(errp, "the log ends at instruction %" PRIu64 " but %" PRIu64
                   " were executed", replay_state.current_icount,
                   (uint64_t)icount_get_raw());
        return false;
    }
    replaying = false;
    ft_clock_live();
    ft_input_keep_end();
    replay_go_live();
    ft_early_give();            /* ahead of what comes from now on */
    ft_input_live();
    ft_disk_go_live();
    qemu_clock_notify(QEMU_CLOCK_VIRTUAL);
    qemu_cpu_kick(first_cpu);
    qemu_notify_event();
    return true;
}

/* vCPU, RL + BQL: what has come from outside since its last turn. See poll_input. */
static void ft_log_poll_input_op(void)
{
    if (replay_mode == REPLAY_MODE_RECORD) {
        ft_input_poll_op();     /* a secondary's packets come by the log */
    }
    ft_io_look();
}

static const ReplayLogOps ft_log_ops = {
    .put_event = ft_log_put_event_op,
    .put_int = ft_log_put_int_op,
    .put_array = ft_log_put_array_op,
    .get_event = ft_log_get_event_op,
    .get_int = ft_log_get_int_op,
    .get_array = ft_log_get_array_op,
    .commit = ft_log_commit_op,
    .throttle = ft_log_throttle_op,
    .diverged = ft_log_diverged,
    .chr_write = ft_console_write,
    .chr_closed = ft_console_closed,
    .digest = ft_digest_event,
    .operator_input = ft_operator_run,
    .guest_clock = ft_clock_op,
    .turn_limit = ft_clock_turn_limit_op,
    .wait = ft_clock_wait_op,
    .kick = ft_nap_end,
    .poll_input = ft_log_poll_input_op,
    .disk = ft_disk_event,
    .disk_ready = ft_disk_event_ready,
};

/* Main, before the machine exists; the main loop does. */
void ft_log_setup(bool secondary)
{
    ft_fill_numbers();
    ft_clock_setup();
    qemu_mutex_init(&lags.lock);
    lags.histogram = ft_histogram_new();
    lag_estimate = ft_lag_estimate_new();
    lag_samples = ft_lag_samples_new();
    g_assert(lags.histogram && lag_estimate && lag_samples);
    if (secondary) {
        reader = ft_log_reader_new(FT_RING_BYTES);
        drain_bh = qemu_bh_new(ft_log_drain_bh, NULL);
        main_loop_poll_add_notifier(&poll_notifier);
    }
    replay_use_log(&ft_log_ops, secondary ? REPLAY_MODE_PLAY : REPLAY_MODE_RECORD);
}
