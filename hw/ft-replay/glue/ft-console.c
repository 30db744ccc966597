/*
 * What the guest writes to its character devices: it always succeeds, at once and in
 * full, on both nodes, whatever is behind the back end of either. So nothing of it is
 * in the log, and a reader of a console that stops reading stops nobody.
 *
 * A primary writes to the back end what that takes. The rest waits in a queue, which
 * the main loop empties as soon as there is room; what does not fit into the queue is
 * dropped and counted. A secondary writes nothing until it goes live.
 *
 * What a back end says of itself: a break is input, and comes to the guest by the log.
 * That a client has come or gone is no affair of the devices that are allowed.
 *
 * THREAD: main or vCPU, with the BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "chardev/char-fe.h"
#include "qemu/fifo8.h"
#include "qemu/lockable.h"

/* What a reader finds who comes back; a screenful is 2 KiB. */
#define FT_CONSOLE_QUEUE_BYTES (64 * 1024)

typedef struct FtConsole {
    Chardev *chr;
    Fifo8 queue;
    GSource *watch;             /* of the back end; NULL while the queue is empty */
} FtConsole;

static GPtrArray *consoles;
static uint64_t dropped_bytes;

/* NULL: nothing was ever written to it. */
static FtConsole *ft_console_find(const Chardev *chr)
{
    for (guint i = 0; consoles && i < consoles->len; i++) {
        FtConsole *c = g_ptr_array_index(consoles, i);

        if (c->chr == chr) {
            return c;
        }
    }
    return NULL;
}

static FtConsole *ft_console_of(Chardev *chr)
{
    FtConsole *c = ft_console_find(chr);

    if (c) {
        return c;
    }
    if (!consoles) {
        consoles = g_ptr_array_new();
    }
    c = g_new0(FtConsole, 1);
    c->chr = chr;
    fifo8_create(&c->queue, FT_CONSOLE_QUEUE_BYTES);
    g_ptr_array_add(consoles, c);
    return c;
}

/* A log file may be a pipe, and its reader may sleep too. */
static void ft_console_log(Chardev *chr, const uint8_t *buf, size_t len)
{
    ssize_t n;

    if (chr->logfd < 0) {
        return;
    }
    g_unix_set_fd_nonblocking(chr->logfd, true, NULL);
    n = RETRY_ON_EINTR(write(chr->logfd, buf, len));
    dropped_bytes += len - MAX(n, 0);
}

/* How much the back end takes now. *full: it may take more later. */
static size_t ft_console_give(Chardev *chr, const uint8_t *buf, size_t len, bool *full)
{
    size_t done = 0;
    int n = 0;

    QEMU_LOCK_GUARD(&chr->chr_write_lock);
    while (done < len) {
        n = CHARDEV_GET_CLASS(chr)->chr_write(chr, buf + done, len - done);
        if (n <= 0) {
            break;
        }
        done += n;
    }
    *full = n < 0 && errno == EAGAIN;
    return done;
}

static void ft_console_forget(FtConsole *c)
{
    dropped_bytes += fifo8_num_used(&c->queue);
    fifo8_reset(&c->queue);
    if (c->watch) {
        g_source_destroy(c->watch);
        g_clear_pointer(&c->watch, g_source_unref);
    }
}

/* The main loop: there is room. The back end may hang up meanwhile and empty the queue. */
static gboolean ft_console_writable(void *ioc, GIOCondition condition, void *opaque)
{
    FtConsole *c = opaque;
    bool full = false;

    while (!full && !fifo8_is_empty(&c->queue)) {
        uint32_t len;
        const uint8_t *buf = fifo8_peek_bufptr(&c->queue, fifo8_num_used(&c->queue), &len);
        size_t done = ft_console_give(c->chr, buf, len, &full);

        if (fifo8_is_empty(&c->queue)) {
            break;
        }
        fifo8_drop(&c->queue, done);
        if (done < len && !full) {
            ft_console_forget(c);
        }
    }
    if (!fifo8_is_empty(&c->queue)) {
        return G_SOURCE_CONTINUE;
    }
    ft_console_forget(c);
    return G_SOURCE_REMOVE;
}

static void ft_console_watch(FtConsole *c)
{
    ChardevClass *cc = CHARDEV_GET_CLASS(c->chr);

    if (c->watch) {
        return;
    }
    c->watch = cc->chr_add_watch ? cc->chr_add_watch(c->chr, G_IO_OUT | G_IO_HUP) : NULL;
    if (!c->watch) {
        ft_console_forget(c);
        return;
    }
    g_source_set_callback(c->watch, (GSourceFunc)ft_console_writable, c, NULL);
    g_source_attach(c->watch, c->chr->gcontext);
}

/* replay/: the guest has written to @chr, which takes part in record and replay. */
void ft_console_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    FtConsole *c = ft_console_of(chr);
    bool full = !fifo8_is_empty(&c->queue);
    size_t done = 0, kept;

    ft_console_log(chr, buf, len);
    if (!full) {
        done = ft_console_give(chr, buf, len, &full);
    }
    if (done == len || (!full && !chr->be_open)) {
        return;                 /* nobody is there: nothing is lost to anybody */
    }
    kept = full ? MIN(len - done, fifo8_num_free(&c->queue)) : 0;
    fifo8_push_all(&c->queue, buf + done, kept);
    dropped_bytes += len - done - kept;
    if (kept) {
        ft_console_watch(c);
    }
}

/* replay/: whoever was behind the back end of @chr has gone, and with him his queue. */
void ft_console_closed(Chardev *chr)
{
    FtConsole *c = ft_console_find(chr);

    if (c) {
        ft_console_forget(c);
    }
}

uint64_t ft_console_dropped(void)
{
    return dropped_bytes;
}
