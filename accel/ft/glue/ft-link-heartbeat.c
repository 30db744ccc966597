/*
 * The heartbeat thread: pings on a channel of their own, so that a busy log cannot
 * hide them. It renews the primary's lease and finds out that the peer is silent.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-conn.h"
#include "accel/ft/glue/ft-gate.h"
#include "accel/ft/glue/ft-watchdog.h"
#include "hw/ft-replay/glue/ft-log.h"
#include <poll.h>
#include "io/channel-socket.h"

#define FT_BEATS_PER_TIMEOUT 10
/* A secondary whose replay has not moved for so many timeouts is of no use. */
#define FT_STILL_TIMEOUTS 6

static void ft_drop_stuck(FtConn *c, const char *why)
{
    if (!c->stuck_told) {
        c->stuck_told = true;
        ft_post(c->gen, FT_IN_PEER_STUCK, 0, why);
    }
}

/*
 * Primary: a secondary whose main loop or vCPU stands still could not take over. One that
 * still loads the state has a patience of its own, of the attach.
 */
static void ft_watch_peer(FtConn *c)
{
    bool judged = ft_state() != FT_STATE_SYNCING && ft_peer_should_give_way();
    g_autofree char *what = judged ? ft_peer_stillness() : NULL;
    g_autofree char *why = what ? g_strdup_printf("its %s", what) : NULL;

    if (why) {
        ft_drop_stuck(c, why);
    }
}

/*
 * Primary: a secondary that executes nothing any more would slow the guest down
 * for ever. Counted by its answers, so that a pause of this host is no reason.
 */
static void ft_watch_replay(FtConn *c)
{
    uint64_t seq = ft_peer_executed_seq();

    if (seq != c->watched_seq || ft_log_lag_ns() == 0) {
        c->watched_seq = seq;
        c->still_beats = 0;
    } else if (++c->still_beats == FT_STILL_TIMEOUTS * FT_BEATS_PER_TIMEOUT) {
        ft_drop_stuck(c, "its replay stands still");
    }
}

static bool ft_send_beat(FtConn *c, FtMsgType type, const uint8_t *body, size_t len,
                         Error **errp)
{
    return ft_send_msg(c, c->beat, type, ft_still_ns(FT_PART_MAIN_LOOP),
                       ft_still_ns(FT_PART_VCPU), body, len, errp);
}

static bool ft_on_beat(FtConn *c, const FtMsgHeader *h, GByteArray *body, Error **errp)
{
    FtPing ping;
    FtError why = { "" };

    if (h->type != (c->primary ? FT_MSG_PONG : FT_MSG_PING)
        || h->session != c->session) {
        error_setg(errp, "heartbeat: type %u session %" PRIx64 " is out of place",
                   h->type, h->session);
        return false;
    }
    if (!ftc_wire_decode_ping(body->data, body->len, &ping, &why)) {
        error_setg(errp, "%s", why.text);
        return false;
    }
    qatomic_set(&c->heard_ns, ft_now_ns());
    qatomic_set(&c->beat_ns, ft_now_ns());
    ft_peer_told_still(FT_PART_MAIN_LOOP, h->seq, ft_is_unwell(h->seq));
    ft_peer_told_still(FT_PART_VCPU, h->seq_last, ft_is_unwell(h->seq_last));
    if (c->primary) {
        ftc_lease_answered(c->lease, ping.sender_ns, ft_now_ns());
        ft_peer_told_rtt(ftc_lease_rtt_ns(c->lease));
        ft_watch_replay(c);
        ft_watch_peer(c);
        ft_output_wake();
        return true;
    }
    return ft_send_beat(c, FT_MSG_PONG, body->data, body->len, errp);
}

static bool ft_ping(FtConn *c, uint64_t counter, Error **errp)
{
    FtPing ping = { .counter = counter, .sender_ns = ft_now_ns() };
    uint8_t body[64];
    size_t len = ftc_wire_encode_ping(&ping, body, sizeof(body));

    /*
     * A primary that cannot serve the guest sends none: its lease ends, and its secondary
     * takes over as from one that has gone silent.
     */
    return ft_gives_way() || ft_send_beat(c, FT_MSG_PING, body, len, errp);
}

/*
 * What a frame waits for that is not sent at once, company in the log, may not come: the
 * vCPU thread stands still, or executes one thing for long. The secondary would then be
 * asked for what it has never been given.
 */
static void ft_send_leftovers(FtConn *c)
{
    if (ft_log_backlog()) {
        qemu_event_set(&c->wake);
    }
}

static bool ft_beat(FtConn *c, uint64_t counter, Error **errp)
{
    if (c->primary) {
        ft_send_leftovers(c);
        return ft_ping(c, counter, errp);
    }
    /* By the sender: who finds out about silence waits for no socket. */
    ft_ask_report(c);
    return true;
}

/*
 * Log and acks are signs of life too. But without heartbeats the lease is not
 * renewed and output stays held, so that cannot go on for long.
 */
static bool ft_is_silent(FtConn *c, unsigned missed)
{
    uint64_t now = ft_now_ns(), timeout = ft_node.config.timeout_ns;

    /* Beats count as well as time: while this host stood still we heard nobody. */
    return (missed >= FT_BEATS_PER_TIMEOUT
            && now - qatomic_read(&c->heard_ns) > timeout)
        || (missed >= 2 * FT_BEATS_PER_TIMEOUT
            && now - qatomic_read(&c->beat_ns) > 2 * timeout);
}

static void *ft_beat_thread(void *opaque)
{
    FtConn *c = opaque;
    g_autoptr(GByteArray) body = g_byte_array_new();
    struct pollfd pfd = { .fd = QIO_CHANNEL_SOCKET(c->beat)->fd, .events = POLLIN };
    uint64_t timeout = ft_node.config.timeout_ns;
    uint64_t period = timeout / FT_BEATS_PER_TIMEOUT, next_ns = 0, counter = 0;
    unsigned missed = 0;
    Error *err = NULL;

    qatomic_set(&c->heard_ns, ft_now_ns());
    qatomic_set(&c->beat_ns, ft_now_ns());
    while (!qatomic_read(&c->closing)) {
        uint64_t now = ft_now_ns();
        FtMsgHeader h;

        if (now >= next_ns) {
            next_ns = now + period;
            if (!ft_beat(c, ++counter, &err)) {
                break;
            }
        }
        if (poll(&pfd, 1, MAX(1, (int)((next_ns - now) / SCALE_MS))) > 0) {
            missed = 0;
            if (!ft_recv_msg(c, c->beat, &h, body, now + timeout, &err)
                || !ft_on_beat(c, &h, body, &err)) {
                break;
            }
        } else if (ft_is_silent(c, ++missed)) {
            /* Judged only with nothing left to read: we may have been stopped. */
            if (!qatomic_xchg(&c->posted_end, true)) {
                g_autofree char *still = ft_peer_stillness();
                g_autofree char *why = g_strdup_printf("no sign of life for %" PRIu64
                                                       " ms%s%s", timeout / SCALE_MS,
                                                       still ? ", its " : "", still ?: "");
                ft_post(c->gen, FT_IN_PEER_SILENT, 0, why);
            }
            break;
        }
    }
    if (err) {
        /* Both channels end together; a GOODBYE may still be in the other. */
        qemu_sem_timedwait(&c->log_ended, FT_LAST_WORDS_MS);
        ft_conn_end(c, error_get_pretty(err));
        error_free(err);
    }
    ft_conn_unref(c);
    return NULL;
}

void ft_start_beat(FtConn *c)
{
    ft_conn_thread(c, "ft-heartbeat", ft_beat_thread);
}
