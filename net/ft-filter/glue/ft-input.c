/*
 * Packets from outside. On a node that records the vCPU thread reads them itself,
 * at the top of its turn, where they enter the log and the guest at once.
 *
 * The main loop would have to take the replay mutex for each batch, that is, to
 * throw the vCPU out of its turn and let it wait until both have changed threads
 * twice. Here a thread only watches the back ends' descriptors and kicks the vCPU;
 * each descriptor is watched again when it has been read (EPOLLONESHOT), so a back
 * end that is flooded costs one kick a turn. While the guest sleeps the vCPU thread
 * watches them itself: a request to an idle guest wakes one thread, not two.
 *
 * A back end whose NIC is full is not read until there is room, so that packets wait in
 * the kernel: those that wait in QEMU are copied there, on both nodes, and a packet that
 * is small enough to fit would overtake them.
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
#include "hw/ft-replay/glue/ft-log.h"
#include "net/ft-filter/glue/ft-net.h"
#include <poll.h>
#include <sys/epoll.h>
#include "hw/core/cpu.h"
#include "net/net.h"
#include "net/queue.h"
#include "qemu/error-report.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "system/replay.h"

/* Of a tap, whose queue holds 1000 packets and which reads 50 at a time. */
#define FT_LAST_READS_MAX 20

typedef struct FtInputSource {
    int fd;
    IOHandler *read;            /* NULL: not watched now; BQL + reading     */
    void *opaque;
    bool ready;                 /* atomic                                   */
    bool watched;               /* by the thread; as read                   */
    NetClientState *full;       /* not watched until this one's NIC has room; BQL */
} FtInputSource;

static FtInputSource sources[FT_NAP_FDS_MAX];
static unsigned sources_count;  /* BQL; entries are never taken away        */
static bool any_ready;          /* atomic                                   */
static unsigned napping[FT_NAP_FDS_MAX];  /* whom the vCPU watches while it sleeps; BQL */
static FtInputSource *current;  /* whose read() the vCPU calls just now; BQL */
static int epoll_fd = -1;
static QemuRecMutex reading;    /* while a secondary's back end is being read */
static bool keeping;            /* this thread reads them; reading          */

static void __attribute__((constructor)) ft_input_init(void)
{
    qemu_rec_mutex_init(&reading);
}

static bool ft_input_watch(FtInputSource *s, bool watch);

/* Of a secondary: False: this is not the one that reads it. */
static bool ft_input_read_early(FtInputSource *s)
{
    WITH_QEMU_LOCK_GUARD(&reading) {
        if (!keeping) {
            return false;
        }
        if (s->read) {
            s->read(s->opaque);
            ft_input_watch(s, true);
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
    struct epoll_event events[FT_NAP_FDS_MAX];

    for (;;) {
        int n = epoll_wait(epoll_fd, events, FT_NAP_FDS_MAX, -1);

        for (int i = 0; i < n; i++) {
            FtInputSource *s = &sources[events[i].data.u32];

            if (!ft_input_read_early(s)) {
                ft_input_tell(s);
            }
        }
    }
    return NULL;
}

/*
 * By the thread, or no more. False: it cannot be watched. One that was closed in
 * between has to be added again.
 */
static bool ft_input_watch(FtInputSource *s, bool watch)
{
    struct epoll_event event = {
        .events = (watch ? EPOLLIN : 0) | EPOLLONESHOT, .data.u32 = s - sources,
    };

    s->watched = watch;
    return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, s->fd, &event) == 0
        || (errno == ENOENT
            && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &event) == 0);
}

static bool ft_input_is_wanted(const FtInputSource *s)
{
    return s->read && !s->full;
}

/* -- the vCPU thread watches the back ends while it sleeps ----------------------- */

static bool ft_input_ready(void)
{
    return qatomic_read(&any_ready);
}

static unsigned ft_input_nap_begin(struct pollfd *fds)
{
    unsigned n = 0;

    for (unsigned i = 0; i < sources_count; i++) {
        FtInputSource *s = &sources[i];

        if (ft_input_is_wanted(s)) {
            if (s->watched) {
                ft_input_watch(s, false);
            }
            napping[n] = i;
            fds[n++] = (struct pollfd){ .fd = s->fd, .events = POLLIN };
        }
    }
    return n;
}

static void ft_input_nap_end(const struct pollfd *fds, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (fds[i].revents) {
            qatomic_set(&sources[napping[i]].ready, true);
            qatomic_set_mb(&any_ready, true);
        }
    }
}

static const FtNapSource nap_source = {
    .ready = ft_input_ready,
    .begin = ft_input_nap_begin,
    .end = ft_input_nap_end,
};

/* -- start ---------------------------------------------------------------------- */

static void ft_input_begin(void)
{
    QemuThread thread;

    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    g_assert(epoll_fd >= 0);
    ft_nap_source(&nap_source);
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
    if (!add || sources_count == FT_NAP_FDS_MAX) {
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
    s->full = NULL;
    if (replay_mode == REPLAY_MODE_PLAY && !keeping) {
        return true;            /* there is no filter yet: see ft_input_keep() */
    }
    return !again || ft_input_watch(s, true);
}

void ft_input_keep(void)
{
    if (replay_mode != REPLAY_MODE_PLAY) {
        return;
    }
    QEMU_LOCK_GUARD(&reading);
    keeping = true;
    for (unsigned i = 0; i < sources_count; i++) {
        if (sources[i].read && !ft_input_watch(&sources[i], true)) {
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

/* The NIC behind @netdev has not put a packet aside. */
static bool ft_input_has_room(const NetClientState *netdev)
{
    return !netdev->peer || qemu_net_queue_is_empty(netdev->peer->incoming_queue);
}

static void ft_input_read(void)
{
    for (unsigned i = 0; i < sources_count; i++) {
        FtInputSource *s = &sources[i];

        if (s->full && ft_input_has_room(s->full)) {
            s->full = NULL;
            qatomic_set(&s->ready, true);
        }
        if (qatomic_xchg(&s->ready, false)) {
            s->watched = false;
            if (s->read) {
                current = s;
                s->read(s->opaque);
                current = NULL;
            }
        }
    }
}

/* vCPU thread, RL + BQL: see ReplayLogOps.poll_input. */
void ft_input_poll_op(void)
{
    if (replay_mode != REPLAY_MODE_RECORD) {
        return;
    }
    if (qatomic_read(&any_ready) && qatomic_xchg(&any_ready, false)) {
        ft_input_read();
    }
    for (unsigned i = 0; i < sources_count; i++) {
        if (ft_input_is_wanted(&sources[i]) && !sources[i].watched) {
            ft_input_watch(&sources[i], true);
        }
    }
}

void ft_input_delivered(NetClientState *netdev)
{
    if (current && !ft_input_has_room(netdev)) {
        current->full = netdev;
    }
}

bool ft_nic_is_full(void)
{
    return current && current->full;
}

bool ft_nic_has_room(void)
{
    if (!ft_on()) {
        return false;
    }
    for (unsigned i = 0; i < sources_count; i++) {
        if (sources[i].full) {
            qatomic_set_mb(&any_ready, true);
            qemu_cpu_kick(first_cpu);
            break;
        }
    }
    return true;
}

/* Main: this node records from now on; its back ends ask ft_reads_netdev() again. */
void ft_input_live(void)
{
    NetClientState *ncs[FT_NAP_FDS_MAX];
    int n = MIN(FT_NAP_FDS_MAX, qemu_find_net_clients_except(
                                   NULL, ncs, NET_CLIENT_DRIVER_NIC, FT_NAP_FDS_MAX));

    for (int i = 0; i < n; i++) {
        if (ncs[i]->info->poll) {
            ncs[i]->info->poll(ncs[i], true);
        }
    }
}
