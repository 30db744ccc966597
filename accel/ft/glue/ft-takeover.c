/*
 * A takeover: a secondary that has executed all of its log goes on as the guest's one
 * node. The order of the steps is here, and nowhere else.
 *
 * Main, RL + BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-session.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "net/ft-filter/glue/ft-net.h"
#include "hw/core/cpu.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "system/replay.h"

/* A guest that sleeps has timers to look at, and both threads have something to do. */
static void ft_wake_all(void)
{
    qemu_clock_notify(QEMU_CLOCK_VIRTUAL);
    qemu_cpu_kick(first_cpu);
    qemu_notify_event();
}

static void (*const go_live_steps[])(void) = {
    /* First, so that nothing that follows asks the log of the dead primary. */
    ft_replay_end,
    /* While the instruction count is the one at which the log ends: the guest's time
     * goes on from there. */
    ft_clock_live,
    /* The thread that reads the back ends for a secondary reads what is there and
     * stops: behind the next step the vCPU thread reads them. */
    ft_input_keep_end,
    /* Replay becomes recording. What is given to the guest from here on is recorded. */
    replay_go_live,
    /* Packets that were kept, ahead of all that comes from now on. */
    ft_filters_give_early,
    /* Now the vCPU thread may read the back ends: what it reads is younger. */
    ft_input_live,
    /* Requests without a completion in the log get this node's own, as recording does;
     * with one image for both nodes they are issued, which the images' opening, before
     * all this, allows. */
    ft_disk_go_live,
    /* Last: whoever wakes finds all of the above done. */
    ft_wake_all,
};

static void ft_go_live_now(void)
{
    Error *err = NULL;

    if (!ft_replay_may_end(&err)) {
        ft_post(0, FT_IN_DIVERGED, 0, error_get_pretty(err));
        error_free(err);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(go_live_steps); i++) {
        go_live_steps[i]();
    }
    ft_node.takeover.live_ns = ft_now_ns();
    ft_post(0, FT_IN_LIVE_DONE, 0, NULL);
}

/* An image that both nodes use is the old primary's until that has let go of it. */
void ft_go_live(void)
{
    ft_images_open_then(ft_go_live_now);
}
