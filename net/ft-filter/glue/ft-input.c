/*
 * Packets from outside. On a node that records the vCPU thread reads them itself,
 * at the top of its turn, where they enter the log and the guest at once.
 *
 * The main loop would have to take the replay mutex for each batch, that is, to
 * throw the vCPU out of its turn and let it wait until both have changed threads
 * twice. Here a thread only watches the back ends' descriptors and kicks the vCPU;
 * each descriptor is watched again when it has been read (EPOLLONESHOT), so a back
 * end that is flooded costs one kick a turn.
 *
 * On a node that replays this thread reads them, without RL and BQL, so that the
 * guest does not notice a network that brings it every packet. filter-ft takes all
 * that a back end reads; nothing of the NIC behind it is touched.
 *
 * Back ends other than tap do not ask ft_reads_netdev(); the main loop reads them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include <poll.h>
#include <sys/epoll.h>
#include "accel/ft/glue/ft-node.h"
#include "hw/core/cpu.h"
#include "net/net.h"
#include "qemu/error-report.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "system/replay.h"

#define FT_INPUTS_MAX 64
/* Of a tap, whose queue holds 1000 packets and which reads 50 at a time. */
#define FT_LAST_READS_MAX 20

typedef struct FtInputSource {
    int fd;
    IOHandler *read;            /* NULL: not watched now; BQL + reading     */
    void *opaque;
    bool ready;                 /* atomic                                   */
} FtInputSource;

static FtInputSource sources[FT_INPUTS_MAX];
static unsigned sources_count;  /* BQL; entries are never taken away        */
static bool any_ready;          /* atomic                                   */
static int epoll_fd = -1;
static QemuRecMutex reading;    /* while a secondary's back end is being read */
static bool keeping;            /* this thread reads them; reading          */

static void __attribute__((constructor)) ft_input_init(void)
{
    qemu_rec_mutex_init(&reading);
}

static bool ft_input_watch(FtInputSource *s);

/* Of a secondary: False: this is not the one that reads it. */
static bool ft_input_read_early(FtInputSource *s)
{
    WITH_QEMU_LOCK_GUARD(&reading) {
        if (!keeping) {
            return false;
        }
        if (s->read) {
            s->read(s->opaque);
            ft_input_watch(s);
        }
    }
    return true;
}

/* It is for the vCPU thread. */
static void ft_input_tell(FtInputSource *s)
{
    qatomic_set(&s->ready, true);
    qatomic_set_mb(&any_ready, true);
    if (first_cpu) {
        qemu_cpu_kick(first_cpu);
    }
}

static void *ft_input_thread(void *opaque)
{
    struct epoll_event events[FT_INPUTS_MAX];

    for (;;) {
        int n = epoll_wait(epoll_fd, events, FT_INPUTS_MAX, -1);

        for (int i = 0; i < n; i++) {
            FtInputSource *s = &sources[events[i].data.u32];

            if (!ft_input_read_early(s)) {
                ft_input_tell(s);
            }
        }
    }
    return NULL;
}

/* False: it cannot be watched. One that was closed in between has to be added again. */
static bool ft_input_watch(FtInputSource *s)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLONESHOT, .data.u32 = s - sources,
    };

    return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, s->fd, &event) == 0
        || (errno == ENOENT
            && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &event) == 0);
}

static void ft_input_begin(void)
{
    QemuThread thread;

    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    g_assert(epoll_fd >= 0);
    qemu_thread_create(&thread, "ft-input", ft_input_thread, NULL,
                       QEMU_THREAD_DETACHED);
}

/* The entry of @fd, a new one if there is none yet and @add is set, or NULL. */
static FtInputSource *ft_input_find(int fd, bool add)
{
    for (unsigned i = 0; i < sources_count; i++) {
        if (sources[i].fd == fd) {
            return &sources[i];
        }
    }
    if (!add || sources_count == FT_INPUTS_MAX) {
        return NULL;
    }
    sources[sources_count].fd = fd;
    return &sources[sources_count++];
}

/* BQL. A back end's descriptor is to be read, or no more: see ft-hooks.h. */
bool ft_reads_netdev(int fd, IOHandler *read, void *opaque)
{
    FtInputSource *s;
    bool again;

    if (!ft_on() || replay_mode == REPLAY_MODE_NONE) {
        return false;
    }
    QEMU_LOCK_GUARD(&reading);
    if (epoll_fd < 0) {
        ft_input_begin();
    }
    s = ft_input_find(fd, read != NULL);
    if (!s) {
        return false;
    }
    again = read && !s->read;
    s->read = read;
    s->opaque = opaque;
    if (replay_mode == REPLAY_MODE_PLAY && !keeping) {
        return true;            /* there is no filter yet: see ft_input_keep() */
    }
    return !again || ft_input_watch(s);
}

void ft_input_keep(void)
{
    if (replay_mode != REPLAY_MODE_PLAY) {
        return;
    }
    QEMU_LOCK_GUARD(&reading);
    keeping = true;
    for (unsigned i = 0; i < sources_count; i++) {
        if (sources[i].read && !ft_input_watch(&sources[i])) {
            warn_report("a netdev cannot be watched (%s): its packets are not kept "
                        "for a takeover", strerror(errno));
        }
    }
}

/*
 * What has come until now is still looked up in the log; what comes later is the
 * vCPU thread's.
 */
void ft_input_keep_end(void)
{
    QEMU_LOCK_GUARD(&reading);
    for (unsigned i = 0; keeping && i < sources_count; i++) {
        FtInputSource *s = &sources[i];
        struct pollfd p = { .fd = s->fd, .events = POLLIN };

        for (unsigned n = 0; s->read && n < FT_LAST_READS_MAX && poll(&p, 1, 0) > 0; n++) {
            s->read(s->opaque);
        }
    }
    keeping = false;
}

bool ft_input_ready(void)
{
    return qatomic_read(&any_ready);
}

/* vCPU thread, RL + BQL, recording: see ReplayLogOps.poll_input. */
void ft_input_poll_op(void)
{
    if (!qatomic_read(&any_ready) || !qatomic_xchg(&any_ready, false)) {
        return;
    }
    for (unsigned i = 0; i < sources_count; i++) {
        FtInputSource *s = &sources[i];

        if (qatomic_xchg(&s->ready, false) && s->read) {
            s->read(s->opaque);
            if (s->read) {
                ft_input_watch(s);
            }
        }
    }
}

/* Main: this node records from now on; its back ends ask ft_reads_netdev() again. */
void ft_input_live(void)
{
    NetClientState *ncs[FT_INPUTS_MAX];
    int n = MIN(FT_INPUTS_MAX, qemu_find_net_clients_except(
                                   NULL, ncs, NET_CLIENT_DRIVER_NIC, FT_INPUTS_MAX));

    for (int i = 0; i < n; i++) {
        if (ncs[i]->info->poll) {
            ncs[i]->info->poll(ncs[i], true);
        }
    }
}
