/*
 * How the planned faults are brought about. A fault that finds no victim is
 * spent; one that lasts is undone by an event of its own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tests/sim/text.hpp"
#include "tests/sim/world.hpp"

namespace ft::sim {

void World::schedule_plans() {
    for (const Plan &p : scenario.plans) {
        if (p.moment == Moment::Any) {
            time.after(p.at_ns, [this, &p] { strike(p); });
        }
    }
}

void World::moment(Moment m) {
    const uint64_t count = ++moments_[static_cast<size_t>(m)];

    for (const Plan &p : scenario.plans) {
        if (p.moment == m && p.nth == count) {
            time.after(p.delay_ns, [this, &p] { strike(p); });
        }
    }
}

Node *World::find(Victim victim) {
    const bool primary =
        victim == Victim::Primary || (victim == Victim::Either && random.percent(50));

    for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) {
        Node &n = **it;
        const bool in_use = n.state() != FT_STATE_FENCED && n.state() != FT_STATE_FAILED;
        if (n.alive() && in_use && (n.role() == FT_ROLE_PRIMARY) == primary) {
            return &n;
        }
    }
    return nullptr;
}

void World::strike(const Plan &plan) {
    Node *n = faults_on_ ? find(plan.nemesis->victim) : nullptr;

    if (n) {
        say(n, compose("struck by {}", plan.nemesis->name));
        hit(*n, plan);
    }
}

void World::hit(Node &n, const Plan &plan) {
    const unsigned id = n.id(), peer = n.peer();
    const uint64_t duration =
        random.between(plan.nemesis->ms_min, plan.nemesis->ms_max) * ms;
    auto block = [this, duration](unsigned from, Channel channel) {
        net.block(from, channel, true);
        time.after(duration, [this, from, channel] { net.block(from, channel, false); });
    };
    auto away = [this, duration](unsigned node) {
        arbiter.set_away(node, true);
        time.after(duration, [this, node] { arbiter.set_away(node, false); });
    };

    switch (plan.nemesis->fault) {
    case Fault::KillProcess:
        return n.kill(false);
    case Fault::CrashHost:
        return n.kill(true);
    case Fault::Stop:
        n.stop();
        return time.after(duration, [&n] { n.go_on(); });
    case Fault::HangMainLoop:
    case Fault::HangVcpu: {
        const FtPart part =
            plan.nemesis->fault == Fault::HangVcpu ? FT_PART_VCPU : FT_PART_MAIN_LOOP;
        n.hang(part);
        if (part == FT_PART_MAIN_LOOP && random.percent(50)) {
            n.hang(FT_PART_VCPU); /* it holds the big lock */
        }
        return time.after(duration, [&n] {
            n.end_hang(FT_PART_MAIN_LOOP);
            n.end_hang(FT_PART_VCPU);
        });
    }
    case Fault::BlockBoth:
        for (const Channel channel : {Channel::Log, Channel::Heartbeat, Channel::Witness}) {
            block(id, channel);
            block(peer, channel);
        }
        return;
    case Fault::BlockFrom:
        reached(Rare::PartitionAsymmetric);
        block(id, Channel::Log);
        block(id, Channel::Heartbeat);
        return block(id, Channel::Witness);
    case Fault::BlockWitness:
        block(id, Channel::Witness);
        return random.percent(50) ? block(peer, Channel::Witness) : void();
    case Fault::BlockHeartbeat:
        reached(Rare::HeartbeatOnly);
        block(id, Channel::Heartbeat);
        return random.percent(50) ? block(peer, Channel::Heartbeat) : void();
    case Fault::BlockLog:
        block(id, Channel::Log);
        return random.percent(50) ? block(peer, Channel::Log) : void();
    case Fault::BreakOneEnd:
        return n.link() ? net.break_one_end(n.link(), Channel::Log, id) : void();
    case Fault::BreakLink:
        if (n.link()) {
            const uint64_t link = n.link();
            net.break_one_end(link, Channel::Log, id);
            net.break_one_end(link, Channel::Log, peer);
            net.break_one_end(link, Channel::Heartbeat, id);
            net.break_one_end(link, Channel::Heartbeat, peer);
            net.break_one_end(link, Channel::Witness, id);
            net.break_one_end(link, Channel::Witness, peer);
        }
        return;
    case Fault::ArbiterAwayAll:
        for (unsigned i = 0; i < nodes_.size(); i++) {
            away(i);
        }
        return;
    case Fault::ArbiterAway:
        return away(id);
    case Fault::Diverge:
        return n.diverge();
    case Fault::SlowDown:
        n.slow_down(random.between(3, 30));
        return time.after(duration, [&n] { n.slow_down(1); });
    case Fault::Failover:
    case Fault::FailoverHere:
    case Fault::Detach:
        if (n.answers()) {
            n.ask(plan.nemesis->fault == Fault::Detach ? FT_IN_DETACH : FT_IN_FAILOVER);
        }
        return;
    case Fault::Quit:
        return n.quit();
    }
}

} // namespace ft::sim
