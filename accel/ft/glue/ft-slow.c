/*
 * The guest, slowed for an attach's sake: it writes faster than the link carries.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-node.h"
#include "qemu/timer.h"

/* A guest that is slowed stands still for no longer than that without a look around. */
#define FT_NAP_NS (2 * SCALE_MS)
/* Falling asleep costs time: shorter pauses are saved up. */
#define FT_PAUSE_MIN_NS SCALE_MS
#define FT_PAUSE_OVER_NS (100 * SCALE_MS)

static unsigned slowed;         /* atomic: thousandths of the guest's time  */

void ft_slow_set(unsigned share)
{
    qatomic_set(&slowed, share);
}

static uint64_t ft_thread_cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * NANOSECONDS_PER_SECOND + t.tv_nsec;
}

/*
 * vCPU thread, each turn, no lock held: stands still for the share of the guest's time
 * that the attach asks for, in pauses of milliseconds. Counted is what it has worked, so
 * that a guest that sleeps by itself answers at once; and what it has slept too long,
 * because this host is busy, is taken from the next pause. How long it stood still.
 */
uint64_t ft_slow_guest(void)
{
    static int64_t worked_until_ns, owed_ns;
    unsigned share = qatomic_read(&slowed);
    int64_t begin_ns, now_ns, worked_ns;

    if (!share) {
        worked_until_ns = owed_ns = 0;
        return 0;
    }
    worked_ns = ft_thread_cpu_ns();
    if (worked_until_ns) {
        owed_ns += ftc_attach_pause(worked_ns - worked_until_ns, share);
    }
    worked_until_ns = worked_ns;
    if (owed_ns < FT_PAUSE_MIN_NS) {
        return 0;
    }
    begin_ns = now_ns = ft_now_ns();
    while (now_ns - begin_ns < owed_ns && qatomic_read(&slowed)) {
        g_usleep(MIN(begin_ns + owed_ns - now_ns, FT_NAP_NS) / SCALE_US + 1);
        now_ns = ft_now_ns();
    }
    owed_ns = MAX(owed_ns - (now_ns - begin_ns), -FT_PAUSE_OVER_NS);
    worked_until_ns = ft_thread_cpu_ns();       /* to fall asleep is not the guest's work */
    return now_ns - begin_ns;
}
