/*
 * The witness: a connection that the primary's kernel ends as soon as the process
 * dies, so that its secondary need not wait for anything else of it to end.
 *
 * When a process dies the kernel first frees its memory, which takes as long as it is
 * large, and then its descriptors. But each thread that has descriptors of its own
 * loses them when that thread is gone, and all but one are gone at once. So one thread
 * has a table of its own with nothing in it but this connection, and does nothing. Only
 * the end of a stream that has said "alive", and nothing else, says that the process has
 * died (accel/ft/witness.cpp): a primary that hung up before it was served is not dead.
 *
 * Without it (a seccomp filter may forbid unshare(2), as libvirt's does) all goes on as
 * with it, only the end of the other connections is seen later; a warning says so.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-conn.h"
#include <poll.h>
#include <sys/socket.h>
#include "accel/ft/glue/trace.h"
#include "io/channel-socket.h"
#include "qemu/error-report.h"
#include "qemu/lockable.h"

/* A byte each second: no connection of the pair is idle, for whatever is between them. */
#define FT_WITNESS_WORD_MS 1000
/* What was sent before on the log channel arrives in this time, or is lost. */
#define FT_LAST_FRAMES_US 300

/* -- primary ------------------------------------------------------------------------ */

struct FtWitness {
    int fd;                     /* the holder's own                         */
    bool alone;                 /* the holder has a table of its own        */
    QemuSemaphore ready, end, ended;
};

/* Nothing but @fd stays open in this thread's own table. */
static bool ft_keep_only(int fd)
{
    if (ftc_fault("no-witness")) {
        return false;
    }
    if (!ft_thread_own_descriptors(fd)) {
        warn_report_once("no witness connection: a seccomp filter (-sandbox, or a "
                         "container's) may forbid unshare(2). The secondary sees this "
                         "process's death when the kernel has freed its memory, not "
                         "before");
        return false;
    }
    return true;
}

/* False: the secondary is gone, which others find out, or has read nothing for long. */
static bool ft_say(int fd, FtWitnessWord word)
{
    char byte = word;

    return send(fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

/* An end without the goodbye must not look like one of a process that has died. */
static void ft_say_goodbye(int fd)
{
    struct linger reset = { .l_onoff = 1, .l_linger = 0 };

    if (!ft_say(fd, FT_WITNESS_CLOSES)) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    }
}

/* Uses no descriptor but its own, so nothing of QEMU that might. */
static void *ft_witness_holder(void *opaque)
{
    FtWitness *w = opaque;

    w->alone = ft_keep_only(w->fd);
    qemu_sem_post(&w->ready);
    if (w->alone) {
        /* The first word at once: before it, our death would prove nothing. */
        do {
            ft_say(w->fd, FT_WITNESS_ALIVE);
        } while (qemu_sem_timedwait(&w->end, FT_WITNESS_WORD_MS) < 0);
        ft_say_goodbye(w->fd);
        close(w->fd);
    }
    qemu_sem_post(&w->ended);
    return NULL;
}

static FtWitness *ft_witness_new(int fd)
{
    FtWitness *w = g_new0(FtWitness, 1);
    Error *err = NULL;

    w->fd = fd;
    qemu_sem_init(&w->ready, 0);
    qemu_sem_init(&w->end, 0);
    qemu_sem_init(&w->ended, 0);
    if (ft_thread_new("ft-witness", ft_witness_holder, w, &err)) {
        qemu_sem_wait(&w->ready);
    } else {
        warn_reportf_err(err, "no witness connection: ");
        qemu_sem_post(&w->ended);
    }
    if (!w->alone) {
        ft_say_goodbye(fd);
    }
    close(fd);
    return w;
}

/* Any thread with QEMU's descriptors; NULL is fine. The peer learns that we live. */
void ft_witness_free(FtWitness *w)
{
    if (w) {
        qemu_sem_post(&w->end);
        qemu_sem_wait(&w->ended);
        qemu_sem_destroy(&w->ready);
        qemu_sem_destroy(&w->end);
        qemu_sem_destroy(&w->ended);
        g_free(w);
    }
}

static void *ft_witness_thread(void *opaque)
{
    FtConn *c = opaque;
    QIOChannel *ioc = ft_connect_once(c->address, NULL);
    FtWitness *w = NULL;
    int fd = -1;

    if (ioc && ft_handshake(c, ioc, FT_CHANNEL_WITNESS, NULL)) {
        fd = qemu_dup(QIO_CHANNEL_SOCKET(ioc)->fd);
    }
    if (fd >= 0) {
        w = ft_witness_new(fd);
    }
    g_clear_pointer(&ioc, object_unref);
    WITH_QEMU_LOCK_GUARD(&ft_conn_lock) {
        if (w && !qatomic_read(&c->closing)) {
            c->witness = g_steal_pointer(&w);
        }
    }
    ft_witness_free(w);
    ft_conn_unref(c);
    return NULL;
}

void ft_start_witness(FtConn *c)
{
    Error *err = NULL;

    ft_conn_ref(c);
    if (!ft_thread_new("ft-witness-up", ft_witness_thread, c, &err)) {
        warn_reportf_err(err, "no witness connection: ");
        ft_conn_unref(c);
    }
}

/* -- secondary ---------------------------------------------------------------------- */

/* Did the stream end by itself, behind what only the dead leave? */
static bool ft_stream_tells_death(FtConn *c, QIOChannel *ioc)
{
    struct pollfd pfd = { .fd = QIO_CHANNEL_SOCKET(ioc)->fd, .events = POLLIN };
    FtWitnessWord word = FT_WITNESS_SILENT;
    uint8_t words[16];

    while (!qatomic_read(&c->closing)) {
        ssize_t n = qio_channel_read(ioc, (char *)words, sizeof(words), NULL);

        if (n > 0) {
            word = ftc_witness_hear(word, words, n);
        } else if (n == 0) {
            trace_ft_witness_ended(word);
            return ftc_witness_proves_death(word);
        } else if (n != QIO_CHANNEL_ERR_BLOCK) {
            return false;
        } else {
            poll(&pfd, 1, FT_WITNESS_WORD_MS);
        }
    }
    return false;
}

/*
 * The thread of @ioc, until it ends. The receiver takes what has arrived on the log
 * channel and then finds it closed, as if the kernel had done that. What is lost is
 * input that a client has to send again; nothing of it was answered.
 */
void ft_serve_witness(FtConn *c, QIOChannel *ioc)
{
    if (ft_stream_tells_death(c, ioc)) {
        g_usleep(FT_LAST_FRAMES_US);
        qatomic_set(&c->peer_died, true);
        qio_channel_shutdown(c->log, QIO_CHANNEL_SHUTDOWN_READ, NULL);
    }
}
