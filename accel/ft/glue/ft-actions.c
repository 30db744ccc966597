/*
 * What the core asks for is done here: each of its actions, and what follows from a new
 * state. Posts are taken here and become inputs of the core.
 *
 * Everything here runs in the main loop with RL and BQL held.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-attach.h"
#include "accel/ft/glue/ft-gate.h"
#include "accel/ft/glue/ft-link.h"
#include "accel/ft/glue/ft-operator.h"
#include "accel/ft/glue/ft-session.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "net/ft-filter/glue/ft-net.h"
#include "qapi/qapi-events-ft.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "system/runstate.h"
#include "accel/ft/glue/trace.h"

/* The core's enums and the schema's are written down apart; keep them equal. */
QEMU_BUILD_BUG_ON((int)FT_NODE_ROLE_SECONDARY != (int)FT_ROLE_SECONDARY);
QEMU_BUILD_BUG_ON((int)FT_NODE_STATE_FAILED != (int)FT_STATE_FAILED);
QEMU_BUILD_BUG_ON((int)FT_NODE_STATE_GOING_LIVE != (int)FT_STATE_GOING_LIVE);

/* Output is free from here on and nobody listens to the log. */
static void ft_run_exposed(void)
{
    bool was_secondary = ft_node.takeover.live_ns != 0
                         && ft_node.takeover.output_ns == 0;

    ft_digest_end();
    ft_log_record_to(NULL, NULL);
    if (was_secondary) {
        /* First, so that what is kept finds its way back already. */
        ft_announce();
    }
    ft_output_set(FT_OUTPUT_PASS);
}

static void ft_stop_for_good(void)
{
    ft_stop_guest();
    ft_pause_forget();
    ft_node.handover = false;
    ft_digest_end();
    ft_log_record_to(NULL, NULL);
    ft_input_keep_end();
    ft_images_close();
}

static void ft_state_changed(void)
{
    static FtState before;
    FtSession *s = ft_node.session;
    FtState state = ftc_session_state(s);

    trace_ft_state(ftc_role_name(ftc_session_role(s)), ftc_state_name(state),
                   ftc_session_epoch(s), ftc_session_reason(s));
    ft_allow_update(state);
    qapi_event_send_ft_state_change((FtNodeRole)ftc_session_role(s),
                                    (FtNodeState)state, ftc_session_epoch(s),
                                    ftc_session_reason(s));
    if (state == FT_STATE_SYNCING && before != FT_STATE_SYNCING
        && ftc_session_role(s) == FT_ROLE_SECONDARY) {
        ft_load_begin();
    }
    if (state == FT_STATE_EXPOSED) {
        ft_respawn(before);
    } else if (state == FT_STATE_PROTECTED) {
        ft_node.detached = false;
    }
    before = state;
    if (ft_node.first_attach
        && (state == FT_STATE_PROTECTED || state == FT_STATE_EXPOSED)) {
        ft_start_now();
    }
}

static void ft_act(const FtAction *a)
{
    switch (a->kind) {
    case FT_ACT_CONNECT:
        ft_link_connect(ft_node.config.peer);
        break;
    case FT_ACT_TRANSFER:
        ft_attach_begin(a->value);
        break;
    case FT_ACT_CLAIM:
        ft_claim(a->value);
        break;
    case FT_ACT_SET_TIMER:
        ft_session_set_timer(a->value);
        break;
    case FT_ACT_RELEASE_ACKED:
        ft_attach_done();
        ft_output_set(FT_OUTPUT_ACKED);
        break;
    case FT_ACT_RELEASE_ALL:
        ft_run_exposed();
        break;
    case FT_ACT_DESTROY_OUTPUT:
        ft_output_set(FT_OUTPUT_CLOSED);
        break;
    case FT_ACT_STOP_VM:
        ft_stop_for_good();
        break;
    case FT_ACT_DRAIN:
        ft_node.takeover.decided_ns = ft_now_ns();
        ft_log_drain();
        break;
    case FT_ACT_GO_LIVE:
        ft_go_live();
        break;
    case FT_ACT_CLOSE:
        ft_attach_abort();
        ft_load_abort();
        ft_link_close(a->text);
        break;
    case FT_ACT_PAUSE_VM:
        ft_pause_for_handover();
        break;
    case FT_ACT_RESUME_VM:
        ft_images_open_then(ft_resume);
        break;
    case FT_ACT_SEND_HANDOVER:
        /* The secondary opens them when it has won. */
        ft_images_close();
        ft_link_send(FT_MSG_HANDOVER, NULL);
        break;
    case FT_ACT_SEND_LIVE:
        ft_link_send(FT_MSG_LIVE, NULL);
        break;
    case FT_ACT_SEND_READY:
        ft_link_send_ready();
        break;
    case FT_ACT_STATE_CHANGED:
        ft_state_changed();
        break;
    }
}

/* -- posts --------------------------------------------------------------------- */

static void ft_take_posted(FtPosted *p)
{
    Error *err = NULL;

    /* What a connection that is gone has to say is of no interest. */
    if ((p->gen == 0 || p->gen == ft_peer_gen())
        && !ft_input(p->in.kind, p->in.value, p->text, &err)) {
        warn_report_err(err);
    }
    if (p->in.kind == FT_IN_PEER_GOODBYE && p->in.value != 0
        && ft_state() == FT_STATE_FAILED) {
        /* Our guest would do the same a moment later: end as it does. */
        qemu_system_shutdown_request(SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
    }
    if (p->gen && p->gen == ft_peer_gen() && ft_state() == FT_STATE_WAITING) {
        /* The handshake came to nothing; the next primary may try. */
        ft_link_close(NULL);
    }
    ft_posted_free(p);
}

static void ft_take_or_wait(FtPosted *p)
{
    if (!ft_end_with_guest(p, ft_take_posted)) {
        ft_take_posted(p);
    }
}

void ft_actions_start(void)
{
    ft_claims_start();
    ft_posts_start(ft_take_or_wait);
    ft_session_start(ft_act);
}
