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
#include "hw/ft-replay/glue/ft-log.h"
#include "qemu/lockable.h"

#define FT_ACKED_LOOK_US 200
#define FT_ACKED_MAX_NS (2 * NANOSECONDS_PER_SECOND)

/* Holding writable: as much of it as goes at once; the rest is the next sender's. */
static void ft_say_now(FtConn *c)
{
    ssize_t sent = qio_channel_write(c->log, (char *)c->rest->data, c->rest->len, NULL);

    g_byte_array_remove_range(c->rest, 0, MAX(sent, 0));
}

/*
 * Main, which must not block for long: the peer may be the reason why we close. But the
 * sender may be in the middle of a frame, and a goodbye that is not said is a takeover.
 */
static void ft_link_say(FtConn *c, FtMsgType type, const char *text)
{
    uint8_t raw[FT_WIRE_HEADER_BYTES];
    size_t len = text ? MIN(strlen(text), FT_REASON_MAX) : 0;
    uint64_t seq = type == FT_MSG_GOODBYE && ft_node.guest_off;

    if (qemu_sem_timedwait(&c->writable, FT_LAST_WORDS_MS) < 0) {
        return;
    }
    ft_encode_msg(c, type, seq, 0, (const uint8_t *)text, len, raw);
    g_byte_array_append(c->rest, raw, sizeof(raw));
    g_byte_array_append(c->rest, (const uint8_t *)text, len);
    ft_say_now(c);
    qemu_sem_post(&c->writable);
    qemu_event_set(&c->wake);
}

void ft_link_send(FtMsgType type, GByteArray *body)
{
    FtConn *c = ft_node.conn;

    if (c && !c->primary) {
        ft_link_say(c, type, NULL);     /* LIVE, and then it is closed */
        return;
    }
    ft_link_queue(type, 0, 0, body);
}

uint64_t ft_link_epoch(void)
{
    return ft_node.conn ? qatomic_read(&ft_node.conn->epoch) : 0;
}

void ft_link_set_epoch(uint64_t epoch)
{
    if (ft_node.conn) {
        qatomic_set(&ft_node.conn->epoch, epoch);
    }
}

void ft_link_close(const char *goodbye)
{
    FtConn *c = ft_node.conn;
    FtWitness *witness = NULL;

    if (!c) {
        return;
    }
    if (goodbye && qatomic_read(&c->agreed)) {
        ft_link_say(c, FT_MSG_GOODBYE, goodbye);
    }
    ft_log_record_to(NULL, NULL);
    WITH_QEMU_LOCK_GUARD(&ft_conn_lock) {
        ft_node.conn = NULL;
        ft_peer_end();
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

static bool ft_link_log_is_over(void)
{
    return !ft_node.conn || qatomic_read(&ft_node.conn->log_over);
}

const char *ft_link_address(void)
{
    return ft_node.conn ? ft_node.conn->address : NULL;
}

void ft_link_wait_acked(void)
{
    FtConn *c = ft_node.conn;
    uint64_t deadline = ft_now_ns() + MIN(2 * ft_node.config.timeout_ns, FT_ACKED_MAX_NS);

    while (c && ft_peer_acked() + 1 < ft_log_next_seq() && ft_now_ns() < deadline
           && !qatomic_read(&c->posted_end)) {
        g_usleep(FT_ACKED_LOOK_US);
    }
}

static const FtLogCarrier carrier = {
    .send_now = ft_link_send_now,
    .report = ft_link_report,
    .is_over = ft_link_log_is_over,
};

void ft_link_start(void)
{
    ft_record_carrier(&carrier);
    ft_replay_carrier(&carrier);
}
