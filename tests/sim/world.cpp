/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/world.hpp"

#include <cstdio>
#include <utility>

#include "tests/sim/text.hpp"

namespace ft::sim {

World::World(uint64_t seed, Break broken, bool trace)
    : random(seed), scenario(make_scenario(random)), net(time, random.fork(), *this),
      arbiter(broken == Break::NoArbiter), seed_(seed), broken_(broken), trace_(trace) {
}

Outcome World::run() {
    Outcome o;

    try {
        safety_phase();
        liveness_phase();
    } catch (const Violation &v) {
        o.violation = v.what();
        say(nullptr, std::string("VIOLATION: ") + v.what());
    }
    o.digest = mix(digest_, outside.seen());
    o.events = events_;
    return o;
}

void World::run_until(uint64_t end_ns) {
    while (time.run_one(end_ns)) {
        events_++;
        check();
    }
}

void World::check() const {
    const Node *holder = nullptr;

    for (const auto &n : nodes_) {
        if (!n->has_right_to_output()) {
            continue;
        }
        if (holder) {
            throw Violation(compose("nodes {} (epoch {}) and {} (epoch {}) both have the "
                                    "right to output",
                                    holder->id(), holder->epoch(), n->id(), n->epoch()));
        }
        holder = n.get();
    }
}

/* ------------------------------------------------------------ safety phase -- */

void World::safety_phase() {
    say(nullptr, compose("workload {}, timeout {} ms", scenario.workload->name,
                         scenario.timeout_ns / ms));
    Node &primary = add_node(FT_ROLE_PRIMARY, random.below(3));
    add_node(FT_ROLE_SECONDARY, 0);
    schedule_plans();
    time.after(random.between(1 * ms, 30 * ms), [this, &primary] { attach_anew(primary); });
    time.after(100 * ms, [this] { operate(); });
    run_until(scenario.safety_ns);
}

Node &World::add_node(FtRole role, uint64_t epoch0) {
    const auto id = static_cast<unsigned>(nodes_.size());

    nodes_.push_back(std::make_unique<Node>(*this, id, role, epoch0, random.fork()));
    nodes_.back()->start();
    return *nodes_.back();
}

/* The operator: an exposed primary gets a fresh secondary after a while. */
void World::operate() {
    if (!faults_on_) {
        return;
    }
    time.after(random.between(20 * ms, 150 * ms), [this] { operate(); });
    for (size_t i = 0; i < nodes_.size(); i++) {
        Node &n = *nodes_[i];
        if (n.answers() && n.state() == FT_STATE_EXPOSED && nodes_.size() < 7 &&
            random.percent(50)) {
            return attach_anew(n);
        }
    }
}

void World::attach_anew(Node &primary) {
    if (!primary.answers() || primary.state() != FT_STATE_EXPOSED) {
        return;
    }
    if (!waiting_secondary() && !(faults_on_ && random.percent(5))) {
        add_node(FT_ROLE_SECONDARY, 0);
    }
    primary.ask(FT_IN_ATTACH);
}

Node *World::waiting_secondary() {
    for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) {
        Node &n = **it;
        if (n.alive() && n.role() == FT_ROLE_SECONDARY &&
            (n.state() == FT_STATE_WAITING || (faults_on_ && random.percent(5)))) {
            return &n;
        }
    }
    return nullptr;
}

void World::deliver(unsigned to, uint64_t link, Channel channel, Message message) {
    node(to).receive(link, channel, std::move(message));
}

/* ---------------------------------------------------------- liveness phase -- */

void World::end_faults() {
    faults_on_ = false;
    net.heal();
    arbiter.heal();
    for (const auto &n : nodes_) {
        n->slow_down(1);
        n->go_on();
        n->end_hang(FT_PART_MAIN_LOOP);
        n->end_hang(FT_PART_VCPU);
    }
    say(nullptr, "faults end");
}

void World::liveness_phase() {
    const uint64_t deadline = time.now() + 15 * s;

    end_faults();
    /* A silence that began during the faults may still be reported. */
    run_until(time.now() + 3 * scenario.timeout_ns);
    do {
        run_until(time.now() + 50 * ms);
    } while (!is_at_rest() && time.now() < deadline);
    check_rest();
    check_can_be_protected_again();
}

bool World::is_at_rest() const {
    for (const auto &n : nodes_) {
        if (!n->alive()) {
            continue;
        }
        if (n->state() == FT_STATE_SYNCING || n->state() == FT_STATE_GOING_LIVE) {
            return false;
        }
        if (n->state() == FT_STATE_PROTECTED) {
            const Node &peer = *nodes_[n->peer()];
            if (!peer.alive() || peer.state() != FT_STATE_PROTECTED ||
                peer.link() != n->link()) {
                return false;
            }
        }
    }
    return true;
}

/* A node that is fenced at the end must have lost its epoch to another one. */
void World::check_rest() const {
    const Node *holder = nullptr;

    for (const auto &n : nodes_) {
        if (!n->alive()) {
            continue;
        }
        if (!is_at_rest()) {
            throw Violation(compose("node {} does not come to rest: {} ({})", n->id(),
                                    ftc_state_name(n->state()), n->reason()));
        }
        if (n->state() == FT_STATE_FENCED) {
            const auto owner = arbiter.owner(n->epoch());
            if (!owner || *owner == n->id()) {
                throw Violation(compose("node {} is fenced though nobody else won epoch {}",
                                        n->id(), n->epoch()));
            }
        }
        if (n->role() == FT_ROLE_PRIMARY && n->state() != FT_STATE_FENCED) {
            holder = n.get();
        }
    }
    if (holder || !outside.last_owner()) {
        return;
    }
    /* Nobody runs the guest. Whoever had it last must be dead, or have yielded
     * to a winner that is dead or has failed. */
    const Node *last = nodes_[*outside.last_owner()].get();
    if (last->alive() && last->state() == FT_STATE_FENCED) {
        last = nodes_[*arbiter.owner(last->epoch())].get();
    }
    if (last->alive() && last->state() != FT_STATE_FAILED) {
        throw Violation(compose("nobody runs the guest, yet node {} could ({})", last->id(),
                                ftc_state_name(last->state())));
    }
}

void World::check_can_be_protected_again() {
    Node *holder = nullptr;
    for (const auto &n : nodes_) {
        if (n->alive() && n->role() == FT_ROLE_PRIMARY && n->state() != FT_STATE_FENCED) {
            holder = n.get();
        }
    }
    if (!holder) {
        return;
    }
    check_serves(*holder);
    for (unsigned tries = 0; holder->state() != FT_STATE_PROTECTED; tries++) {
        if (tries == 40) {
            throw Violation(compose("node {} is not protected again: {} ({})", holder->id(),
                                    ftc_state_name(holder->state()), holder->reason()));
        }
        attach_anew(*holder);
        run_until(time.now() + 100 * ms);
    }
    check_serves(*holder);
}

void World::check_serves(const Node &holder) {
    const uint64_t seen = outside.seen();

    for (unsigned tries = 0; outside.seen() == seen; tries++) {
        if (tries == 20) {
            throw Violation(compose("node {} is {} but lets nothing out", holder.id(),
                                    ftc_state_name(holder.state())));
        }
        run_until(time.now() + 100 * ms);
    }
}

void World::say(const Node *who, const std::string &what) {
    if (!trace_) {
        return;
    }
    printf("%10.3f ms ", static_cast<double>(time.now()) / ms);
    who ? printf("node %u  %s\n", who->id(), what.c_str())
        : printf("        %s\n", what.c_str());
}

} // namespace ft::sim
