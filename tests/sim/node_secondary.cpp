/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <cstring>
#include <utility>

#include "tests/sim/node.hpp"
#include "tests/sim/text.hpp"
#include "tests/sim/world.hpp"

namespace ft::sim {

/* ------------------------------------------------------------------ attach -- */

void Node::accept(uint64_t link, const Message &hello) {
    if (state() != FT_STATE_WAITING) {
        Message no;
        no.text = std::string("this secondary is ") + ftc_state_name(state());
        no.type = FT_MSG_REFUSE;
        world_.net.send(link, Channel::Log, id_, std::move(no));
        world_.net.close(link, Channel::Log, id_);
        world_.net.close(link, Channel::Heartbeat, id_);
        world_.net.close(link, Channel::Witness, id_);
        return;
    }
    link_ = link;
    heard_ns_ = beat_heard_ns_ = now();
    ping_heard_ns_ = 0;
    ftc_session_set_epoch(session_.get(), hello.epoch);
    reader_.reset(ftc_log_reader_new(world_.scenario.workload->ring_bytes));
    unread_.clear();
    frames_done_ = 0;
    peer_ = hello.sender;
    asked_to_take_over_ = false;
    has_whole_state_ = loads_alone_ = pair_ended_ = false;
    tell(FT_MSG_HELLO);
    input(FT_IN_CONNECTED);
}

void Node::load(const Message &devices) {
    world_.moment(Moment::Loading);
    run_or_defer(
        [this, link = link_] {
            if (link != link_) {
                return; /* given up meanwhile */
            }
            has_whole_state_ = true;
            if (!world_.is_broken(Break::NoStateReceived)) {
                input(FT_IN_STATE_RECEIVED);
            }
        },
        By::MainLoop);
    /* Only the session ends a load, by its action CLOSE. A connection that is lost
     * meanwhile is an input of the session and does not stop the load. */
    later(random_.between(100 * us, 12 * ms), [this, link = link_, guest = devices.guest,
                                               digests = devices.frame_digests] {
        if (!link_ || link != link_ || state() != FT_STATE_SYNCING) {
            return;
        }
        if (world_.faults_on() && random_.percent(loads_alone_ ? 15 : 2)) {
            reached(loads_alone_ ? Rare::AttachLoadErrorAlone : Rare::AttachLoadError);
            return void(input(FT_IN_ATTACH_FAILED, 0, "a device cannot be loaded"));
        }
        guest_ = std::make_unique<Guest>(*guest);
        source_digests_ = digests;
        vm_ = Vm::Replaying;
        input(FT_IN_STATE_LOADED);
        schedule_replay();
        world_.moment(Moment::StateLoaded);
    });
}

/* -------------------------------------------------------------------- log in -- */

void Node::feed(Message m) {
    FtError err{};

    if (unread_.empty()) {
        const int r = ftc_log_feed(reader_.get(), m.body.data(), m.body.size(), m.first,
                                   m.last, &err);
        if (r < 0) {
            throw Violation(compose("node {}: log refused: {}", id_, err.text));
        }
        if (r > 0) {
            world_.moment(Moment::FramesReceived);
            schedule_replay();
            return send_ack();
        }
    }
    /* No room: not acknowledged, so the primary holds and in the end slows. */
    reached(Rare::LogNoRoom);
    unread_.push_back(std::move(m));
}

void Node::send_ack() {
    Message ack;
    ack.last = ftc_log_received_seq(reader_.get());
    tell(FT_MSG_ACK, Channel::Log, std::move(ack));
}

/* -------------------------------------------------------------------- replay -- */

void Node::schedule_replay() {
    if (replay_due_ || vm_ != Vm::Replaying) {
        return;
    }
    replay_due_ = true;
    const uint64_t mean = world_.scenario.workload->replay_ns * (draining_ ? 1 : slowness_);
    later(
        random_.between(mean / 8, mean),
        [this] {
            replay_due_ = false;
            replay();
        },
        By::Vcpu);
}

void Node::replay() {
    if (vm_ != Vm::Replaying) {
        return;
    }
    for (uint64_t n = random_.between(1, 4); n && ftc_log_available(reader_.get()); n--) {
        if (!replay_frame()) {
            return;
        }
    }
    if (!unread_.empty() && !ftc_log_available(reader_.get())) {
        Message m = std::move(unread_.front());
        unread_.pop_front();
        std::deque<Message> rest;
        rest.swap(unread_);
        feed(std::move(m));
        for (Message &r : rest) {
            unread_.empty() ? feed(std::move(r)) : unread_.push_back(std::move(r));
        }
    }
    if (ftc_log_available(reader_.get())) {
        return schedule_replay();
    }
    if (draining_) {
        draining_ = false;
        later(0, [this] {
            if (vm_ == Vm::Replaying) {
                input(FT_IN_DRAINED);
                if (vm_ == Vm::Replaying && state() == FT_STATE_GOING_LIVE) {
                    reached(Rare::LeaseWait);
                }
            }
        });
    }
}

bool Node::replay_frame() {
    uint8_t event;

    while (ftc_log_get_event(reader_.get(), &event)) {
        if (event == FT_EV_CHECKPOINT) {
            end_frame();
            return true;
        }
        if (!replay_event(event)) {
            return false;
        }
    }
    throw Violation(compose("node {}: a frame ended in its middle", id_));
}

bool Node::replay_event(uint8_t event) {
    FtLogReader *r = reader_.get();
    uint64_t value = 0, netdev, flags, length, hash;
    const uint8_t *data;
    size_t len;

    if (event == FT_EV_INSTRUCTION) {
        return ftc_log_get_int(r, &value);
    }
    if (event == FT_EV_NET) {
        if (!ftc_log_get_int(r, &netdev) || !ftc_log_get_int(r, &flags) ||
            !ftc_log_get_bytes(r, &data, &len) || len < 8) {
            throw Violation(compose("node {}: NET event is not what was written", id_));
        }
        memcpy(&value, data, 8);
    } else if (event != FT_EV_CLOCK_HOST || !ftc_log_get_int(r, &value)) {
        diverged(compose("event {} where none of its kind was due", event));
        return false;
    }
    const auto o = guest_->consume(event, value);
    if (!o) {
        return true;
    }
    uint8_t next;
    if (!ftc_log_get_event(r, &next) || next != FT_EV_OUTPUT ||
        !ftc_log_get_int(r, &netdev) || !ftc_log_get_int(r, &length) ||
        !ftc_log_get_int(r, &hash) || hash != o->value) {
        diverged(compose("output {} differs", o->index));
        return false;
    }
    return true;
}

/* The replay digest equals the record digest, frame by frame. */
void Node::end_frame() {
    const uint64_t digest = guest_->state();

    frames_done_++;
    world_.fold(digest);
    if (!tainted_ && source_digests_->at(frames_done_ - 1) != digest) {
        throw Violation(compose("node {}: state after frame {} differs from the primary's",
                                id_, frames_done_));
    }
}

void Node::diverged(const std::string &how) {
    if (!tainted_) {
        throw Violation(compose("node {} diverged by itself: {}", id_, how));
    }
    reached(state() == FT_STATE_GOING_LIVE ? Rare::DivergedDraining : Rare::Diverged);
    vm_ = Vm::Stopped;
    later(0, [this, how] { input(FT_IN_DIVERGED, 0, how); });
}

/* ------------------------------------------------------------------- go live -- */

void Node::begin_drain() {
    world_.moment(Moment::DrainBegun);
    if (ftc_log_available(reader_.get())) {
        reached(Rare::FailoverBacklog);
    }
    if (world_.is_broken(Break::LiveBeforeDrained)) {
        later(0, [this] { input(FT_IN_DRAINED); });
        return;
    }
    draining_ = true;
    schedule_replay();
}

void Node::go_live() {
    draining_ = false;
    vm_ = Vm::Paused;
    later(random_.between(100 * us, 3 * ms), [this] {
        if (vm_ != Vm::Paused) {
            return;
        }
        vm_ = Vm::Running;
        gate_.set(FT_OUTPUT_KEEP);
        note_failover();
        input(FT_IN_LIVE_DONE);
        world_.moment(Moment::LiveDone);
    });
}

void Node::note_loss_while_loading() {
    loads_alone_ = loads_alone_ || (has_whole_state_ && role() == FT_ROLE_SECONDARY &&
                                    state() == FT_STATE_SYNCING);
}

/* A secondary that has the whole state may hold the only copy of the guest: its primary
 * may be dead. */
void Node::check_keeps_guest() const {
    if (has_whole_state_ && state() == FT_STATE_WAITING && !pair_ended_) {
        throw Violation(compose("node {} forgets the guest whose whole state it has ({})",
                                id_, reason()));
    }
}

void Node::note_failover() {
    const Node &old = world_.node(peer_);

    if (pair_ended_) {
        throw Violation(compose("node {} went live after its peer said goodbye", id_));
    }
    took_over_ = true;
    world_.note_live();
    if (asked_to_take_over_ && !link_) {
        reached(Rare::HandoverBrokenSecondaryWins);
    }
    if (old.state() == FT_STATE_SYNCING) {
        reached(Rare::FailoverDuringAttach);
    }
    if (loads_alone_) {
        reached(old.alive() ? Rare::FailoverLoadingAlive : Rare::FailoverLoadingDead);
    }
    if (old.alive() && (old.hangs(FT_PART_MAIN_LOOP) || old.hangs(FT_PART_VCPU))) {
        reached(Rare::WatchdogTakenOver);
    }
    if (!old.alive()) {
        reached(old.crashed() ? Rare::FailoverAfterCrash : Rare::FailoverAfterKill);
    } else if (loss_kind_ == FT_IN_PEER_SILENT) {
        reached(Rare::FailoverAfterSilence);
    }
    if (old.last_frame_ > received_seq()) {
        reached(Rare::FailoverLostTail);
    }
}

} // namespace ft::sim
