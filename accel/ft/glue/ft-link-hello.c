/*
 * HELLO, the first message on each channel, in both directions: are these two nodes
 * of one pair, with the same machine?
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-conn.h"

bool ft_send_hello(FtConn *c, QIOChannel *ioc, uint8_t channel, Error **errp)
{
    g_autofree uint8_t *body = g_malloc(FT_FINGERPRINT_MAX + 256);
    FtHello hello = {
        .channel = channel,
        .role = c->primary ? FT_ROLE_PRIMARY : FT_ROLE_SECONDARY,
        .timeout_ns = ft_node.config.timeout_ns,
        .fingerprint = ft_node.fingerprint,
        .fingerprint_len = strlen(ft_node.fingerprint),
    };
    size_t len;

    memcpy(hello.vm_uuid, ft_node.vm_uuid, FT_UUID_BYTES);
    memcpy(hello.node_id, ft_node.node_id, FT_UUID_BYTES);
    len = ftc_wire_encode_hello(&hello, body, FT_FINGERPRINT_MAX + 256);
    return ft_send_msg(c, ioc, FT_MSG_HELLO, 0, 0, body, len, errp);
}

bool ft_check_hello(const FtHello *h, uint8_t channel, FtRole peer, Error **errp)
{
    FtError why = { "" };

    if (h->channel != channel) {
        error_setg(errp, "hello.channel: %u, expected %u", h->channel, channel);
    } else if (h->role != peer) {
        error_setg(errp, "hello.role: the peer is a %s, expected a %s (look at ft=, and at "
                   "the address in ft-peer or ft-attach)",
                   ftc_role_name(h->role), ftc_role_name(peer));
    } else if (memcmp(h->vm_uuid, ft_node.vm_uuid, FT_UUID_BYTES)) {
        error_setg(errp, "hello.vm_uuid: the peer protects another VM "
                   "(give both the same -uuid)");
    } else if (h->timeout_ns != ft_node.config.timeout_ns) {
        error_setg(errp, "hello.timeout: here ft-timeout=%" PRIu64 ", peer %" PRIu64
                   " (give both the same)",
                   ft_node.config.timeout_ns / SCALE_MS, h->timeout_ns / SCALE_MS);
    } else if (!ftc_fingerprint_compare(ft_node.fingerprint,
                                        strlen(ft_node.fingerprint), h->fingerprint,
                                        h->fingerprint_len, &why)) {
        error_setg(errp, "the machines differ: %s", why.text);
    } else {
        return true;
    }
    return false;
}

/* Receives a hello or a refusal. */
bool ft_recv_hello(FtConn *c, QIOChannel *ioc, FtMsgHeader *h, FtHello *hello,
                          GByteArray *body, Error **errp)
{
    FtError why = { "" };

    if (!ft_recv_msg(c, ioc, h, body, ft_now_ns() + FT_HANDSHAKE_NS, errp)) {
        return false;
    }
    if (h->type == FT_MSG_REFUSE) {
        error_setg(errp, "the peer refused: %.*s", (int)MIN(body->len, FT_REASON_MAX),
                   (const char *)body->data);
        return false;
    }
    if (h->type != FT_MSG_HELLO) {
        error_setg(errp, "type: %u where a HELLO was expected", h->type);
        return false;
    }
    if (!ftc_wire_decode_hello(body->data, body->len, hello, &why)) {
        error_setg(errp, "%s", why.text);
        return false;
    }
    return true;
}
