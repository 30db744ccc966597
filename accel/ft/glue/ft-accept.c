/*
 * The secondary's side: it takes one primary, receives its state and its log, and
 * acknowledges. Whoever connects is nobody until his HELLO was checked; there are only
 * so many of them at a time.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-attach.h"
#include "accel/ft/glue/ft-conn.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "net/ft-filter/glue/ft-net.h"
#include "accel/ft/glue/trace.h"
#include "io/channel-socket.h"
#include "io/net-listener.h"
#include "qemu/error-report.h"
#include "qemu/lockable.h"

#define FT_PENDING_MAX 8
#define FT_DURABLE_LOOK_US 200
/* A primary that comes again at once finds the end of its last attach still on its way. */
#define FT_LAST_PEER_NS NANOSECONDS_PER_SECOND
#define FT_LAST_PEER_LOOK_US 1000
/* The fault late-end. */
#define FT_LATE_END_US 300000

static QIONetListener *listener;
static int pending;             /* handshakes under way, atomic             */

/*
 * A completion that waits for this node's own disk has been read from the log, not
 * executed. The order of the two looks is what makes that sure.
 */
static uint64_t ft_executed_seq(const FtConn *c)
{
    uint64_t consumed = ft_log_consumed_seq(c->reader);

    smp_rmb();
    return MIN(consumed, ft_disk_executed_limit());
}

static bool ft_send_ack(FtConn *c, Error **errp)
{
    QEMU_LOCK_GUARD(&c->ack_lock);
    FtAck ack = {
        .received_seq = ft_log_received_seq(c->reader),
        .executed_seq = ft_executed_seq(c),
        .executed_icount = ft_log_executed_icount(),
    };
    uint8_t body[64];
    size_t len = ft_wire_encode_ack(&ack, body, sizeof(body));

    return ft_send_msg(c, c->log, FT_MSG_ACK, ack.received_seq, 0, body, len, errp);
}

/* So that the primary sees the lag shrink when nothing new is to be acked. */
void ft_report_executed(FtConn *c)
{
    if (!c->primary && qatomic_read(&c->ready)) {
        ft_send_ack(c, NULL);
    }
}

static bool ft_on_log(FtConn *c, const FtMsgHeader *h, const uint8_t *body, size_t len,
                      Error **errp)
{
    FtError why = { "" };
    int taken;

    while ((taken = ft_log_feed(c->reader, body, len, h->seq, h->seq_last, &why)) == 0) {
        /* Replay is far behind; TCP holds the primary back meanwhile. */
        if (qatomic_read(&c->closing)) {
            error_setg(errp, "this node has closed the connection");
            return false;
        }
        g_usleep(1000);
    }
    if (taken < 0) {
        error_setg(errp, "log: %s", why.text);
        return false;
    }
    ft_die_at("die-at-first-frame");
    ft_log_count(h->seq_last, len);
    trace_ft_log_received(h->seq, h->seq_last, len);
    if (qatomic_read(&c->ready)) {
        /* If it cannot be sent the stream ends too, maybe with a goodbye. */
        ft_send_ack(c, NULL);
        ft_die_at("die-at-first-ack");
    }
    ft_log_arrived();
    return true;
}

/* Everything that was sent of the drives is in their images, for good. */
static bool ft_disks_durable(FtConn *c, Error **errp)
{
    uint64_t ticket = ft_copy_ask_durable(c->gen);

    while (!ft_copy_is_durable(ticket)) {
        if (qatomic_read(&c->closing)) {
            error_setg(errp, "this node has closed the connection");
            return false;
        }
        g_usleep(FT_DURABLE_LOOK_US);
    }
    if (ft_copy_has_failed()) {
        error_setg(errp, "disk: an image of the secondary cannot be written; its own reason "
                   "names the drive");
        return false;
    }
    return true;
}

/* A chunk of a drive, or a run of them that are zeros. */
static bool ft_on_disk(FtConn *c, const FtMsgHeader *h, GByteArray *body, Error **errp)
{
    int (*receive)(unsigned, uint64_t, uint64_t, const uint8_t *, size_t, Error **) =
        h->type == FT_MSG_DISK ? ft_copy_receive : ft_copy_receive_zeros;
    int taken;

    while ((taken = receive(c->gen, h->seq, h->seq_last, body->data, body->len, errp)) == 0) {
        /* The image is slower than the link; TCP holds the primary back. */
        if (qatomic_read(&c->closing)) {
            error_setg(errp, "this node has closed the connection");
            return false;
        }
        g_usleep(FT_DURABLE_LOOK_US);
    }
    return taken > 0;
}

/* A load that has begun must be given its stream; devices end it. */
static bool ft_on_devices(FtConn *c, GByteArray *body, Error **errp)
{
    GByteArray *blob;

    if (!ft_disks_durable(c, errp)) {
        return false;
    }
    blob = g_byte_array_sized_new(body->len);
    g_byte_array_append(blob, body->data, body->len);
    c->got_devices = true;
    ft_early_restart();
    ft_die_at("die-at-state-sent");
    /* Ahead of all that this thread may have to say of the connection's end. */
    ft_post(c->gen, FT_IN_STATE_RECEIVED, 0, NULL);
    ft_load_devices(blob);
    return true;
}

static bool ft_check_epoch(FtConn *c, const FtMsgHeader *h, Error **errp)
{
    uint64_t epoch = qatomic_read(&c->epoch);

    if (h->session != c->session) {
        error_setg(errp, "session: %" PRIx64 ", expected %" PRIx64, h->session,
                   c->session);
        return false;
    }
    if (epoch == 0 && h->epoch > 0 && h->type == FT_MSG_STATE) {
        qatomic_set(&c->epoch, h->epoch);
        return true;
    }
    if (h->epoch != epoch) {
        error_setg(errp, "epoch: %" PRIu64 ", expected %" PRIu64, h->epoch, epoch);
        return false;
    }
    return true;
}

/* @frames: the body of a LOG that was received in place, else NULL. */
static bool ft_on_primary_msg(FtConn *c, const FtMsgHeader *h, GByteArray *body,
                              const uint8_t *frames, Error **errp)
{
    g_autofree char *text = NULL;
    bool is_state = h->type == FT_MSG_STATE || h->type == FT_MSG_DEVICES
                    || h->type == FT_MSG_MARK || h->type == FT_MSG_DISK
                    || h->type == FT_MSG_DISK_ZEROS;

    if (h->type != FT_MSG_GOODBYE && !ft_check_epoch(c, h, errp)) {
        return false;
    }
    if (is_state ? !qatomic_read(&c->agreed) || c->got_devices
                 : h->type != FT_MSG_GOODBYE && !c->got_devices) {
        error_setg(errp, "type: %u is out of place here", h->type);
        return false;
    }
    switch (h->type) {
    case FT_MSG_STATE:
        ft_die_at("die-at-ram-pass");
        if (c->state_fd < 0) {
            c->state_fd = ft_load_open();
        }
        if (qemu_write_full(c->state_fd, body->data, body->len)
            != (ssize_t)body->len) {
            error_setg(errp, "state: the secondary's loader has stopped; its own reason "
                       "says why");
            return false;
        }
        return true;
    case FT_MSG_MARK:
        /*
         * The loader has taken all before this but what its pipe holds, and what
         * the cut adds to the drives will be durable soon.
         */
        return ft_fault("mark-never")
            || (ft_disks_durable(c, errp) && ft_send_msg(c, c->log, FT_MSG_MARK, 0, 0, NULL, 0, errp));
    case FT_MSG_DISK:
    case FT_MSG_DISK_ZEROS:
        return ft_on_disk(c, h, body, errp);
    case FT_MSG_DEVICES:
        return ft_on_devices(c, body, errp);
    case FT_MSG_LOG:
        return ft_on_log(c, h, frames ? frames : body->data, h->body_len, errp);
    case FT_MSG_LOG_ZSTD: {
        g_autoptr(GByteArray) plain = g_byte_array_new();

        return ft_unpack(body, plain, errp)
            && ft_on_log(c, h, plain->data, plain->len, errp);
    }
    case FT_MSG_RELEASED:
        ft_output_forget(h->seq);
        return true;
    case FT_MSG_HANDOVER:
        ft_post(c->gen, FT_IN_HANDOVER, ft_log_received_seq(c->reader), NULL);
        return true;
    case FT_MSG_GOODBYE:
        text = g_strndup((char *)body->data, MIN(body->len, FT_REASON_MAX));
        qatomic_set(&c->posted_end, true);
        ft_post(c->gen, FT_IN_PEER_GOODBYE, h->seq, text);
        return true;
    default:
        error_setg(errp, "type: %u does not come from a primary", h->type);
        return false;
    }
}

static void ft_refuse(FtConn *c, QIOChannel *ioc, Error *err)
{
    warn_report("ft: refused a connection from %s: %s", c->address,
                error_get_pretty(err));
    ft_send_text(c, ioc, FT_MSG_REFUSE, error_get_pretty(err));
}

static bool ft_is_first_peer(FtConn *c)
{
    QEMU_LOCK_GUARD(&ft_conn_lock);

    if (ft_node.conn || ft_state() != FT_STATE_WAITING) {
        return false;
    }
    ft_load_prepare();
    ft_conn_use(c);
    return true;
}

static void ft_refuse_second_peer(Error **errp)
{
    QEMU_LOCK_GUARD(&ft_conn_lock);
    FtConn *c = ft_node.conn;

    error_setg(errp, "this node is %s and takes no primary (its peer: %s); only one that is "
               "waiting, and has none, does", ft_state_name(ft_state()),
               c && c->address ? c->address : "none");
}

/* Takes @c as the peer, unless there is one or this node takes none. Waits for a last one
 * that has failed to be gone. */
static bool ft_accept_log(FtConn *c, Error **errp)
{
    uint64_t until_ns = ft_now_ns() + FT_LAST_PEER_NS;

    while (!ft_is_first_peer(c)) {
        if (ft_state() != FT_STATE_WAITING || ft_now_ns() >= until_ns) {
            ft_refuse_second_peer(errp);
            return false;
        }
        g_usleep(FT_LAST_PEER_LOOK_US);
    }
    c->reader = ft_log_reader();
    return true;
}

static void ft_serve_log(FtConn *c)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    const uint8_t *frames;
    FtMsgHeader h;
    Error *err = NULL;

    if (!ft_send_hello(c, c->log, FT_CHANNEL_LOG, &err)) {
        ft_conn_end(c, error_get_pretty(err));
        error_free(err);
        return;
    }
    qatomic_dec(&pending);
    /* Whoever opens a log channel has to show a heartbeat soon. */
    while (ft_recv_msg_to(c, c->log, &h, body, &frames,
                          qatomic_read(&c->agreed) ? 0 : ft_now_ns() + FT_HANDSHAKE_NS,
                          &err)
           && ft_on_primary_msg(c, &h, body, frames, &err)) {
        qatomic_set(&c->heard_ns, ft_now_ns());
    }
    if (ft_fault("late-end")) {
        g_usleep(FT_LATE_END_US);
    }
    qatomic_set(&c->log_over, true);
    ft_conn_end(c, qatomic_read(&c->peer_died) ? "the peer's process has died"
                                               : error_get_pretty(err));
    qemu_sem_post(&c->log_ended);       /* one for the heartbeat,   */
    qemu_sem_post(&c->log_ended);       /* one for the sender       */
    error_free(err);
    qatomic_inc(&pending);
}

/* A reference to the connection that one more channel belongs to, once for each. */
static FtConn *ft_take_channel(uint8_t channel, uint64_t session, Error **errp)
{
    QEMU_LOCK_GUARD(&ft_conn_lock);
    FtConn *c = ft_node.conn;

    if (!c || c->primary || c->session != session || c->channels & BIT(channel)) {
        error_setg(errp, "session: %" PRIx64 " waits for no channel %u here: the secondary "
                   "has ended it, or was started anew; its own reason says why", session,
                   channel);
        return NULL;
    }
    c->channels |= BIT(channel);
    ft_conn_ref(c);
    return c;
}

/* The second channel of the connection that is being set up. */
static bool ft_accept_beat(FtConn *extra, uint64_t session, Error **errp)
{
    FtConn *c = ft_take_channel(FT_CHANNEL_HEARTBEAT, session, errp);
    Error *err = NULL;

    if (!c) {
        return false;
    }
    c->beat = extra->log;
    object_ref(OBJECT(c->beat));
    /* Before the answer: state may follow it at once. */
    qatomic_set(&c->agreed, true);
    ft_post(c->gen, FT_IN_CONNECTED, 0, NULL);
    ft_start_beat(c);
    ft_start_sender(c);
    if (!ft_send_hello(c, c->beat, FT_CHANNEL_HEARTBEAT, &err)) {
        error_prepend(&err, "the heartbeat channel broke in the handshake: ");
        ft_conn_end(c, error_get_pretty(err));
        error_free(err);
    }
    ft_conn_unref(c);
    return true;
}

/* The third channel of the connection, which is served by this thread. */
static void ft_accept_witness(FtConn *extra, uint64_t session, Error **errp)
{
    FtConn *c = ft_take_channel(FT_CHANNEL_WITNESS, session, errp);

    if (c && ft_send_hello(c, extra->log, FT_CHANNEL_WITNESS, errp)) {
        qatomic_dec(&pending);
        ft_serve_witness(c, extra->log);
        qatomic_inc(&pending);
    }
    if (c) {
        ft_conn_unref(c);
    }
}

/* One thread for each connection that comes in, until it is known what it is. */
static void *ft_incoming_thread(void *opaque)
{
    FtConn *c = opaque;
    g_autoptr(GByteArray) body = g_byte_array_new();
    FtMsgHeader h;
    FtHello hello;
    Error *err = NULL;

    if (!ft_recv_hello(c, c->log, &h, &hello, body, &err)) {
        goto out;
    }
    ft_die_at("die-at-handshake");
    c->session = h.session;
    if (!ft_check_hello(&hello, hello.channel, FT_ROLE_PRIMARY, &err)) {
        ft_post(0, FT_IN_REFUSED, 0, error_get_pretty(err));
        goto out;
    }
    if (hello.channel != FT_CHANNEL_LOG && c->in.begin != c->in.end) {
        error_setg(&err, "channel %u: more was sent before the HELLO was answered",
                   hello.channel);
    } else if (hello.channel == FT_CHANNEL_HEARTBEAT) {
        ft_accept_beat(c, h.session, &err);
    } else if (hello.channel == FT_CHANNEL_WITNESS) {
        ft_accept_witness(c, h.session, &err);
    } else if (ft_images_check_peer(&err) && ft_accept_log(c, &err)) {
        ft_serve_log(c);
    }
out:
    if (err) {
        ft_refuse(c, c->log, err);
        error_free(err);
    }
    qatomic_dec(&pending);
    ft_conn_unref(c);
    return NULL;
}

static void ft_incoming(QIONetListener *l, QIOChannelSocket *s, gpointer opaque)
{
    FtConn *c;
    SocketAddress *remote;
    Error *err = NULL;

    if (qatomic_fetch_inc(&pending) >= FT_PENDING_MAX) {
        qatomic_dec(&pending);
        return;
    }
    remote = qio_channel_socket_get_remote_address(s, NULL);
    c = ft_conn_new(false, NULL);
    if (remote && remote->type == SOCKET_ADDRESS_TYPE_INET) {
        c->address = g_strdup_printf("%s:%s", remote->u.inet.host, remote->u.inet.port);
    }
    qapi_free_SocketAddress(remote);
    object_ref(OBJECT(s));
    c->log = QIO_CHANNEL(s);
    ft_set_up_socket(c->log);
    if (!ft_thread_new("ft-peer", ft_incoming_thread, c, &err)) {
        ft_refuse(c, c->log, err);      /* a fresh socket takes that without waiting */
        error_free(err);
        qatomic_dec(&pending);
        ft_conn_unref(c);
    }
}

bool ft_peer_listen(const char *address, Error **errp)
{
    g_autofree char *host = g_strndup(address, strrchr(address, ':') - address);
    SocketAddress addr = {
        .type = SOCKET_ADDRESS_TYPE_INET,
        .u.inet = { .host = host, .port = (char *)strrchr(address, ':') + 1 },
    };

    listener = qio_net_listener_new();
    qio_net_listener_set_name(listener, "ft");
    if (qio_net_listener_open_sync(listener, &addr, 8, errp) < 0) {
        error_prepend(errp, "ft-listen=%s: ", address);
        return false;
    }
    qio_net_listener_set_client_func(listener, ft_incoming, NULL, NULL);
    return true;
}

void ft_peer_send_ready(void)
{
    FtConn *c = ft_node.conn;

    if (!c) {
        return;
    }
    /* By the sender: main waits for no socket. An ack ahead of it would do no harm. */
    ft_peer_queue(FT_MSG_READY, 0, 0, NULL);
    qatomic_set(&c->ready, true);
    ft_ask_report(c);
}
