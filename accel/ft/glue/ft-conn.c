/*
 * A connection to the peer, from the first thread that has it to the last. A
 * connection has a generation; main ignores posts of one it has closed. It is freed
 * when its last thread has left it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-conn.h"
#include <netinet/tcp.h>
#include "io/channel-socket.h"

QemuMutex ft_conn_lock;
const FtAttachListener *ft_attach_listener;
const FtLoadListener *ft_load_listener;
static unsigned generations;    /* ft_conn_lock */

static void __attribute__((constructor)) ft_conn_init(void)
{
    qemu_mutex_init(&ft_conn_lock);
}

FtConn *ft_conn_new(bool primary, const char *address)
{
    FtConn *c = g_new0(FtConn, 1);

    c->refs = 1;
    c->state_fd = -1;
    c->primary = primary;
    c->address = g_strdup(address);
    c->lease = ftc_lease_new(ft_node.config.timeout_ns);
    c->queue = g_async_queue_new();
    qemu_sem_init(&c->writable, 1);
    c->rest = g_byte_array_new();
    qemu_mutex_init(&c->ack_lock);
    qemu_event_init(&c->wake, false);
    qemu_sem_init(&c->log_ended, 0);
    return c;
}

void ft_conn_ref(FtConn *c)
{
    qatomic_inc(&c->refs);
}

void ft_conn_unref(FtConn *c)
{
    if (qatomic_fetch_dec(&c->refs) != 1) {
        return;
    }
    ft_queue_free(c->queue);
    g_assert(!c->witness);      /* ft_link_close() has ended it */
    if (c->copy) {
        fclose(c->copy);
    }
    if (c->state_fd >= 0) {
        close(c->state_fd);
    }
    g_clear_pointer(&c->log, object_unref);
    g_clear_pointer(&c->beat, object_unref);
    ftc_lease_free(c->lease);
    g_byte_array_unref(c->rest);
    qemu_sem_destroy(&c->writable);
    qemu_mutex_destroy(&c->ack_lock);
    qemu_event_destroy(&c->wake);
    qemu_sem_destroy(&c->log_ended);
    g_free(c->address);
    g_free(c);
}

/*
 * A round trip that is longer than the nodes' patience is behind all that fails then,
 * whatever it looks like from here. @why, or the same with these numbers; freed by the
 * caller.
 */
static char *ft_conn_why(FtConn *c, const char *why)
{
    struct tcp_info info = { 0 };
    socklen_t len = sizeof(info);
    uint64_t timeout_us = ft_node.config.timeout_ns / SCALE_US;

    if (c->log && getsockopt(QIO_CHANNEL_SOCKET(c->log)->fd, IPPROTO_TCP, TCP_INFO, &info,
                             &len) == 0 && info.tcpi_rtt >= timeout_us) {
        return g_strdup_printf("%s (the round trip of the link is %u ms, ft-timeout only "
                               "%" PRIu64 " ms)", why, info.tcpi_rtt / 1000,
                               timeout_us / 1000);
    }
    return g_strdup(why);
}

/*
 * Any thread of @c: it is over. Only the first reason counts. A peer that closed
 * the connection releases nothing any more; if it was us who found fault with
 * it, its lease runs on and a secondary has to wait for that before it goes live.
 */
void ft_conn_end(FtConn *c, const char *why)
{
    g_autofree char *full = NULL;
    uint64_t lease_ns = 0;

    if (qatomic_read(&c->closing) || qatomic_xchg(&c->posted_end, true)) {
        return;
    }
    why = full = ft_conn_why(c, why);
    if (!qatomic_read(&c->agreed)) {
        ft_post(c->gen, FT_IN_ATTACH_FAILED, 0, why);
        return;
    }
    if (!qatomic_read(&c->peer_closed)) {
        lease_ns = qatomic_read(&c->beat_ns) + ft_node.config.timeout_ns;
    }
    ft_post(c->gen, FT_IN_CONNECTION_LOST, lease_ns, why);
}

void ft_conn_use(FtConn *c)
{
    c->gen = ++generations;
    ft_peer_begin(c->gen, c->lease);
    ft_conn_ref(c);
    ft_node.conn = c;
}

/*
 * THREAD: any. OWNERSHIP: the thread has a reference of its own to @c, and drops it. If
 * there is none, the connection has ended and main is told why.
 */
void ft_conn_thread(FtConn *c, const char *name, void *(*run)(void *))
{
    Error *err = NULL;

    ft_conn_ref(c);
    if (!ft_thread_new(name, run, c, &err)) {
        ft_conn_end(c, error_get_pretty(err));
        error_free(err);
        ft_conn_unref(c);
    }
}

void ft_link_attach_listener(const FtAttachListener *listener)
{
    ft_attach_listener = listener;
}

void ft_link_load_listener(const FtLoadListener *listener)
{
    ft_load_listener = listener;
}
