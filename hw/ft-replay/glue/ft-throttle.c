/*
 * The pauses of the vCPU thread for a secondary that is behind, or a ring that is full.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-watchdog.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "qemu/units.h"

#define FT_BACKLOG_MAX (16 * MiB)
#define FT_THROTTLE_US 200
#define FT_THROTTLE_MAX_US 100000
/* Falling asleep costs time: shorter pauses are saved up. */
#define FT_PAUSE_MIN_NS SCALE_MS

/* A ring that is nearly full: sleep until the sender has taken from it. True: it was. */
static bool ft_log_wait_for_room(void)
{
    unsigned us = 0;

    for (; us < FT_THROTTLE_MAX_US && ft_log_backlog() > FT_BACKLOG_MAX;
         us += FT_THROTTLE_US) {
        g_usleep(FT_THROTTLE_US);
    }
    return us;
}

/*
 * The vCPU thread passes here on each turn with no lock held. A full log or a
 * secondary far behind slows it down; acks and the monitor go on meanwhile.
 */
void ft_log_throttle_op(void)
{
    static uint64_t ended_ns;       /* the last turn, and the pause behind it */
    static uint64_t owed_ns;        /* pauses too short to sleep for */
    uint64_t begin_ns = ft_now_ns(), pause_ns;
    bool waited;

    ft_vcpu_moves();
    if (!ft_record_is_on()) {
        ft_lag_slowed(ft_slow_guest());
        return;
    }
    waited = ft_log_wait_for_room();
    ft_lag_count(ft_log_lag_ns());
    pause_ns = ftc_lag_pause(ft_lag_to_come_ns(begin_ns), ft_node.config.lag_limit_ns,
                             begin_ns - ended_ns);
    owed_ns = pause_ns ? owed_ns + pause_ns : 0;
    if (owed_ns >= FT_PAUSE_MIN_NS) {
        g_usleep(owed_ns / SCALE_US);
        owed_ns = 0;
        waited = true;
    }
    ended_ns = ft_now_ns();
    if (waited) {
        ft_lag_slowed(ended_ns - begin_ns);
    }
}
