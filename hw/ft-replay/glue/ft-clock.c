/*
 * The guest's clock under replay/, and when the vCPU thread sleeps (ft-nap.c).
 *
 * The decisions are in hw/ft-replay/guest_clock.cpp; here they get their moments
 * and the guest's timers. The vCPU thread of an idle guest waits for the next
 * timer itself instead of asking the main loop to wake it: that would cost two
 * changes of threads for each of them, and the main loop would write to the log.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-watchdog.h"
#include "hw/ft-replay/glue/ft-log.h"
#include <poll.h>
#include "hw/core/cpu.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "system/cpus.h"
#include "system/cpu-timers.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "replay/replay-internal.h"

/* The fault clock-stands begins when the pair has worked for a moment. */
#define FT_FAULT_STEPS 1000

static FtClock *guest_clock;    /* RL or BQL                                */
static uint64_t stopped_ns;     /* when the operator stopped the guest, or 0 */
static uint64_t steps;          /* atomic                                   */

/* -- the clock ------------------------------------------------------------------ */

static int64_t ft_next_timer_ns(void)
{
    return qemu_clock_deadline_ns_all(QEMU_CLOCK_VIRTUAL, ~QEMU_TIMER_ATTR_EXTERNAL);
}

static FtActivity ft_guest_activity(void)
{
    if (!first_cpu->halted) {
        return FT_GUEST_BUSY;
    }
    return all_cpu_threads_idle() ? FT_GUEST_IDLE : FT_GUEST_WOKEN;
}

static bool ft_clock_decide(ReplayGuestClock *next)
{
    uint64_t now_ns = ft_now_ns();

    ftc_clock_end_turn(guest_clock, now_ns, icount_get_raw());
    if (!ftc_clock_next(guest_clock, now_ns, icount_get(), ft_next_timer_ns(),
                        ft_guest_activity(), ft_log_is_silent(now_ns), &next->step_ns,
                        &next->rate)) {
        return false;
    }
    replay_save_instructions();
    replay_put_event(EVENT_GUEST_CLOCK);
    replay_put_qword(next->step_ns);
    replay_put_qword(ftc_fault("clock-stands") && steps > FT_FAULT_STEPS ? 0 : next->rate);
    return true;
}

/* A peer's numbers: a rate of none would set the clock to another time. */
static bool ft_clock_accepts(uint64_t step_ns, uint64_t rate)
{
    g_autofree char *what = NULL;

    if (step_ns > INT64_MAX - icount_get()) {
        what = g_strdup_printf("guest clock: ns: %" PRIu64 " is past the end of time",
                               step_ns);
    } else if (rate == 0 || rate > UINT32_MAX) {
        what = g_strdup_printf("guest clock: rate: %" PRIu64 " is not in 1..%u", rate,
                               UINT32_MAX);
    }
    if (what) {
        ft_log_diverged(what);
    }
    return !what;
}

static bool ft_clock_follow(ReplayGuestClock *next)
{
    uint64_t rate;

    if (!replay_next_event_is(EVENT_GUEST_CLOCK)) {
        return false;
    }
    next->step_ns = replay_get_qword();
    rate = replay_get_qword();
    if (!ft_clock_accepts(next->step_ns, rate)) {
        return false;
    }
    next->rate = rate;
    replay_finish_event();
    ftc_clock_observe(guest_clock, ft_now_ns(), icount_get() + next->step_ns);
    return true;
}

bool ft_clock_op(ReplayGuestClock *next)
{
    bool changed = replay_mode == REPLAY_MODE_RECORD ? ft_clock_decide(next)
                                                     : ft_clock_follow(next);

    qatomic_set(&steps, steps + changed);
    return changed;
}

int64_t ft_clock_turn_limit_op(void)
{
    return ftc_clock_begin_turn(guest_clock, ft_now_ns(), icount_get_raw());
}

/* The vCPU thread has nothing to do; see ReplayLogOps.wait. */
bool ft_clock_wait_op(void)
{
    struct pollfd fds[1 + FT_NAP_FDS_MAX];
    uint64_t now_ns = ft_now_ns();
    unsigned inputs = 0;
    int64_t ns = -1;

    if (replay_mode == REPLAY_MODE_RECORD) {
        if (ft_nap_has_work()) {
            return false;
        }
        ns = ftc_clock_sleep(guest_clock, now_ns, icount_get(), ft_next_timer_ns());
        if (ns == 0) {
            return false;
        }
        ft_log_sleeps_until(ns < 0 ? INT64_MAX : now_ns + ns);
        inputs = ft_nap_watch(fds + 1);
    } else if (replay_state.has_unread_data) {
        /*
         * The next event is the main loop's, or a completion that this node's
         * own disk still owes: that wakes the main loop, and it us. To wake the
         * main loop before would only take both locks back and forth.
         */
        if (replay_state.data_kind != EVENT_DISK) {
            qemu_notify_event();
        }
    } else if (ft_log_readable()) {
        return false;
    }
    bql_unlock();
    ft_vcpu_moves();
    ft_nap(fds, 1 + inputs, ns < 0 ? 0 : now_ns + ns);
    bql_lock();
    ft_nap_watched(fds + 1, inputs);
    return true;
}

void ft_clock_live(void)
{
    g_assert(replay_mutex_locked());
    ftc_clock_go_live(guest_clock, ft_now_ns(), icount_get());
}

int64_t ft_clock_behind_ns(void)
{
    return ftc_clock_behind(guest_clock, ft_now_ns(), icount_get());
}

uint64_t ft_clock_steps(void)
{
    return qatomic_read(&steps);
}

/* A guest that its operator has stopped does not see the time; at a cut it does. */
void ft_clock_stops(bool stops)
{
    if (stops && !stopped_ns) {
        stopped_ns = ft_now_ns();
    } else if (!stops && stopped_ns) {
        ftc_clock_forget(guest_clock, ft_now_ns() - stopped_ns);
        stopped_ns = 0;
    }
}

/* Stopped in QEMU's way: by a handover, or because it has ended. */
static void ft_clock_vm_state(void *opaque, bool running, RunState state)
{
    if (state != RUN_STATE_RESTORE_VM && !ft_node.paused) {
        ft_clock_stops(!running);
    }
}

void ft_clock_setup(void)
{
    guest_clock = ftc_clock_new();
    g_assert(guest_clock);
    qemu_add_vm_change_state_handler(ft_clock_vm_state, NULL);
}
