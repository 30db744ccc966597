/*
 * The machine is complete: FT's own parts are put in, and the node starts. Also its end,
 * and whether the guest may start or go on.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-attach.h"
#include "accel/ft/glue/ft-gate.h"
#include "accel/ft/glue/ft-link.h"
#include "accel/ft/glue/ft-operator.h"
#include "accel/ft/glue/ft-session.h"
#include "accel/ft/glue/ft-watchdog.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "net/ft-filter/glue/ft-net.h"
#include "migration/misc.h"
#include "../migration/migration.h"
#include "qapi/qapi-types-run-state.h"
#include "qapi/qapi-events-run-state.h"
#include "qemu/error-report.h"
#include "qemu/uuid.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "system/runstate-action.h"
#include "system/system.h"

/* The guest runs no more: the secondary gets what is left of the log, its last
 * writes to the drives too. */
static void ft_send_the_end(void)
{
    if (ft_state() == FT_STATE_PROTECTED && replay_mode == REPLAY_MODE_RECORD) {
        ft_log_publish();
        ft_log_flush();
        ft_link_wait_acked();
    }
}

/* Is it the guest, or an operator's order to the guest, that ends both nodes? */
static bool ft_ends_the_pair(ShutdownCause cause)
{
    return shutdown_caused_by_guest(cause) || cause == SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET;
}

static const char *ft_how_it_ended(ShutdownCause cause)
{
    switch (cause) {
    case SHUTDOWN_CAUSE_GUEST_PANIC:
        return "the guest has panicked";
    case SHUTDOWN_CAUSE_GUEST_RESET:
    case SHUTDOWN_CAUSE_SUBSYSTEM_RESET:
    case SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET:
        return "the guest was reset, and -action reboot=shutdown ends it then";
    default:
        return "the guest has powered itself off";
    }
}

static void ft_shutdown(Notifier *n, void *opaque)
{
    ShutdownCause cause = *(ShutdownCause *)opaque;

    /* Powering the pair off is an order; a signal is a failure of this node. */
    if (cause == SHUTDOWN_CAUSE_HOST_QMP_QUIT) {
        ft_link_close("the peer was told to quit");
    } else if (ft_ends_the_pair(cause)) {
        ft_node.guest_off = true;
        ft_send_the_end();
        if (shutdown_action != SHUTDOWN_ACTION_PAUSE) {
            ft_link_close(ft_how_it_ended(cause));      /* this process ends now */
        }
    }
}

static Notifier shutdown_notifier = { .notify = ft_shutdown };

/*
 * A guest that has ended while its process goes on (libvirt starts all with
 * -no-shutdown) answers nobody and is not protected. What an operator does then, a
 * reset and cont for one, happens here alone.
 */
static void ft_vm_state(void *opaque, bool running, RunState state)
{
    const char *how = NULL;

    switch (state) {
    case RUN_STATE_SHUTDOWN:
        if (!ft_node.guest_off) {
            return;             /* this process ends, by a signal: not the guest (ft_shutdown) */
        }
        how = "the guest has powered itself off";
        break;
    case RUN_STATE_GUEST_PANICKED:
        how = "the guest has panicked";
        break;
    case RUN_STATE_INTERNAL_ERROR:
        how = "the guest was stopped by an internal error";
        break;
    case RUN_STATE_WATCHDOG:
        how = "the guest was stopped by its watchdog";
        break;
    default:
        ft_node.guest_off = ft_node.guest_off && !running;
        ft_allow_update(ft_state());    /* some commands are for before the first start */
        return;
    }
    ft_node.guest_off = true;
    ft_send_the_end();
    ft_post(0, FT_IN_GUEST_OFF, 0, how);
}

void ft_machine_ready(void)
{
    FtConfig *c = &ft_node.config;

    if (!ft_on()) {
        return;
    }
    ft_check_devices(&error_fatal);
    ft_output_start();
    ft_link_start();
    ft_attach_start();
    ft_load_start();
    ft_filters_add(&error_fatal);
    ft_disks_add(&error_fatal);
    ft_replay_chardevs(&error_fatal);
    /* Announcing after a load would change the guest's state on one side. */
    migrate_get_current()->parameters.announce_rounds = 0;
    memcpy(ft_node.vm_uuid, qemu_uuid.data, FT_UUID_BYTES);
    ft_node.fingerprint = ft_fingerprint_new(&error_fatal);
    qemu_register_shutdown_notifier(&shutdown_notifier);
    qemu_add_vm_change_state_handler(ft_vm_state, NULL);
    ft_actions_start();
    ft_arbiter_prove_soon();
    ft_watchdog_start();
    ft_allow_update(ft_state());
    if (c->role == FT_ROLE_SECONDARY) {
        ft_output_set(FT_OUTPUT_CLOSED);
        ft_link_listen(c->listen, &error_fatal);
    } else {
        ft_output_set(FT_OUTPUT_PASS);
        if (c->peer) {
            ft_node.first_attach = true;
            ft_input(FT_IN_ATTACH, 0, NULL, &error_fatal);
        }
    }
}

/*
 * libvirt takes a domain that has not said RESUME since its start for one whose start
 * was interrupted, and a libvirtd that is started again ends it. A secondary that waits
 * says it once it may go, and that it stands: "paused" is libvirt's word for it then.
 */
static void ft_tell_let_go(void)
{
    qapi_event_send_resume();
    qapi_event_send_stop();
}

bool ft_may_cont(Error **errp)
{
    switch (ft_state()) {
    case FT_STATE_OFF:
        return true;
    case FT_STATE_FENCED:
    case FT_STATE_FAILED:
        error_setg(errp, "This node is %s (%s) and never runs the guest again",
                   ftc_state_name(ft_state()), ftc_session_reason(ft_node.session));
        return false;
    default:
        if (ft_node.handover) {
            error_setg(errp, "The guest is stopped for a planned failover (%s)",
                       ftc_session_reason(ft_node.session));
            return false;
        }
        if (ft_restricts(ft_state())
            && ftc_session_role(ft_node.session) == FT_ROLE_SECONDARY) {
            if (ft_node.paused) {
                error_setg(errp, "This node is the secondary: the guest is resumed at the "
                           "primary (%s)", ft_link_address() ?: "not connected");
                return false;
            }
            /* It would open an image that is the primary's; and the guest runs. A
             * secondary that has no guest yet starts when it gets one. */
            if (runstate_check(RUN_STATE_INMIGRATE)) {
                ft_tell_let_go();
            }
            return !runstate_is_running();
        }
        if (ft_operator_resume()) {
            return false;       /* done: nobody else has heard of the pause */
        }
        if (ft_node.first_attach) {
            ft_start_soon();
            return false;
        }
        return true;
    }
}
