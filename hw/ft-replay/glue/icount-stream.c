/*
 * icount with a log that is a stream: the vCPU's turn, its clock and its budget.
 *
 * The guest's clock is its instruction count at a rate, and both the rate and steps
 * of an idle guest's clock are in the log (ReplayGuestClock). So the warp of an idle
 * guest, which costs two checkpoints, clock reads and changes of threads, is not
 * needed: the vCPU thread itself waits for the next timer. The replay mutex is held
 * for all of a turn.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "qemu/main-loop.h"
#include "qemu/seqlock.h"
#include "qemu/timer.h"
#include "exec/translation-block.h"
#include "hw/core/cpu.h"
#include "system/cpus.h"
#include "system/cpu-timers.h"
#include "system/cpu-timers-internal.h"
#include "system/replay.h"

/* -- clock ------------------------------------------------------------------------ */

int64_t icount_stream_ns(int64_t icount)
{
    uint64_t low, high;

    mulu64(&low, &high, icount - timers_state.icount_rate_from,
           timers_state.icount_rate);
    return (int64_t)(high << 48 | low >> 16);
}

/* How the guest's clock goes on, busy or idle, comes from the log. */
static void icount_follow_log(void)
{
    ReplayGuestClock next;
    int64_t now_ns, icount;

    if (!replay_guest_clock(&next)) {
        return;
    }
    /* No other thread moves the clock: this one is between two executions. */
    now_ns = icount_get();
    icount = icount_get_raw();
    seqlock_write_lock(&timers_state.vm_clock_seqlock,
                       &timers_state.vm_clock_lock);
    qatomic_set_i64(&timers_state.qemu_icount_bias, now_ns + next.step_ns);
    timers_state.icount_rate_from = icount;
    timers_state.icount_rate = next.rate;
    seqlock_write_unlock(&timers_state.vm_clock_seqlock,
                         &timers_state.vm_clock_lock);
}

/* -- turn -------------------------------------------------------------------------- */

bool icount_stream_begin_turn(CPUState *cpu)
{
    if (!replay_log_in_use()) {
        return false;
    }
    if (!replay_vcpu_stands(cpu)) {
        replay_poll_input();
        replay_async_events();
        /* An operator's reset has stopped the CPU: nothing slips in behind it. */
        if (!cpu->stop) {
            icount_follow_log();
        }
    }
    return true;
}

int64_t icount_stream_limit(void)
{
    int64_t deadline;

    if (replay_mode == REPLAY_MODE_PLAY) {
        return replay_get_instructions();
    }
    /* Realtime timers do not count: the main loop asks for its turn. */
    deadline = qemu_clock_deadline_ns_all(QEMU_CLOCK_VIRTUAL, QEMU_TIMER_ATTR_ALL);
    if (deadline < 0 || deadline > INT32_MAX) {
        deadline = INT32_MAX;
    }
    /* Room for any TB, because a turn may end where one does not fit. */
    return MAX(MIN(icount_round(deadline), replay_turn_limit()), CF_COUNT_MASK + 1);
}

void icount_stream_end_turn(CPUState *cpu)
{
    if (replay_log_in_use() && !cpu_work_list_empty(cpu)) {
        bql_lock();
        process_queued_cpu_work(cpu);
        bql_unlock();
    }
}

/* -- budget ------------------------------------------------------------------------- */

static void icount_set_budget(CPUState *cpu, int64_t budget)
{
    cpu->icount_budget = budget;
    cpu->neg.icount_decr.low = MIN(INT32_MAX, budget);
    cpu->icount_extra = budget - cpu->neg.icount_decr.low;
}

bool icount_refill_budget(CPUState *cpu)
{
    if (replay_mode != REPLAY_MODE_PLAY || !replay_log_in_use()) {
        return false;
    }
    icount_update(cpu);
    replay_account_executed_instructions();
    icount_set_budget(cpu, replay_get_instructions());
    return cpu->icount_budget != 0;
}

bool icount_drop_budget(CPUState *cpu)
{
    if (replay_mode != REPLAY_MODE_RECORD || !replay_log_in_use()) {
        return false;
    }
    icount_update(cpu);
    icount_set_budget(cpu, 0);
    return true;
}

bool icount_shorten_budget(CPUState *cpu)
{
    int64_t deadline;

    if (!replay_log_in_use()) {
        return false;
    }
    if (replay_mode == REPLAY_MODE_PLAY || !cpu->running) {
        /* The log says how far it goes, or the next turn will look. */
        return true;
    }
    if (!cpu->neg.can_do_io) {
        return false;
    }
    icount_update(cpu);
    deadline = qemu_clock_deadline_ns_all(QEMU_CLOCK_VIRTUAL,
                                          QEMU_TIMER_ATTR_ALL);
    if (deadline >= 0 && icount_round(deadline) < cpu->icount_budget) {
        icount_set_budget(cpu, icount_round(deadline));
    }
    return true;
}
