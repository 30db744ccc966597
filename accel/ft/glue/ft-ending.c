/*
 * The primary's guest has powered itself off. This node's comes to that instruction too
 * and ends this process with it, its last writes in its drives. The goodbye counts only if
 * it does not.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-session.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "qemu/timer.h"

/* How long a secondary may take to the end of its log when the guest is off. */
#define FT_ENDING_NS (10 * NANOSECONDS_PER_SECOND)
#define FT_ENDING_LOOK_NS (2 * SCALE_MS)

static struct {
    FtPosted *goodbye;
    void (*then)(FtPosted *goodbye);
    QEMUTimer *timer;
    uint64_t deadline_ns;
} ending;

static void ft_ending_look(void *opaque)
{
    if (!ft_log_is_done() && ft_now_ns() < ending.deadline_ns) {
        timer_mod(ending.timer, ft_now_ns() + FT_ENDING_LOOK_NS);
        return;
    }
    ending.then(g_steal_pointer(&ending.goodbye));
}

/* Is @p a goodbye that says so, and the first, and the log not executed yet? */
static bool ft_ends_with_guest(const FtPosted *p)
{
    return p->in.kind == FT_IN_PEER_GOODBYE && p->in.value != 0 && !ending.goodbye
        && p->gen == ft_peer_gen() && !ft_log_is_done();
}

bool ft_end_with_guest(FtPosted *p, void (*then)(FtPosted *goodbye))
{
    if (!ft_ends_with_guest(p)) {
        return false;
    }
    if (!ending.timer) {
        ending.timer = timer_new_ns(QEMU_CLOCK_REALTIME, ft_ending_look, NULL);
    }
    ending.goodbye = p;
    ending.then = then;
    ending.deadline_ns = ft_now_ns() + FT_ENDING_NS;
    timer_mod(ending.timer, ft_now_ns() + FT_ENDING_LOOK_NS);
    return true;
}
