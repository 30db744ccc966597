/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/node.hpp"

#include <algorithm>
#include <utility>

#include "accel/ft/assert.hpp"
#include "tests/sim/text.hpp"
#include "tests/sim/world.hpp"

namespace ft::sim {

Node::Node(World &world, unsigned id, FtRole role, uint64_t epoch0, Random random)
    : world_(world), id_(id), random_(random),
      clock_offset_ns_(sim::s + random_.below(world.scenario.clock_offset_max_ns)),
      clock_fast_ppm_(random_.below(100)),
      session_(ftc_session_new(role, epoch0, world.scenario.timeout_ns)),
      lease_(ftc_lease_new(world.scenario.timeout_ns)),
      hold_(ftc_hold_new(1 << 20, world.scenario.workload->hold_packets)),
      watchdog_(ftc_watchdog_new(world.scenario.still_limit_ns)) {
    if (role == FT_ROLE_PRIMARY) {
        guest_ = std::make_unique<Guest>(world.scenario.workload->output_one_in);
        vm_ = Vm::Running;
        gate_.set(FT_OUTPUT_PASS);
    }
}

void Node::start() {
    tick();
    look_around();
    schedule_turn();
}

/* No two clocks show the same, nor do they run equally fast. */
uint64_t Node::now() const {
    const uint64_t t = world_.time.now();
    return clock_offset_ns_ + t + t / 1'000'000 * clock_fast_ppm_;
}

/* The rights a node has at this instant, whatever it is doing with them. */
bool Node::has_right_to_output() const {
    if (!alive_ || role() != FT_ROLE_PRIMARY) {
        return false;
    }
    return gate_.limit(lease(), acked_seq_, now()).has_value();
}

uint64_t Node::digest() const {
    return mix(mix(id_, static_cast<uint64_t>(state())), guest_ ? guest_->state() : 0);
}

/* ------------------------------------------------ stopping and continuing -- */

void Node::later(uint64_t delay_ns, Work work, By who) {
    world_.time.after(delay_ns, [this, who, work = std::move(work)]() mutable {
        run_or_defer(std::move(work), who);
    });
}

void Node::run_or_defer(Work work, By who) {
    if (!alive_) {
        return;
    }
    if (stopped_) {
        (who == By::Message ? deferred_messages_ : deferred_self_)
            .emplace_back(who, std::move(work));
        return;
    }
    if (who == By::MainLoop && hangs(FT_PART_MAIN_LOOP)) {
        return void(deferred_hung_[FT_PART_MAIN_LOOP].emplace_back(who, std::move(work)));
    }
    if (who == By::Vcpu && hangs(FT_PART_VCPU)) {
        return void(deferred_hung_[FT_PART_VCPU].emplace_back(who, std::move(work)));
    }
    work();
}

void Node::stop() {
    stopped_ = true;
}

/* What waited in sockets and timers all comes at once. Which of the two the
 * main loop looks at first is chance, and both have to be safe. */
void Node::go_on() {
    if (!alive_ || !stopped_) {
        return;
    }
    stopped_ = false;
    disturbed_ns_ = world_.time.now();
    note_continued();
    auto *first = &deferred_self_, *second = &deferred_messages_;
    if (random_.percent(50)) {
        std::swap(first, second);
    }
    for (auto *queue : {first, second}) {
        while (!queue->empty() && alive_) {
            auto [who, work] = std::move(queue->front());
            queue->pop_front();
            run_or_defer(std::move(work), who);
        }
    }
}

/* The hardest moment for a primary: it was stopped while it was protected, the secondary
 * went live, and now it continues and still holds acknowledged output. */
void Node::note_continued() {
    FtHoldStats held{};

    if (role() != FT_ROLE_PRIMARY || gate_.mode() != FT_OUTPUT_ACKED) {
        return;
    }
    ftc_hold_stats(hold_.get(), &held);
    if (held.held_packets) {
        reached(Rare::StoppedWithOutput);
    }
    if (world_.node(peer_).role() == FT_ROLE_PRIMARY) {
        reached(Rare::StoppedThroughFailover);
    }
}

void Node::kill(bool host_too) {
    if (!alive_) {
        return;
    }
    if (state() == FT_STATE_GOING_LIVE && world_.arbiter.owner(epoch()) == id_) {
        reached(Rare::ClaimThenDead);
    }
    alive_ = false;
    crashed_ = host_too;
    if (host_too) {
        world_.net.vanish(id_);
    } else if (link_) {
        world_.net.close(link_, Channel::Log, id_);
        world_.net.close(link_, Channel::Heartbeat, id_);
        world_.net.close(link_, Channel::Witness, id_);
    }
    world_.say(this, host_too ? "host crashes" : "killed");
}

/* ------------------------------------------------------ inputs and actions -- */

bool Node::input(FtInputKind kind, uint64_t value, const std::string &text) {
    if (hangs(FT_PART_MAIN_LOOP)) {
        /* An input of a connection that has been closed by then is dropped. */
        run_or_defer(
            [this, kind, value, text, link = link_] {
                if (link == link_) {
                    input(kind, value, text);
                }
            },
            By::MainLoop);
        return true;
    }
    if (kind == FT_IN_PEER_GOODBYE) {
        note_goodbye();
    }
    FtAction actions[FT_ACTIONS_MAX];
    size_t n = 0;
    FtError err{};
    const FtState before = state();
    const FtInput in{kind, value, text.empty() ? nullptr : text.c_str()};

    if (!ftc_session_step(session_.get(), &in, now(), actions, &n, &err)) {
        world_.say(this, compose("refuses {}: {}", static_cast<int>(kind), err.text));
        return false;
    }
    if (kind == FT_IN_CONNECTION_LOST || kind == FT_IN_PEER_SILENT) {
        loss_kind_ = kind;
        note_loss_while_loading();
    }
    check_keeps_guest();
    if (before == FT_STATE_SYNCING && role() == FT_ROLE_PRIMARY && state() != before) {
        state() == FT_STATE_EXPOSED      ? reached(Rare::AttachAbandonedBeforeCut)
        : state() == FT_STATE_GOING_LIVE ? reached(Rare::AttachFailedAfterCut)
                                         : void();
    }
    if (world_.traces() && n) {
        world_.say(this, compose("input {} '{}' -> {} ({})", static_cast<int>(kind), text,
                                 ftc_state_name(state()), reason()));
    }
    /* The actions' texts live until the next step, so all actions are performed before
     * the next step: an input that an action brings about is given later. */
    for (size_t i = 0; i < n; i++) {
        perform(actions[i]);
    }
    return true;
}

bool Node::ask(FtInputKind operators_input) {
    if (operators_input == FT_IN_FAILOVER && role() == FT_ROLE_SECONDARY &&
        state() == FT_STATE_PROTECTED) {
        reached(Rare::FailoverForced);
    }
    if (operators_input == FT_IN_DETACH && state() == FT_STATE_PROTECTED) {
        reached(Rare::DetachDone);
    }
    return input(operators_input);
}

void Node::perform(const FtAction &a) {
    switch (a.kind) {
    case FT_ACT_CONNECT:
        return connect();
    case FT_ACT_TRANSFER:
        return transfer();
    case FT_ACT_CLAIM:
        return claim(a.value);
    case FT_ACT_SET_TIMER:
        return set_timer(a.value);
    case FT_ACT_RELEASE_ACKED:
        gate_.set(FT_OUTPUT_ACKED);
        if (world_.is_broken(Break::LeaseFromReady)) {
            ftc_lease_start(lease_.get(), now());
        }
        world_.moment(Moment::ReadyReceived);
        return release();
    case FT_ACT_RELEASE_ALL:
        return go_free();
    case FT_ACT_DESTROY_OUTPUT: {
        FtHoldStats held{};
        ftc_hold_stats(hold_.get(), &held);
        if (held.held_packets) {
            reached(Rare::Destroyed);
        }
        gate_.set(FT_OUTPUT_CLOSED);
        return ftc_hold_destroy_all(hold_.get());
    }
    case FT_ACT_STOP_VM:
        vm_ = Vm::Stopped;
        draining_ = false;
        return;
    case FT_ACT_DRAIN:
        return begin_drain();
    case FT_ACT_GO_LIVE:
        return go_live();
    case FT_ACT_CLOSE:
        return close_connections(a.text);
    case FT_ACT_PAUSE_VM:
        return pause_vm();
    case FT_ACT_RESUME_VM:
        reached(Rare::HandoverResumed);
        pausing_ = false;
        vm_ = Vm::Running;
        return schedule_turn();
    case FT_ACT_SEND_HANDOVER:
        gate_.set(FT_OUTPUT_KEEP); /* nothing is left, and nothing may follow */
        tell(FT_MSG_HANDOVER);
        return world_.moment(Moment::HandoverSent);
    case FT_ACT_SEND_LIVE:
        return tell(FT_MSG_LIVE);
    case FT_ACT_SEND_READY:
        return tell(FT_MSG_READY);
    case FT_ACT_STATE_CHANGED:
        disturbed_ns_ = world_.time.now();
        world_.fold(digest());
        return;
    }
}

/* A thread of its own asks the arbiter; the answer may be lost on its way back. */
void Node::claim(uint64_t epoch) {
    const bool primary = role() == FT_ROLE_PRIMARY;

    world_.moment(Moment::ClaimSent);
    later(
        random_.between(100 * us, 8 * ms),
        [this, epoch,
         primary] { /* a thread of its own */
                    FtClaim c = world_.arbiter.claim(id_, epoch);
                    world_.moment(Moment::ClaimDecided);
                    if (c == FT_CLAIM_WON && world_.faults_on() && random_.percent(5)) {
                        reached(Rare::ClaimAnswerLost);
                        c = FT_CLAIM_UNREACHABLE;
                    }
                    if (c == FT_CLAIM_UNREACHABLE) {
                        reached(primary ? Rare::ClaimPrimaryUnreachable
                                        : Rare::ClaimSecondaryUnreachable);
                    } else if (c == FT_CLAIM_LOST) {
                        reached(primary ? Rare::ClaimPrimaryLost
                                        : Rare::ClaimSecondaryLost);
                    }
                    later(random_.between(50 * us, 8 * ms), [this, epoch, c] {
                        const FtInputKind kind = c == FT_CLAIM_WON ? FT_IN_ARBITER_WON
                                                 : c == FT_CLAIM_LOST
                                                     ? FT_IN_ARBITER_LOST
                                                     : FT_IN_ARBITER_UNREACHABLE;
                        if (c == FT_CLAIM_WON) {
                            world_.moment(Moment::Won);
                        }
                        input(kind, epoch, c == FT_CLAIM_UNREACHABLE ? "away" : "");
                    });
        },
        By::Others);
}

void Node::set_timer(uint64_t due_ns) {
    const uint64_t generation = ++timer_generation_;
    const uint64_t t = now();

    later(due_ns > t ? due_ns - t : 0, [this, generation] {
        if (generation == timer_generation_) {
            input(FT_IN_TIMER);
        }
    });
}

void Node::quit() {
    if (answers()) {
        close_connections("quit");
    }
    kill(false);
}

void Node::diverge() {
    if (guest_ && vm_ == Vm::Replaying) {
        guest_->corrupt();
        tainted_ = true;
    }
}

} // namespace ft::sim
