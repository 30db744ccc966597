/*
 * The witness connection: its end, without a goodbye, tells the secondary that the
 * primary's process has died, before anything else does. The secondary may serve it
 * late or never, and the primary gives one up that nobody answers; none of that is a
 * death. What proves one is asked of the core, as the glue asks it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <utility>

#include "tests/sim/node.hpp"
#include "tests/sim/text.hpp"
#include "tests/sim/world.hpp"

namespace ft::sim {

/* ----------------------------------------------------------------- primary -- */

/* A thread of its own connects, and waits a bounded time for the answer. */
void Node::offer_witness() {
    witness_ = Witness{};
    tell(FT_MSG_HELLO, Channel::Witness);
    world_.moment(Moment::WitnessOffered);
    later(
        2 * world_.scenario.timeout_ns,
        [this, link = link_] {
            if (link && link == link_ && !witness_.served) {
                reached(Rare::WitnessClosedEarly);
                world_.net.close(link, Channel::Witness, id_);
            }
        },
        By::Others);
}

void Node::say_alive() {
    say_to_witness(FT_WITNESS_ALIVE);
    later(
        random_.between(10 * ms, 100 * ms),
        [this, link = link_] {
            if (link && link == link_) {
                say_alive();
            }
        },
        By::Others);
}

void Node::say_to_witness(FtWitnessWord word) {
    Message m;
    m.body = {static_cast<uint8_t>(word)};
    tell(FT_MSG_PING, Channel::Witness, std::move(m));
}

/* Closed on purpose by this node, which is alive. */
void Node::close_witness() {
    if (role() == FT_ROLE_PRIMARY && witness_.served) {
        say_to_witness(FT_WITNESS_CLOSES);
    }
    world_.net.close(link_, Channel::Witness, id_);
}

/* --------------------------------------------------------------- secondary -- */

/* Its thread is one of many of a host that may be busy. */
void Node::serve_witness_in_time() {
    const uint64_t timeout = world_.scenario.timeout_ns;
    uint64_t delay = random_.between(20 * us, 2 * ms);

    if (world_.faults_on() && random_.percent(5)) {
        return reached(Rare::WitnessNeverServed);
    }
    if (world_.faults_on() && random_.percent(20)) {
        reached(Rare::WitnessLate);
        delay = random_.between(timeout / 4, 4 * timeout);
    }
    later(
        delay,
        [this, link = link_] {
            if (link && link == link_) {
                witness_.served = true;
                tell(FT_MSG_HELLO, Channel::Witness);
                hear_witness();
            }
        },
        By::Others);
}

void Node::hear_witness() {
    while (!witness_.unread.empty()) {
        const Message m = std::move(witness_.unread.front());
        witness_.unread.pop_front();
        if (m.kind == Message::Kind::Data) {
            witness_.last = ftc_witness_hear(witness_.last, m.body.data(), m.body.size());
        } else if (m.kind == Message::Kind::End) {
            return witness_ended();
        } else {
            return;
        }
    }
}

void Node::witness_ended() {
    const bool silent_is_alive =
        world_.is_broken(Break::SilentWitness) && witness_.last == FT_WITNESS_SILENT;

    if (!silent_is_alive && !ftc_witness_proves_death(witness_.last)) {
        return;
    }
    if (world_.node(peer_).alive()) {
        throw Violation(compose("node {} takes node {} for dead, which lives", id_, peer_));
    }
    reached(Rare::WitnessTold);
    /* The rest of the log is read; then the connection is as good as closed. */
    later(
        random_.between(100 * us, 1 * ms),
        [this, link = link_] {
            if (link && link == link_) {
                peer_closed_both_ = true;
                loss_text_ = "the peer's process has died";
                report_loss();
            }
        },
        By::Others);
}

/* -------------------------------------------------------------------- both -- */

void Node::on_witness(Message m) {
    if (role() == FT_ROLE_PRIMARY) {
        if (m.kind == Message::Kind::Data && m.type == FT_MSG_HELLO) {
            witness_.served = true;
            say_alive();
        }
        return;
    }
    if (m.kind == Message::Kind::Data && m.type == FT_MSG_HELLO) {
        return serve_witness_in_time();
    }
    witness_.unread.push_back(std::move(m));
    if (witness_.served) {
        hear_witness();
    }
}

} // namespace ft::sim
