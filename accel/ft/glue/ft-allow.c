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
    "refused by FT: it could make primary and secondary differ";

/* "query-" is allowed as a whole. cont has its own check, ft_may_cont(). */
static const char *const qmp_allowed[] = {
    "qmp_capabilities", "quit", "cont", "ft-attach", "ft-detach", "ft-failover",
    "x-ft-digest",
    "human-monitor-command", "qom-get", "qom-list", "qom-list-types",
    "qom-list-properties", "device-list-properties", "trace-event-get-state",
    "trace-event-set-state", "getfd", "closefd", "add-fd", "remove-fd", "yank",
};

static const char *const hmp_allowed[] = {
    "help", "?", "info", "quit", "q", "cont", "c", "logfile", "log", "trace-event",
    "trace-file", "qom-get", "qom-list", "print", "p", "sum", "x", "xp", "memsave",
    "pmemsave", "gpa2hva", "gva2gpa",
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

bool ft_restricts(FtState state)
{
    return state != FT_STATE_OFF && state != FT_STATE_EXPOSED;
}

/*
 * Refused on an exposed node too: QEMU's own migration and snapshots trip over
 * recording, and a device added now was never checked for a later secondary. Nor
 * was a drive that changes its size, its layers or its limits, and a job that
 * writes to it below the filter would go past the copy of an attach.
 */
static const char *const never_allowed[] = {
    "migrate", "migrate-incoming", "snapshot-save", "snapshot-load",
    "snapshot-delete", "device_add", "device_del", "netdev_add", "netdev_del",
    "object-add", "object-del", "chardev-add", "chardev-remove", "chardev-change",
    "x-colo-lost-heartbeat", "savevm", "loadvm", "delvm", "drive_add", "drive_del",
    "gdbserver",
    "block_resize", "block_set_io_throttle", "block_passwd", "blockdev-reopen",
    "block-stream", "block-commit", "blockdev-mirror", "drive-mirror",
    "blockdev-backup", "drive-backup", "blockdev-snapshot", "blockdev-snapshot-sync",
    "blockdev-snapshot-internal-sync", "blockdev-snapshot-delete-internal-sync",
    "transaction", "change-backing-file", "blockdev-change-medium", "eject",
    "blockdev-open-tray", "blockdev-close-tray", "blockdev-insert-medium",
    "blockdev-remove-medium", "block-export-add", "nbd-server-start", "nbd-server-add",
    "block_stream", "drive_mirror", "drive_backup", "snapshot_blkdev",
    "snapshot_blkdev_internal", "snapshot_delete_blkdev_internal", "commit", "change",
    "nbd_server_start", "nbd_server_add", "qemu-io",
};

static void ft_allow_one(const QmpCommand *cmd, void *opaque)
{
    const char *name = qmp_command_name(cmd);
    bool restricted = *(bool *)opaque
        || ft_listed(name, never_allowed, ARRAY_SIZE(never_allowed));

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

bool ft_may_run_hmp(const char *cmdline)
{
    g_autofree char *word = NULL;

    if (!ft_on()) {
        return true;
    }
    /* "x/10i $pc" is the command x. */
    cmdline += strspn(cmdline, " \t");
    word = g_strndup(cmdline, strcspn(cmdline, " \t/"));
    if (ft_restricts(ft_state())) {
        return ft_listed(word, hmp_allowed, ARRAY_SIZE(hmp_allowed));
    }
    return !ft_listed(word, never_allowed, ARRAY_SIZE(never_allowed));
}
