/*
 * The vCPU thread's sleep, and what else wakes it than a kick.
 *
 * In ppoll(): QEMU's condition variables wait for whole milliseconds at best, and
 * like this the vCPU thread of an idle guest finds packets by itself. A kick that
 * comes before the sleep ends it at once, so that no lock is needed between the
 * decision to sleep and the sleep.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/ft-replay/glue/ft-log.h"
#include <poll.h>
#include <sys/eventfd.h>
#include "qemu/timer.h"

#define FT_NAP_SOURCES_MAX 4

static struct {
    int fd;                     /* eventfd                                  */
    bool asleep, kicked;        /* atomic                                   */
} nap;

static bool napped;             /* vCPU                                     */
static const FtNapSource *sources[FT_NAP_SOURCES_MAX];  /* written at start  */
static unsigned sources_count;

static void __attribute__((constructor)) ft_nap_init(void)
{
    nap.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void ft_nap_end(void)
{
    uint64_t one = 1;

    /* Either we see that it is asleep, or it sees that it was kicked. */
    qatomic_set_mb(&nap.kicked, true);
    if (qatomic_read(&nap.asleep) && write(nap.fd, &one, sizeof(one)) < 0) {
        g_assert(errno == EAGAIN);      /* kicked often enough */
    }
}

bool ft_has_napped(void)
{
    bool has = napped;

    napped = false;
    return has;
}

void ft_nap_source(const FtNapSource *source)
{
    g_assert(sources_count < FT_NAP_SOURCES_MAX);
    sources[sources_count++] = source;
}

bool ft_nap_has_work(void)
{
    for (unsigned i = 0; i < sources_count; i++) {
        if (sources[i]->ready()) {
            return true;
        }
    }
    return false;
}

unsigned ft_nap_watch(struct pollfd *fds)
{
    unsigned n = 0;

    for (unsigned i = 0; i < sources_count; i++) {
        n += sources[i]->begin ? sources[i]->begin(fds + n) : 0;
    }
    g_assert(n <= FT_NAP_FDS_MAX);
    return n;
}

void ft_nap_watched(const struct pollfd *fds, unsigned n)
{
    for (unsigned i = 0; i < sources_count; i++) {
        if (sources[i]->end) {
            sources[i]->end(fds, n);
        }
    }
}

void ft_nap(struct pollfd *fds, unsigned n, uint64_t until_ns)
{
    uint64_t now_ns = ft_now_ns(), kicks;
    uint64_t ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct timespec left = {
        .tv_sec = ns / NANOSECONDS_PER_SECOND, .tv_nsec = ns % NANOSECONDS_PER_SECOND,
    };

    napped = true;
    fds[0] = (struct pollfd){ .fd = nap.fd, .events = POLLIN };
    qatomic_set_mb(&nap.asleep, true);
    if (!qatomic_read(&nap.kicked)) {
        ppoll(fds, n, until_ns ? &left : NULL, NULL);
    }
    qatomic_set(&nap.asleep, false);
    if (fds[0].revents && read(nap.fd, &kicks, sizeof(kicks)) < 0) {
        g_assert(errno == EAGAIN);
    }
    /* Whoever kicks later is seen by the next look at what there is to do. */
    qatomic_set_mb(&nap.kicked, false);
}
