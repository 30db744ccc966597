/*
 * Recording: what replay/ writes down goes into the log's ring as our own encoding, and
 * frame by frame to whoever carries it.
 *
 * A frame is all that is recorded between taking and releasing the replay mutex (design
 * section 4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "qemu/units.h"
#include "qemu/main-loop.h"
#include "system/cpus.h"
#include "system/replay.h"
#include "replay/replay-internal.h"

/* The longest delay of a frame that no output waits for. */
#define FT_LINGER_NS (2 * SCALE_MS)
#define FT_LINGER_MAX_NS (6 * SCALE_MS)
/* A guest that executes has its position in the log this often, at least. */
#define FT_SILENCE_NS (4 * SCALE_MS)
/* So much is not kept back: the link and the secondary can work on it meanwhile. */
#define FT_LINGER_BYTES (64 * KiB)

static FtLogWriter *writer;     /* set with the VM stopped, RL              */
static QemuEvent *writer_wake;
static uint64_t next_seq = UINT64_MAX;  /* atomic copy of the writer's      */
static bool urgent;             /* of the open frame; RL                    */
static uint64_t unsent_ns;      /* since when a frame waits, 0: none; RL or BQL */
static uint64_t committed_ns;   /* the last frame; RL                       */
static bool overflow_told;
static const FtLogCarrier *carrier;     /* written at start                  */

void ft_record_carrier(const FtLogCarrier *of_record)
{
    carrier = of_record;
}

bool ft_record_is_on(void)
{
    return qatomic_read(&writer);
}

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

void ft_log_put_event_op(unsigned event)
{
    if (writer) {
        g_assert(ft_event_to_wire(event) != 0);
        urgent = urgent || ft_event_is_urgent(event);
        ftc_log_put_event(writer, ft_event_to_wire(event));
    }
}

void ft_log_put_int_op(uint64_t value)
{
    if (writer) {
        ftc_log_put_int(writer, value);
    }
}

void ft_log_put_array_op(const uint8_t *buf, size_t size)
{
    if (writer) {
        ftc_log_put_bytes(writer, buf, size);
    }
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
            || !carrier || !carrier->send_now(writer)) {
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

void ft_log_commit_op(void)
{
    if (!writer) {
        return;
    }
    if (ftc_log_commit(writer)) {
        uint64_t now = ft_now_ns();

        qatomic_set(&next_seq, ftc_log_open_seq(writer));
        ft_lag_committed(next_seq - 1, now);
        committed_ns = now;
        unsent_ns = unsent_ns ? unsent_ns : now;
        if (urgent || ft_pausing() || now - unsent_ns >= FT_LINGER_NS
            || ftc_log_writer_used(writer) >= FT_LINGER_BYTES) {
            ft_log_flush();
        }
        urgent = false;
    }
    if (ftc_log_overflowed(writer) && !overflow_told) {
        g_autofree char *why = g_strdup_printf("the log overflowed: %zu MiB wait for the "
                                               "secondary, which takes them too slowly: look "
                                               "at the link and at its host's CPUs",
                                               ftc_log_writer_used(writer) >> 20);

        overflow_told = true;
        ft_post(0, FT_IN_CONNECTION_LOST, 0, why);
    }
}

void ft_log_commit_large(void)
{
    if (writer && ftc_log_open_bytes(writer) >= FT_LINGER_BYTES) {
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
    ft_log_count_from_here();
    ft_lag_restart();
    qatomic_set(&next_seq, w ? ftc_log_open_seq(w) : UINT64_MAX);
    ft_log_taken();
}

/*
 * The frame that is being recorded or replayed; replaying, it may be one later.
 * Without a log there is none that could be acked: what is put out then waits
 * behind all that is held, until output is free.
 */
uint64_t ft_log_next_seq(void)
{
    return ft_replay_is_on() ? ftc_log_consumed_seq(ft_log_reader()) + 1
                             : qatomic_read(&next_seq);
}

size_t ft_log_backlog(void)
{
    FtLogWriter *w = qatomic_read(&writer);

    return w ? ftc_log_writer_used(w) : 0;
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

uint64_t ft_log_lag_instructions(void)
{
    uint64_t made, done;

    if (replay_mode == REPLAY_MODE_PLAY) {
        made = ft_replay_is_on() ? ftc_log_received_icount(ft_log_reader()) : 0;
        done = ft_replay_is_on() ? ft_log_executed_icount() : 0;
    } else {
        made = qatomic_read(&writer) ? ft_log_executed_icount() : 0;
        done = ft_peer_executed_icount();
    }
    return made > done ? made - done : 0;
}
