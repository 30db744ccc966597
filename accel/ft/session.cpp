/*
 * The session's step and its C border. The effects are in session_rules.cpp.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "accel/ft/session.hpp"

#include <exception>
#include <new>
#include <utility>

#include "accel/ft/assert.hpp"
#include "accel/ft/result.hpp"

namespace ft {
namespace {

struct Start {
    SessionState state;
    const char *reason;
};

Start start_of(FtRole role) {
    switch (role) {
    case FT_ROLE_PRIMARY:
        return {SessionState::Exposed, "no secondary attached yet"};
    case FT_ROLE_SECONDARY:
        return {SessionState::Waiting, "waiting for a primary"};
    case FT_ROLE_OFF:
        break;
    }
    return {SessionState::Off, "FT is off"};
}

} // namespace

Session::Session(FtRole role, uint64_t epoch0, uint64_t timeout_ns)
    : role_(role), state_(start_of(role).state), epoch_(epoch0), timeout_ns_(timeout_ns),
      reason_(start_of(role).reason) {
}

size_t Session::step(const FtInput &in, uint64_t now_ns, std::span<FtAction> actions,
                     std::string &refusal) {
    const Rule rule = session_rule(state_, in.kind);

    if (const char *why = session_refusal(rule)) {
        refusal = why;
        if ((rule == Rule::RefuseFailed || rule == Rule::RefuseDeciding) &&
            !reason_.empty()) {
            refusal += ": " + reason_;
        }
        return 0;
    }
    if (rule == Rule::Ignore || is_stale(in)) {
        return 0;
    }

    const SessionState state_before = state_;
    const std::string reason_before = reason_;
    now_ns_ = now_ns;
    actions_ = actions;
    actions_len_ = 0;
    apply(rule, in);
    if (state_ != state_before || reason_ != reason_before) {
        act(FT_ACT_STATE_CHANGED);
    }
    return actions_len_;
}

/* Answers of the arbiter are for one claim. An answer that comes twice, or for
 * another epoch, decides nothing; nor does a timer while an answer is due. */
bool Session::is_stale(const FtInput &in) const {
    switch (in.kind) {
    case FT_IN_ARBITER_WON:
    case FT_IN_ARBITER_LOST:
    case FT_IN_ARBITER_UNREACHABLE:
        return !claim_in_flight_ || in.value != epoch_;
    case FT_IN_TIMER:
        return claim_in_flight_;
    default:
        return false;
    }
}

void Session::set(SessionState state, std::string reason) {
    reason_ = std::move(reason);
    state_ = state;
}

void Session::act(FtActionKind kind, uint64_t value, const char *text) {
    FT_ASSERT(actions_len_ < actions_.size(), "more than %zu actions in one step",
              actions_.size());
    actions_[actions_len_++] = FtAction{kind, value, text};
}

/* The first message tells the epoch, and the loaded state at the latest. From then on
 * the number that this node would claim must not change. */
void Session::set_epoch(uint64_t epoch) {
    switch (state_) {
    case SessionState::Waiting:
    case SessionState::Syncing:
    case SessionState::Loading:
    case SessionState::LoadingAlone:
        epoch_ = epoch;
        break;
    default:
        break;
    }
}

} // namespace ft

struct FtSession {
    ft::Session core;
};

/* THREAD: main. OWNERSHIP: the caller frees with ftc_session_free. NULL when
 * memory is short. */
FtSession *ftc_session_new(FtRole role, uint64_t epoch0, uint64_t timeout_ns) noexcept {
    try {
        return new FtSession{ft::Session(role, epoch0, timeout_ns)};
    } catch (...) {
        return nullptr;
    }
}

/* THREAD: main. OWNERSHIP: takes s; NULL is fine. */
void ftc_session_free(FtSession *s) noexcept {
    delete s;
}

/* THREAD: main, BQL held. OWNERSHIP: in->text is copied; texts of the actions
 * stay the session's and live until the next step. */
bool ftc_session_step(FtSession *s, const FtInput *in, uint64_t now_ns,
                      FtAction actions[FT_ACTIONS_MAX], size_t *n, FtError *err) noexcept {
    *n = 0;
    try {
        std::string refusal;
        *n = s->core.step(*in, now_ns, std::span<FtAction>(actions, FT_ACTIONS_MAX),
                          refusal);
        if (!refusal.empty()) {
            return ft::give(err, refusal);
        }
        return true;
    } catch (const std::exception &e) {
        /* Only memory can run out here. A half-made decision must not go on. */
        FT_ASSERT(false, "session step %d: %s", static_cast<int>(in->kind), e.what());
    } catch (...) {
        FT_ASSERT(false, "session step %d: unknown exception", static_cast<int>(in->kind));
    }
}

/* THREAD: main. OWNERSHIP: nothing changes hands. */
void ftc_session_set_epoch(FtSession *s, uint64_t epoch) noexcept {
    s->core.set_epoch(epoch);
}

/* THREAD: main. OWNERSHIP: nothing changes hands. */
FtRole ftc_session_role(const FtSession *s) noexcept {
    return s->core.role();
}
FtState ftc_session_state(const FtSession *s) noexcept {
    return s->core.state();
}
uint64_t ftc_session_epoch(const FtSession *s) noexcept {
    return s->core.epoch();
}

/* THREAD: main. OWNERSHIP: the session's, valid until the next step. */
const char *ftc_session_reason(const FtSession *s) noexcept {
    return s->core.reason().c_str();
}
