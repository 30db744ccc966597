/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/session_table.hpp"

#include <array>

namespace ft {
namespace {

constexpr auto state_count = static_cast<size_t>(SessionState::Count);
constexpr auto input_count = static_cast<size_t>(FT_IN__COUNT);
using Row = std::array<Rule, input_count>;
using Table = std::array<Row, state_count>;

struct Cell {
    FtInputKind input;
    Rule rule;
};

constexpr bool is_operators(FtInputKind input) {
    return input == FT_IN_ATTACH || input == FT_IN_FAILOVER || input == FT_IN_DETACH;
}

/* What comes from outside can always come late, so it is ignored unless the
 * row says otherwise. What an operator asks is always answered: a row that
 * leaves one of the three out does not compile (see the assertion below). */
template <size_t N>
constexpr Row row(const Cell (&cells)[N]) {
    Row r{};
    for (size_t i = 0; i < input_count; i++) {
        r[i] = is_operators(static_cast<FtInputKind>(i)) ? Rule::Unwritten : Rule::Ignore;
    }
    for (const Cell &c : cells) {
        r[c.input] = c.rule;
    }
    return r;
}

constexpr Row operators_only(Rule rule) {
    return row({{FT_IN_ATTACH, rule}, {FT_IN_FAILOVER, rule}, {FT_IN_DETACH, rule}});
}

constexpr Table make_table() {
    using enum Rule;
    using S = SessionState;
    Table t{};
    auto at = [&t](S s) -> Row & { return t[static_cast<size_t>(s)]; };

    at(S::Off) = operators_only(RefuseOff);

    /* ---- primary ---- */
    at(S::Exposed) = row({{FT_IN_GUEST_OFF, NoteGuestOff},
                          {FT_IN_ATTACH, BeginAttach},
                          {FT_IN_FAILOVER, RefuseNoSecondary},
                          {FT_IN_DETACH, RefuseNoSecondary}});
    /* Before the cut the secondary has nothing it could go live with, so a
     * failure needs no arbiter: the epoch's number is burned and that is all. */
    at(S::Connecting) = row({{FT_IN_CONNECTED, BeginTransfer},
                             {FT_IN_ATTACH_FAILED, AbandonAttach},
                             {FT_IN_CONNECTION_LOST, AbandonAttach},
                             {FT_IN_PEER_SILENT, AbandonAttach},
                             {FT_IN_PEER_GOODBYE, AbandonAttach},
                             {FT_IN_GUEST_OFF, AbandonAttach},
                             {FT_IN_ATTACH, RefuseAttachUnderWay},
                             {FT_IN_FAILOVER, RefuseAttachUnderWay},
                             {FT_IN_DETACH, RefuseAttachUnderWay}});
    at(S::Transferring) = row({{FT_IN_CUT_DONE, BeginHolding},
                               {FT_IN_PEER_READY, NoteEarlyReady},
                               {FT_IN_ATTACH_FAILED, AbandonAttach},
                               {FT_IN_CONNECTION_LOST, AbandonAttach},
                               {FT_IN_PEER_SILENT, AbandonAttach},
                               {FT_IN_PEER_GOODBYE, AbandonAttach},
                               {FT_IN_GUEST_OFF, AbandonAttach},
                               {FT_IN_ATTACH, RefuseAttachUnderWay},
                               {FT_IN_FAILOVER, RefuseAttachUnderWay},
                               {FT_IN_DETACH, RefuseAttachUnderWay}});
    /* From here on the secondary may go live, so every failure is decided. */
    at(S::ReadyBeforeCut) = row({{FT_IN_CUT_DONE, Protect},
                                 {FT_IN_ATTACH_FAILED, Decide},
                                 {FT_IN_CONNECTION_LOST, Decide},
                                 {FT_IN_PEER_SILENT, Decide},
                                 {FT_IN_PEER_GOODBYE, Decide},
                                 {FT_IN_GUEST_OFF, DecideAfterGuestOff},
                                 {FT_IN_ATTACH, RefuseAttachUnderWay},
                                 {FT_IN_FAILOVER, RefuseAttachUnderWay},
                                 {FT_IN_DETACH, RefuseAttachUnderWay}});
    at(S::AfterCut) = row({{FT_IN_PEER_READY, Protect},
                           {FT_IN_ATTACH_FAILED, Decide},
                           {FT_IN_CONNECTION_LOST, Decide},
                           {FT_IN_PEER_SILENT, Decide},
                           {FT_IN_PEER_GOODBYE, Decide},
                           {FT_IN_GUEST_OFF, DecideAfterGuestOff},
                           {FT_IN_ATTACH, RefuseAttachUnderWay},
                           {FT_IN_FAILOVER, RefuseAttachUnderWay},
                           {FT_IN_DETACH, RefuseAttachUnderWay}});
    at(S::Protected) = row({{FT_IN_CONNECTION_LOST, Decide},
                            {FT_IN_PEER_SILENT, Decide},
                            {FT_IN_PEER_GOODBYE, Decide},
                            {FT_IN_GUEST_OFF, DecideAfterGuestOff},
                            {FT_IN_PEER_STUCK, DropSecondary},
                            {FT_IN_ATTACH, RefuseAlreadyProtected},
                            {FT_IN_FAILOVER, BeginHandover},
                            {FT_IN_DETACH, DecideAfterDetach}});
    at(S::Deciding) = row({{FT_IN_ARBITER_WON, GoOnExposed},
                           {FT_IN_ARBITER_LOST, FenceSelf},
                           {FT_IN_ARBITER_UNREACHABLE, AskAgainLater},
                           {FT_IN_TIMER, AskAgain},
                           {FT_IN_ATTACH, RefuseDeciding},
                           {FT_IN_FAILOVER, RefuseDeciding},
                           {FT_IN_DETACH, RefuseDeciding}});
    at(S::Pausing) = row({{FT_IN_PAUSED_ACKED, SendHandover},
                          {FT_IN_CONNECTION_LOST, DecidePaused},
                          {FT_IN_PEER_SILENT, DecidePaused},
                          {FT_IN_PEER_GOODBYE, DecidePaused},
                          {FT_IN_PEER_STUCK, DecidePaused},
                          {FT_IN_ATTACH, RefuseAlreadyProtected},
                          {FT_IN_FAILOVER, RefuseHandoverUnderWay},
                          {FT_IN_DETACH, RefuseHandoverUnderWay}});
    at(S::HandoverSent) = row({{FT_IN_PEER_LIVE, YieldToPeer},
                               {FT_IN_CONNECTION_LOST, DecidePaused},
                               {FT_IN_PEER_SILENT, DecidePaused},
                               {FT_IN_PEER_GOODBYE, DecidePaused},
                               /* Nobody runs the guest while it hangs. */
                               {FT_IN_PEER_STUCK, DecidePaused},
                               {FT_IN_ATTACH, RefuseHandoverUnderWay},
                               {FT_IN_FAILOVER, RefuseHandoverUnderWay},
                               {FT_IN_DETACH, RefuseHandoverUnderWay}});
    at(S::DecidingPaused) = row({{FT_IN_ARBITER_WON, GoOnResumed},
                                 {FT_IN_ARBITER_LOST, FenceSelf},
                                 {FT_IN_ARBITER_UNREACHABLE, AskAgainLater},
                                 {FT_IN_TIMER, AskAgain},
                                 {FT_IN_ATTACH, RefuseDeciding},
                                 {FT_IN_FAILOVER, RefuseDeciding},
                                 {FT_IN_DETACH, RefuseDeciding}});

    /* ---- secondary ---- */
    at(S::Waiting) = row({{FT_IN_CONNECTED, BeginSync},
                          {FT_IN_ATTACH_FAILED, NoteRefusedHandshake},
                          {FT_IN_REFUSED, NoteRefusedHandshake},
                          {FT_IN_ATTACH, RefuseOnSecondary},
                          {FT_IN_FAILOVER, RefuseNotSynced},
                          {FT_IN_DETACH, RefuseOnSecondary}});
    at(S::Syncing) = row({{FT_IN_STATE_RECEIVED, NoteReceived},
                          {FT_IN_STATE_LOADED, Shadow},
                          {FT_IN_ATTACH_FAILED, FailLoad},
                          {FT_IN_CONNECTION_LOST, ForgetPeer},
                          {FT_IN_PEER_SILENT, ForgetPeer},
                          {FT_IN_PEER_GOODBYE, ForgetPeer},
                          {FT_IN_DIVERGED, FailDiverged},
                          {FT_IN_ATTACH, RefuseOnSecondary},
                          {FT_IN_FAILOVER, RefuseNotSynced},
                          {FT_IN_DETACH, RefuseOnSecondary}});
    /* DEVICES are sent in the cut, so from here on the primary decides every
     * failure at the arbiter and this node may claim too, once it has loaded.
     * A goodbye ends the attach as in Syncing: the next one replaces it all. */
    at(S::Loading) = row({{FT_IN_STATE_LOADED, Shadow},
                          {FT_IN_ATTACH_FAILED, FailLoad},
                          {FT_IN_CONNECTION_LOST, LoadOnAfterLoss},
                          {FT_IN_PEER_SILENT, LoadOnAfterSilence},
                          {FT_IN_PEER_GOODBYE, ForgetPeer},
                          {FT_IN_DIVERGED, FailDiverged},
                          {FT_IN_ATTACH, RefuseOnSecondary},
                          {FT_IN_FAILOVER, RefuseNotSynced},
                          {FT_IN_DETACH, RefuseOnSecondary}});
    /* The first loss counts. A goodbye that comes behind it still does: the
     * primary said it before it closed. */
    at(S::LoadingAlone) = row({{FT_IN_STATE_LOADED, TakeOverLoaded},
                               {FT_IN_ATTACH_FAILED, FailLoad},
                               {FT_IN_PEER_GOODBYE, ForgetPeer},
                               {FT_IN_DIVERGED, FailDiverged},
                               {FT_IN_ATTACH, RefuseOnSecondary},
                               {FT_IN_FAILOVER, RefuseNotSynced},
                               {FT_IN_DETACH, RefuseOnSecondary}});
    /* A goodbye is an orderly end of the pair, never a reason to go live. */
    at(S::Shadowing) = row({{FT_IN_CONNECTION_LOST, TakeOverAfterLoss},
                            {FT_IN_PEER_SILENT, TakeOverAfterSilence},
                            {FT_IN_PEER_GOODBYE, EndWithPeer},
                            {FT_IN_GUEST_OFF, EndWithGuest},
                            {FT_IN_DIVERGED, FailDiverged},
                            {FT_IN_HANDOVER, TakeOverAsAsked},
                            {FT_IN_ATTACH, RefuseOnSecondary},
                            {FT_IN_FAILOVER, TakeOverByOperator},
                            {FT_IN_DETACH, RefuseOnSecondary}});
    at(S::TakingOver) = row({{FT_IN_ARBITER_WON, Drain},
                             {FT_IN_ARBITER_LOST, FenceSelf},
                             {FT_IN_ARBITER_UNREACHABLE, AskAgainLater},
                             {FT_IN_TIMER, AskAgain},
                             {FT_IN_DIVERGED, FailDiverged},
                             {FT_IN_ATTACH, RefuseGoingLive},
                             {FT_IN_FAILOVER, RefuseGoingLive},
                             {FT_IN_DETACH, RefuseGoingLive}});
    at(S::Draining) = row({{FT_IN_DRAINED, FinishDrain},
                           {FT_IN_DIVERGED, FailDivergedAfterWin},
                           {FT_IN_ATTACH_FAILED, FailGoingLive},
                           {FT_IN_ATTACH, RefuseGoingLive},
                           {FT_IN_FAILOVER, RefuseGoingLive},
                           {FT_IN_DETACH, RefuseGoingLive}});
    at(S::LeaseWait) = row({{FT_IN_TIMER, EndLeaseWait},
                            {FT_IN_DIVERGED, FailDivergedAfterWin},
                            {FT_IN_ATTACH_FAILED, FailGoingLive},
                            {FT_IN_ATTACH, RefuseGoingLive},
                            {FT_IN_FAILOVER, RefuseGoingLive},
                            {FT_IN_DETACH, RefuseGoingLive}});
    at(S::GoingLive) = row({{FT_IN_LIVE_DONE, BecomePrimary},
                            {FT_IN_DIVERGED, FailDivergedAfterWin},
                            {FT_IN_ATTACH_FAILED, FailGoingLive},
                            {FT_IN_ATTACH, RefuseGoingLive},
                            {FT_IN_FAILOVER, RefuseGoingLive},
                            {FT_IN_DETACH, RefuseGoingLive}});
    /* A handover goes on when the connection is lost: the primary is paused and the
     * arbiter decides; only the message LIVE can no longer be delivered. */
    at(S::HandoverTakingOver) = row({{FT_IN_ARBITER_WON, Drain},
                                     {FT_IN_ARBITER_LOST, FenceSelf},
                                     {FT_IN_ARBITER_UNREACHABLE, AskAgainLater},
                                     {FT_IN_TIMER, AskAgain},
                                     {FT_IN_CONNECTION_LOST, ForgetConnection},
                                     {FT_IN_PEER_SILENT, ForgetConnection},
                                     {FT_IN_PEER_GOODBYE, EndWithPeer},
                                     {FT_IN_DIVERGED, FailDiverged},
                                     {FT_IN_ATTACH, RefuseGoingLive},
                                     {FT_IN_FAILOVER, RefuseGoingLive},
                                     {FT_IN_DETACH, RefuseGoingLive}});
    at(S::HandoverDraining) = row({{FT_IN_DRAINED, FinishDrain},
                                   {FT_IN_CONNECTION_LOST, ForgetConnection},
                                   {FT_IN_PEER_SILENT, ForgetConnection},
                                   {FT_IN_PEER_GOODBYE, EndWithPeer},
                                   {FT_IN_DIVERGED, FailDivergedAfterWin},
                                   {FT_IN_ATTACH_FAILED, FailGoingLive},
                                   {FT_IN_ATTACH, RefuseGoingLive},
                                   {FT_IN_FAILOVER, RefuseGoingLive},
                                   {FT_IN_DETACH, RefuseGoingLive}});
    at(S::HandoverGoingLive) = row({{FT_IN_LIVE_DONE, BecomePrimary},
                                    {FT_IN_CONNECTION_LOST, ForgetConnection},
                                    {FT_IN_PEER_SILENT, ForgetConnection},
                                    {FT_IN_DIVERGED, FailDivergedAfterWin},
                                    {FT_IN_ATTACH_FAILED, FailGoingLive},
                                    {FT_IN_ATTACH, RefuseGoingLive},
                                    {FT_IN_FAILOVER, RefuseGoingLive},
                                    {FT_IN_DETACH, RefuseGoingLive}});

    /* ---- the end ---- */
    at(S::Fenced) = operators_only(RefuseFenced);
    at(S::Failed) = operators_only(RefuseFailed);
    return t;
}

constexpr Table table = make_table();

constexpr bool has_no_hole(const Table &t) {
    for (const Row &r : t) {
        for (Rule rule : r) {
            if (rule == Rule::Unwritten) {
                return false;
            }
        }
    }
    return true;
}
static_assert(has_no_hole(table), "a state leaves an operator's input without an answer");

} // namespace

Rule session_rule(SessionState state, FtInputKind input) noexcept {
    if (state >= SessionState::Count || input < 0 || input >= FT_IN__COUNT) {
        return Rule::Ignore;
    }
    return table[static_cast<size_t>(state)][input];
}

bool session_is_operators(FtInputKind input) noexcept {
    return is_operators(input);
}

} // namespace ft
