/*
 * A log that is a stream: what the vCPU thread asks in its turn, and its sleep.
 *
 * Replaying, this thread may run out of events. It sleeps then until
 * replay_vcpu_can_wait() says otherwise, instead of spinning; the same test wakes a
 * recording one for queued events, which had to wait for the next timer when the
 * guest was idle. It never looks ahead by consuming.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "system/cpus.h"
#include "system/replay.h"
#include "replay/replay-internal.h"
#include "hw/core/cpu.h"

/* -- the turn ------------------------------------------------------------------- */

void replay_throttle_vcpu(void)
{
    if (replay_log) {
        replay_log->throttle();
    }
}

static bool polling_input;      /* replay mutex */

void replay_poll_input(void)
{
    polling_input = replay_mode == REPLAY_MODE_RECORD;
    replay_log->poll_input();
    polling_input = false;
}

bool replay_log_takes_event_now(ReplayAsyncEventKind kind)
{
    if (!polling_input || replay_has_events() || !replay_events_enabled()) {
        return false;
    }
    replay_save_instructions();
    replay_put_event(EVENT_ASYNC + kind);
    return true;
}

bool replay_log_needs_no_kick(void)
{
    /* Its turn ends where the log says. */
    return replay_log && replay_mode == REPLAY_MODE_PLAY && qemu_in_vcpu_thread();
}

bool replay_guest_clock(ReplayGuestClock *next)
{
    g_assert(replay_log && replay_mutex_locked());
    return replay_log->guest_clock(next);
}

int64_t replay_turn_limit(void)
{
    return replay_log->turn_limit();
}

/* -- the sleep ------------------------------------------------------------------- */

bool replay_vcpu_stands(CPUState *cpu)
{
    /* Replaying, the log says when a guest goes on that its operator has paused. */
    return replay_mode == REPLAY_MODE_PLAY ? cpu->stopped : cpu_is_stopped(cpu);
}

bool replay_vcpu_can_wait(CPUState *cpu)
{
    if (!replay_log) {
        return all_cpu_threads_idle();
    }
    if (cpu->stop || !cpu_work_list_empty(cpu)) {
        return false;
    }
    if (replay_vcpu_stands(cpu)) {
        return true;
    }
    if (replay_mode == REPLAY_MODE_PLAY) {
        return !replay_state.has_unread_data || replay_log_is_main_loops()
            || (replay_state.data_kind == EVENT_DISK && !replay_log->disk_ready());
    }
    return all_cpu_threads_idle() && !replay_has_events();
}

bool replay_vcpu_wait(CPUState *cpu)
{
    if (replay_log && !replay_vcpu_stands(cpu)) {
        return replay_log->wait();
    }
    qemu_cond_wait_bql(cpu->halt_cond);
    return true;
}

void replay_vcpu_kick(void)
{
    if (replay_log) {
        replay_log->kick();
    }
}
