/*
 * What an operator does to the guest: power button, reset, NMI, pause.
 *
 * Each is an input of the guest like a packet. While the guest has two nodes, the
 * first three go into the log as an event, and both nodes do them at its instruction.
 *
 * A pause needs no instruction of its own: the primary's vCPU executes none until it
 * ends, so the secondary stands where the log does. What is more, no device may hear
 * of it: they all change their state when a VM stops, and would do so on this node
 * alone. So the run state says "paused", which keeps the vCPU from running, and
 * nothing else is told. Output that the log has covered leaves meanwhile, lease and
 * heartbeats live. The log tells the secondary, so that a survivor is paused as well.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-operator.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "hw/core/cpu.h"
#include "hw/nmi.h"
#include "qapi/qapi-events-run-state.h"
#include "qemu/error-report.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "accel/ft/glue/trace.h"

bool ft_stops_unseen(void)
{
    return ft_node.posts_wait;
}

/* -- power, reset, NMI -------------------------------------------------------- */

/* Is there a guest that could be asked; if there is not, is it for QEMU to say so? */
static bool ft_guest_listens(bool *answered, Error **errp)
{
    *answered = true;
    if (runstate_is_running()) {
        return true;
    }
    if (ft_node.paused) {
        error_setg(errp, "refused by FT: the guest is paused; resume it first");
    } else if (ft_node.guest_off && ft_state() != FT_STATE_FENCED) {
        /* libvirt's reboot: a reset as soon as it hears of the end, then cont. The other
         * node has ended too; whether this one may speak is still being decided. */
        *answered = false;
    } else if (ft_restricts(ft_state())) {
        error_setg(errp, "refused by FT: the guest does not run (%s)",
                   RunState_str(runstate_get()));
    } else {
        *answered = false;      /* off or crashed, and no other node has it */
    }
    return false;
}

bool ft_operator_input(FtOperatorInput what, Error **errp)
{
    bool answered = false;

    if (ft_on() && ft_guest_listens(&answered, errp)) {
        trace_ft_operator(what);
        replay_add_operator_event(what);
    }
    return answered;
}

/* Both nodes, at the instruction of the event, RL + BQL. */
void ft_operator_run(uint64_t what)
{
    Error *err = NULL;

    trace_ft_operator_run(what);
    switch (what) {
    case FT_OPERATOR_POWERDOWN:
        qemu_system_powerdown();
        break;
    case FT_OPERATOR_RESET:
        qemu_system_reset_request(SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET);
        break;
    case FT_OPERATOR_NMI:
        nmi_monitor_handle(0, &err);
        if (err) {
            warn_report_err(err);
        }
        break;
    case FT_OPERATOR_PAUSE:
        if (!ft_node.paused && runstate_is_running()) {
            ft_node.paused = true;
            ft_clock_stops(true);
            runstate_set(RUN_STATE_PAUSED);
            qapi_event_send_stop();
        }
        break;
    case FT_OPERATOR_RESUME:
        if (ft_node.paused) {
            ft_node.paused = false;
            ft_clock_stops(false);
            qapi_event_send_resume();
            runstate_set(RUN_STATE_RUNNING);
        }
        break;
    default:
        ft_log_diverged("operator: what: not a number that this version knows");
        break;
    }
}

/* -- the pause ------------------------------------------------------------------ */

static void ft_pause_tell(FtOperatorInput what)
{
    if (replay_mode == REPLAY_MODE_RECORD) {
        replay_operator_now(what);
        ft_log_publish();
        ft_log_flush();
    }
}

bool ft_operator_pause(Error **errp)
{
    if (!ft_on()) {
        return false;
    }
    if (ft_node.handover) {
        error_setg(errp, "refused by FT: a planned failover is under way");
    } else if (runstate_is_running()) {
        trace_ft_operator(FT_OPERATOR_PAUSE);
        ft_node.paused = true;
        ft_clock_stops(true);
        runstate_set(RUN_STATE_PAUSED);
        qapi_event_send_stop();
        ft_pause_tell(FT_OPERATOR_PAUSE);
    }
    return true;
}

bool ft_operator_resume(void)
{
    if (!ft_node.paused) {
        return false;
    }
    trace_ft_operator(FT_OPERATOR_RESUME);
    ft_node.paused = false;
    ft_pause_tell(FT_OPERATOR_RESUME);
    qapi_event_send_resume();
    ft_clock_stops(false);
    runstate_set(RUN_STATE_RUNNING);
    qemu_cpu_kick(first_cpu);
    return true;
}

/*
 * A cut, and whatever else stops the VM in QEMU's way, starts from a guest that
 * counts as running. No instruction is executed before ft_pause_again(): the caller
 * keeps RL, and has the CPU stopped whenever it lets go of it.
 */
void ft_pause_lift(void)
{
    if (ft_node.paused && runstate_check(RUN_STATE_PAUSED)) {
        runstate_set(RUN_STATE_RUNNING);
    }
}

void ft_pause_again(void)
{
    if (ft_node.paused && runstate_is_running()) {
        runstate_set(RUN_STATE_PAUSED);
        ft_pause_tell(FT_OPERATOR_PAUSE);
    }
}

void ft_pause_forget(void)
{
    ft_node.paused = false;
}
