/*
 * The primary's side: it connects both channels, and receives acknowledgements. The
 * thread takes neither the replay mutex nor the BQL for them: an acknowledgement must
 * not wait for the guest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-conn.h"
#include "accel/ft/glue/ft-gate.h"
#include "accel/ft/glue/trace.h"
#include "io/channel-socket.h"
#include "qemu/error-report.h"
#include "qemu/guest-random.h"
#include "qemu/lockable.h"
#include "qemu/sockets.h"

/* How long a primary looks for its secondary before it starts alone. */
#define FT_CONNECT_NS (10 * NANOSECONDS_PER_SECOND)
#define FT_RETRY_US 100000

static bool ft_on_ack(FtConn *c, GByteArray *body, Error **errp)
{
    FtAck ack;
    FtError why = { "" };

    if (!ftc_wire_decode_ack(body->data, body->len, &ack, &why)) {
        error_setg(errp, "%s", why.text);
        return false;
    }
    if (ack.received_seq < ft_peer_acked()
        || ack.received_seq > qatomic_read(&c->sent_seq)
        || ack.executed_seq > ack.received_seq) {
        error_setg(errp, "ack.received_seq: %" PRIu64 " is not between %" PRIu64
                   " and %" PRIu64, ack.received_seq, ft_peer_acked(),
                   qatomic_read(&c->sent_seq));
        return false;
    }
    ft_die_at("die-at-first-ack");
    trace_ft_ack_received(ack.received_seq, ack.executed_seq);
    WITH_QEMU_LOCK_GUARD(&ft_conn_lock) {
        if (ft_node.conn != c) {
            return true;        /* of an attach that is over: not ours to count */
        }
        ft_peer_told(&ack);
    }
    ft_output_acked();
    return true;
}

static bool ft_on_secondary_msg(FtConn *c, const FtMsgHeader *h, GByteArray *body,
                                Error **errp)
{
    if (h->session != c->session) {
        error_setg(errp, "session: %" PRIx64 ", expected %" PRIx64, h->session,
                   c->session);
        return false;
    }
    /* These may be on their way before the secondary has heard of an epoch. */
    if (h->type != FT_MSG_DISK_SUMS && h->type != FT_MSG_DISK_ZEROS
        && h->type != FT_MSG_GOODBYE && h->epoch != qatomic_read(&c->epoch)) {
        error_setg(errp, "epoch: %" PRIu64 ", expected %" PRIu64, h->epoch,
                   qatomic_read(&c->epoch));
        return false;
    }
    switch (h->type) {
    case FT_MSG_ACK:
        return ft_on_ack(c, body, errp);
    case FT_MSG_DISK_SUMS:
        return ft_attach_listener->sums(c->gen, h->seq, h->seq_last, body->data, body->len,
                                        errp);
    case FT_MSG_DISK_ZEROS:
        return ft_attach_listener->zeros(c->gen, h->seq, h->seq_last, body->data, body->len,
                                         errp);
    case FT_MSG_READY:
        ft_die_at("die-at-state-loaded");
        ft_post(c->gen, FT_IN_PEER_READY, 0, NULL);
        return true;
    case FT_MSG_MARK:
        ft_attach_listener->caught_up();
        return true;
    case FT_MSG_LIVE:
        ft_post(c->gen, FT_IN_PEER_LIVE, 0, NULL);
        return true;
    case FT_MSG_GOODBYE:
        error_setg(errp, "the peer said goodbye: %.*s",
                   (int)MIN(body->len, FT_REASON_MAX), (const char *)body->data);
        return false;
    default:
        error_setg(errp, "type: %u does not come from a secondary", h->type);
        return false;
    }
}

/* The secondary may be started a moment later than the primary. */
static QIOChannel *ft_connect_retry(FtConn *c, Error **errp)
{
    uint64_t deadline = ft_now_ns() + FT_CONNECT_NS;

    for (;;) {
        Error *err = NULL;
        QIOChannel *ioc = ft_connect_once(c->address, &err);

        if (ioc) {
            return ioc;
        }
        if (ft_now_ns() > deadline || qatomic_read(&c->closing)) {
            error_propagate(errp, err);
            return NULL;
        }
        error_free(err);
        g_usleep(FT_RETRY_US);
    }
}

/* Why the secondary has ended the pair meanwhile it says on the log channel. */
static void ft_hear_last_words(FtConn *c, Error **errp)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    FtMsgHeader h;

    if (ft_recv_msg(c, c->log, &h, body, ft_now_ns() + FT_LAST_WORDS_MS * SCALE_MS, NULL)
        && h.type == FT_MSG_GOODBYE) {
        error_free(*errp);
        *errp = NULL;
        error_setg(errp, "the peer said goodbye: %.*s",
                   (int)MIN(body->len, FT_REASON_MAX), (const char *)body->data);
    }
}

static bool ft_primary_connect(FtConn *c, Error **errp)
{
    ERRP_GUARD();

    c->log = ft_connect_retry(c, errp);
    if (!c->log || !ft_handshake(c, c->log, FT_CHANNEL_LOG, errp)) {
        return false;
    }
    c->beat = ft_connect_once(c->address, errp);
    if (c->beat && ft_handshake(c, c->beat, FT_CHANNEL_HEARTBEAT, errp)) {
        return true;
    }
    ft_hear_last_words(c, errp);
    return false;
}

/* By a thread: what it is on may hang, or be a pipe that nobody reads yet. */
static void ft_open_copy(FtConn *c)
{
    if (ft_node.config.log_file) {
        c->copy = fopen(ft_node.config.log_file, "wb");
        if (!c->copy) {
            warn_report("ft-log-file=%s: %s", ft_node.config.log_file, strerror(errno));
        }
    }
}

static void *ft_primary_thread(void *opaque)
{
    FtConn *c = opaque;
    g_autoptr(GByteArray) body = g_byte_array_new();
    FtMsgHeader h;
    Error *err = NULL;

    ft_open_copy(c);
    if (!ft_primary_connect(c, &err)) {
        goto out;
    }
    ft_die_at("die-at-handshake");
    ftc_lease_start(c->lease, ft_now_ns());
    ft_start_sender(c);
    ft_start_beat(c);
    ft_start_witness(c);
    qatomic_set(&c->agreed, true);
    ft_post(c->gen, FT_IN_CONNECTED, 0, NULL);
    while (ft_recv_msg(c, c->log, &h, body, 0, &err)
           && ft_on_secondary_msg(c, &h, body, &err)) {
        qatomic_set(&c->heard_ns, ft_now_ns());
    }
out:
    ft_conn_end(c, error_get_pretty(err));
    qemu_sem_post(&c->log_ended);       /* one for the heartbeat,   */
    qemu_sem_post(&c->log_ended);       /* one for the sender       */
    error_free(err);
    ft_conn_unref(c);
    return NULL;
}

void ft_link_connect(const char *address)
{
    FtConn *c = ft_conn_new(true, address);

    qemu_guest_getrandom_nofail(&c->session, sizeof(c->session));
    WITH_QEMU_LOCK_GUARD(&ft_conn_lock) {
        ft_conn_use(c);
    }
    ft_conn_thread(c, "ft-peer", ft_primary_thread);
    ft_conn_unref(c);
}
