/*
 * Hosts the session core: brings it what happened, and hands what it asks for to whoever
 * carries that out (ft-actions.c).
 *
 * Main, RL + BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-session.h"
#include "qemu/error-report.h"
#include "qemu/timer.h"
#include "accel/ft/glue/trace.h"

static QEMUTimer *core_timer;
static void (*carry_out)(const FtAction *a);

bool ft_input(FtInputKind kind, uint64_t value, const char *text, Error **errp)
{
    FtInput in = { .kind = kind, .value = value, .text = text };
    FtAction actions[FT_ACTIONS_MAX];
    FtError why = { "" };
    size_t n = 0;

    trace_ft_input(kind, value, text ? text : "");
    if (!ftc_session_step(ft_node.session, &in, ft_now_ns(), actions, &n, &why)) {
        error_setg(errp, "%s", why.text);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        trace_ft_action(actions[i].kind, actions[i].value, actions[i].text ?: "");
        carry_out(&actions[i]);
    }
    return true;
}

static void ft_core_timer(void *opaque)
{
    ft_input(FT_IN_TIMER, 0, NULL, &error_abort);
}

void ft_session_set_timer(uint64_t at_ns)
{
    timer_mod(core_timer, at_ns);
}

void ft_session_start(void (*act)(const FtAction *a))
{
    /* A VM of this name may have run before: its epochs are spent. */
    uint64_t epoch = 0;
    FtError why = { "" };

    carry_out = act;
    core_timer = timer_new_ns(QEMU_CLOCK_REALTIME, ft_core_timer, NULL);
    if (ft_node.config.role == FT_ROLE_PRIMARY
        && !ftc_arbiter_last_epoch(ft_node.config.arbiter, ft_node.vm_uuid, &epoch,
                                   &why)) {
        error_report("ft-arbiter=%s: %s", ft_node.config.arbiter, why.text);
        exit(1);
    }
    ft_node.session = ftc_session_new(ft_node.config.role, epoch,
                                      ft_node.config.timeout_ns);
}
