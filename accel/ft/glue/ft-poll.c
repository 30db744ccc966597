/*
 * Waiting in the main thread for what only its own loop brings: answers of the host's
 * disks, at the cut, with the guest stopped. So each wait has a deadline.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-node.h"
#include "block/aio.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"

static void ft_deadline_has_come(void *opaque)
{
    /* aio_poll() returns for it; the loop below looks at the time. */
}

bool ft_poll_until(bool (*done)(void *opaque), void *opaque, uint64_t deadline_ns)
{
    QEMUTimer *timer = aio_timer_new(qemu_get_aio_context(), QEMU_CLOCK_REALTIME, SCALE_NS,
                                     ft_deadline_has_come, NULL);

    timer_mod(timer, deadline_ns);
    while (!done(opaque) && ft_now_ns() < deadline_ns) {
        aio_poll(qemu_get_aio_context(), true);
    }
    timer_free(timer);
    return done(opaque);
}
