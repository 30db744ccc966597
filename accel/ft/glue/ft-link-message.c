/*
 * Messages to and from the peer: one header, one body, on one of the three connections.
 * What a peer sends is bounded by the check of its header before room is made.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-conn.h"
#include <poll.h>
#include "io/channel-socket.h"
#include "qemu/error-report.h"
#include "qemu/iov.h"

/*
 * Once, up to @len bytes to @buf and what follows them to @in, if there is one.
 * How many there were, 0 at the end of the stream, QIO_CHANNEL_ERR_BLOCK, or -1.
 */
static ssize_t ft_read_once(QIOChannel *ioc, FtReadAhead *in, uint8_t *buf, size_t len,
                            Error **errp)
{
    struct iovec iov[2] = {
        { .iov_base = buf, .iov_len = len },
        { .iov_base = in ? in->bytes : NULL, .iov_len = in ? sizeof(in->bytes) : 0 },
    };
    ssize_t n = qio_channel_readv(ioc, iov, in ? 2 : 1, errp);

    if (in && n > 0) {
        in->begin = 0;
        in->end = n > len ? n - len : 0;
        in->drained = n < len + sizeof(in->bytes);
        return MIN(n, len);
    }
    return n;
}

static size_t ft_take_read(FtReadAhead *in, uint8_t *buf, size_t len)
{
    size_t n = MIN(len, in->end - in->begin);

    memcpy(buf, in->bytes + in->begin, n);
    in->begin += n;
    return n;
}

static const char *ft_who(const FtConn *c)
{
    return c && c->address ? c->address : "of an unknown address";
}

/* Reads exactly @len bytes. Gives up at @deadline_ns, if that is not 0. */
static bool ft_read(FtConn *c, QIOChannel *ioc, void *buf, size_t len,
                    uint64_t deadline_ns, Error **errp)
{
    struct pollfd pfd = { .fd = QIO_CHANNEL_SOCKET(ioc)->fd, .events = POLLIN };
    FtReadAhead *in = c && ioc == c->log ? &c->in : NULL;
    size_t got = in ? ft_take_read(in, buf, len) : 0;
    uint64_t begin_ns = deadline_ns ? ft_now_ns() : 0;

    while (got < len) {
        /* A read that got all there was is followed by a wait, not by one in vain. */
        bool wait = in && in->drained;
        ssize_t n = wait ? QIO_CHANNEL_ERR_BLOCK
                         : ft_read_once(ioc, in, (uint8_t *)buf + got, len - got, errp);

        if (n > 0) {
            got += n;
            continue;
        }
        if (in) {
            in->drained = false;
        }
        if (c && n != QIO_CHANNEL_ERR_BLOCK) {
            qatomic_set(&c->peer_closed, true);
        }
        if (n == 0) {
            error_setg(errp, "the peer (%s) closed the connection%s", ft_who(c),
                       got ? " inside a message" : "");
            return false;
        }
        if (n != QIO_CHANNEL_ERR_BLOCK) {
            return false;
        }
        if (deadline_ns && ft_now_ns() > deadline_ns) {
            error_setg(errp, "the peer (%s) has sent nothing for %" PRIu64 " ms: does its "
                       "QEMU run, and may it open files and make threads?", ft_who(c),
                       (ft_now_ns() - begin_ns) / SCALE_MS);
            return false;
        }
        if (c && qatomic_read(&c->closing)) {
            error_setg(errp, "this node has closed the connection");
            return false;
        }
        poll(&pfd, 1, deadline_ns ? 100 : 1000);
    }
    return true;
}

/* Frames of the log are received where replay will read them, if they fit there. */
static uint8_t *ft_body_space(FtConn *c, const FtMsgHeader *h)
{
    return c && c->reader && h->type == FT_MSG_LOG ? ftc_log_space(c->reader, h->body_len)
                                                   : NULL;
}

/*
 * @body is made as large as the message says, which the header check bounds.
 * @in_place: where the body is, if not in @body; may be NULL, then it never is.
 */
bool ft_recv_msg_to(FtConn *c, QIOChannel *ioc, FtMsgHeader *h, GByteArray *body,
                           const uint8_t **in_place, uint64_t deadline_ns, Error **errp)
{
    uint8_t raw[FT_WIRE_HEADER_BYTES], *to;
    uint64_t sum;
    FtError why = { "" };

    if (!ft_read(c, ioc, raw, sizeof(raw), deadline_ns, errp)) {
        return false;
    }
    if (!ftc_wire_decode_header(raw, h, &sum, &why)) {
        error_setg(errp, "%s", why.text);
        return false;
    }
    to = in_place ? ft_body_space(c, h) : NULL;
    if (in_place) {
        *in_place = to;
    }
    if (!to) {
        g_byte_array_set_size(body, h->body_len);
        to = body->data;
    }
    if (!ft_read(c, ioc, to, h->body_len, deadline_ns, errp)) {
        return false;
    }
    if (!ftc_wire_check_body(h, sum, to, &why)) {
        error_setg(errp, "%s", why.text);
        return false;
    }
    return true;
}

bool ft_recv_msg(FtConn *c, QIOChannel *ioc, FtMsgHeader *h, GByteArray *body,
                        uint64_t deadline_ns, Error **errp)
{
    return ft_recv_msg_to(c, ioc, h, body, NULL, deadline_ns, errp);
}

void ft_copy_to_file(FtConn *c, const uint8_t *raw, const uint8_t *body,
                            size_t len)
{
    if (c->copy && (fwrite(raw, FT_WIRE_HEADER_BYTES, 1, c->copy) != 1
                    || (len && fwrite(body, len, 1, c->copy) != 1))) {
        warn_report("ft-log-file=%s: %s; no further copy is made",
                    ft_node.config.log_file, strerror(errno));
        fclose(c->copy);
        c->copy = NULL;
    }
}

/* Frames that are sent compressed: ft-dump reads them as they were. */
void ft_copy_plain(FtConn *c, uint64_t first, uint64_t last, const uint8_t *body,
                          size_t len)
{
    uint8_t raw[FT_WIRE_HEADER_BYTES];
    FtMsgHeader h = {
        .type = FT_MSG_LOG, .epoch = qatomic_read(&c->epoch), .session = c->session,
        .seq = first, .seq_last = last, .body_len = len,
    };

    if (c->copy) {
        ftc_wire_encode_header(&h, body, raw);
        ft_copy_to_file(c, raw, body, len);
    }
}

/* A message as it goes out; @raw is its header. */
void ft_encode_msg(FtConn *c, FtMsgType type, uint64_t seq, uint64_t seq_last,
                          const uint8_t *body, size_t len, uint8_t *raw)
{
    FtMsgHeader h = {
        .type = type, .epoch = qatomic_read(&c->epoch), .session = c->session,
        .seq = seq, .seq_last = seq_last, .body_len = len,
    };

    ftc_wire_encode_header(&h, body, raw);
}

/*
 * qio_channel_writev_all() waits with a main context of GLib's, which ends the process
 * where no descriptor can be had for it.
 */
bool ft_write_all(QIOChannel *ioc, const struct iovec *from, unsigned n, Error **errp)
{
    struct pollfd pfd = { .fd = QIO_CHANNEL_SOCKET(ioc)->fd, .events = POLLOUT };
    g_autofree struct iovec *copy = g_memdup2(from, n * sizeof(*from));
    struct iovec *iov = copy;

    while (n > 0) {
        ssize_t sent = qio_channel_writev(ioc, iov, n, errp);

        if (sent == QIO_CHANNEL_ERR_BLOCK) {
            poll(&pfd, 1, -1);      /* ends with the connection, if not before */
        } else if (sent < 0) {
            return false;
        } else {
            iov_discard_front(&iov, &n, sent);
        }
    }
    return true;
}

/* Holding writable: what the vCPU thread could not send at once goes first. */
bool ft_send_rest(FtConn *c, Error **errp)
{
    struct iovec iov = { .iov_base = c->rest->data, .iov_len = c->rest->len };
    bool ok = c->rest->len == 0 || ft_write_all(c->log, &iov, 1, errp);

    g_byte_array_set_size(c->rest, 0);
    return ok;
}

bool ft_send_msg(FtConn *c, QIOChannel *ioc, FtMsgType type, uint64_t seq,
                        uint64_t seq_last, const uint8_t *body, size_t len,
                        Error **errp)
{
    uint8_t raw[FT_WIRE_HEADER_BYTES];
    struct iovec iov[2] = {
        { .iov_base = raw, .iov_len = sizeof(raw) },
        { .iov_base = (void *)body, .iov_len = len },
    };
    bool ok;

    ft_encode_msg(c, type, seq, seq_last, body, len, raw);
    if (ioc == c->log) {
        qemu_sem_wait(&c->writable);
        ft_copy_to_file(c, raw, body, len);
    }
    ok = (ioc != c->log || ft_send_rest(c, errp))
        && ft_write_all(ioc, iov, len ? 2 : 1, errp);
    if (ioc == c->log) {
        qemu_sem_post(&c->writable);
    }
    return ok;
}

bool ft_send_text(FtConn *c, QIOChannel *ioc, FtMsgType type, const char *text)
{
    size_t len = MIN(strlen(text), FT_REASON_MAX);

    return ft_send_msg(c, ioc, type, 0, 0, (const uint8_t *)text, len, NULL);
}

void ft_set_up_socket(QIOChannel *ioc)
{
    qio_channel_set_blocking(ioc, false, NULL);
    qio_channel_set_delay(ioc, false);
}
