/*
 * Carries out the table of monitor commands, ft-monitor-allow.def: in which state of
 * this node a command may run, and what is said to whoever is refused.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-link.h"
#include "accel/ft/glue/ft-operator.h"
#include "monitor/monitor-internal.h"
#include "qapi/qapi-types-migration.h"
#include "qapi/qmp-registry.h"
#include "system/runstate.h"

typedef enum FtWhen { ALWAYS, GUEST, ALONE, START, NEVER } FtWhen;

typedef struct FtRow {
    const char *name;
    FtWhen when;
    const char *why;
} FtRow;

static const FtRow qmp_rows[] = {
#define FT_QMP(name, when, why) { name, when, why },
#include "accel/ft/glue/ft-monitor-allow.def"
};

static const FtRow hmp_rows[] = {
#define FT_HMP(name, when, why) { name, when, why },
#include "accel/ft/glue/ft-monitor-allow.def"
};

static const FtRow no_row = { NULL, NEVER, "FT does not know this command" };

static const FtRow *ft_row(const FtRow *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (g_str_equal(name, rows[i].name)) {
            return &rows[i];
        }
    }
    return &no_row;
}

/* Why this node cannot do what an operator wants of the guest; NULL: it can. */
static char *ft_not_the_guests_node(FtState state)
{
    const char *peer = ft_link_address();
    /* Its port is the one of a connection, of no use to an operator. */
    const char *port = peer ? strrchr(peer, ':') : NULL;

    switch (state) {
    case FT_STATE_FENCED:
    case FT_STATE_FAILED:
        return g_strdup_printf("this node is %s and runs no guest any more", ftc_state_name(state));
    case FT_STATE_WAITING:
        return g_strdup("this node is a secondary that waits for its primary; it runs no guest yet");
    default:
        if (ftc_session_role(ft_node.session) != FT_ROLE_SECONDARY) {
            return NULL;
        }
        return port ? g_strdup_printf("this node is the secondary: ask the primary at %.*s",
                                      (int)(port - peer), peer)
                    : g_strdup("this node is the secondary: ask the primary");
    }
}

/* The sentence of a refusal, to be freed; NULL: the command may run. */
static char *ft_refusal(const FtRow *row, FtState state)
{
    switch (row->when) {
    case ALWAYS:
        return NULL;
    case GUEST: {
        g_autofree char *why = ft_not_the_guests_node(state);

        return why ? g_strdup_printf("refused by FT: %s", why) : NULL;
    }
    case ALONE:
        return ft_restricts(state) ? g_strdup_printf("refused by FT: %s", row->why) : NULL;
    case START:
        if (runstate_check(RUN_STATE_PRELAUNCH) || runstate_check(RUN_STATE_INMIGRATE)) {
            return NULL;
        }
        return g_strdup_printf("refused by FT: %s", row->why);
    case NEVER:
        return g_strdup_printf("refused by FT: %s", row->why);
    }
    g_assert_not_reached();
}

static bool ft_only_reads(const char *name)
{
    return g_str_has_prefix(name, "query-") || g_str_has_prefix(name, "x-query-");
}

static void ft_allow_one(const QmpCommand *cmd, void *opaque)
{
    const char *name = qmp_command_name(cmd);
    FtState state = *(FtState *)opaque;
    g_autofree char *why = NULL;

    if (ft_only_reads(name)) {
        return;
    }
    why = ft_refusal(ft_row(qmp_rows, ARRAY_SIZE(qmp_rows), name), state);
    if (why) {
        /* The registry keeps the pointer; there are few sentences, and they recur. */
        qmp_disable_command(&qmp_commands, name, g_intern_string(why));
    } else if (!cmd->enabled && cmd->disable_reason
               && g_str_has_prefix(cmd->disable_reason, "refused by FT: ")) {
        qmp_enable_command(&qmp_commands, name);
    }
}

void ft_allow_update(FtState state)
{
    qmp_for_each_command(&qmp_commands, ft_allow_one, &state);
}

/*
 * libvirt runs these by the monitor for people, and knows that they have failed by
 * these words alone (its src/qemu/qemu_monitor_text.c). Without them a snapshot that
 * was refused is reported as made.
 */
static const char *ft_words_of_failure(const char *command)
{
    if (g_str_equal(command, "savevm")) {
        return "Error while creating snapshot: ";
    }
    if (g_str_equal(command, "loadvm")) {
        return "Error while loading VM state: ";
    }
    if (g_str_equal(command, "delvm")) {
        return "Error while deleting snapshot: ";
    }
    return "Error: ";
}

char *ft_refuses_hmp(const char *cmdline)
{
    g_autofree char *word = NULL, *why = NULL;

    if (!ft_on()) {
        return NULL;
    }
    /* "x/10i $pc" is the command x. */
    cmdline += strspn(cmdline, " \t");
    word = g_strndup(cmdline, strcspn(cmdline, " \t/"));
    why = ft_refusal(ft_row(hmp_rows, ARRAY_SIZE(hmp_rows), word), ft_state());
    return why ? g_strconcat(ft_words_of_failure(word), why, NULL) : NULL;
}

bool ft_migration_caps(MigrationCapabilityStatusList *caps, Error **errp)
{
    if (!ft_on()) {
        return false;
    }
    for (; caps; caps = caps->next) {
        if (caps->value->capability != MIGRATION_CAPABILITY_EVENTS && caps->value->state) {
            error_setg(errp, "refused by FT: migration capability '%s': an attach runs with "
                       "capabilities of its own",
                       MigrationCapability_str(caps->value->capability));
            break;
        }
    }
    return true;
}
