/*
 * Which monitor commands may run while the guest is protected.
 *
 * A command that changes the guest's state on one node makes the nodes differ,
 * because the log does not carry it. So all are refused but those listed here,
 * which read, or touch only the host's side.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "ft-node.h"
#include "monitor/monitor-internal.h"
#include "qapi/qmp-registry.h"

static const char refused[] =
    "refused while FT protects the guest: it could make primary and secondary differ";

/* "query-" is allowed as a whole. cont has its own check, ft_may_cont(). */
static const char *const qmp_allowed[] = {
    "qmp_capabilities", "quit", "cont", "ft-attach", "ft-detach", "ft-failover",
    "human-monitor-command", "qom-get", "qom-list", "qom-list-types",
    "qom-list-properties", "device-list-properties", "trace-event-get-state",
    "trace-event-set-state", "getfd", "closefd", "add-fd", "remove-fd", "yank",
    "x-ft-digest",
};

static const char *const hmp_allowed[] = {
    "help", "info", "quit", "cont", "logfile", "log", "trace-event", "trace-file",
    "qom-get", "qom-list", "print", "sum", "x", "xp", "memsave", "pmemsave",
    "gpa2hva", "gva2gpa",
};

static bool ft_listed(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (g_str_equal(name, list[i])) {
            return true;
        }
    }
    return false;
}

/* States in which this node's guest is, or becomes, one of two. */
static bool ft_restricts(FtState state)
{
    return state != FT_STATE_OFF && state != FT_STATE_EXPOSED;
}

static void ft_allow_one(const QmpCommand *cmd, void *opaque)
{
    bool restricted = *(bool *)opaque;
    const char *name = qmp_command_name(cmd);

    if (g_str_has_prefix(name, "query-")
        || ft_listed(name, qmp_allowed, ARRAY_SIZE(qmp_allowed))) {
        return;
    }
    if (restricted && cmd->enabled) {
        qmp_disable_command(&qmp_commands, name, refused);
    } else if (!restricted && !cmd->enabled && cmd->disable_reason == refused) {
        qmp_enable_command(&qmp_commands, name);
    }
}

void ft_allow_update(FtState state)
{
    bool restricted = ft_restricts(state);

    qmp_for_each_command(&qmp_commands, ft_allow_one, &restricted);
}

bool ft_may_run_hmp(const char *name)
{
    if (!ft_on() || !ft_restricts(ft_state())) {
        return true;
    }
    /* Aliases stand behind a bar: "quit|q". */
    for (size_t i = 0; i < ARRAY_SIZE(hmp_allowed); i++) {
        size_t len = strlen(hmp_allowed[i]);

        if (g_str_has_prefix(name, hmp_allowed[i])
            && (name[len] == '\0' || name[len] == '|' || name[len] == ',')) {
            return true;
        }
    }
    return false;
}
