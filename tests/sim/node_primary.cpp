/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <algorithm>
#include <cstring>
#include <utility>

#include "tests/sim/node.hpp"
#include "tests/sim/text.hpp"
#include "tests/sim/world.hpp"

namespace ft::sim {

/* ------------------------------------------------------------------ attach -- */

/* The lease begins with the connections, never with READY: a READY that was
 * long under way would lengthen it past the secondary's patience. */
void Node::connect() {
    Node *peer = world_.waiting_secondary();

    if (!peer) {
        later(200 * us, [this] { input(FT_IN_ATTACH_FAILED, 0, "connection refused"); });
        return;
    }
    peer_ = peer->id();
    link_ = world_.net.connect(id_, peer_);
    heard_ns_ = pong_sent_ns_ = now();
    if (!world_.is_broken(Break::LeaseFromReady)) {
        ftc_lease_start(lease_.get(), now());
    }
    Message hello;
    hello.sender = id_;
    tell(FT_MSG_HELLO, Channel::Log, std::move(hello));
    if (took_over_) {
        reached(Rare::AttachAgain);
    }
}

void Node::transfer() {
    send_state(static_cast<unsigned>(random_.between(1, 4)));
}

void Node::send_state(unsigned pieces_left) {
    later(random_.between(1 * ms, 25 * ms), [this, pieces_left, link = link_] {
        if (!link_ || link != link_) {
            return;
        }
        if (world_.faults_on() && random_.percent(2)) {
            return void(input(FT_IN_ATTACH_FAILED, 0, "a device cannot be saved"));
        }
        if (pieces_left) {
            tell(FT_MSG_STATE);
            return send_state(pieces_left - 1);
        }
        cut();
    });
}

void Node::cut() {
    ran_before_cut_ = vm_ == Vm::Running;
    vm_ = Vm::Paused;
    in_cut_ = true;
    gate_.set(FT_OUTPUT_KEEP);
    writer_.reset(ftc_log_writer_new(world_.scenario.workload->ring_bytes));
    acked_seq_ = last_frame_ = 0;
    overflow_told_ = false;
    frame_digests_ = std::make_shared<std::vector<uint64_t>>();

    Message m;
    m.guest = std::make_shared<const Guest>(*guest_);
    m.frame_digests = frame_digests_;
    tell(FT_MSG_DEVICES, Channel::Log, std::move(m));
    world_.moment(Moment::DevicesSent);
    later(random_.between(100 * us, 20 * ms), [this] { end_cut(); });
}

void Node::end_cut() {
    in_cut_ = false;
    if (ran_before_cut_) {
        vm_ = Vm::Running;
    }
    input(FT_IN_CUT_DONE);
    schedule_turn();
    world_.moment(Moment::CutDone);
    if (loss_due_ && link_) {
        report_loss();
    }
}

/* ---------------------------------------------------------------- the guest -- */

void Node::schedule_turn() {
    if (turn_due_ || vm_ != Vm::Running) {
        return;
    }
    turn_due_ = true;
    const uint64_t mean = world_.scenario.workload->turn_ns;
    later(
        random_.between(mean / 4, 2 * mean),
        [this] {
            turn_due_ = false;
            turn();
        },
        By::Vcpu);
}

/* One turn of the vCPU is one frame. CHECKPOINT closes it, so that the other
 * side knows where to compare digests. */
void Node::turn() {
    if (vm_ != Vm::Running) {
        return;
    }
    schedule_turn();
    const Workload &load = *world_.scenario.workload;
    FtLogWriter *w = writer_.get();
    if (w && ftc_log_writer_used(w) > load.ring_bytes * 3 / 4 && random_.percent(90)) {
        return; /* slowed down, as the lag control does */
    }
    const uint64_t inputs = random_.between(1, load.inputs_max);
    if (w) {
        ftc_log_put_event(w, FT_EV_INSTRUCTION);
        ftc_log_put_int(w, random_.between(1, 100000));
    }
    for (uint64_t i = 0; i < inputs; i++) {
        const uint64_t value = random_.next();
        const bool packet = random_.percent(60);
        if (w && packet) {
            std::vector<uint8_t> data(std::max<uint64_t>(8, random_.below(load.bytes_max)));
            memcpy(data.data(), &value, 8);
            ftc_log_put_event(w, FT_EV_NET);
            ftc_log_put_int(w, 0);
            ftc_log_put_int(w, 0);
            ftc_log_put_bytes(w, data.data(), data.size());
        } else if (w) {
            ftc_log_put_event(w, FT_EV_CLOCK_HOST);
            ftc_log_put_int(w, value);
        }
        if (auto o = guest_->consume(packet ? FT_EV_NET : FT_EV_CLOCK_HOST, value)) {
            note_output(*o);
        }
    }
    if (!w) {
        return;
    }
    ftc_log_put_event(w, FT_EV_CHECKPOINT);
    if (ftc_log_commit(w)) {
        last_frame_++;
        frame_digests_->push_back(guest_->state());
    }
    if (ftc_log_overflowed(w) && !overflow_told_ && !in_cut_) {
        overflow_told_ = true;
        reached(Rare::LogOverflow);
        later(0, [this, link = link_] {
            if (link && link == link_) {
                input(FT_IN_CONNECTION_LOST, 0, "log ring full");
            }
        });
    }
    pump();
}

void Node::note_output(Output o) {
    if (gate_.mode() == FT_OUTPUT_PASS) {
        return emit(o);
    }
    if (writer_) {
        ftc_log_put_event(writer_.get(), FT_EV_OUTPUT);
        ftc_log_put_int(writer_.get(), 0);
        ftc_log_put_int(writer_.get(), sizeof(o));
        ftc_log_put_int(writer_.get(), o.value);
    }
    const FtPacket p{0, 0, reinterpret_cast<const uint8_t *>(&o), sizeof(o),
                     writer_ ? ftc_log_open_seq(writer_.get()) : 0};
    if (!ftc_hold_push(hold_.get(), &p, now())) {
        reached(Rare::HoldFull);
        dropped_.insert(o.index);
    }
    world_.moment(Moment::OutputHeld);
}

/* The sender thread: takes whole frames and sends them. */
void Node::pump() {
    if (pump_due_ || !writer_ || !link_ || ftc_log_writer_used(writer_.get()) == 0) {
        return;
    }
    pump_due_ = true;
    later(
        random_.percent(5) ? random_.between(1 * ms, 10 * ms)
                           : random_.between(5 * us, 100 * us),
        [this] {
            pump_due_ = false;
            if (!writer_ || !link_) {
                return;
            }
            Message m;
            const uint8_t *frames = nullptr;
            /* What the other end takes: see ftc_log_feed. */
            const size_t body_max = world_.scenario.workload->ring_bytes / 4;
            size_t len = ftc_log_take(writer_.get(), body_max, &frames, &m.first, &m.last);
            if (!len) {
                return;
            }
            m.body.assign(frames, frames + len);
            ftc_log_take_done(writer_.get());
            tell(FT_MSG_LOG, Channel::Log, std::move(m));
            world_.moment(Moment::FramesTaken);
            pump();
        },
        By::Others);
}

/* ------------------------------------------------------------------- output -- */

void Node::on_ack(uint64_t received) {
    acked_seq_ = std::max(acked_seq_, received);
    world_.moment(Moment::AckReceived);
    release();
}

/* What the gate says, or what a gate that is wrong on purpose would say. */
std::optional<uint64_t> Node::may_leave() const {
    if (world_.is_broken(Break::ReleaseBeforeAck)) {
        return UINT64_MAX;
    }
    if (world_.is_broken(Break::NoLease)) {
        return acked_seq_;
    }
    return gate_.limit(lease(), acked_seq_, now());
}

/* Asks the gate before every single output: the node may have been stopped between
 * the ack and now. */
void Node::release() {
    if (gate_.mode() != FT_OUTPUT_ACKED) {
        return;
    }
    FtHoldStats held{};
    ftc_hold_stats(hold_.get(), &held);
    FtPacket p;
    while (held.held_packets--) {
        const std::optional<uint64_t> up_to = may_leave();
        if (!up_to) {
            reached(Rare::LeaseHeldBack);
            break;
        }
        if (!ftc_hold_pop(hold_.get(), *up_to, now(), &p)) {
            break;
        }
        if (p.seq > world_.node(peer_).received_seq()) {
            throw Violation(
                compose("node {} released output of frame {}, its peer received "
                        "only {}",
                        id_, p.seq, world_.node(peer_).received_seq()));
        }
        let_go(p);
    }
    report_paused();
}

void Node::let_go(const FtPacket &p) {
    Output o;

    memcpy(&o, p.data, sizeof(o));
    emit(o);
}

void Node::emit(Output o) {
    if (!has_right_to_output()) {
        throw Violation(
            compose("node {} released output {} without the right to", id_, o.index));
    }
    world_.check();
    world_.outside.sees(id_, o, o.index && dropped_.contains(o.index - 1));
}

/* Exposed. The log of the old pair is of no use to anyone any more. */
void Node::go_free() {
    world_.outside.owns(id_, epoch());
    world_.outside.survives(id_, *guest_);
    gate_.set(FT_OUTPUT_PASS);
    FtPacket p;
    while (ftc_hold_pop(hold_.get(), UINT64_MAX, now(), &p)) {
        let_go(p);
    }
    writer_.reset();
    pausing_ = false;
    if (vm_ == Vm::Replaying) {
        vm_ = Vm::Running;
    }
    schedule_turn();
}

/* ----------------------------------------------------------- planned failover -- */

void Node::pause_vm() {
    vm_ = Vm::Paused;
    pausing_ = true;
    world_.moment(Moment::PauseBegun);
    pump();
    later(0, [this] { report_paused(); });
}

void Node::report_paused() {
    FtHoldStats held{};

    ftc_hold_stats(hold_.get(), &held);
    if (pausing_ && gate_.mode() == FT_OUTPUT_ACKED && acked_seq_ == last_frame_ &&
        !held.held_packets) {
        pausing_ = false;
        later(0, [this] { input(FT_IN_PAUSED_ACKED); });
    }
}

} // namespace ft::sim
