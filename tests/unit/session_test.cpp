/*
 * Goal: the session decides as PROTOCOL and ft.h say, in every state and for
 * every input, and asks for the right actions in the right order.
 * Method: each inner state is reached by a script of inputs; from each, every
 * input is given and the outcome compared with a table written by hand here,
 * not derived from the one in the code. Then each path by name.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "accel/ft/session.hpp"

namespace {

using ft::SessionState;
using Kinds = std::vector<FtActionKind>;

constexpr uint64_t timeout_ns = 500'000'000;
constexpr uint64_t ms = 1'000'000;

/* One session with a clock, that remembers what the last step asked for. */
class Rig {
  public:
    explicit Rig(FtRole role, uint64_t epoch0 = 0)
        : s_(ftc_session_new(role, epoch0, timeout_ns), ftc_session_free) {}

    bool give(FtInputKind kind, uint64_t value = 0, const char *text = nullptr) {
        const FtInput in{kind, value, text};
        FtAction out[FT_ACTIONS_MAX];
        size_t n = 99;
        err_ = FtError{};
        const bool taken = ftc_session_step(s_.get(), &in, now, out, &n, &err_);
        actions.assign(out, out + n);
        texts.clear();
        for (const FtAction &a : actions) {
            texts.push_back(a.text ? a.text : "");
        }
        return taken;
    }
    /* Answers of the arbiter carry the epoch of the claim. */
    Rig &in(FtInputKind kind, uint64_t value = 0, const char *text = nullptr) {
        const bool answer = kind >= FT_IN_ARBITER_WON && kind <= FT_IN_ARBITER_UNREACHABLE;
        EXPECT_TRUE(give(kind, answer ? epoch() : value, text)) << err_.text;
        return *this;
    }
    Kinds kinds() const {
        Kinds k;
        for (const FtAction &a : actions) {
            k.push_back(a.kind);
        }
        return k;
    }
    uint64_t value_of(FtActionKind kind) const {
        for (const FtAction &a : actions) {
            if (a.kind == kind) {
                return a.value;
            }
        }
        ADD_FAILURE() << "no such action";
        return 0;
    }
    std::string text_of(FtActionKind kind) const {
        for (size_t i = 0; i < actions.size(); i++) {
            if (actions[i].kind == kind) {
                return texts[i];
            }
        }
        return "(no such action)";
    }
    FtState state() const { return ftc_session_state(s_.get()); }
    FtRole role() const { return ftc_session_role(s_.get()); }
    uint64_t epoch() const { return ftc_session_epoch(s_.get()); }
    std::string reason() const { return ftc_session_reason(s_.get()); }
    std::string refusal() const { return err_.text; }
    void set_epoch(uint64_t e) { ftc_session_set_epoch(s_.get(), e); }

    uint64_t now = 1'000 * ms;
    std::vector<FtAction> actions;
    std::vector<std::string> texts;

  private:
    std::unique_ptr<FtSession, void (*)(FtSession *)> s_;
    FtError err_{};
};

using Inputs = std::vector<FtInputKind>;

/* An inner state, how it is reached, and what each input does there. */
struct Walk {
    SessionState state;
    const char *name;
    FtRole role;
    Inputs script;
    FtState shown;
    Inputs refused;
    /* The state afterwards, and the inputs that lead there. Any other input is ignored. */
    std::map<FtState, Inputs> becomes;
};
#define AT(state) SessionState::state, #state

const Inputs operators = {FT_IN_ATTACH, FT_IN_FAILOVER, FT_IN_DETACH};
const Inputs to_protected = {FT_IN_ATTACH, FT_IN_CONNECTED, FT_IN_CUT_DONE,
                             FT_IN_PEER_READY};
const Inputs to_loading = {FT_IN_CONNECTED, FT_IN_STATE_RECEIVED};
const Inputs to_shadowing = {FT_IN_CONNECTED, FT_IN_STATE_LOADED};

Inputs then(Inputs a, const Inputs &b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

const std::vector<Walk> &walks() {
    constexpr FtRole P = FT_ROLE_PRIMARY, Q = FT_ROLE_SECONDARY;
    // clang-format off: a table
    static const std::vector<Walk> all = {
        {AT(Off), FT_ROLE_OFF, {}, FT_STATE_OFF, operators, {}},
        {AT(Exposed), P, {}, FT_STATE_EXPOSED, {FT_IN_FAILOVER, FT_IN_DETACH},
         {{FT_STATE_SYNCING, {FT_IN_ATTACH}},
          {FT_STATE_EXPOSED, {FT_IN_GUEST_OFF}}}},
        {AT(Connecting), P, {FT_IN_ATTACH}, FT_STATE_SYNCING, operators,
         {{FT_STATE_SYNCING, {FT_IN_CONNECTED}},
          {FT_STATE_EXPOSED, {FT_IN_ATTACH_FAILED, FT_IN_CONNECTION_LOST, FT_IN_PEER_SILENT,
                              FT_IN_PEER_GOODBYE, FT_IN_GUEST_OFF}}}},
        {AT(Transferring), P, {FT_IN_ATTACH, FT_IN_CONNECTED}, FT_STATE_SYNCING, operators,
         {{FT_STATE_SYNCING, {FT_IN_CUT_DONE, FT_IN_PEER_READY}},
          {FT_STATE_EXPOSED, {FT_IN_ATTACH_FAILED, FT_IN_CONNECTION_LOST, FT_IN_PEER_SILENT,
                              FT_IN_PEER_GOODBYE, FT_IN_GUEST_OFF}}}},
        {AT(ReadyBeforeCut), P,
         {FT_IN_ATTACH, FT_IN_CONNECTED, FT_IN_PEER_READY},
         FT_STATE_SYNCING, operators,
         {{FT_STATE_PROTECTED, {FT_IN_CUT_DONE}},
          {FT_STATE_GOING_LIVE, {FT_IN_ATTACH_FAILED, FT_IN_CONNECTION_LOST,
                                 FT_IN_PEER_SILENT, FT_IN_PEER_GOODBYE, FT_IN_GUEST_OFF}}}},
        {AT(AfterCut), P,
         {FT_IN_ATTACH, FT_IN_CONNECTED, FT_IN_CUT_DONE},
         FT_STATE_SYNCING, operators,
         {{FT_STATE_PROTECTED, {FT_IN_PEER_READY}},
          {FT_STATE_GOING_LIVE, {FT_IN_ATTACH_FAILED, FT_IN_CONNECTION_LOST,
                                 FT_IN_PEER_SILENT, FT_IN_PEER_GOODBYE, FT_IN_GUEST_OFF}}}},
        {AT(Protected), P, to_protected, FT_STATE_PROTECTED, {FT_IN_ATTACH},
         {{FT_STATE_GOING_LIVE, {FT_IN_CONNECTION_LOST, FT_IN_PEER_SILENT,
                                 FT_IN_PEER_GOODBYE, FT_IN_DETACH, FT_IN_PEER_STUCK,
                                 FT_IN_GUEST_OFF}},
          {FT_STATE_PROTECTED, {FT_IN_FAILOVER}}}},
        {AT(Deciding), P,
         then(to_protected, {FT_IN_CONNECTION_LOST}),
         FT_STATE_GOING_LIVE, operators,
         {{FT_STATE_EXPOSED, {FT_IN_ARBITER_WON}},
          {FT_STATE_FENCED, {FT_IN_ARBITER_LOST}},
          {FT_STATE_GOING_LIVE, {FT_IN_ARBITER_UNREACHABLE}}}},
        {AT(Deciding), P,
         then(to_protected, {FT_IN_CONNECTION_LOST, FT_IN_ARBITER_UNREACHABLE}),
         FT_STATE_GOING_LIVE, operators,
         {{FT_STATE_GOING_LIVE, {FT_IN_TIMER}}}},
        {AT(Pausing), P,
         then(to_protected, {FT_IN_FAILOVER}),
         FT_STATE_PROTECTED, operators,
         {{FT_STATE_GOING_LIVE, {FT_IN_CONNECTION_LOST, FT_IN_PEER_SILENT,
                                 FT_IN_PEER_GOODBYE, FT_IN_PAUSED_ACKED,
                                 FT_IN_PEER_STUCK}}}},
        {AT(HandoverSent), P,
         then(to_protected, {FT_IN_FAILOVER, FT_IN_PAUSED_ACKED}),
         FT_STATE_GOING_LIVE, operators,
         {{FT_STATE_GOING_LIVE, {FT_IN_CONNECTION_LOST, FT_IN_PEER_SILENT,
                                 FT_IN_PEER_GOODBYE, FT_IN_PEER_STUCK}},
          {FT_STATE_FENCED, {FT_IN_PEER_LIVE}}}},
        {AT(DecidingPaused), P,
         then(to_protected, {FT_IN_FAILOVER, FT_IN_PEER_SILENT}),
         FT_STATE_GOING_LIVE, operators,
         {{FT_STATE_EXPOSED, {FT_IN_ARBITER_WON}},
          {FT_STATE_FENCED, {FT_IN_ARBITER_LOST}},
          {FT_STATE_GOING_LIVE, {FT_IN_ARBITER_UNREACHABLE}}}},
        {AT(Waiting), Q, {}, FT_STATE_WAITING, operators,
         {{FT_STATE_SYNCING, {FT_IN_CONNECTED}},
          {FT_STATE_WAITING, {FT_IN_ATTACH_FAILED, FT_IN_REFUSED}}}},
        {AT(Syncing), Q, {FT_IN_CONNECTED}, FT_STATE_SYNCING, operators,
         {{FT_STATE_PROTECTED, {FT_IN_STATE_LOADED}},
          {FT_STATE_FAILED, {FT_IN_ATTACH_FAILED, FT_IN_DIVERGED}},
          {FT_STATE_WAITING, {FT_IN_CONNECTION_LOST, FT_IN_PEER_SILENT,
                              FT_IN_PEER_GOODBYE}},
          {FT_STATE_SYNCING, {FT_IN_STATE_RECEIVED}}}},
        {AT(Loading), Q, to_loading, FT_STATE_SYNCING, operators,
         {{FT_STATE_PROTECTED, {FT_IN_STATE_LOADED}},
          {FT_STATE_FAILED, {FT_IN_ATTACH_FAILED, FT_IN_DIVERGED}},
          {FT_STATE_SYNCING, {FT_IN_CONNECTION_LOST, FT_IN_PEER_SILENT}},
          {FT_STATE_WAITING, {FT_IN_PEER_GOODBYE}}}},
        {AT(LoadingAlone), Q,
         then(to_loading, {FT_IN_CONNECTION_LOST}),
         FT_STATE_SYNCING, operators,
         {{FT_STATE_GOING_LIVE, {FT_IN_STATE_LOADED}},
          {FT_STATE_FAILED, {FT_IN_ATTACH_FAILED, FT_IN_DIVERGED}},
          {FT_STATE_WAITING, {FT_IN_PEER_GOODBYE}}}},
        {AT(LoadingAlone), Q,
         then(to_loading, {FT_IN_PEER_SILENT}),
         FT_STATE_SYNCING, operators,
         {{FT_STATE_GOING_LIVE, {FT_IN_STATE_LOADED}},
          {FT_STATE_FAILED, {FT_IN_ATTACH_FAILED, FT_IN_DIVERGED}},
          {FT_STATE_WAITING, {FT_IN_PEER_GOODBYE}}}},
        {AT(Shadowing), Q, to_shadowing, FT_STATE_PROTECTED, {FT_IN_ATTACH, FT_IN_DETACH},
         {{FT_STATE_GOING_LIVE, {FT_IN_CONNECTION_LOST, FT_IN_PEER_SILENT, FT_IN_FAILOVER,
                                 FT_IN_HANDOVER}},
          {FT_STATE_FAILED, {FT_IN_PEER_GOODBYE, FT_IN_DIVERGED, FT_IN_GUEST_OFF}}}},
        {AT(TakingOver), Q,
         then(to_shadowing, {FT_IN_CONNECTION_LOST}),
         FT_STATE_GOING_LIVE, operators,
         {{FT_STATE_FAILED, {FT_IN_DIVERGED}},
          {FT_STATE_GOING_LIVE, {FT_IN_ARBITER_WON, FT_IN_ARBITER_UNREACHABLE}},
          {FT_STATE_FENCED, {FT_IN_ARBITER_LOST}}}},
        {AT(Draining), Q,
         then(to_shadowing, {FT_IN_PEER_SILENT, FT_IN_ARBITER_WON}),
         FT_STATE_GOING_LIVE, operators,
         {{FT_STATE_FAILED, {FT_IN_ATTACH_FAILED, FT_IN_DIVERGED}},
          {FT_STATE_GOING_LIVE, {FT_IN_DRAINED}}}},
        {AT(LeaseWait), Q,
         then(to_shadowing, {FT_IN_FAILOVER, FT_IN_ARBITER_WON, FT_IN_DRAINED}),
         FT_STATE_GOING_LIVE, operators,
         {{FT_STATE_FAILED, {FT_IN_ATTACH_FAILED, FT_IN_DIVERGED}},
          {FT_STATE_GOING_LIVE, {FT_IN_TIMER}}}},
        {AT(GoingLive), Q,
         then(to_shadowing, {FT_IN_PEER_SILENT, FT_IN_ARBITER_WON, FT_IN_DRAINED}),
         FT_STATE_GOING_LIVE, operators,
         {{FT_STATE_FAILED, {FT_IN_ATTACH_FAILED, FT_IN_DIVERGED}},
          {FT_STATE_EXPOSED, {FT_IN_LIVE_DONE}}}},
        {AT(HandoverTakingOver), Q,
         then(to_shadowing, {FT_IN_HANDOVER}),
         FT_STATE_GOING_LIVE, operators,
         {{FT_STATE_GOING_LIVE, {FT_IN_CONNECTION_LOST, FT_IN_PEER_SILENT,
                                 FT_IN_ARBITER_WON, FT_IN_ARBITER_UNREACHABLE}},
          {FT_STATE_FAILED, {FT_IN_PEER_GOODBYE, FT_IN_DIVERGED}},
          {FT_STATE_FENCED, {FT_IN_ARBITER_LOST}}}},
        {AT(HandoverDraining), Q,
         then(to_shadowing, {FT_IN_HANDOVER, FT_IN_ARBITER_WON}),
         FT_STATE_GOING_LIVE, operators,
         {{FT_STATE_FAILED, {FT_IN_ATTACH_FAILED, FT_IN_PEER_GOODBYE, FT_IN_DIVERGED}},
          {FT_STATE_GOING_LIVE, {FT_IN_CONNECTION_LOST, FT_IN_PEER_SILENT,
                                 FT_IN_DRAINED}}}},
        {AT(HandoverGoingLive), Q,
         then(to_shadowing, {FT_IN_HANDOVER, FT_IN_ARBITER_WON, FT_IN_DRAINED}),
         FT_STATE_GOING_LIVE, operators,
         {{FT_STATE_FAILED, {FT_IN_ATTACH_FAILED, FT_IN_DIVERGED}},
          {FT_STATE_GOING_LIVE, {FT_IN_CONNECTION_LOST, FT_IN_PEER_SILENT}},
          {FT_STATE_EXPOSED, {FT_IN_LIVE_DONE}}}},
        {AT(Fenced), P,
         then(to_protected, {FT_IN_PEER_SILENT, FT_IN_ARBITER_LOST}),
         FT_STATE_FENCED, operators, {}},
        {AT(Failed), Q, then(to_shadowing, {FT_IN_DIVERGED}), FT_STATE_FAILED, operators, {}},
    };
    // clang-format on
    return all;
}

Rig rig_at(const Walk &w) {
    Rig r(w.role);
    for (FtInputKind k : w.script) {
        r.in(k);
    }
    return r;
}

#define INPUT(kind) {FT_IN_##kind, #kind}
const std::map<FtInputKind, std::string> input_names = {
    INPUT(CONNECTED),    INPUT(CUT_DONE),       INPUT(STATE_LOADED),
    INPUT(PEER_READY),   INPUT(ATTACH_FAILED),  INPUT(CONNECTION_LOST),
    INPUT(PEER_SILENT),  INPUT(PEER_GOODBYE),   INPUT(DIVERGED),
    INPUT(ARBITER_WON),  INPUT(ARBITER_LOST),   INPUT(ARBITER_UNREACHABLE),
    INPUT(TIMER),        INPUT(DRAINED),        INPUT(LIVE_DONE),
    INPUT(ATTACH),       INPUT(FAILOVER),       INPUT(DETACH),
    INPUT(PAUSED_ACKED), INPUT(HANDOVER),       INPUT(PEER_LIVE),
    INPUT(PEER_STUCK),   INPUT(STATE_RECEIVED), INPUT(GUEST_OFF),
    INPUT(REFUSED),
};

/* "ignored", "refused", or the state afterwards. */
std::string expected(const Walk &w, FtInputKind kind) {
    auto has = [kind](const Inputs &inputs) {
        return std::find(inputs.begin(), inputs.end(), kind) != inputs.end();
    };
    if (has(w.refused)) {
        return "refused";
    }
    for (const auto &[state, inputs] : w.becomes) {
        if (has(inputs)) {
            return ftc_state_name(state);
        }
    }
    return "ignored";
}

std::string outcome_of(Rig &r, FtInputKind kind) {
    const bool answer = kind >= FT_IN_ARBITER_WON && kind <= FT_IN_ARBITER_UNREACHABLE;
    const std::string reason = r.reason();
    const FtState before = r.state();

    if (!r.give(kind, answer ? r.epoch() : 0, "text")) {
        EXPECT_FALSE(r.refusal().empty());
        EXPECT_TRUE(r.actions.empty());
        EXPECT_EQ(r.state(), before);
        EXPECT_EQ(r.reason(), reason);
        return "refused";
    }
    if (r.actions.empty()) {
        EXPECT_EQ(r.state(), before);
        EXPECT_EQ(r.reason(), reason);
        return "ignored";
    }
    return ftc_state_name(r.state());
}

TEST(SessionTable, AnswersEveryInputInEveryState) {
    EXPECT_EQ(input_names.size(), static_cast<size_t>(FT_IN__COUNT));
    for (const Walk &w : walks()) {
        for (const auto &[kind, name] : input_names) {
            Rig r = rig_at(w);
            EXPECT_EQ(r.state(), w.shown) << w.name;
            EXPECT_EQ(outcome_of(r, kind), expected(w, kind)) << w.name << ", " << name;
        }
    }
}

TEST(SessionTable, WalksEveryInnerState) {
    std::map<SessionState, int> seen;
    for (const Walk &w : walks()) {
        ft::Session s(w.role, 0, timeout_ns);
        for (FtInputKind k : w.script) {
            FtAction out[FT_ACTIONS_MAX];
            std::string refusal;
            s.step({k, s.epoch(), nullptr}, 0, out, refusal);
            EXPECT_EQ(refusal, "");
        }
        EXPECT_EQ(s.inner_state(), w.state);
        EXPECT_EQ(s.state(), w.shown);
        seen[w.state]++;
    }
    EXPECT_EQ(seen.size(), static_cast<size_t>(SessionState::Count));
}

TEST(SessionTable, ChangesAreAnnouncedLastAndExactlyWhenThereIsOne) {
    for (const Walk &w : walks()) {
        for (int k = 0; k < FT_IN__COUNT; k++) {
            Rig r = rig_at(w);
            const FtState before = r.state();
            const std::string reason = r.reason();
            r.give(static_cast<FtInputKind>(k), r.epoch(), "text");
            int announced = 0;
            for (FtActionKind a : r.kinds()) {
                announced += a == FT_ACT_STATE_CHANGED;
            }
            if (r.state() != before || r.reason() != reason) {
                EXPECT_EQ(announced, 1);
                EXPECT_EQ(r.kinds().back(), FT_ACT_STATE_CHANGED);
            }
            EXPECT_LE(announced, 1);
        }
    }
}

TEST(SessionTable, RefusalsNameTheirReason) {
    const std::vector<std::pair<Walk, std::string>> expected = [] {
        std::vector<std::pair<Walk, std::string>> e;
        for (const Walk &w : walks()) {
            switch (w.state) {
            case SessionState::Off:
                e.emplace_back(w, "not in use");
                break;
            case SessionState::Exposed:
                e.emplace_back(w, "not protected: there is no secondary");
                break;
            case SessionState::AfterCut:
                e.emplace_back(w, "an attach is under way");
                break;
            case SessionState::Deciding:
                e.emplace_back(w, "arbiter has not yet decided");
                break;
            case SessionState::Pausing:
                e.emplace_back(w, "planned failover is under way");
                break;
            case SessionState::Waiting:
                e.emplace_back(w, "this node is the secondary");
                break;
            case SessionState::GoingLive:
                e.emplace_back(w, "going live");
                break;
            case SessionState::Fenced:
                e.emplace_back(w, "fenced");
                break;
            case SessionState::Failed:
                e.emplace_back(w, "failed and cannot be used again: diverged");
                break;
            default:
                break;
            }
        }
        return e;
    }();
    for (const auto &[walk, text] : expected) {
        Rig r = rig_at(walk);
        EXPECT_FALSE(r.give(FT_IN_DETACH));
        EXPECT_NE(r.refusal().find(text), std::string::npos) << r.refusal();
    }
    Rig waiting(FT_ROLE_SECONDARY);
    EXPECT_FALSE(waiting.give(FT_IN_FAILOVER));
    EXPECT_NE(waiting.refusal().find("not loaded the guest"), std::string::npos);
    Rig covered = rig_at({AT(Protected), FT_ROLE_PRIMARY, to_protected, {}, {}, {}});
    EXPECT_FALSE(covered.give(FT_IN_ATTACH));
    EXPECT_NE(covered.refusal().find("already protected"), std::string::npos);
}

/* ------------------------------------------------------------------ primary -- */

Rig protected_primary(uint64_t epoch0 = 0) {
    Rig r(FT_ROLE_PRIMARY, epoch0);
    for (FtInputKind k : to_protected) {
        r.in(k);
    }
    return r;
}

TEST(Session, StartsByRole) {
    Rig p(FT_ROLE_PRIMARY, 6), q(FT_ROLE_SECONDARY), o(FT_ROLE_OFF);
    EXPECT_EQ(p.state(), FT_STATE_EXPOSED);
    EXPECT_EQ(p.reason(), "no secondary attached yet");
    EXPECT_EQ(p.epoch(), 6u);
    EXPECT_EQ(q.state(), FT_STATE_WAITING);
    EXPECT_EQ(o.state(), FT_STATE_OFF);
}

TEST(Session, AttachGoesThroughTransferAndCutToProtected) {
    Rig r(FT_ROLE_PRIMARY, 6);
    r.in(FT_IN_ATTACH);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CONNECT, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.epoch(), 7u);
    r.in(FT_IN_CONNECTED);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_TRANSFER, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.value_of(FT_ACT_TRANSFER), 7u);
    r.in(FT_IN_CUT_DONE);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.state(), FT_STATE_SYNCING);
    r.in(FT_IN_PEER_READY);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_RELEASE_ACKED, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.reason(), "");
}

TEST(Session, FailureBeforeTheCutBurnsTheEpochAndAsksNobody) {
    Rig r(FT_ROLE_PRIMARY, 6);
    r.in(FT_IN_ATTACH).in(FT_IN_CONNECTED).in(FT_IN_CONNECTION_LOST, 0, "reset");
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLOSE, FT_ACT_RELEASE_ALL, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.state(), FT_STATE_EXPOSED);
    EXPECT_EQ(r.reason(), "attach failed: connection lost: reset");
    r.in(FT_IN_ATTACH).in(FT_IN_CONNECTED);
    EXPECT_EQ(r.value_of(FT_ACT_TRANSFER), 8u);
}

TEST(Session, FailedAttachTellsThePeerWhy) {
    Rig r(FT_ROLE_PRIMARY);
    r.in(FT_IN_ATTACH).in(FT_IN_ATTACH_FAILED, 0, "cpu: here 'a', peer 'b'");
    EXPECT_EQ(r.reason(), "attach failed: cpu: here 'a', peer 'b'");
    EXPECT_EQ(r.text_of(FT_ACT_CLOSE), r.reason());
}

TEST(Session, FailureAfterTheCutIsDecidedByTheArbiter) {
    Rig r(FT_ROLE_PRIMARY, 6);
    r.in(FT_IN_ATTACH).in(FT_IN_CONNECTED).in(FT_IN_CUT_DONE).in(FT_IN_PEER_SILENT);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLOSE, FT_ACT_CLAIM, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.value_of(FT_ACT_CLAIM), 7u);
    r.in(FT_IN_ARBITER_WON);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_RELEASE_ALL, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.state(), FT_STATE_EXPOSED);
}

TEST(Session, ReadyThatOvertakesTheCutCountsAsPastTheCut) {
    Rig r(FT_ROLE_PRIMARY);
    r.in(FT_IN_ATTACH).in(FT_IN_CONNECTED).in(FT_IN_PEER_READY);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_STATE_CHANGED}));
    r.in(FT_IN_CUT_DONE);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_RELEASE_ACKED, FT_ACT_STATE_CHANGED}));
}

TEST(Session, PrimaryThatLosesIsFencedForGood) {
    Rig r = protected_primary();
    r.in(FT_IN_PEER_GOODBYE, 0, "diverged").in(FT_IN_ARBITER_LOST);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_DESTROY_OUTPUT, FT_ACT_STOP_VM, FT_ACT_CLOSE,
                                FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.state(), FT_STATE_FENCED);
    r.in(FT_IN_ARBITER_WON);
    EXPECT_TRUE(r.actions.empty());
}

TEST(Session, UnreachableArbiterIsAskedAgainEverSlowerUpToASecond) {
    Rig r = protected_primary();
    r.in(FT_IN_CONNECTION_LOST);
    for (uint64_t pause : {100, 200, 400, 800, 1000, 1000}) {
        r.in(FT_IN_ARBITER_UNREACHABLE, 0, "no route");
        EXPECT_EQ(r.value_of(FT_ACT_SET_TIMER), r.now + pause * ms);
        EXPECT_EQ(r.state(), FT_STATE_GOING_LIVE);
        EXPECT_NE(r.reason().find("arbiter unreachable: no route"), std::string::npos);
        r.now += pause * ms;
        r.in(FT_IN_TIMER);
        EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLAIM}));
    }
    r.in(FT_IN_ARBITER_WON);
    EXPECT_EQ(r.state(), FT_STATE_EXPOSED);
}

TEST(Session, AnswersForAnotherEpochDecideNothing) {
    Rig r = protected_primary(4);
    r.in(FT_IN_CONNECTION_LOST);
    EXPECT_TRUE(r.give(FT_IN_ARBITER_WON, 4));
    EXPECT_TRUE(r.actions.empty());
    EXPECT_TRUE(r.give(FT_IN_ARBITER_LOST, 6));
    EXPECT_TRUE(r.actions.empty());
    EXPECT_EQ(r.state(), FT_STATE_GOING_LIVE);
}

TEST(Session, DetachSaysGoodbyeThenDecides) {
    Rig r = protected_primary();
    r.in(FT_IN_DETACH);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLOSE, FT_ACT_CLAIM, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.text_of(FT_ACT_CLOSE), "detached by operator");
    r.in(FT_IN_ARBITER_WON);
    EXPECT_EQ(r.state(), FT_STATE_EXPOSED);
    EXPECT_EQ(r.reason(), "detached by operator");
}

/* libvirt starts all with -no-shutdown: the process outlives its guest. */
TEST(Session, GuestThatEndedIsNotProtected) {
    Rig r = protected_primary();
    r.in(FT_IN_GUEST_OFF, 0, "the guest has powered itself off");
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLOSE, FT_ACT_CLAIM, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.text_of(FT_ACT_CLOSE), "the guest has powered itself off");
    r.in(FT_IN_ARBITER_WON);
    EXPECT_EQ(r.state(), FT_STATE_EXPOSED);
    EXPECT_EQ(r.reason(), "the guest has powered itself off");
    EXPECT_TRUE(r.give(FT_IN_ATTACH)) << "it may be started, and protected, again";
}

TEST(Session, SecondaryWhoseGuestEndedNeverGoesLive) {
    Rig r(FT_ROLE_SECONDARY);
    r.in(FT_IN_CONNECTED).in(FT_IN_STATE_LOADED);
    r.in(FT_IN_GUEST_OFF, 0, "the guest has panicked");
    EXPECT_EQ(r.state(), FT_STATE_FAILED);
    EXPECT_EQ(r.reason(), "the guest has panicked");
    EXPECT_TRUE(r.give(FT_IN_CONNECTION_LOST));
    EXPECT_EQ(r.state(), FT_STATE_FAILED);
}

TEST(Session, GuestThatEndsInAnAttachEndsTheAttach) {
    Rig r(FT_ROLE_PRIMARY);
    r.in(FT_IN_ATTACH).in(FT_IN_CONNECTED);
    r.in(FT_IN_GUEST_OFF, 0, "the guest has powered itself off");
    EXPECT_EQ(r.state(), FT_STATE_EXPOSED);
    EXPECT_EQ(r.reason(), "the guest has powered itself off");
}

TEST(Session, PlannedFailoverPausesHandsOverAndFences) {
    Rig r = protected_primary();
    r.in(FT_IN_FAILOVER);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_PAUSE_VM, FT_ACT_STATE_CHANGED}));
    r.in(FT_IN_PAUSED_ACKED);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_SEND_HANDOVER, FT_ACT_STATE_CHANGED}));
    r.in(FT_IN_PEER_LIVE);
    EXPECT_EQ(r.state(), FT_STATE_FENCED);
    EXPECT_EQ(r.reason(), "handed over");
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_DESTROY_OUTPUT, FT_ACT_STOP_VM, FT_ACT_CLOSE,
                                FT_ACT_STATE_CHANGED}));
}

TEST(Session, BrokenHandoverResumesThePrimaryThatWins) {
    for (bool sent : {false, true}) {
        Rig r = protected_primary();
        r.in(FT_IN_FAILOVER);
        if (sent) {
            r.in(FT_IN_PAUSED_ACKED);
        }
        r.in(FT_IN_CONNECTION_LOST);
        EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLOSE, FT_ACT_CLAIM, FT_ACT_STATE_CHANGED}));
        r.in(FT_IN_ARBITER_UNREACHABLE).in(FT_IN_TIMER).in(FT_IN_ARBITER_WON);
        EXPECT_EQ(r.kinds(),
                  (Kinds{FT_ACT_RESUME_VM, FT_ACT_RELEASE_ALL, FT_ACT_STATE_CHANGED}));
        EXPECT_EQ(r.state(), FT_STATE_EXPOSED);
    }
}

/* ---------------------------------------------------------------- secondary -- */

Rig shadowing_secondary() {
    Rig r(FT_ROLE_SECONDARY);
    r.set_epoch(7);
    return std::move(r.in(FT_IN_CONNECTED).in(FT_IN_STATE_LOADED));
}

TEST(Session, SecondaryLoadsAndIsReady) {
    Rig r = shadowing_secondary();
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_SEND_READY, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.state(), FT_STATE_PROTECTED);
    r.set_epoch(9);
    EXPECT_EQ(r.epoch(), 7u) << "the epoch it would claim must not move any more";
}

TEST(Session, SecondaryWaitsAgainWhenOnlyTheHandshakeWasLost) {
    Rig r(FT_ROLE_SECONDARY);
    r.in(FT_IN_CONNECTED).in(FT_IN_CONNECTION_LOST, 0, "reset");
    EXPECT_EQ(r.state(), FT_STATE_WAITING);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLOSE, FT_ACT_STATE_CHANGED}));
    r.in(FT_IN_CONNECTED).in(FT_IN_ATTACH_FAILED, 0, "device e1000");
    EXPECT_EQ(r.state(), FT_STATE_FAILED);
    EXPECT_EQ(r.text_of(FT_ACT_CLOSE), "attach failed: device e1000");
}

Rig loading_secondary() {
    Rig r(FT_ROLE_SECONDARY);
    return std::move(r.in(FT_IN_CONNECTED).in(FT_IN_STATE_RECEIVED));
}

TEST(Session, SecondaryThatReceivedLoadsAndIsReady) {
    Rig r = loading_secondary();
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.state(), FT_STATE_SYNCING);
    r.set_epoch(7);
    r.in(FT_IN_STATE_LOADED);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_SEND_READY, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.state(), FT_STATE_PROTECTED);
    EXPECT_EQ(r.epoch(), 7u);
    r.in(FT_IN_STATE_RECEIVED);
    EXPECT_TRUE(r.actions.empty()) << "news that comes after the load is old";
}

TEST(Session, PrimaryThatDiesWhileItsStateIsLoadedIsTakenOverAfterwards) {
    for (uint64_t lease : {0 * ms, 300 * ms}) {
        Rig r = loading_secondary();
        const uint64_t until = lease ? r.now + lease : 0;
        r.in(FT_IN_CONNECTION_LOST, until, "reset");
        EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_STATE_CHANGED}));
        EXPECT_EQ(r.state(), FT_STATE_SYNCING);
        r.in(FT_IN_PEER_SILENT).in(FT_IN_CONNECTION_LOST, r.now + 900 * ms, "later");
        EXPECT_TRUE(r.actions.empty()) << "the first loss counts";
        r.set_epoch(7);
        r.in(FT_IN_STATE_LOADED);
        EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLOSE, FT_ACT_CLAIM, FT_ACT_STATE_CHANGED}));
        EXPECT_EQ(r.value_of(FT_ACT_CLAIM), 7u);
        EXPECT_EQ(r.reason(), "connection lost: reset; asking the arbiter");
        r.set_epoch(9);
        r.in(FT_IN_ARBITER_WON).in(FT_IN_DRAINED);
        if (lease) {
            EXPECT_EQ(r.value_of(FT_ACT_SET_TIMER), until);
            r.now = until;
            r.in(FT_IN_TIMER);
        }
        EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_GO_LIVE, FT_ACT_STATE_CHANGED}));
        r.in(FT_IN_LIVE_DONE);
        EXPECT_EQ(r.role(), FT_ROLE_PRIMARY);
        EXPECT_EQ(r.epoch(), 7u);
    }
}

TEST(Session, SilenceWhileLoadingOutlastsTheLease) {
    Rig r = loading_secondary();
    r.in(FT_IN_PEER_SILENT, r.now + 900 * ms, "nothing heard").in(FT_IN_STATE_LOADED);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLOSE, FT_ACT_CLAIM, FT_ACT_STATE_CHANGED}));
    r.in(FT_IN_ARBITER_WON).in(FT_IN_DRAINED);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_GO_LIVE, FT_ACT_STATE_CHANGED}));
}

TEST(Session, SecondaryThatLoadedAloneAndLosesIsFenced) {
    Rig r = loading_secondary();
    r.in(FT_IN_CONNECTION_LOST).in(FT_IN_STATE_LOADED).in(FT_IN_ARBITER_LOST);
    EXPECT_EQ(r.state(), FT_STATE_FENCED);
    EXPECT_EQ(r.role(), FT_ROLE_SECONDARY);
}

TEST(Session, GoodbyeWhileLoadingEndsTheAttach) {
    for (bool alone : {false, true}) {
        Rig r = loading_secondary();
        if (alone) {
            r.in(FT_IN_CONNECTION_LOST, 0, "heartbeat closed");
        }
        r.in(FT_IN_PEER_GOODBYE, 0, "quit");
        EXPECT_EQ(r.state(), FT_STATE_WAITING);
        EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLOSE, FT_ACT_STATE_CHANGED}));
        r.in(FT_IN_STATE_LOADED);
        EXPECT_TRUE(r.actions.empty()) << "a load that was given up means nothing any more";
        r.in(FT_IN_CONNECTED).in(FT_IN_STATE_LOADED);
        EXPECT_EQ(r.state(), FT_STATE_PROTECTED);
    }
}

TEST(Session, LoadErrorFailsAndClaimsNothing) {
    for (FtInputKind error : {FT_IN_ATTACH_FAILED, FT_IN_DIVERGED}) {
        for (bool alone : {false, true}) {
            Rig r = loading_secondary();
            if (alone) {
                r.in(FT_IN_PEER_SILENT);
            }
            r.in(error, 0, "device e1000");
            EXPECT_EQ(r.state(), FT_STATE_FAILED);
            EXPECT_EQ(r.kinds(),
                      (Kinds{FT_ACT_STOP_VM, FT_ACT_CLOSE, FT_ACT_STATE_CHANGED}));
            EXPECT_NE(r.text_of(FT_ACT_CLOSE).find("device e1000"), std::string::npos);
            r.in(FT_IN_STATE_LOADED);
            EXPECT_TRUE(r.actions.empty());
        }
    }
}

TEST(Session, SecondaryTakesOverDrainsAndGoesLive) {
    Rig r = shadowing_secondary();
    r.in(FT_IN_CONNECTION_LOST, 0, "closed by peer");
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLOSE, FT_ACT_CLAIM, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.value_of(FT_ACT_CLAIM), 7u);
    r.in(FT_IN_ARBITER_WON);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_DRAIN, FT_ACT_STATE_CHANGED}));
    r.in(FT_IN_DRAINED);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_GO_LIVE, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.role(), FT_ROLE_SECONDARY);
    r.in(FT_IN_LIVE_DONE);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_RELEASE_ALL, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.role(), FT_ROLE_PRIMARY);
    EXPECT_EQ(r.state(), FT_STATE_EXPOSED);
    r.in(FT_IN_ATTACH);
    EXPECT_EQ(r.epoch(), 8u);
}

TEST(Session, SecondaryWaitsForThePrimarysLease) {
    Rig r = shadowing_secondary();
    const uint64_t until = r.now + 300 * ms;
    r.in(FT_IN_CONNECTION_LOST, until).in(FT_IN_ARBITER_WON).in(FT_IN_DRAINED);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_SET_TIMER, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.value_of(FT_ACT_SET_TIMER), until);
    r.now = until - 1;
    r.in(FT_IN_TIMER);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_SET_TIMER}))
        << "a timer that fires early is set again";
    r.now = until;
    r.in(FT_IN_TIMER);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_GO_LIVE, FT_ACT_STATE_CHANGED}));
}

TEST(Session, ForcedTakeoverWaitsAFullTimeoutForTheLease) {
    Rig r = shadowing_secondary();
    const uint64_t asked = r.now;
    r.in(FT_IN_FAILOVER);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLOSE, FT_ACT_CLAIM, FT_ACT_STATE_CHANGED}));
    r.in(FT_IN_ARBITER_WON).in(FT_IN_DRAINED);
    EXPECT_EQ(r.value_of(FT_ACT_SET_TIMER), asked + timeout_ns);
}

TEST(Session, SecondaryThatLosesIsFenced) {
    Rig r = shadowing_secondary();
    r.in(FT_IN_PEER_SILENT).in(FT_IN_ARBITER_LOST);
    EXPECT_EQ(r.state(), FT_STATE_FENCED);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_DESTROY_OUTPUT, FT_ACT_STOP_VM, FT_ACT_CLOSE,
                                FT_ACT_STATE_CHANGED}));
}

TEST(Session, GoodbyeNeverMakesASecondaryGoLive) {
    Rig r = shadowing_secondary();
    r.in(FT_IN_PEER_GOODBYE, 0, "detached by operator");
    EXPECT_EQ(r.state(), FT_STATE_FAILED);
    EXPECT_EQ(r.reason(), "peer ended protection: detached by operator");
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_STOP_VM, FT_ACT_CLOSE, FT_ACT_STATE_CHANGED}));
}

TEST(Session, DivergedSecondaryNeverGoesLive) {
    for (int steps = 0; steps < 4; steps++) {
        Rig r = shadowing_secondary();
        const FtInputKind path[] = {FT_IN_PEER_SILENT, FT_IN_ARBITER_WON, FT_IN_DRAINED};
        for (int i = 0; i < steps; i++) {
            r.in(path[i]);
        }
        r.in(FT_IN_DIVERGED, 0, "output 7 differs");
        EXPECT_EQ(r.state(), FT_STATE_FAILED);
        EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_STOP_VM, FT_ACT_CLOSE, FT_ACT_STATE_CHANGED}));
        EXPECT_NE(r.text_of(FT_ACT_CLOSE).find("diverged: output 7 differs"),
                  std::string::npos);
        EXPECT_EQ(r.reason().find("the pair is lost") != std::string::npos, steps >= 2);
        for (FtInputKind k : path) {
            r.in(k);
            EXPECT_TRUE(r.actions.empty());
        }
        r.in(FT_IN_LIVE_DONE);
        EXPECT_EQ(r.role(), FT_ROLE_SECONDARY);
    }
}

TEST(Session, SecondaryTakesAHandoverAndSaysSo) {
    Rig r = shadowing_secondary();
    r.in(FT_IN_HANDOVER, 100);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLAIM, FT_ACT_STATE_CHANGED}));
    r.in(FT_IN_ARBITER_WON).in(FT_IN_DRAINED);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_GO_LIVE, FT_ACT_STATE_CHANGED}));
    r.in(FT_IN_LIVE_DONE);
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_RELEASE_ALL, FT_ACT_SEND_LIVE, FT_ACT_CLOSE,
                                FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.state(), FT_STATE_EXPOSED);
}

TEST(Session, HandoverThatLosesItsConnectionGoesOnAndTellsNobody) {
    const std::vector<FtInputKind> path = {FT_IN_ARBITER_WON, FT_IN_DRAINED,
                                           FT_IN_LIVE_DONE};
    for (size_t lost_at = 0; lost_at < path.size(); lost_at++) {
        Rig r = shadowing_secondary();
        r.in(FT_IN_HANDOVER);
        for (size_t i = 0; i < path.size(); i++) {
            if (i == lost_at) {
                r.in(FT_IN_CONNECTION_LOST, r.now + timeout_ns);
                EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLOSE, FT_ACT_STATE_CHANGED}));
            }
            r.in(path[i]);
        }
        EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_RELEASE_ALL, FT_ACT_STATE_CHANGED}));
        EXPECT_EQ(r.role(), FT_ROLE_PRIMARY);
    }
}

TEST(Session, AWaitingSecondarySaysWhomItRefused) {
    Rig r(FT_ROLE_SECONDARY);
    r.in(FT_IN_REFUSED, 0, "the machines differ: ram");
    EXPECT_EQ(r.state(), FT_STATE_WAITING);
    EXPECT_EQ(
        r.reason(),
        "waiting for a primary; the last attach was refused here: the machines differ: ram");
    r.in(FT_IN_REFUSED, 0, "the machines differ: ram");
    EXPECT_EQ(r.kinds(), Kinds{}) << "the same again is no news";
}

TEST(Session, NamesAreThoseOfTheInterface) {
    EXPECT_STREQ(ftc_state_name(FT_STATE_GOING_LIVE), "going-live");
    EXPECT_STREQ(ftc_state_name(FT_STATE_PROTECTED), "protected");
    EXPECT_STREQ(ftc_role_name(FT_ROLE_SECONDARY), "secondary");
    EXPECT_STREQ(ftc_state_name(static_cast<FtState>(99)), "unknown");
}

} // namespace

/* Goal: a secondary that executes nothing is dropped with a goodbye, so that it
 * does not win the epoch and go live with what it has. */
TEST(Session, AStuckSecondaryIsToldBeforeItIsLeft) {
    Rig r(FT_ROLE_PRIMARY);
    for (FtInputKind k : to_protected) {
        r.in(k);
    }
    r.in(FT_IN_PEER_STUCK, 0, "it stands still");
    EXPECT_EQ(r.kinds(), (Kinds{FT_ACT_CLOSE, FT_ACT_CLAIM, FT_ACT_STATE_CHANGED}));
    EXPECT_EQ(r.text_of(FT_ACT_CLOSE), "secondary dropped: it stands still");
}
