/*
 * What each rule of the session table does: the state is set first, then the
 * actions are listed in the order the host has to take them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <algorithm>
#include <string>

#include "accel/ft/assert.hpp"
#include "accel/ft/session.hpp"

namespace ft {
namespace {

using S = SessionState;

constexpr uint64_t retry_first_ns = 100'000'000;
constexpr uint64_t retry_max_ns = 1'000'000'000;

const char *name_of(FtInputKind kind) {
    switch (kind) {
    case FT_IN_ATTACH_FAILED:
        return "attach failed";
    case FT_IN_REFUSED:
        return "attach was refused here";
    case FT_IN_CONNECTION_LOST:
        return "connection lost";
    case FT_IN_PEER_SILENT:
        return "peer silent";
    case FT_IN_PEER_GOODBYE:
        return "peer said goodbye";
    case FT_IN_DIVERGED:
        return "diverged";
    case FT_IN_PEER_STUCK:
        return "secondary dropped";
    case FT_IN_GUEST_OFF:
        return "guest off";
    case FT_IN_ARBITER_UNREACHABLE:
        return "arbiter unreachable";
    default:
        return "event";
    }
}

std::string text_of(const FtInput &in) {
    return in.text ? in.text : "";
}

/* "connection lost: Connection reset by peer" */
std::string told(const FtInput &in) {
    std::string s = name_of(in.kind);
    return in.text && *in.text ? s + ": " + in.text : s;
}

} // namespace

void Session::apply(Rule rule, const FtInput &in) {
    switch (rule) {
    case Rule::BeginAttach:
        return begin_attach();
    case Rule::BeginTransfer:
        set(S::Transferring, "attach under way: copying memory");
        return act(FT_ACT_TRANSFER, epoch_);
    case Rule::NoteEarlyReady:
        return set(S::ReadyBeforeCut,
                   "attach under way: secondary ready before our own cut");
    case Rule::BeginHolding:
        return set(S::AfterCut, "attach under way: secondary loads the state");
    case Rule::Protect:
        return protect();
    case Rule::AbandonAttach:
        return abandon_attach(in);
    case Rule::Decide:
        return decide(S::Deciding, in);
    case Rule::DecideAfterDetach:
        return decide_after_goodbye("detached by operator");
    case Rule::DropSecondary:
        return decide_after_goodbye(told(in));
    case Rule::NoteGuestOff:
        return set(S::Exposed, text_of(in));
    case Rule::DecideAfterGuestOff:
        return decide_after_goodbye(text_of(in));
    case Rule::BeginHandover:
        set(S::Pausing, "planned failover: pausing");
        return act(FT_ACT_PAUSE_VM);
    case Rule::SendHandover:
        set(S::HandoverSent, "planned failover: handed over, waiting for the secondary");
        return act(FT_ACT_SEND_HANDOVER);
    case Rule::DecidePaused:
        return decide(S::DecidingPaused, in);
    case Rule::GoOnExposed:
    case Rule::GoOnResumed:
        return go_on();
    case Rule::YieldToPeer:
        return fence("handed over");
    case Rule::BeginSync:
        return set(S::Syncing, "attach under way: receiving the state");
    case Rule::NoteRefusedHandshake:
        return set(S::Waiting, "waiting for a primary; the last " + told(in));
    case Rule::NoteReceived:
        return set(S::Loading, "attach under way: loading the state");
    case Rule::LoadOnAfterLoss:
        return load_on(told(in), in.value);
    case Rule::LoadOnAfterSilence:
        return load_on(told(in), 0);
    case Rule::Shadow:
        set(S::Shadowing, "");
        return act(FT_ACT_SEND_READY);
    case Rule::ForgetPeer:
        set(S::Waiting, "waiting for a primary; the last attach ended: " + told(in));
        return act(FT_ACT_CLOSE);
    case Rule::FailLoad:
        return fail(told(in), true);
    case Rule::TakeOverAfterLoss:
        return take_over(told(in), in.value);
    case Rule::TakeOverAfterSilence:
        /* The silence is longer than any lease the primary may still have. */
        return take_over(told(in), 0);
    case Rule::TakeOverLoaded:
        return take_over(cause_, lease_until_ns_);
    case Rule::TakeOverByOperator:
        /* The primary may be alive and its last answered ping only just gone. */
        return take_over("failover asked for here", now_ns_ + timeout_ns_);
    case Rule::TakeOverAsAsked:
        return take_over_as_asked();
    case Rule::ForgetConnection:
        return forget_connection();
    case Rule::Drain:
        return drain();
    case Rule::FinishDrain:
    case Rule::EndLeaseWait:
        return finish_drain();
    case Rule::BecomePrimary:
        return become_primary();
    case Rule::EndWithPeer:
        return fail("peer ended protection: " + text_of(in), false);
    case Rule::EndWithGuest:
        return fail(text_of(in), true);
    case Rule::FailDiverged:
        return fail(told(in), true);
    case Rule::FailDivergedAfterWin:
        return fail("the pair is lost: this node won the epoch and then " + told(in), true);
    case Rule::FailGoingLive:
        return fail("the pair is lost: could not go live: " + text_of(in), true);
    case Rule::AskAgainLater:
        return ask_again_later(in);
    case Rule::AskAgain:
        return claim();
    case Rule::FenceSelf:
        return fence("the other node won epoch " + std::to_string(epoch_) + " (" + cause_ +
                     ")");
    default:
        FT_ASSERT(false, "rule %d has no effect", static_cast<int>(rule));
    }
}

void Session::claim() {
    claim_in_flight_ = true;
    act(FT_ACT_CLAIM, epoch_);
}

/* The number is taken when the attach begins, so that it is never used twice:
 * an attach that fails burns it. */
void Session::begin_attach() {
    epoch_++;
    set(S::Connecting, "attach under way: connecting");
    act(FT_ACT_CONNECT, epoch_);
}

void Session::abandon_attach(const FtInput &in) {
    set(S::Exposed, in.kind == FT_IN_GUEST_OFF       ? text_of(in)
                    : in.kind == FT_IN_ATTACH_FAILED ? told(in)
                                                     : "attach failed: " + told(in));
    goodbye_ = reason_;
    act(FT_ACT_CLOSE, 0, goodbye_.c_str());
    act(FT_ACT_RELEASE_ALL);
}

void Session::protect() {
    set(S::Protected, "");
    act(FT_ACT_RELEASE_ACKED);
}

/* Closed first, so that the peer's claim and ours are the only way on: after
 * CLOSE no ack can arrive and nothing is released until the arbiter answers. */
void Session::decide(SessionState state, const FtInput &in) {
    cause_ = told(in);
    retry_ns_ = retry_first_ns;
    set(state, cause_ + "; asking the arbiter");
    act(FT_ACT_CLOSE);
    claim();
}

/* The secondary must not go live: it hears that before the connection ends. */
void Session::decide_after_goodbye(std::string cause) {
    cause_ = std::move(cause);
    goodbye_ = cause_;
    retry_ns_ = retry_first_ns;
    set(S::Deciding, cause_ + "; asking the arbiter");
    act(FT_ACT_CLOSE, 0, goodbye_.c_str());
    claim();
}

void Session::go_on() {
    const bool paused = state_ == S::DecidingPaused;

    claim_in_flight_ = false;
    set(S::Exposed, cause_);
    if (paused) {
        act(FT_ACT_RESUME_VM);
    }
    act(FT_ACT_RELEASE_ALL);
}

/* The connections stay open so that a goodbye can still arrive. READY is not sent on
 * them any more, and without READY the primary releases nothing. */
void Session::load_on(std::string cause, uint64_t lease_until_ns) {
    cause_ = std::move(cause);
    lease_until_ns_ = lease_until_ns;
    set(S::LoadingAlone, cause_ + "; loading the state before asking the arbiter");
}

/* lease_until_ns: the primary may release acked output until then, 0 if it is
 * known not to. Drain and claim go on meanwhile; only going live waits. */
void Session::take_over(std::string cause, uint64_t lease_until_ns) {
    cause_ = std::move(cause);
    lease_until_ns_ = lease_until_ns;
    retry_ns_ = retry_first_ns;
    set(S::TakingOver, cause_ + "; asking the arbiter");
    act(FT_ACT_CLOSE);
    claim();
}

/* The primary is paused and has released everything before it said HANDOVER,
 * so there is no lease to wait for. The connections stay open for LIVE. */
void Session::take_over_as_asked() {
    cause_ = "planned failover";
    lease_until_ns_ = 0;
    retry_ns_ = retry_first_ns;
    set(S::HandoverTakingOver, "planned failover; asking the arbiter");
    claim();
}

void Session::forget_connection() {
    const S next = state_ == S::HandoverTakingOver ? S::TakingOver
                   : state_ == S::HandoverDraining ? S::Draining
                                                   : S::GoingLive;

    set(next, reason_);
    act(FT_ACT_CLOSE);
}

void Session::drain() {
    claim_in_flight_ = false;
    set(state_ == S::HandoverTakingOver ? S::HandoverDraining : S::Draining,
        cause_ + "; won, executing the rest of the log");
    act(FT_ACT_DRAIN);
}

void Session::finish_drain() {
    if (now_ns_ >= lease_until_ns_) {
        return go_live();
    }
    if (state_ != S::LeaseWait) {
        set(S::LeaseWait, cause_ + "; won, waiting for the old primary's lease to end, " +
                              std::to_string((lease_until_ns_ - now_ns_) / 1'000'000) +
                              " ms more");
    }
    act(FT_ACT_SET_TIMER, lease_until_ns_);
}

void Session::go_live() {
    set(state_ == S::HandoverDraining ? S::HandoverGoingLive : S::GoingLive,
        cause_ + "; going live");
    act(FT_ACT_GO_LIVE);
}

void Session::become_primary() {
    const bool asked = state_ == S::HandoverGoingLive;

    role_ = FT_ROLE_PRIMARY;
    set(S::Exposed, "took over: " + cause_);
    act(FT_ACT_RELEASE_ALL);
    if (asked) {
        act(FT_ACT_SEND_LIVE);
        act(FT_ACT_CLOSE);
    }
}

void Session::fail(std::string reason, bool say_goodbye) {
    claim_in_flight_ = false;
    set(S::Failed, std::move(reason));
    goodbye_ = reason_;
    act(FT_ACT_STOP_VM);
    act(FT_ACT_CLOSE, 0, say_goodbye ? goodbye_.c_str() : nullptr);
}

void Session::fence(std::string reason) {
    claim_in_flight_ = false;
    set(S::Fenced, std::move(reason));
    act(FT_ACT_DESTROY_OUTPUT);
    act(FT_ACT_STOP_VM);
    act(FT_ACT_CLOSE);
}

/* Nobody outputs until the arbiter answers, however long that takes. */
void Session::ask_again_later(const FtInput &in) {
    claim_in_flight_ = false;
    set(state_, cause_ + "; " + told(in) + ", asking again");
    act(FT_ACT_SET_TIMER, now_ns_ + retry_ns_);
    retry_ns_ = std::min(retry_ns_ * 2, retry_max_ns);
}

} // namespace ft
