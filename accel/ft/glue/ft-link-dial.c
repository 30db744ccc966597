/*
 * One channel to a secondary: connected, and agreed on by a HELLO in both directions.
 *
 * THREAD: any of a primary.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-conn.h"
#include "io/channel-socket.h"
#include "qemu/sockets.h"

QIOChannel *ft_connect_once(const char *address, Error **errp)
{
    g_autofree char *host = g_strndup(address, strrchr(address, ':') - address);
    SocketAddress addr = {
        .type = SOCKET_ADDRESS_TYPE_INET,
        .u.inet = { .host = host, .port = (char *)strrchr(address, ':') + 1 },
    };
    QIOChannelSocket *s = qio_channel_socket_new();

    if (qio_channel_socket_connect_sync(s, &addr, errp) < 0) {
        object_unref(OBJECT(s));
        return NULL;
    }
    ft_set_up_socket(QIO_CHANNEL(s));
    return QIO_CHANNEL(s);
}

bool ft_handshake(FtConn *c, QIOChannel *ioc, uint8_t channel, Error **errp)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    FtMsgHeader h;
    FtHello hello;

    return ft_send_hello(c, ioc, channel, errp)
        && ft_recv_hello(c, ioc, &h, &hello, body, errp)
        && ft_check_hello(&hello, channel, FT_ROLE_SECONDARY, errp);
}
