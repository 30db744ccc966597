/*
 * The sender thread: what main has queued, and the log, straight from its ring. A
 * secondary's only reports what it has executed. The vCPU thread sends by itself
 * what it can send without waiting.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-conn.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "net/ft-filter/glue/ft-net.h"
#include "qemu/units.h"
#include "accel/ft/glue/trace.h"
#include "io/channel-socket.h"
#include "qemu/iov.h"
#include <sys/ioctl.h>

#define FT_QUEUE_LOW_BYTES (2 * MiB)
/* So much the vCPU thread sends by itself. */
#define FT_SEND_NOW_MAX (16 * KiB)

/* Holding writable: as much as goes at once; the rest is kept. False: some was. */
static bool ft_write_now(FtConn *c, const struct iovec *iov, unsigned n)
{
    size_t len = iov_size(iov, n);
    ssize_t sent = ftc_fault("send-half") ? qio_channel_write(c->log, iov[0].iov_base,
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
        ? ft_write_all(c->log, tell ? iov : iov + 1, tell ? 3 : 2, errp)
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
        && (len = ftc_log_take(w, FT_WIRE_BODY_MAX, &frames, &first, &last))) {
        /* Before it goes: the ack may be faster than we come back. */
        qatomic_set(&c->sent_seq, last);
        sent = ft_send_as_wanted(c, first, last, frames, len, packed, errp);
        ftc_log_take_done(w);
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
 * do after it: to wake another thread would take longer than to send. Nothing waits, so
 * nothing is written to a file here; false: the sender thread has to do it, or to go on.
 */
bool ft_link_send_now(FtLogWriter *w)
{
    FtConn *c = ft_node.conn;
    uint64_t first, last;
    const uint8_t *frames;
    size_t len;
    bool all = false;

    /* Only we add to the log: what is in it now is what will be taken. */
    if (!c || ft_node.config.compress || ft_node.config.log_file || !qatomic_load_acquire(&c->log_begun)
        || ftc_log_writer_used(w) == 0 || ftc_log_writer_used(w) > FT_SEND_NOW_MAX
        || qemu_sem_timedwait(&c->writable, 0) < 0) {
        return false;
    }
    if (c->rest->len == 0
        && (len = ftc_log_take(w, FT_SEND_NOW_MAX, &frames, &first, &last))) {
        qatomic_set(&c->sent_seq, last);
        all = ft_send_frames(c, FT_MSG_LOG, first, last, frames, len, false, NULL);
        ftc_log_take_done(w);
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
                ft_attach_listener->sent();
            }
        }
        ft_out_free(out);
    }
    return ok;
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
    if (c->copy) {
        fclose(g_steal_pointer(&c->copy));      /* not by main, if that hangs */
    }
    ft_conn_unref(c);
    return NULL;
}

void ft_start_sender(FtConn *c)
{
    ft_conn_thread(c, "ft-sender", ft_sender_thread);
}
