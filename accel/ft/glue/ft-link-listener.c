/*
 * The secondary's door: whoever connects is nobody until his HELLO was checked, and there
 * are only so many of them at a time. One of them becomes the primary, his other channels
 * are added to the first.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-conn.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "io/channel-socket.h"
#include "io/net-listener.h"
#include "qemu/error-report.h"
#include "qemu/lockable.h"

#define FT_PENDING_MAX 8
/* A primary that comes again at once finds the end of its last attach still on its way. */
#define FT_LAST_PEER_NS NANOSECONDS_PER_SECOND
#define FT_LAST_PEER_LOOK_US 1000

static QIONetListener *listener;
static int pending;             /* handshakes under way, atomic             */

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
    ft_load_listener->prepare();
    ft_conn_use(c);
    return true;
}

static void ft_refuse_second_peer(Error **errp)
{
    QEMU_LOCK_GUARD(&ft_conn_lock);
    FtConn *c = ft_node.conn;

    error_setg(errp, "this node is %s and takes no primary (its peer: %s); only one that is "
               "waiting, and has none, does", ftc_state_name(ft_state()),
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
    Error *err = NULL;

    if (!ft_send_hello(c, c->log, FT_CHANNEL_LOG, &err)) {
        ft_conn_end(c, error_get_pretty(err));
        error_free(err);
        return;
    }
    qatomic_dec(&pending);
    ft_receive_log(c);
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

bool ft_link_listen(const char *address, Error **errp)
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
