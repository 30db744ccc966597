/*
 * The connection to the peer: two TCP channels and their threads.
 *
 * The log channel carries state, log and acknowledgements, the heartbeat
 * channel nothing but pings, so that a busy log cannot hide them. The receiver
 * and heartbeat threads take neither the replay mutex nor the BQL: an
 * acknowledgement must not wait for the guest. They report through ft_post().
 *
 * A connection has a generation; main ignores posts of one it has closed. It is
 * freed when its last thread has left it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/units.h"
#include "ft-node.h"
#include "io/channel-socket.h"
#include "io/net-listener.h"
#include "qemu/error-report.h"
#include "qemu/guest-random.h"
#include "qemu/main-loop.h"
#include "qemu/iov.h"
#include "qemu/lockable.h"
#include "qemu/sockets.h"
#include "qemu/timer.h"
#include "trace.h"
#include <poll.h>

#define FT_HANDSHAKE_NS (5 * NANOSECONDS_PER_SECOND)
/* How long a primary looks for its secondary before it starts alone. */
#define FT_CONNECT_NS (10 * NANOSECONDS_PER_SECOND)
#define FT_RETRY_US 100000
#define FT_BEATS_PER_TIMEOUT 10
/* How long the heartbeat channel's end waits for the log channel to say more. */
#define FT_LAST_WORDS_MS 50
#define FT_PENDING_MAX 8
/* A secondary whose replay has not moved for so many timeouts is of no use. */
#define FT_STILL_TIMEOUTS 6
#define FT_QUEUE_LOW_BYTES (2 * MiB)
#define FT_DURABLE_LOOK_US 200
#define FT_READ_AHEAD_BYTES (4 * KiB)
/* So much the vCPU thread sends by itself. */
#define FT_SEND_NOW_MAX (16 * KiB)

/* What waits for the sender thread. */
typedef struct FtOut {
    FtMsgType type;
    GByteArray *body;           /* may be NULL                              */
    uint64_t seq, seq_last;     /* of its header                            */
    FtLogWriter *start_log;     /* not a message: send this log from now on */
} FtOut;

/*
 * What was read of a channel and not yet asked for: a small message and the header of
 * the next one come in one read.
 */
typedef struct FtReadAhead {
    uint8_t bytes[FT_READ_AHEAD_BYTES];
    size_t begin, end;
    bool drained;               /* the last read got all that was there     */
} FtReadAhead;

struct FtConn {
    unsigned gen;
    int refs;                   /* atomic                                   */
    bool primary;               /* we are                                   */
    bool closing;               /* atomic                                   */
    char *address;
    QIOChannel *log, *beat;     /* set before their threads start           */
    FtReadAhead in;             /* of the log channel, receiver thread      */
    QemuSemaphore writable;     /* 1: the log channel is nobody's just now  */
    uint64_t session;
    uint64_t epoch;             /* atomic; secondary: 0 until the first STATE */
    FtLease *lease;
    uint64_t heard_ns;          /* atomic: last sign of life                */
    bool agreed;                /* atomic: CONNECTED was posted             */
    bool posted_end;            /* atomic: its end was reported             */
    bool peer_closed;           /* atomic: by its kernel or by itself       */
    bool log_over;              /* atomic: secondary, no frame will follow  */
    uint64_t beat_ns;           /* atomic: last heartbeat received          */
    QemuSemaphore log_ended;    /* posted by the receiver thread for both   */

    /* primary */
    GAsyncQueue *queue;         /* of FtOut                                 */
    uint64_t sent_seq;          /* atomic: last frame given to the socket   */
    bool log_begun;             /* atomic: the log follows on what was sent */
    uint64_t released_told;     /* whoever holds writable, like the next one */
    GByteArray *rest;           /* of a message that the vCPU thread began  */
    size_t queued;              /* atomic                                   */
    uint64_t watched_seq;       /* heartbeat thread: executed at the last beat */
    unsigned still_beats;       /* heartbeat thread: since it moved         */
    QemuEvent wake;
    FILE *copy;                 /* ft-log-file, sender thread               */

    /* secondary */
    FtLogReader *reader;
    bool ready;                 /* atomic: acks may go out                  */
    bool report;                /* atomic: the primary waits for what we do */
    bool got_devices;           /* receiver thread                          */
    int state_fd;               /* receiver thread: the loader's pipe, or -1 */
    QemuMutex ack_lock;
};

static unsigned generations;
static QIONetListener *listener;
static int pending;             /* handshakes under way, atomic             */
static int log_senders;         /* connections that use a log's ring, atomic */
static QemuMutex conn_lock;     /* guards ft_node.conn against our threads  */

/* Atomic; of the current connection. */
static uint64_t acked_seq, executed_seq, executed_icount, executed_at_ns;

static void __attribute__((constructor)) ft_peer_init(void)
{
    qemu_mutex_init(&conn_lock);
}

/* -- lifetime ------------------------------------------------------------------ */

static FtConn *ft_conn_new(bool primary, const char *address)
{
    FtConn *c = g_new0(FtConn, 1);

    c->refs = 1;
    c->state_fd = -1;
    c->primary = primary;
    c->address = g_strdup(address);
    c->lease = ft_lease_new(ft_node.config.timeout_ns);
    c->queue = g_async_queue_new();
    qemu_sem_init(&c->writable, 1);
    c->rest = g_byte_array_new();
    qemu_mutex_init(&c->ack_lock);
    qemu_event_init(&c->wake, false);
    qemu_sem_init(&c->log_ended, 0);
    return c;
}

static void ft_out_free(FtOut *out)
{
    if (out->body) {
        g_byte_array_unref(out->body);
    }
    if (out->start_log) {
        qatomic_dec(&log_senders);      /* it was never begun */
    }
    g_free(out);
}

static void ft_conn_ref(FtConn *c)
{
    qatomic_inc(&c->refs);
}

static void ft_conn_unref(FtConn *c)
{
    FtOut *out;

    if (qatomic_fetch_dec(&c->refs) != 1) {
        return;
    }
    while ((out = g_async_queue_try_pop(c->queue))) {
        ft_out_free(out);
    }
    g_async_queue_unref(c->queue);
    if (c->copy) {
        fclose(c->copy);
    }
    if (c->state_fd >= 0) {
        close(c->state_fd);
    }
    g_clear_pointer(&c->log, object_unref);
    g_clear_pointer(&c->beat, object_unref);
    ft_lease_free(c->lease);
    g_byte_array_unref(c->rest);
    qemu_sem_destroy(&c->writable);
    qemu_mutex_destroy(&c->ack_lock);
    qemu_event_destroy(&c->wake);
    qemu_sem_destroy(&c->log_ended);
    g_free(c->address);
    g_free(c);
}

/*
 * Any thread of @c: it is over. Only the first reason counts. A peer that closed
 * the connection releases nothing any more; if it was us who found fault with
 * it, its lease runs on and a secondary has to wait for that before it goes live.
 */
static void ft_conn_end(FtConn *c, const char *why)
{
    uint64_t lease_ns = 0;

    if (qatomic_read(&c->closing) || qatomic_xchg(&c->posted_end, true)) {
        return;
    }
    if (!qatomic_read(&c->agreed)) {
        ft_post(c->gen, FT_IN_ATTACH_FAILED, 0, why);
        return;
    }
    if (!qatomic_read(&c->peer_closed)) {
        lease_ns = qatomic_read(&c->beat_ns) + ft_node.config.timeout_ns;
    }
    ft_post(c->gen, FT_IN_CONNECTION_LOST, lease_ns, why);
}

/* -- messages -------------------------------------------------------------------- */

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

/* Reads exactly @len bytes. Gives up at @deadline_ns, if that is not 0. */
static bool ft_read(FtConn *c, QIOChannel *ioc, void *buf, size_t len,
                    uint64_t deadline_ns, Error **errp)
{
    struct pollfd pfd = { .fd = QIO_CHANNEL_SOCKET(ioc)->fd, .events = POLLIN };
    FtReadAhead *in = c && ioc == c->log ? &c->in : NULL;
    size_t got = in ? ft_take_read(in, buf, len) : 0;

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
            error_setg(errp, "the peer closed the connection%s",
                       got ? " inside a message" : "");
            return false;
        }
        if (n != QIO_CHANNEL_ERR_BLOCK) {
            return false;
        }
        if (deadline_ns && ft_now_ns() > deadline_ns) {
            error_setg(errp, "the peer sent nothing for too long");
            return false;
        }
        if (c && qatomic_read(&c->closing)) {
            error_setg(errp, "closed");
            return false;
        }
        poll(&pfd, 1, deadline_ns ? 100 : 1000);
    }
    return true;
}

/* Frames of the log are received where replay will read them, if they fit there. */
static uint8_t *ft_body_space(FtConn *c, const FtMsgHeader *h)
{
    return c && c->reader && h->type == FT_MSG_LOG ? ft_log_space(c->reader, h->body_len)
                                                   : NULL;
}

/*
 * @body is made as large as the message says, which the header check bounds.
 * @in_place: where the body is, if not in @body; may be NULL, then it never is.
 */
static bool ft_recv_msg_to(FtConn *c, QIOChannel *ioc, FtMsgHeader *h, GByteArray *body,
                           const uint8_t **in_place, uint64_t deadline_ns, Error **errp)
{
    uint8_t raw[FT_WIRE_HEADER_BYTES], *to;
    uint64_t sum;
    FtError why = { "" };

    if (!ft_read(c, ioc, raw, sizeof(raw), deadline_ns, errp)) {
        return false;
    }
    if (!ft_wire_decode_header(raw, h, &sum, &why)) {
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
    if (!ft_wire_check_body(h, sum, to, &why)) {
        error_setg(errp, "%s", why.text);
        return false;
    }
    return true;
}

static bool ft_recv_msg(FtConn *c, QIOChannel *ioc, FtMsgHeader *h, GByteArray *body,
                        uint64_t deadline_ns, Error **errp)
{
    return ft_recv_msg_to(c, ioc, h, body, NULL, deadline_ns, errp);
}

static void ft_copy_to_file(FtConn *c, const uint8_t *raw, const uint8_t *body,
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
static void ft_copy_plain(FtConn *c, uint64_t first, uint64_t last, const uint8_t *body,
                          size_t len)
{
    uint8_t raw[FT_WIRE_HEADER_BYTES];
    FtMsgHeader h = {
        .type = FT_MSG_LOG, .epoch = qatomic_read(&c->epoch), .session = c->session,
        .seq = first, .seq_last = last, .body_len = len,
    };

    if (c->copy) {
        ft_wire_encode_header(&h, body, raw);
        ft_copy_to_file(c, raw, body, len);
    }
}

/* A message as it goes out; @raw is its header. */
static void ft_encode_msg(FtConn *c, FtMsgType type, uint64_t seq, uint64_t seq_last,
                          const uint8_t *body, size_t len, uint8_t *raw)
{
    FtMsgHeader h = {
        .type = type, .epoch = qatomic_read(&c->epoch), .session = c->session,
        .seq = seq, .seq_last = seq_last, .body_len = len,
    };

    ft_wire_encode_header(&h, body, raw);
}

/* Holding writable: what the vCPU thread could not send at once goes first. */
static bool ft_send_rest(FtConn *c, Error **errp)
{
    bool ok = c->rest->len == 0
        || qio_channel_write_all(c->log, (char *)c->rest->data, c->rest->len, errp) == 0;

    g_byte_array_set_size(c->rest, 0);
    return ok;
}

static bool ft_send_msg(FtConn *c, QIOChannel *ioc, FtMsgType type, uint64_t seq,
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
        && qio_channel_writev_all(ioc, iov, len ? 2 : 1, errp) == 0;
    if (ioc == c->log) {
        qemu_sem_post(&c->writable);
    }
    return ok;
}

static bool ft_send_text(FtConn *c, QIOChannel *ioc, FtMsgType type, const char *text)
{
    size_t len = MIN(strlen(text), FT_REASON_MAX);

    return ft_send_msg(c, ioc, type, 0, 0, (const uint8_t *)text, len, NULL);
}

static void ft_set_up_socket(QIOChannel *ioc)
{
    qio_channel_set_blocking(ioc, false, NULL);
    qio_channel_set_delay(ioc, false);
}

/* -- handshake ------------------------------------------------------------------- */

static bool ft_send_hello(FtConn *c, QIOChannel *ioc, uint8_t channel, Error **errp)
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
    len = ft_wire_encode_hello(&hello, body, FT_FINGERPRINT_MAX + 256);
    return ft_send_msg(c, ioc, FT_MSG_HELLO, 0, 0, body, len, errp);
}

static bool ft_check_hello(const FtHello *h, uint8_t channel, FtRole peer, Error **errp)
{
    FtError why = { "" };

    if (h->channel != channel) {
        error_setg(errp, "hello.channel: %u, expected %u", h->channel, channel);
    } else if (h->role != peer) {
        error_setg(errp, "hello.role: the peer is a %s, expected a %s",
                   ft_role_name(h->role), ft_role_name(peer));
    } else if (memcmp(h->vm_uuid, ft_node.vm_uuid, FT_UUID_BYTES)) {
        error_setg(errp, "hello.vm_uuid: the peer protects another VM "
                   "(give both the same -uuid)");
    } else if (h->timeout_ns != ft_node.config.timeout_ns) {
        error_setg(errp, "hello.timeout: here ft-timeout=%" PRIu64 ", peer %" PRIu64,
                   ft_node.config.timeout_ns / SCALE_MS, h->timeout_ns / SCALE_MS);
    } else if (!ft_fingerprint_compare(ft_node.fingerprint,
                                       strlen(ft_node.fingerprint), h->fingerprint,
                                       h->fingerprint_len, &why)) {
        error_setg(errp, "the machines differ: %s", why.text);
    } else {
        return true;
    }
    return false;
}

/* Receives a hello or a refusal. */
static bool ft_recv_hello(FtConn *c, QIOChannel *ioc, FtMsgHeader *h, FtHello *hello,
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
    if (!ft_wire_decode_hello(body->data, body->len, hello, &why)) {
        error_setg(errp, "%s", why.text);
        return false;
    }
    return true;
}

/* -- heartbeat thread -------------------------------------------------------------- */

/*
 * Primary: a secondary that executes nothing any more would slow the guest down
 * for ever. Counted by its answers, so that a pause of this host is no reason.
 */
static void ft_watch_replay(FtConn *c)
{
    uint64_t seq = qatomic_read(&executed_seq);

    if (seq != c->watched_seq || ft_log_lag_ns() == 0) {
        c->watched_seq = seq;
        c->still_beats = 0;
    } else if (++c->still_beats == FT_STILL_TIMEOUTS * FT_BEATS_PER_TIMEOUT) {
        ft_post(c->gen, FT_IN_PEER_STUCK, 0, "its replay stands still");
    }
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
    if (!ft_wire_decode_ping(body->data, body->len, &ping, &why)) {
        error_setg(errp, "%s", why.text);
        return false;
    }
    qatomic_set(&c->heard_ns, ft_now_ns());
    qatomic_set(&c->beat_ns, ft_now_ns());
    if (c->primary) {
        ft_lease_answered(c->lease, ping.sender_ns, ft_now_ns());
        ft_watch_replay(c);
        ft_output_wake();
        return true;
    }
    return ft_send_msg(c, c->beat, FT_MSG_PONG, 0, 0, body->data, body->len, errp);
}

static bool ft_ping(FtConn *c, uint64_t counter, Error **errp)
{
    FtPing ping = { .counter = counter, .sender_ns = ft_now_ns() };
    uint8_t body[64];
    size_t len = ft_wire_encode_ping(&ping, body, sizeof(body));

    return ft_send_msg(c, c->beat, FT_MSG_PING, 0, 0, body, len, errp);
}

static void ft_report_executed(FtConn *c);

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
            if (c->primary ? !ft_ping(c, ++counter, &err) : false) {
                break;
            }
            ft_report_executed(c);
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
                g_autofree char *why = g_strdup_printf("no sign of life for %" PRIu64
                                                       " ms", timeout / SCALE_MS);
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

static void ft_start_beat(FtConn *c)
{
    QemuThread t;

    ft_conn_ref(c);
    qemu_thread_create(&t, "ft-heartbeat", ft_beat_thread, c, QEMU_THREAD_DETACHED);
}

/* -- primary ------------------------------------------------------------------------ */

/* Holding writable: as much as goes at once; the rest is kept. False: some was. */
static bool ft_write_now(FtConn *c, const struct iovec *iov, unsigned n)
{
    size_t len = iov_size(iov, n);
    ssize_t sent = ft_fault("send-half") ? qio_channel_write(c->log, iov[0].iov_base,
                                                             iov[0].iov_len / 2, NULL)
                                         : qio_channel_writev(c->log, iov, n, NULL);

    /* An error shows again where the sender thread goes on. */
    sent = MAX(sent, 0);
    g_byte_array_set_size(c->rest, len - sent);
    iov_to_buf(iov, n, sent, c->rest->data, len - sent);
    return sent == len;
}

/*
 * The secondary keeps a copy of each packet until it hears that the original
 * has left; what it keeps it sends when it goes live. Without that, a packet
 * acked but not yet released at the failure costs the client a TCP timeout.
 * True: there is something new to be told, and @raw says it.
 */
static bool ft_encode_released(FtConn *c, uint8_t *raw)
{
    uint64_t seq = ft_output_released_seq();

    if (seq <= c->released_told) {
        return false;
    }
    c->released_told = seq;
    ft_encode_msg(c, FT_MSG_RELEASED, seq, 0, NULL, 0, raw);
    return true;
}

/*
 * Holding writable: frames, and ahead of them RELEASED. One system call, one packet
 * on the link. @wait: until all is sent; else what does not go at once is the rest.
 */
static bool ft_send_frames(FtConn *c, FtMsgType type, uint64_t first, uint64_t last,
                           const uint8_t *body, size_t len, bool wait, Error **errp)
{
    uint8_t released[FT_WIRE_HEADER_BYTES], raw[FT_WIRE_HEADER_BYTES];
    struct iovec iov[3] = {
        { .iov_base = released, .iov_len = sizeof(released) },
        { .iov_base = raw, .iov_len = sizeof(raw) },
        { .iov_base = (void *)body, .iov_len = len },
    };
    bool tell = ft_encode_released(c, released);

    ft_encode_msg(c, type, first, last, body, len, raw);
    if (tell) {
        ft_copy_to_file(c, released, NULL, 0);
    }
    if (type == FT_MSG_LOG) {
        ft_copy_to_file(c, raw, body, len);
    }
    return wait
        ? qio_channel_writev_all(c->log, tell ? iov : iov + 1, tell ? 3 : 2, errp) == 0
        : ft_write_now(c, tell ? iov : iov + 1, tell ? 3 : 2);
}

/*
 * As they are, or compressed if that is wanted and pays; the bytes that went out.
 * @packed has room for a whole body, if frames are to be compressed.
 */
static size_t ft_send_as_wanted(FtConn *c, uint64_t first, uint64_t last,
                                const uint8_t *frames, size_t len, uint8_t *packed,
                                Error **errp)
{
    size_t packed_len = packed ? ft_pack(frames, len, packed, FT_WIRE_BODY_MAX) : 0;

    if (packed_len) {
        ft_copy_plain(c, first, last, frames, len);
        return ft_send_frames(c, FT_MSG_LOG_ZSTD, first, last, packed, packed_len, true,
                              errp) ? packed_len : 0;
    }
    return ft_send_frames(c, FT_MSG_LOG, first, last, frames, len, true, errp) ? len : 0;
}

static void ft_count_sent(uint64_t first, uint64_t last, size_t len)
{
    ft_log_taken();
    ft_die_at("die-at-first-frame");
    ft_log_count(last, len);
    trace_ft_log_sent(first, last, len);
}

/*
 * One message, straight from the ring, where the frames stay until they are sent.
 * False: something went wrong, or, without an error, there is nothing more.
 */
static bool ft_send_log_message(FtConn *c, FtLogWriter *w, uint8_t *packed, Error **errp)
{
    uint64_t first, last;
    const uint8_t *frames;
    size_t len, sent = 0;

    qemu_sem_wait(&c->writable);
    if (ft_send_rest(c, errp)
        && (len = ft_log_take(w, FT_WIRE_BODY_MAX, &frames, &first, &last))) {
        /* Before it goes: the ack may be faster than we come back. */
        qatomic_set(&c->sent_seq, last);
        sent = ft_send_as_wanted(c, first, last, frames, len, packed, errp);
        ft_log_take_done(w);
    }
    qemu_sem_post(&c->writable);
    if (sent) {
        ft_count_sent(first, last, sent);
    }
    return sent;
}

static bool ft_send_log(FtConn *c, FtLogWriter *w, uint8_t *packed, Error **errp)
{
    ERRP_GUARD();

    while (ft_send_log_message(c, w, packed, errp)) {
        /* the next one */
    }
    return !*errp;
}

/*
 * The vCPU thread, with something urgent in the log of @w and most likely nothing to
 * do after it: to wake another thread would take longer than to send. Nothing waits;
 * false: the sender thread has to do it, or to go on.
 */
bool ft_peer_send_now(FtLogWriter *w)
{
    FtConn *c = ft_node.conn;
    uint64_t first, last;
    const uint8_t *frames;
    size_t len;
    bool all = false;

    /* Only we add to the log: what is in it now is what will be taken. */
    if (!c || ft_node.config.compress || !qatomic_load_acquire(&c->log_begun)
        || ft_log_writer_used(w) == 0 || ft_log_writer_used(w) > FT_SEND_NOW_MAX
        || qemu_sem_timedwait(&c->writable, 0) < 0) {
        return false;
    }
    if (c->rest->len == 0
        && (len = ft_log_take(w, FT_SEND_NOW_MAX, &frames, &first, &last))) {
        qatomic_set(&c->sent_seq, last);
        all = ft_send_frames(c, FT_MSG_LOG, first, last, frames, len, false, NULL);
        ft_log_take_done(w);
        ft_count_sent(first, last, len);
    }
    qemu_sem_post(&c->writable);
    return all;
}

static bool ft_send_queued(FtConn *c, FtLogWriter **w, Error **errp)
{
    FtOut *out;
    bool ok = true;

    while (ok && (out = g_async_queue_try_pop(c->queue))) {
        size_t len = out->body ? out->body->len : 0;

        if (out->start_log) {
            *w = out->start_log;
            out->start_log = NULL;
            qatomic_store_release(&c->log_begun, true);
        } else {
            ok = ft_send_msg(c, c->log, out->type, out->seq, out->seq_last,
                             out->body ? out->body->data : NULL, len, errp);
            if (out->type == FT_MSG_DEVICES) {
                ft_die_at("die-at-state-sent");
            }
            if (qatomic_fetch_sub(&c->queued, len) - len < FT_QUEUE_LOW_BYTES) {
                ft_attach_sent();
            }
        }
        ft_out_free(out);
    }
    return ok;
}

static void ft_log_sender_ends(FtLogWriter **w)
{
    if (*w) {
        *w = NULL;
        qatomic_dec(&log_senders);
    }
}

/* Its connection is closed, so nothing keeps it in the kernel. */
void ft_peer_wait_log_unused(void)
{
    while (qatomic_read(&log_senders)) {
        g_usleep(FT_DURABLE_LOOK_US);
    }
}

static void *ft_sender_thread(void *opaque)
{
    FtConn *c = opaque;
    /* Room for frames that are compressed. */
    g_autofree uint8_t *packed = ft_node.config.compress ? g_malloc(FT_WIRE_BODY_MAX) : NULL;
    FtLogWriter *w = NULL;
    Error *err = NULL;

    while (!qatomic_read(&c->closing)) {
        qemu_event_reset(&c->wake);
        if (qatomic_xchg(&c->report, false)) {
            ft_report_executed(c);
        }
        if (!ft_send_queued(c, &w, &err) || (w && !ft_send_log(c, w, packed, &err))) {
            ft_log_sender_ends(&w);
            /* The peer may have said why, in what is still to be read. */
            qemu_sem_timedwait(&c->log_ended, FT_LAST_WORDS_MS);
            ft_conn_end(c, error_get_pretty(err));
            error_free(err);
            break;
        }
        qemu_event_wait(&c->wake);
    }
    ft_log_sender_ends(&w);
    ft_conn_unref(c);
    return NULL;
}

static bool ft_on_ack(FtConn *c, GByteArray *body, Error **errp)
{
    FtAck ack;
    FtError why = { "" };

    if (!ft_wire_decode_ack(body->data, body->len, &ack, &why)) {
        error_setg(errp, "%s", why.text);
        return false;
    }
    if (ack.received_seq < qatomic_read(&acked_seq)
        || ack.received_seq > qatomic_read(&c->sent_seq)
        || ack.executed_seq > ack.received_seq) {
        error_setg(errp, "ack.received_seq: %" PRIu64 " is not between %" PRIu64
                   " and %" PRIu64, ack.received_seq, qatomic_read(&acked_seq),
                   qatomic_read(&c->sent_seq));
        return false;
    }
    ft_die_at("die-at-first-ack");
    trace_ft_ack_received(ack.received_seq, ack.executed_seq);
    WITH_QEMU_LOCK_GUARD(&conn_lock) {
        if (ft_node.conn != c) {
            return true;        /* of an attach that is over: not ours to count */
        }
        qatomic_set(&executed_seq, ack.executed_seq);
        qatomic_set(&executed_icount, ack.executed_icount);
        qatomic_set(&executed_at_ns, ft_now_ns());
        qatomic_set(&acked_seq, ack.received_seq);
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
    if (h->type != FT_MSG_DISK_SUMS && h->type != FT_MSG_GOODBYE
        && h->epoch != qatomic_read(&c->epoch)) {
        error_setg(errp, "epoch: %" PRIu64 ", expected %" PRIu64, h->epoch,
                   qatomic_read(&c->epoch));
        return false;
    }
    switch (h->type) {
    case FT_MSG_ACK:
        return ft_on_ack(c, body, errp);
    case FT_MSG_DISK_SUMS:
        return ft_copy_sums(c->gen, h->seq, h->seq_last, body->data, body->len, errp);
    case FT_MSG_READY:
        ft_die_at("die-at-state-loaded");
        ft_post(c->gen, FT_IN_PEER_READY, 0, NULL);
        return true;
    case FT_MSG_MARK:
        ft_attach_mark_back();
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

static QIOChannel *ft_connect_once(const char *address, Error **errp)
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

static bool ft_handshake(FtConn *c, QIOChannel *ioc, uint8_t channel, Error **errp)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    FtMsgHeader h;
    FtHello hello;

    return ft_send_hello(c, ioc, channel, errp)
        && ft_recv_hello(c, ioc, &h, &hello, body, errp)
        && ft_check_hello(&hello, channel, FT_ROLE_SECONDARY, errp);
}

static bool ft_primary_connect(FtConn *c, Error **errp)
{
    c->log = ft_connect_retry(c, errp);
    if (!c->log || !ft_handshake(c, c->log, FT_CHANNEL_LOG, errp)) {
        return false;
    }
    c->beat = ft_connect_once(c->address, errp);
    return c->beat && ft_handshake(c, c->beat, FT_CHANNEL_HEARTBEAT, errp);
}

static void *ft_primary_thread(void *opaque)
{
    FtConn *c = opaque;
    g_autoptr(GByteArray) body = g_byte_array_new();
    FtMsgHeader h;
    QemuThread t;
    Error *err = NULL;

    if (!ft_primary_connect(c, &err)) {
        goto out;
    }
    ft_die_at("die-at-handshake");
    ft_lease_start(c->lease, ft_now_ns());
    ft_conn_ref(c);
    qemu_thread_create(&t, "ft-sender", ft_sender_thread, c, QEMU_THREAD_DETACHED);
    ft_start_beat(c);
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

static void ft_conn_use(FtConn *c)
{
    QEMU_LOCK_GUARD(&conn_lock);
    c->gen = ++generations;
    qatomic_set(&acked_seq, 0);
    qatomic_set(&executed_seq, 0);
    qatomic_set(&executed_icount, 0);
    qatomic_set(&executed_at_ns, ft_now_ns());
    ft_node.conn = c;
}

void ft_peer_connect(const char *address)
{
    FtConn *c = ft_conn_new(true, address);
    QemuThread t;

    qemu_guest_getrandom_nofail(&c->session, sizeof(c->session));
    if (ft_node.config.log_file) {
        c->copy = fopen(ft_node.config.log_file, "wb");
        if (!c->copy) {
            warn_report("ft-log-file=%s: %s", ft_node.config.log_file, strerror(errno));
        }
    }
    ft_conn_use(c);
    ft_conn_ref(c);
    qemu_thread_create(&t, "ft-peer", ft_primary_thread, c, QEMU_THREAD_DETACHED);
}

/* -- secondary ----------------------------------------------------------------------- */

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
static void ft_report_executed(FtConn *c)
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
            error_setg(errp, "closed");
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
            error_setg(errp, "closed");
            return false;
        }
        g_usleep(FT_DURABLE_LOOK_US);
    }
    if (ft_copy_has_failed()) {
        error_setg(errp, "disk: it cannot be written");
        return false;
    }
    return true;
}

static bool ft_on_disk(FtConn *c, const FtMsgHeader *h, GByteArray *body, Error **errp)
{
    int taken;

    while ((taken = ft_copy_receive(c->gen, h->seq, h->seq_last, body->data,
                                    body->len, errp)) == 0) {
        /* The image is slower than the link; TCP holds the primary back. */
        if (qatomic_read(&c->closing)) {
            error_setg(errp, "closed");
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
                    || h->type == FT_MSG_MARK || h->type == FT_MSG_DISK;

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
            error_setg(errp, "state: the loader has stopped");
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

/* Takes @c as the peer, unless there is one or this node takes none. */
static bool ft_accept_log(FtConn *c, Error **errp)
{
    WITH_QEMU_LOCK_GUARD(&conn_lock) {
        if (ft_node.conn || ft_state() != FT_STATE_WAITING) {
            error_setg(errp, "this node is %s and takes no primary",
                       ft_state_name(ft_state()));
            return false;
        }
        c->gen = ++generations;
        qatomic_set(&acked_seq, 0);
        ft_load_prepare();
        ft_conn_ref(c);
        ft_node.conn = c;
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
    qatomic_set(&c->log_over, true);
    ft_conn_end(c, error_get_pretty(err));
    qemu_sem_post(&c->log_ended);       /* one for the heartbeat,   */
    qemu_sem_post(&c->log_ended);       /* one for the sender       */
    error_free(err);
    qatomic_inc(&pending);
}

static void ft_start_sender(FtConn *c)
{
    QemuThread t;

    ft_conn_ref(c);
    qemu_thread_create(&t, "ft-sender", ft_sender_thread, c, QEMU_THREAD_DETACHED);
}

/* The second channel of the connection that is being set up. */
static bool ft_accept_beat(FtConn *extra, uint64_t session, Error **errp)
{
    FtConn *c = NULL;

    WITH_QEMU_LOCK_GUARD(&conn_lock) {
        c = ft_node.conn;
        if (!c || c->primary || c->session != session || c->beat) {
            error_setg(errp, "session: %" PRIx64 " has no log channel here", session);
            return false;
        }
        ft_conn_ref(c);
    }
    c->beat = extra->log;
    object_ref(OBJECT(c->beat));
    /* Before the answer: state may follow it at once. */
    qatomic_set(&c->agreed, true);
    ft_post(c->gen, FT_IN_CONNECTED, 0, NULL);
    ft_start_beat(c);
    ft_start_sender(c);
    if (!ft_send_hello(c, c->beat, FT_CHANNEL_HEARTBEAT, NULL)) {
        ft_conn_end(c, "the heartbeat channel broke in the handshake");
    }
    ft_conn_unref(c);
    return true;
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
    if (!ft_check_hello(&hello, hello.channel == FT_CHANNEL_HEARTBEAT
                                ? FT_CHANNEL_HEARTBEAT : FT_CHANNEL_LOG,
                        FT_ROLE_PRIMARY, &err)) {
        goto out;
    }
    if (hello.channel == FT_CHANNEL_HEARTBEAT && c->in.begin != c->in.end) {
        error_setg(&err, "heartbeat: more was sent before the HELLO was answered");
    } else if (hello.channel == FT_CHANNEL_HEARTBEAT) {
        ft_accept_beat(c, h.session, &err);
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
    QemuThread t;
    SocketAddress *remote;

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
    qemu_thread_create(&t, "ft-peer", ft_incoming_thread, c, QEMU_THREAD_DETACHED);
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
    ft_send_msg(c, c->log, FT_MSG_READY, 0, 0, NULL, 0, NULL);
    qatomic_set(&c->ready, true);
    ft_send_ack(c, NULL);
}

/* -- main ------------------------------------------------------------------------------ */

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

void ft_peer_queue(FtMsgType type, uint64_t seq, uint64_t seq_last, GByteArray *body)
{
    FtConn *c = ft_node.conn;
    FtOut *out;

    if (!c) {
        if (body) {
            g_byte_array_unref(body);
        }
        return;
    }
    out = g_new0(FtOut, 1);
    out->type = type;
    out->seq = seq;
    out->seq_last = seq_last;
    out->body = body;
    qatomic_add(&c->queued, body ? body->len : 0);
    g_async_queue_push(c->queue, out);
    qemu_event_set(&c->wake);
}

size_t ft_peer_queued(void)
{
    return ft_node.conn ? qatomic_read(&ft_node.conn->queued) : 0;
}

/* Not by this thread: it must not wait for the link. */
void ft_peer_report(void)
{
    FtConn *c = ft_node.conn;

    if (c) {
        qatomic_set(&c->report, true);
        qemu_event_set(&c->wake);
    }
}

void ft_peer_start_log(FtLogWriter *w)
{
    FtConn *c = ft_node.conn;
    FtOut *out = g_new0(FtOut, 1);

    out->start_log = w;
    qatomic_inc(&log_senders);
    g_async_queue_push(c->queue, out);
    ft_log_record_to(w, &c->wake);
    qemu_event_set(&c->wake);
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

    if (!c) {
        return;
    }
    if (goodbye && qatomic_read(&c->agreed)) {
        ft_say_goodbye(c, goodbye);
    }
    ft_log_record_to(NULL, NULL);
    WITH_QEMU_LOCK_GUARD(&conn_lock) {
        ft_node.conn = NULL;
    }
    qatomic_set(&c->closing, true);
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
        g_usleep(FT_DURABLE_LOOK_US);
    }
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

uint64_t ft_peer_executed_icount(void)
{
    return qatomic_read(&executed_icount);
}
