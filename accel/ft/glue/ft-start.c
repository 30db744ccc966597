/*
 * The start of a guest that waits for its first attach.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-session.h"
#include "qemu/timer.h"
#include "system/runstate.h"

/*
 * So long a guest's start waits for its first attach. What is attached sooner, a pair
 * without drives or with small ones, is protected from its first instruction on; with a
 * drive that takes longer to compare the guest starts exposed, and is protected later.
 */
#define FT_START_WAIT_NS (1 * NANOSECONDS_PER_SECOND)

static QEMUTimer *start_timer;

/* The first attach came to an end, well or not, or has taken too long. */
void ft_start_now(void)
{
    ft_node.first_attach = false;
    if (ft_node.start_pending) {
        ft_node.start_pending = false;
        vm_start();
    }
}

static void ft_start_timer(void *opaque)
{
    ft_start_now();
}

void ft_start_soon(void)
{
    if (!start_timer) {
        start_timer = timer_new_ns(QEMU_CLOCK_REALTIME, ft_start_timer, NULL);
    }
    if (!ft_node.start_pending) {
        ft_node.start_pending = true;
        timer_mod(start_timer, ft_now_ns() + FT_START_WAIT_NS);
    }
}
