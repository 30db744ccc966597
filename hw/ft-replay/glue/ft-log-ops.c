/*
 * The log under QEMU's replay/: the table of functions that replay/ calls, and where each
 * wing comes into it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-operator.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "net/ft-filter/glue/ft-net.h"
#include "qemu/main-loop.h"
#include "qemu/notify.h"
#include "system/replay.h"

/* Replay must not wait for real time when the log says what comes next. */
static void ft_log_poll_notify(Notifier *n, void *data)
{
    MainLoopPoll *poll = data;

    if (poll->state != MAIN_LOOP_POLL_FILL) {
        return;
    }
    ft_disk_look();
    if (replay_main_loop_is_next()) {
        poll->timeout = 0;
    }
}

static Notifier poll_notifier = { .notify = ft_log_poll_notify };

/* vCPU, RL + BQL: what has come from outside since its last turn. See poll_input. */
static void ft_log_poll_input_op(void)
{
    if (replay_mode == REPLAY_MODE_RECORD) {
        ft_input_poll_op();     /* a secondary's packets come by the log */
    }
    ft_io_look();
}

static const ReplayLogOps ft_log_ops = {
    .put_event = ft_log_put_event_op,
    .put_int = ft_log_put_int_op,
    .put_array = ft_log_put_array_op,
    .get_event = ft_log_get_event_op,
    .get_int = ft_log_get_int_op,
    .get_array = ft_log_get_array_op,
    .commit = ft_log_commit_op,
    .throttle = ft_log_throttle_op,
    .diverged = ft_log_diverged,
    .chr_write = ft_console_write,
    .chr_closed = ft_console_closed,
    .digest = ft_digest_event,
    .operator_input = ft_operator_run,
    .guest_clock = ft_clock_op,
    .turn_limit = ft_clock_turn_limit_op,
    .wait = ft_clock_wait_op,
    .kick = ft_nap_end,
    .poll_input = ft_log_poll_input_op,
    .disk = ft_disk_event,
    .disk_ready = ft_disk_event_ready,
};

/* Main, before the machine exists; the main loop does. */
void ft_log_setup(bool secondary)
{
    ft_event_numbers_setup();
    ft_clock_setup();
    ft_lag_setup();
    if (secondary) {
        ft_replay_setup();
        main_loop_poll_add_notifier(&poll_notifier);
    }
    replay_use_log(&ft_log_ops, secondary ? REPLAY_MODE_PLAY : REPLAY_MODE_RECORD);
}
