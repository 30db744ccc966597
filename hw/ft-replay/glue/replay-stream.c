/*
 * The log of QEMU's record/replay as a stream: its fields, its head, its life.
 *
 * Such a log may have nothing to offer yet. The reader then answers "no event"
 * instead of blocking, and nobody waits with the replay mutex or the BQL held. A
 * group of events is committed when the replay mutex is released, and a reader sees
 * whole groups only, so that every field of an event is there when the event is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "system/cpus.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "replay/replay-internal.h"
#include "hw/core/cpu.h"

const ReplayLogOps *replay_log;

bool replay_log_in_use(void)
{
    return replay_log;
}

/* -- its life -------------------------------------------------------------------- */

void replay_use_log(const ReplayLogOps *ops, ReplayMode mode)
{
    assert(!replay_file && replay_mode == REPLAY_MODE_NONE);

    replay_log = ops;
    replay_mode = mode;
    replay_mutex_init();
    replay_restart_log();
    replay_vmstate_register();
    runstate_replay_enable();
    replay_init_events();
}

void replay_restart_log(void)
{
    replay_state.data_kind = EVENT_COUNT;
    replay_state.instruction_count = 0;
    replay_state.has_unread_data = false;
    replay_state.read_event_id = -1;
    replay_log_forget_exceptions();
}

void replay_go_live(void)
{
    g_assert(replay_log && replay_mutex_locked());
    g_assert(replay_mode == REPLAY_MODE_PLAY);
    g_assert(!replay_state.has_unread_data);
    g_assert(replay_state.instruction_count == 0);
    replay_restart_log();
    replay_mode = REPLAY_MODE_RECORD;
}

/* -- fields ------------------------------------------------------------------------ */

bool replay_log_put_event(unsigned event)
{
    if (replay_log) {
        replay_log->put_event(event);
    }
    return replay_log;
}

bool replay_log_put(uint64_t value)
{
    if (replay_log) {
        replay_log->put_int(value);
    }
    return replay_log;
}

bool replay_log_put_array(const uint8_t *buf, size_t size)
{
    if (replay_log) {
        replay_log->put_array(buf, size);
    }
    return replay_log;
}

uint64_t replay_log_get(void)
{
    return replay_log ? replay_log->get_int() : 0;
}

bool replay_log_get_array(uint8_t *buf, size_t *size)
{
    const uint8_t *data;
    size_t len;

    if (!replay_log) {
        return false;
    }
    /* The caller's buffer has the size that was recorded, or less came. */
    replay_log->get_array(&data, &len);
    *size = MIN(*size, len);
    memcpy(buf, data, *size);
    return true;
}

bool replay_log_get_array_alloc(uint8_t **buf, size_t *size)
{
    const uint8_t *data;

    if (!replay_log) {
        return false;
    }
    replay_log->get_array(&data, size);
    *buf = g_memdup2(data, *size);
    return true;
}

bool replay_log_borrow_array(uint8_t **buf, size_t *size)
{
    if (replay_log) {
        replay_log->get_array((const uint8_t **)buf, size);
    }
    return replay_log;
}

/* -- its head ------------------------------------------------------------------------ */

bool replay_log_fetch(void)
{
    if (!replay_log || replay_state.has_unread_data) {
        return replay_log;
    }
    if (!replay_log->get_event(&replay_state.data_kind)) {
        replay_state.data_kind = EVENT_COUNT;
        return true;
    }
    replay_state.current_event++;
    if (replay_state.data_kind == EVENT_INSTRUCTION) {
        replay_state.instruction_count = replay_log->get_int();
    }
    replay_state.has_unread_data = true;
    return true;
}

void replay_log_look(void)
{
    if (replay_state.instruction_count == 0) {
        replay_log_fetch();
    }
}

/*
 * Events that the main loop consumes; the vCPU thread all others. A clock at
 * the head of the log was read by the main loop for its next deadline: one that
 * the vCPU reads follows its instruction or checkpoint in the same group.
 */
static bool replay_is_main_loop_event(unsigned int kind)
{
    switch (kind) {
    case EVENT_CLOCK ... EVENT_CLOCK_LAST:
    case EVENT_CHECKPOINT + CHECKPOINT_CLOCK_WARP_START:
    case EVENT_CHECKPOINT + CHECKPOINT_RESET_REQUESTED:
    case EVENT_CHECKPOINT + CHECKPOINT_SUSPEND_REQUESTED:
    case EVENT_CHECKPOINT + CHECKPOINT_CLOCK_HOST:
    case EVENT_CHECKPOINT + CHECKPOINT_CLOCK_VIRTUAL_RT:
        return true;
    default:
        return false;
    }
}

bool replay_log_is_main_loops(void)
{
    return replay_state.has_unread_data
        && replay_is_main_loop_event(replay_state.data_kind);
}

bool replay_main_loop_is_next(void)
{
    if (!replay_log || replay_mode != REPLAY_MODE_PLAY) {
        return false;
    }
    g_assert(replay_mutex_locked());
    replay_log_fetch();
    return replay_log_is_main_loops();
}

void replay_log_wake_next(void)
{
    bool main_is_next = replay_log_is_main_loops();

    if (!replay_log || !replay_state.has_unread_data) {
        return;
    }
    if (main_is_next && qemu_in_vcpu_thread()) {
        qemu_notify_event();
    } else if (!main_is_next && !qemu_in_vcpu_thread()) {
        qemu_cpu_kick(first_cpu);
    }
}

/* -- groups of events ------------------------------------------------------------------ */

void replay_log_commit(void)
{
    if (replay_log && replay_mode == REPLAY_MODE_RECORD) {
        replay_log->commit();
    }
}

void replay_log_mutex_is_wanted(void)
{
    if (replay_log && !qemu_in_vcpu_thread()) {
        /* The vCPU would keep it for a whole time slice. */
        cpu_exit(first_cpu);
    }
}
