/*
 * The guest's clock under replay/, and the vCPU thread's sleep.
 *
 * The decisions are in hw/ft-replay/guest_clock.cpp; here they get their moments
 * and the guest's timers. The vCPU thread of an idle guest waits for the next
 * timer itself instead of asking the main loop to wake it: that would cost two
 * changes of threads for each of them, and the main loop would write to the log.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include <pthread.h>
#include "accel/ft/glue/ft-node.h"
#include "hw/core/cpu.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "system/cpus.h"
#include "system/cpu-timers.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "replay/replay-internal.h"

static FtClock *guest_clock;    /* RL or BQL                                */
static uint64_t stopped_ns;     /* when the operator stopped the guest, or 0 */
static uint64_t steps;          /* atomic                                   */

/* -- the sleep ----------------------------------------------------------------
 * QEMU's condition variables wait for whole milliseconds at best. A kick that
 * comes before the sleep ends it at once, so that no lock is needed between the
 * decision to sleep and the sleep.
 */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool kicked;
} nap;

static void __attribute__((constructor)) ft_nap_init(void)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&nap.cond, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&nap.lock, NULL);
}

void ft_nap_end(void)
{
    pthread_mutex_lock(&nap.lock);
    nap.kicked = true;
    pthread_cond_signal(&nap.cond);
    pthread_mutex_unlock(&nap.lock);
}

/* @until_ns: CLOCK_MONOTONIC, or 0 for no end. */
static void ft_nap(uint64_t until_ns)
{
    struct timespec until = {
        .tv_sec = until_ns / NANOSECONDS_PER_SECOND,
        .tv_nsec = until_ns % NANOSECONDS_PER_SECOND,
    };
    int result = 0;

    pthread_mutex_lock(&nap.lock);
    while (!nap.kicked && result == 0) {
        result = until_ns ? pthread_cond_timedwait(&nap.cond, &nap.lock, &until)
                          : pthread_cond_wait(&nap.cond, &nap.lock);
    }
    nap.kicked = false;
    pthread_mutex_unlock(&nap.lock);
}

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

bool ft_clock_op(ReplayGuestClock *next)
{
    uint64_t now_ns = ft_now_ns();
    bool changed;

    ft_clock_end_turn(guest_clock, now_ns, icount_get_raw());
    changed = ft_clock_next(guest_clock, now_ns, icount_get(), ft_next_timer_ns(),
                            ft_guest_activity(), &next->step_ns, &next->rate);
    qatomic_set(&steps, steps + changed);
    return changed;
}

void ft_clock_followed_op(void)
{
    qatomic_set(&steps, steps + 1);
    ft_clock_observe(guest_clock, ft_now_ns(), icount_get());
}

int64_t ft_clock_turn_limit_op(void)
{
    return ft_clock_begin_turn(guest_clock, ft_now_ns(), icount_get_raw());
}

/* The vCPU thread has nothing to do; see ReplayLogOps.wait. */
bool ft_clock_wait_op(void)
{
    uint64_t now_ns = ft_now_ns();
    int64_t ns = -1;

    if (replay_mode == REPLAY_MODE_RECORD) {
        if (ft_input_ready()) {
            return false;
        }
        ns = ft_clock_sleep(guest_clock, now_ns, icount_get(), ft_next_timer_ns());
        if (ns == 0) {
            return false;
        }
        ft_log_sleeps_until(ns < 0 ? INT64_MAX : now_ns + ns);
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
    ft_nap(ns < 0 ? 0 : now_ns + ns);
    bql_lock();
    return true;
}

void ft_clock_live(void)
{
    g_assert(replay_mutex_locked());
    ft_clock_go_live(guest_clock, ft_now_ns(), icount_get());
}

int64_t ft_clock_behind_ns(void)
{
    return ft_clock_behind(guest_clock, ft_now_ns(), icount_get());
}

uint64_t ft_clock_steps(void)
{
    return qatomic_read(&steps);
}

/* A guest that its operator has stopped does not see the time; at a cut it does. */
static void ft_clock_vm_state(void *opaque, bool running, RunState state)
{
    if (!running && state == RUN_STATE_PAUSED) {
        stopped_ns = ft_now_ns();
    } else if (running && stopped_ns) {
        ft_clock_forget(guest_clock, ft_now_ns() - stopped_ns);
        stopped_ns = 0;
    }
}

void ft_clock_setup(void)
{
    guest_clock = ft_clock_new();
    g_assert(guest_clock);
    qemu_add_vm_change_state_handler(ft_clock_vm_state, NULL);
}
