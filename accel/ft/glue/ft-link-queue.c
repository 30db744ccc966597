/*
 * What waits for the sender thread of a connection: messages, and the log from a certain
 * one of them on.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-conn.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "io/channel-socket.h"
#include <sys/ioctl.h>

#define FT_UNUSED_LOOK_US 200
#define FT_UNUSED_US 20000

static int log_senders;         /* connections that use a log's ring, atomic */

void ft_out_free(FtOut *out)
{
    if (out->body) {
        g_byte_array_unref(out->body);
    }
    if (out->start_log) {
        qatomic_dec(&log_senders);      /* it was never begun */
    }
    g_free(out);
}

void ft_queue_free(GAsyncQueue *queue)
{
    FtOut *out;

    while ((out = g_async_queue_try_pop(queue))) {
        ft_out_free(out);
    }
    g_async_queue_unref(queue);
}

void ft_log_sender_ends(FtLogWriter **w)
{
    if (*w) {
        *w = NULL;
        qatomic_dec(&log_senders);
    }
}

/*
 * Their connections are closed, so nothing keeps their threads in the kernel, but a file
 * of ft-log-file may.
 */
bool ft_link_log_is_unused(void)
{
    for (unsigned us = 0; qatomic_read(&log_senders) && us < FT_UNUSED_US;
         us += FT_UNUSED_LOOK_US) {
        g_usleep(FT_UNUSED_LOOK_US);
    }
    return qatomic_read(&log_senders) == 0;
}

void ft_link_queue(FtMsgType type, uint64_t seq, uint64_t seq_last, GByteArray *body)
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

size_t ft_link_queued(void)
{
    return ft_node.conn ? qatomic_read(&ft_node.conn->queued) : 0;
}

size_t ft_link_under_way(void)
{
    FtConn *c = ft_node.conn;
    int in_kernel = 0;

    if (!c || ioctl(QIO_CHANNEL_SOCKET(c->log)->fd, TIOCOUTQ, &in_kernel) < 0) {
        in_kernel = 0;
    }
    return ft_link_queued() + MAX(in_kernel, 0);
}

/* Not by this thread: it must not wait for the link. */
void ft_ask_report(FtConn *c)
{
    qatomic_set(&c->report, true);
    qemu_event_set(&c->wake);
}

void ft_link_report(void)
{
    if (ft_node.conn) {
        ft_ask_report(ft_node.conn);
    }
}

void ft_link_start_log(FtLogWriter *w)
{
    FtConn *c = ft_node.conn;
    FtOut *out = g_new0(FtOut, 1);

    out->start_log = w;
    qatomic_inc(&log_senders);
    g_async_queue_push(c->queue, out);
    ft_log_record_to(w, &c->wake);
    qemu_event_set(&c->wake);
}
