/*
 * A thread of a node stands still while the others go on: heartbeats are sent and
 * answered, packets that are acknowledged may leave. What follows from it is asked of
 * the core, as the glue asks it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <algorithm>
#include <utility>

#include "tests/sim/node.hpp"
#include "tests/sim/text.hpp"
#include "tests/sim/world.hpp"

namespace ft::sim {

void Node::hang(FtPart part) {
    if (!hangs(part)) {
        hung_since_ns_[part] = std::max<uint64_t>(1, world_.time.now());
    }
}

/* What waited is done in the order in which it came. */
void Node::end_hang(FtPart part) {
    if (!hangs(part)) {
        return;
    }
    hung_since_ns_[part] = 0;
    disturbed_ns_ = world_.time.now();
    if (role() == FT_ROLE_PRIMARY && gate_.mode() == FT_OUTPUT_ACKED &&
        world_.node(peer_).role() == FT_ROLE_PRIMARY) {
        reached(Rare::WatchdogContinued);
    }
    auto &queue = deferred_hung_[part];
    while (!queue.empty() && alive_ && !hangs(part)) {
        auto [who, work] = std::move(queue.front());
        queue.pop_front();
        run_or_defer(std::move(work), who);
    }
}

/* ------------------------------------------------------------ the watchdog -- */

bool Node::may_rest(FtPart part) const {
    return part == FT_PART_VCPU && vm_ != Vm::Running && vm_ != Vm::Replaying;
}

void Node::look_around() {
    later(
        world_.scenario.still_limit_ns / FT_LOOKS_PER_LIMIT, [this] { look_around(); },
        By::Others);
    for (const FtPart part : {FT_PART_MAIN_LOOP, FT_PART_VCPU}) {
        ftc_watchdog_look(watchdog_.get(), part, !hangs(part) || may_rest(part), now());
    }
    check_peer_is_not_mute();
}

uint64_t Node::still_ns() const {
    return std::max(ftc_watchdog_still_ns(watchdog_.get(), FT_PART_MAIN_LOOP),
                    ftc_watchdog_still_ns(watchdog_.get(), FT_PART_VCPU));
}

void Node::told_of_peer(uint64_t still_ns) {
    peer_still_ns_ = still_ns;
    if (ftc_watchdog_is_seen(still_ns, world_.scenario.still_limit_ns)) {
        peer_unwell_ns_ = now();
    }
}

uint64_t Node::peer_well_ns() const {
    return now() - peer_unwell_ns_;
}

bool Node::gives_way(uint64_t still_ns, uint64_t other_well_ns) const {
    const uint64_t limit = world_.scenario.still_limit_ns;

    if (still_ns >= limit && !ftc_watchdog_gives_up(still_ns, other_well_ns, limit)) {
        reached(Rare::WatchdogBoth);
    }
    return !world_.is_broken(Break::NoWatchdog) &&
           ftc_watchdog_gives_up(still_ns, other_well_ns, limit);
}

/* Primary: without heartbeats its lease ends, and the secondary calls it silent. */
bool Node::holds_its_beat() {
    if (!gives_way(still_ns(), peer_well_ns())) {
        return false;
    }
    reached(Rare::WatchdogHeldBeat);
    return true;
}

/* Primary: a secondary whose main loop stands still could not take over. */
void Node::watch_peer() {
    if (!stuck_told_ && state() != FT_STATE_SYNCING &&
        gives_way(peer_still_ns_, ftc_watchdog_well_ns(watchdog_.get(), now()))) {
        stuck_told_ = true;
        if (state() == FT_STATE_PROTECTED) {
            reached(Rare::WatchdogDropped);
        } else if (state() == FT_STATE_GOING_LIVE) {
            reached(Rare::WatchdogHandover);
        }
        input(FT_IN_PEER_STUCK, 0, "it stands still");
    }
}

/* No pair is "protected" for long while one of its nodes cannot do its part. */
void Node::check_peer_is_not_mute() const {
    const Node &peer = world_.node(peer_);
    const uint64_t patience =
        world_.scenario.still_limit_ns * 2 + 5 * world_.scenario.timeout_ns;
    uint64_t quiet_since = std::max(disturbed_ns_, peer.disturbed_ns_);

    if (state() != FT_STATE_PROTECTED || !answers() || hangs(FT_PART_VCPU) ||
        !peer.alive() || peer.stopped() || peer.link_ != link_) {
        return;
    }
    for (const FtPart part : {FT_PART_MAIN_LOOP, FT_PART_VCPU}) {
        const uint64_t since = peer.hung_since_ns_[part];
        if (since && !peer.may_rest(part) &&
            world_.time.now() > std::max(quiet_since, since) + patience) {
            throw Violation(compose(
                "node {} is protected, and the {} of node {} has not moved "
                "for {} ms",
                id_, ftc_part_name(part), peer.id_, (world_.time.now() - since) / ms));
        }
    }
}

} // namespace ft::sim
