/*
 * A log that is a stream: the events that QEMU's record/replay does not know.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "system/replay.h"
#include "replay/replay-internal.h"

bool replay_log_take_own_events(void)
{
    while (replay_log) {
        if (replay_state.data_kind == EVENT_DISK) {
            if (!replay_log->disk()) {
                return false;
            }
        } else if (replay_state.data_kind == EVENT_DIGEST) {
            replay_log->digest(replay_get_byte());
            replay_finish_event();
        } else {
            break;
        }
    }
    return true;
}

void replay_digest(bool full)
{
    g_assert(replay_mutex_locked());
    g_assert(replay_mode == REPLAY_MODE_RECORD);
    replay_save_instructions();
    replay_put_event(EVENT_DIGEST);
    replay_put_byte(full);
    replay_log->digest(full);
}

/* -- operator -------------------------------------------------------------------- */

void replay_add_operator_event(uint64_t what)
{
    replay_add_event(REPLAY_ASYNC_EVENT_OPERATOR, NULL, NULL, what);
}

void replay_operator_now(uint64_t what)
{
    g_assert(replay_mutex_locked());
    g_assert(replay_mode == REPLAY_MODE_RECORD);
    replay_save_instructions();
    replay_put_event(EVENT_ASYNC + REPLAY_ASYNC_EVENT_OPERATOR);
    replay_put_qword(what);
}

/* -- output ------------------------------------------------------------------------ */

static void replay_record_output(unsigned id, uint64_t len, uint64_t hash)
{
    replay_save_instructions();
    replay_put_event(EVENT_OUTPUT);
    replay_put_dword(id);
    replay_put_qword(len);
    replay_put_qword(hash);
}

static void replay_compare_output(unsigned id, uint64_t len, uint64_t hash)
{
    replay_account_executed_instructions();
    if (!replay_next_event_is(EVENT_OUTPUT)) {
        replay_sync_error("output that the log does not have");
        return;
    }
    if (replay_get_dword() != id) {
        replay_sync_error("output: another device");
    } else if (replay_get_qword() != len) {
        replay_sync_error("output: another length");
    } else if (replay_get_qword() != hash) {
        replay_sync_error("output: other bytes");
    }
    replay_finish_event();
}

void replay_output(unsigned id, uint64_t len, uint64_t hash)
{
    g_assert(replay_mutex_locked());
    if (replay_mode == REPLAY_MODE_RECORD) {
        replay_record_output(id, len, hash);
    } else if (replay_mode == REPLAY_MODE_PLAY) {
        replay_compare_output(id, len, hash);
    }
}

/* -- exceptions ---------------------------------------------------------------------
 * Exceptions of a guest whose execution is the same are the same; they need no
 * event to happen. They do not count as instructions, though: where another
 * event belongs to the same instruction, the log has to tell which came first.
 */
static struct {
    uint64_t icount;
    unsigned count;
} silent_exceptions;            /* replay mutex */

void replay_log_forget_exceptions(void)
{
    silent_exceptions.count = 0;
}

void replay_log_put_exceptions(void)
{
    if (silent_exceptions.icount == replay_state.current_icount) {
        for (; silent_exceptions.count; silent_exceptions.count--) {
            replay_put_event(EVENT_EXCEPTION);
        }
    }
    silent_exceptions.count = 0;
}

bool replay_log_exception(void)
{
    if (!replay_log) {
        return false;
    }
    g_assert(replay_mutex_locked());
    if (replay_mode == REPLAY_MODE_RECORD) {
        uint64_t icount = replay_get_current_icount();

        if (silent_exceptions.icount != icount) {
            silent_exceptions.icount = icount;
            silent_exceptions.count = 0;
        }
        silent_exceptions.count++;
    } else if (replay_has_exception()) {
        replay_finish_event();
    }
    return true;
}
