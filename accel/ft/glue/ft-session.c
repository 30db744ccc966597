/*
 * Hosts the session core: brings it what happened, does what it answers.
 *
 * Everything here runs in the main loop with RL and BQL held, but ft_post()
 * and the arbiter's thread.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "ft-node.h"
#include "block/aio.h"
#include "qapi/qapi-events-ft.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "system/cpus.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "system/system.h"
#include "trace.h"

/* How long a secondary may take to the end of its log when the guest is off. */
#define FT_ENDING_NS (10 * NANOSECONDS_PER_SECOND)
#define FT_ENDING_LOOK_NS (2 * SCALE_MS)
/*
 * So long a guest's start waits for its first attach. What is attached sooner, a pair
 * without drives or with small ones, is protected from its first instruction on; with a
 * drive that takes longer to compare the guest starts exposed, and is protected later.
 */
#define FT_START_WAIT_NS (1 * NANOSECONDS_PER_SECOND)

/* The core's enums and the schema's are written down apart; keep them equal. */
QEMU_BUILD_BUG_ON((int)FT_NODE_ROLE_SECONDARY != (int)FT_ROLE_SECONDARY);
QEMU_BUILD_BUG_ON((int)FT_NODE_STATE_FAILED != (int)FT_STATE_FAILED);
QEMU_BUILD_BUG_ON((int)FT_NODE_STATE_GOING_LIVE != (int)FT_STATE_GOING_LIVE);

typedef struct FtPosted {
    unsigned gen;
    FtInput in;
    char *text;
} FtPosted;

FtNode ft_node;

static bool pausing;            /* atomic: a handover waits for the last ack */
static bool handover_stopped;   /* main: until it has come to an end          */

static GAsyncQueue *posted;
static GAsyncQueue *claims;     /* of epochs, for the arbiter's thread        */
static QEMUBH *posted_bh;
static QEMUTimer *core_timer;
static QEMUTimer *start_timer;

uint64_t ft_now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

FtState ft_state(void)
{
    return ft_node.session ? ft_session_state(ft_node.session) : FT_STATE_OFF;
}

/* -- the arbiter, asked from a thread because its disk may hang ------------- */

static void ft_claim_one(uint64_t epoch)
{
    FtError why = { "" };

    switch (ft_arbiter_claim(ft_node.config.arbiter, ft_node.vm_uuid, epoch,
                             ft_node.node_id, &why)) {
    case FT_CLAIM_WON:
        ft_post(0, FT_IN_ARBITER_WON, epoch, NULL);
        break;
    case FT_CLAIM_LOST:
        ft_post(0, FT_IN_ARBITER_LOST, epoch, why.text);
        break;
    case FT_CLAIM_UNREACHABLE:
        ft_post(0, FT_IN_ARBITER_UNREACHABLE, epoch, why.text);
        break;
    }
}

/*
 * Made when the node starts: a takeover must not fail for want of a thread, nor of a
 * descriptor, which is why it has a table of its own. The core asks one question at a
 * time, so one that hangs keeps no other waiting.
 */
static void *ft_claim_thread(void *opaque)
{
    /* All but this one are closed here: by it ft_post() wakes the main loop. */
    ft_thread_own_descriptors(event_notifier_get_wfd(&qemu_get_aio_context()->notifier));
    for (;;) {
        g_autofree uint64_t *epoch = g_async_queue_pop(claims);

        ft_claim_one(*epoch);
    }
    return NULL;
}

static void ft_claim(uint64_t epoch)
{
    if (ft_node.takeover.detected_ns == 0) {
        ft_node.takeover.detected_ns = ft_now_ns();
    }
    g_async_queue_push(claims, g_memdup2(&epoch, sizeof(epoch)));
}

/* -- what the core asks for -------------------------------------------------- */

static void ft_go_live_now(void)
{
    Error *err = NULL;

    if (!ft_log_go_live(&err)) {
        ft_post(0, FT_IN_DIVERGED, 0, error_get_pretty(err));
        error_free(err);
        return;
    }
    ft_node.takeover.live_ns = ft_now_ns();
    ft_post(0, FT_IN_LIVE_DONE, 0, NULL);
}

/* An image that both nodes use is the old primary's until that has let go of it. */
static void ft_go_live(void)
{
    ft_images_open_then(ft_go_live_now);
}

/* A guest that its operator has paused was stopped for the handover, and stays so. */
static void ft_resume(void)
{
    qatomic_set(&pausing, false);
    ft_output_watch(NULL);
    handover_stopped = false;
    vm_start();
    ft_pause_again();
}

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

/* A thread of its own: until the program is loaded its disk may hang. */
static void *ft_respawn_thread(void *opaque)
{
    g_auto(GStrv) env = opaque;
    char *argv[] = { (char *)"/bin/sh", (char *)"-c", ft_node.config.respawn, NULL };
    g_autoptr(GError) err = NULL;

    if (!g_spawn_async(NULL, argv, env, G_SPAWN_DEFAULT, NULL, NULL, NULL, &err)) {
        warn_report("ft-respawn=%s: %s", ft_node.config.respawn, err->message);
    }
    return NULL;
}

/*
 * The guest has lost its second node: tell whoever starts a new one. Not after
 * an operator's own detach, and not at the start.
 */
static void ft_respawn(FtState before)
{
    FtSession *s = ft_node.session;
    g_autofree char *epoch = g_strdup_printf("%" PRIu64, ft_session_epoch(s));
    QemuThread thread;
    char **env;

    if (!ft_node.config.respawn || before != FT_STATE_GOING_LIVE || ft_node.detached
        || ft_node.guest_off) {
        return;
    }
    env = g_environ_setenv(g_get_environ(), "FT_EPOCH", epoch, true);
    env = g_environ_setenv(env, "FT_REASON", ft_session_reason(s), true);
    qemu_thread_create(&thread, "ft-respawn", ft_respawn_thread, env, QEMU_THREAD_DETACHED);
}

static void ft_stop_guest(void)
{
    ft_pause_lift();
    if (runstate_is_running()) {
        vm_stop(RUN_STATE_PAUSED);
    }
}

/*
 * Has the secondary all of it, and is nothing held? The completion of a disk request
 * would be one more frame.
 */
static void ft_paused_check(void)
{
    if (ft_output_mode() == FT_OUTPUT_ACKED && !ft_output_held() && !ft_disk_in_flight()
        && ft_peer_acked() + 1 >= ft_log_next_seq() && qatomic_xchg(&pausing, false)) {
        ft_output_watch(NULL);
        ft_post(ft_peer_gen(), FT_IN_PAUSED_ACKED, 0, NULL);
    }
}

static void ft_pause_for_handover(void)
{
    handover_stopped = true;
    ft_stop_guest();
    qatomic_set(&pausing, true);
    ft_output_watch(ft_paused_check);
    ft_log_flush();
    ft_output_wake();
}

bool ft_pausing(void)
{
    return qatomic_read(&pausing);
}

bool ft_handover_under_way(void)
{
    return handover_stopped;
}

static void ft_stop_for_good(void)
{
    ft_stop_guest();
    ft_pause_forget();
    handover_stopped = false;
    ft_digest_end();
    ft_log_record_to(NULL, NULL);
    ft_input_keep_end();
    ft_images_close();
}

/* -- the start of the guest --------------------------------------------------- */

/* The first attach came to an end, well or not, or has taken too long. */
static void ft_start_now(void)
{
    ft_node.first_attach = false;
    if (ft_node.start_pending) {
        ft_node.start_pending = false;
        vm_start();
    }
}

static void ft_start_timer(void *opaque)
{
    ft_start_now();
}

void ft_start_soon(void)
{
    if (!start_timer) {
        start_timer = timer_new_ns(QEMU_CLOCK_REALTIME, ft_start_timer, NULL);
    }
    if (!ft_node.start_pending) {
        ft_node.start_pending = true;
        timer_mod(start_timer, ft_now_ns() + FT_START_WAIT_NS);
    }
}

static void ft_state_changed(void)
{
    static FtState before;
    FtSession *s = ft_node.session;
    FtState state = ft_session_state(s);

    trace_ft_state(ft_role_name(ft_session_role(s)), ft_state_name(state),
                   ft_session_epoch(s), ft_session_reason(s));
    ft_allow_update(state);
    qapi_event_send_ft_state_change((FtNodeRole)ft_session_role(s),
                                    (FtNodeState)state, ft_session_epoch(s),
                                    ft_session_reason(s));
    if (state == FT_STATE_SYNCING && before != FT_STATE_SYNCING
        && ft_session_role(s) == FT_ROLE_SECONDARY) {
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
    trace_ft_action(a->kind, a->value, a->text ? a->text : "");
    switch (a->kind) {
    case FT_ACT_CONNECT:
        ft_peer_connect(ft_node.config.peer);
        break;
    case FT_ACT_TRANSFER:
        ft_attach_begin(a->value);
        break;
    case FT_ACT_CLAIM:
        ft_claim(a->value);
        break;
    case FT_ACT_SET_TIMER:
        timer_mod(core_timer, a->value);
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
        ft_peer_close(a->text);
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
        ft_peer_send(FT_MSG_HANDOVER, NULL);
        break;
    case FT_ACT_SEND_LIVE:
        ft_peer_send(FT_MSG_LIVE, NULL);
        break;
    case FT_ACT_SEND_READY:
        ft_peer_send_ready();
        break;
    case FT_ACT_STATE_CHANGED:
        ft_state_changed();
        break;
    }
}

void ft_die_at(const char *fault)
{
    if (ft_fault(fault)) {
        kill(getpid(), SIGKILL);
    }
}

bool ft_input(FtInputKind kind, uint64_t value, const char *text, Error **errp)
{
    FtInput in = { .kind = kind, .value = value, .text = text };
    FtAction actions[FT_ACTIONS_MAX];
    FtError why = { "" };
    size_t n = 0;

    trace_ft_input(kind, value, text ? text : "");
    if (!ft_session_step(ft_node.session, &in, ft_now_ns(), actions, &n, &why)) {
        error_setg(errp, "%s", why.text);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        ft_act(&actions[i]);
    }
    return true;
}

/* -- the way in from other threads ------------------------------------------- */

void ft_post(unsigned gen, FtInputKind kind, uint64_t value, const char *text)
{
    FtPosted *p = g_new0(FtPosted, 1);

    p->gen = gen;
    p->in.kind = kind;
    p->in.value = value;
    p->text = g_strdup(text);
    g_async_queue_push(posted, p);
    qemu_bh_schedule(posted_bh);
}

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
        ft_peer_close(NULL);
    }
    g_free(p->text);
    g_free(p);
}

/*
 * The primary's guest has powered itself off. Ours comes to that instruction too
 * and ends this process with it, its last writes in its drives. The goodbye
 * counts only if it does not.
 */
static struct {
    FtPosted *goodbye;
    QEMUTimer *timer;
    uint64_t deadline_ns;
} ending;

static void ft_ending_look(void *opaque)
{
    if (!ft_log_is_done() && ft_now_ns() < ending.deadline_ns) {
        timer_mod(ending.timer, ft_now_ns() + FT_ENDING_LOOK_NS);
        return;
    }
    ft_take_posted(g_steal_pointer(&ending.goodbye));
}

static void ft_end_with_guest(FtPosted *goodbye)
{
    if (!ending.timer) {
        ending.timer = timer_new_ns(QEMU_CLOCK_REALTIME, ft_ending_look, NULL);
    }
    ending.goodbye = goodbye;
    ending.deadline_ns = ft_now_ns() + FT_ENDING_NS;
    timer_mod(ending.timer, ft_now_ns() + FT_ENDING_LOOK_NS);
}

static void ft_posted_bh(void *opaque)
{
    FtPosted *p;

    if (ft_node.cutting) {
        return;                 /* ft_post_again() follows */
    }
    if (qemu_in_vcpu_thread()) {
        /* A drain inside of a guest's instruction polls; not the moment to decide. */
        qemu_bh_schedule(posted_bh);
        return;
    }
    while ((p = g_async_queue_try_pop(posted))) {
        if (p->in.kind == FT_IN_PEER_GOODBYE && p->in.value != 0 && !ending.goodbye
            && p->gen == ft_peer_gen() && !ft_log_is_done()) {
            ft_end_with_guest(p);
        } else {
            ft_take_posted(p);
        }
    }
}

void ft_post_again(void)
{
    qemu_bh_schedule(posted_bh);
}

static void ft_core_timer(void *opaque)
{
    ft_input(FT_IN_TIMER, 0, NULL, &error_abort);
}

void ft_session_start(void)
{
    /* A VM of this name may have run before: its epochs are spent. */
    uint64_t epoch = 0;
    FtError why = { "" };
    QemuThread thread;

    claims = g_async_queue_new();
    qemu_thread_create(&thread, "ft-arbiter", ft_claim_thread, NULL, QEMU_THREAD_DETACHED);
    posted = g_async_queue_new();
    posted_bh = qemu_bh_new(ft_posted_bh, NULL);
    core_timer = timer_new_ns(QEMU_CLOCK_REALTIME, ft_core_timer, NULL);
    if (ft_node.config.role == FT_ROLE_PRIMARY
        && !ft_arbiter_last_epoch(ft_node.config.arbiter, ft_node.vm_uuid, &epoch,
                                  &why)) {
        error_report("ft-arbiter=%s: %s", ft_node.config.arbiter, why.text);
        exit(1);
    }
    ft_node.session = ft_session_new(ft_node.config.role, epoch,
                                     ft_node.config.timeout_ns);
}
