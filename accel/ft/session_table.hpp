/*
 * The table of the session: what each input means in each state. A rule says
 * in its name what is done; a refusal says in its name why not. The table is
 * data, checked whole at compile time; session_rules.cpp holds the effects.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_SESSION_TABLE_HPP
#define ACCEL_FT_SESSION_TABLE_HPP

#include <cstdint>

#include "accel/ft/ft.h"

namespace ft {

/* Finer than FtState: each of these is shown to operators as one FtState. */
enum class SessionState : uint8_t {
    Off,
    /* primary */
    Exposed,
    Connecting,
    Transferring,
    ReadyBeforeCut, /* READY overtook our own CUT_DONE: already past the cut */
    AfterCut,       /* output is held, the secondary is not ready yet        */
    Protected,
    Deciding,       /* claim asked; output stays held                        */
    Pausing,        /* planned failover: still releasing what is acked       */
    HandoverSent,   /* paused, nothing left to release                       */
    DecidingPaused, /* the handover broke; claim asked, the VM is paused     */
    /* secondary */
    Waiting,
    Syncing,      /* receives the state                                    */
    Loading,      /* has the whole state, past the cut: may go on alone    */
    LoadingAlone, /* the primary is lost; claims when the state is loaded  */
    Shadowing,    /* replays the log of a live primary                     */
    TakingOver,   /* connections closed, claim asked                       */
    Draining,
    LeaseWait, /* the primary may still release under its lease         */
    GoingLive,
    HandoverTakingOver, /* as above, but the primary asked for it and waits      */
    HandoverDraining,
    HandoverGoingLive,
    /* the end, for either */
    Fenced,
    Failed,
    Count
};

enum class Rule : uint8_t {
    Ignore,    /* late or stray from outside */
    Unwritten, /* a hole in the table; never in a finished one */
    /* primary */
    BeginAttach,
    BeginTransfer,
    NoteEarlyReady,
    BeginHolding,
    Protect,
    AbandonAttach,
    Decide,
    DecideAfterDetach,
    DropSecondary,
    NoteGuestOff,
    DecideAfterGuestOff,
    BeginHandover,
    SendHandover,
    DecidePaused,
    GoOnExposed,
    GoOnResumed,
    YieldToPeer,
    /* secondary */
    BeginSync,
    NoteRefusedHandshake,
    NoteReceived,
    LoadOnAfterLoss,
    LoadOnAfterSilence,
    Shadow,
    ForgetPeer,
    FailLoad,
    TakeOverAfterLoss,
    TakeOverAfterSilence,
    TakeOverLoaded,
    TakeOverByOperator,
    TakeOverAsAsked,
    ForgetConnection,
    Drain,
    FinishDrain,
    EndLeaseWait,
    BecomePrimary,
    EndWithPeer,
    EndWithGuest,
    FailDiverged,
    FailDivergedAfterWin,
    FailGoingLive,
    /* either */
    AskAgainLater,
    AskAgain,
    FenceSelf,
    /* refusals of an operator's input, named by their reason */
    RefuseOff,
    RefuseNoSecondary,
    RefuseAttachUnderWay,
    RefuseAlreadyProtected,
    RefuseDeciding,
    RefuseHandoverUnderWay,
    RefuseOnSecondary,
    RefuseNotSynced,
    RefuseGoingLive,
    RefuseFenced,
    RefuseFailed,
    Count
};

/* Total: every (state, input) has a rule. */
Rule session_rule(SessionState state, FtInputKind input) noexcept;
/* The sentence of a refusal; nullptr when the rule is none. */
const char *session_refusal(Rule rule) noexcept;
FtState session_shown_as(SessionState state) noexcept;
bool session_is_operators(FtInputKind input) noexcept;

} // namespace ft

#endif
