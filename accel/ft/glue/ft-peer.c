/*
 * The connection to the peer, as the rest of the node sees it: three TCP channels, of
 * which the log channel carries state, log and acknowledgements, the heartbeat channel
 * nothing but pings. Its threads are in the files beside this one; they report through
 * ft_post().
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-conn.h"
#include "qemu/lockable.h"

#define FT_ACKED_LOOK_US 200

/* Atomic; of the current connection. */
static uint64_t acked_seq, executed_seq, executed_icount, executed_at_ns, rtt_ns;

void ft_peer_send(FtMsgType type, GByteArray *body)
{
    FtConn *c = ft_node.conn;

    if (c && !c->primary) {
        /* A secondary sends a handful of empty messages; no thread for that. */
        ft_send_msg(c, c->log, type, 0, 0, NULL, 0, NULL);
        return;
    }
    ft_peer_queue(type, 0, 0, body);
}

uint64_t ft_peer_epoch(void)
{
    return ft_node.conn ? qatomic_read(&ft_node.conn->epoch) : 0;
}

void ft_peer_set_epoch(uint64_t epoch)
{
    if (ft_node.conn) {
        qatomic_set(&ft_node.conn->epoch, epoch);
    }
}

/*
 * Must not block for long: the peer may be the reason why we close. But the sender
 * may be in the middle of a frame, and a goodbye that is not said is a takeover.
 */
static void ft_say_goodbye(FtConn *c, const char *text)
{
    uint8_t raw[FT_WIRE_HEADER_BYTES + FT_REASON_MAX];
    size_t len = MIN(strlen(text), FT_REASON_MAX);
    FtMsgHeader h = {
        .type = FT_MSG_GOODBYE, .epoch = qatomic_read(&c->epoch),
        .session = c->session, .seq = ft_node.guest_off, .body_len = len,
    };

    memcpy(raw + FT_WIRE_HEADER_BYTES, text, len);
    ft_wire_encode_header(&h, raw + FT_WIRE_HEADER_BYTES, raw);
    if (qemu_sem_timedwait(&c->writable, FT_LAST_WORDS_MS) == 0) {
        if (c->rest->len) {
            qio_channel_write(c->log, (char *)c->rest->data, c->rest->len, NULL);
        }
        qio_channel_write(c->log, (char *)raw, FT_WIRE_HEADER_BYTES + len, NULL);
        qemu_sem_post(&c->writable);
    }
}

void ft_peer_close(const char *goodbye)
{
    FtConn *c = ft_node.conn;
    FtWitness *witness = NULL;

    if (!c) {
        return;
    }
    if (goodbye && qatomic_read(&c->agreed)) {
        ft_say_goodbye(c, goodbye);
    }
    ft_log_record_to(NULL, NULL);
    WITH_QEMU_LOCK_GUARD(&ft_conn_lock) {
        ft_node.conn = NULL;
    }
    qatomic_set(&c->closing, true);
    WITH_QEMU_LOCK_GUARD(&ft_conn_lock) {
        witness = g_steal_pointer(&c->witness);
    }
    ft_witness_free(witness);
    if (c->log) {
        qio_channel_shutdown(c->log, QIO_CHANNEL_SHUTDOWN_BOTH, NULL);
    }
    if (c->beat) {
        qio_channel_shutdown(c->beat, QIO_CHANNEL_SHUTDOWN_BOTH, NULL);
    }
    qemu_event_set(&c->wake);
    ft_conn_unref(c);
}

bool ft_peer_log_is_over(void)
{
    return !ft_node.conn || qatomic_read(&ft_node.conn->log_over);
}

unsigned ft_peer_gen(void)
{
    return ft_node.conn ? ft_node.conn->gen : 0;
}

const char *ft_peer_address(void)
{
    return ft_node.conn ? ft_node.conn->address : NULL;
}

FtLease *ft_peer_lease(void)
{
    return ft_node.conn ? ft_node.conn->lease : NULL;
}

void ft_peer_wait_acked(void)
{
    FtConn *c = ft_node.conn;
    uint64_t deadline = ft_now_ns() + 2 * ft_node.config.timeout_ns;

    while (c && ft_peer_acked() + 1 < ft_log_next_seq() && ft_now_ns() < deadline
           && !qatomic_read(&c->posted_end)) {
        g_usleep(FT_ACKED_LOOK_US);
    }
}

void ft_peer_forget_told(void)
{
    qatomic_set(&acked_seq, 0);
    qatomic_set(&executed_seq, 0);
    qatomic_set(&executed_icount, 0);
    qatomic_set(&executed_at_ns, ft_now_ns());
    qatomic_set(&rtt_ns, 0);
}

void ft_peer_told_rtt(uint64_t ns)
{
    qatomic_set(&rtt_ns, ns);
}

void ft_peer_told(const FtAck *ack)
{
    qatomic_set(&executed_seq, ack->executed_seq);
    qatomic_set(&executed_icount, ack->executed_icount);
    qatomic_set(&executed_at_ns, ft_now_ns());
    qatomic_set(&acked_seq, ack->received_seq);
}

uint64_t ft_peer_acked(void)
{
    return qatomic_read(&acked_seq);
}

uint64_t ft_peer_executed_seq(void)
{
    return qatomic_read(&executed_seq);
}

uint64_t ft_peer_executed_at_ns(void)
{
    return qatomic_read(&executed_at_ns);
}

uint64_t ft_peer_rtt_ns(void)
{
    return qatomic_read(&rtt_ns);
}

uint64_t ft_peer_executed_icount(void)
{
    return qatomic_read(&executed_icount);
}
