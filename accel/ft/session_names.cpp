/*
 * What people read of the session: the sentences of refusals, and the state
 * that each inner state is shown as.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "accel/ft/session_table.hpp"

namespace ft {

const char *session_refusal(Rule rule) noexcept {
    switch (rule) {
    case Rule::RefuseOff:
        return "FT is not in use on this machine: it was started without ft=";
    case Rule::RefuseNoSecondary:
        return "not protected: there is no secondary";
    case Rule::RefuseAttachUnderWay:
        return "not protected yet: an attach is under way";
    case Rule::RefuseAlreadyProtected:
        return "already protected: detach the secondary first";
    case Rule::RefuseDeciding:
        return "the arbiter has not yet decided which node goes on";
    case Rule::RefuseHandoverUnderWay:
        return "a planned failover is under way";
    case Rule::RefuseOnSecondary:
        return "this node is the secondary: ask the primary";
    case Rule::RefuseNotSynced:
        return "this secondary has not loaded the guest yet and cannot take over";
    case Rule::RefuseGoingLive:
        return "this node is going live";
    case Rule::RefuseFenced:
        return "this node is fenced: it lost the right to output and has stopped for good";
    case Rule::RefuseFailed:
        return "this node has failed and cannot be used again";
    default:
        return nullptr;
    }
}

FtState session_shown_as(SessionState state) noexcept {
    switch (state) {
    case SessionState::Off:
        return FT_STATE_OFF;
    case SessionState::Exposed:
        return FT_STATE_EXPOSED;
    case SessionState::Connecting:
    case SessionState::Transferring:
    case SessionState::ReadyBeforeCut:
    case SessionState::AfterCut:
    case SessionState::Syncing:
    case SessionState::Loading:
    case SessionState::LoadingAlone:
        return FT_STATE_SYNCING;
    case SessionState::Protected:
    case SessionState::Pausing:
    case SessionState::Shadowing:
        return FT_STATE_PROTECTED;
    case SessionState::Deciding:
    case SessionState::HandoverSent:
    case SessionState::DecidingPaused:
    case SessionState::TakingOver:
    case SessionState::Draining:
    case SessionState::LeaseWait:
    case SessionState::GoingLive:
    case SessionState::HandoverTakingOver:
    case SessionState::HandoverDraining:
    case SessionState::HandoverGoingLive:
        return FT_STATE_GOING_LIVE;
    case SessionState::Waiting:
        return FT_STATE_WAITING;
    case SessionState::Fenced:
        return FT_STATE_FENCED;
    case SessionState::Failed:
    case SessionState::Count:
        break;
    }
    return FT_STATE_FAILED;
}

} // namespace ft

/* THREAD: any. OWNERSHIP: static text. */
const char *ftc_state_name(FtState s) noexcept {
    switch (s) {
    case FT_STATE_OFF:
        return "off";
    case FT_STATE_WAITING:
        return "waiting";
    case FT_STATE_SYNCING:
        return "syncing";
    case FT_STATE_PROTECTED:
        return "protected";
    case FT_STATE_EXPOSED:
        return "exposed";
    case FT_STATE_GOING_LIVE:
        return "going-live";
    case FT_STATE_FENCED:
        return "fenced";
    case FT_STATE_FAILED:
        return "failed";
    }
    return "unknown";
}

/* THREAD: any. OWNERSHIP: static text. */
const char *ftc_role_name(FtRole r) noexcept {
    switch (r) {
    case FT_ROLE_OFF:
        return "off";
    case FT_ROLE_PRIMARY:
        return "primary";
    case FT_ROLE_SECONDARY:
        return "secondary";
    }
    return "unknown";
}
