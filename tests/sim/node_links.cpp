/*
 * A node's connections for log and heartbeats: what it sends and receives on them, and
 * how it learns that the other node is gone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <algorithm>
#include <utility>

#include "tests/sim/node.hpp"
#include "tests/sim/world.hpp"

namespace ft::sim {

void Node::tell(FtMsgType type, Channel channel, Message m) {
    m.type = type;
    m.epoch = epoch();
    world_.net.send(link_, channel, id_, std::move(m));
}

void Node::close_connections(const char *goodbye) {
    if (!link_) {
        return;
    }
    if (goodbye) {
        Message m;
        m.text = goodbye;
        tell(FT_MSG_GOODBYE, Channel::Log, std::move(m));
    }
    world_.net.close(link_, Channel::Log, id_);
    world_.net.close(link_, Channel::Heartbeat, id_);
    close_witness();
    forget_link();
}

void Node::forget_link() {
    link_ = 0;
    loss_due_ = false;
    ended_[0] = ended_[1] = false;
    witness_ = Witness{};
    peer_closed_both_ = false;
    silence_told_ = stuck_told_ = false;
    peer_still_ns_ = peer_unwell_ns_ = 0;
}

/* The end of one channel is reported a little later: if the other ends too, by
 * the peer's own close, the peer is known to release nothing any more. */
void Node::channel_ended(Channel channel, bool orderly, const std::string &why) {
    ended_[static_cast<size_t>(channel)] = orderly;
    peer_closed_both_ = ended_[0] && ended_[1];
    loss_text_ = why;
    if (!loss_due_) {
        loss_due_ = true;
        later(peer_closed_both_ ? 0 : 5 * ms, [this, link = link_] {
            if (link == link_ && loss_due_) {
                report_loss();
            }
        });
    }
}

/* The glue's duty: once a byte of DEVICES may have left, CUT_DONE comes before
 * any news of a failure, or the primary would go on without asking. */
void Node::report_loss() {
    if (in_cut_ && !world_.is_broken(Break::LossBeforeCutDone)) {
        return;
    }
    loss_due_ = false;
    if (!peer_closed_both_ && role() == FT_ROLE_PRIMARY && state() == FT_STATE_PROTECTED) {
        reached(Rare::LostOneSided);
    }
    const uint64_t heard = ping_heard_ns_ ? ping_heard_ns_ : now();
    world_.moment(Moment::ConnectionLost);
    const bool no_wait = peer_closed_both_ || world_.is_broken(Break::NoLeaseWait);
    input(FT_IN_CONNECTION_LOST, no_wait ? 0 : heard + world_.scenario.timeout_ns,
          loss_text_);
}

void Node::receive(uint64_t link, Channel channel, Message m) {
    run_or_defer(
        [this, link, channel, m = std::move(m)]() mutable {
            if (m.kind == Message::Kind::Data && m.type == FT_MSG_HELLO && !link_ &&
                channel == Channel::Log && role() == FT_ROLE_SECONDARY) {
                return accept(link, m);
            }
            if (link != link_) {
                return;
            }
            if (channel == Channel::Witness) {
                return on_witness(std::move(m));
            }
            if (m.kind != Message::Kind::Data) {
                const bool orderly = m.kind == Message::Kind::End;
                return channel_ended(channel, orderly,
                                     orderly ? "closed by peer" : "reset");
            }
            heard_ns_ = now();
            channel == Channel::Heartbeat ? on_heartbeat(m) : on_log_message(m);
        },
        By::Message);
}

void Node::on_heartbeat(const Message &m) {
    if (m.type == FT_MSG_PING) {
        Message pong;
        pong.first = m.first;
        pong.still_ns = still_ns();
        told_of_peer(m.still_ns);
        ping_heard_ns_ = beat_heard_ns_ = now();
        return tell(FT_MSG_PONG, Channel::Heartbeat, std::move(pong));
    }
    if (now() - m.first > world_.scenario.timeout_ns) {
        reached(Rare::LeaseStale);
    }
    pong_sent_ns_ = std::max(pong_sent_ns_, m.first);
    ftc_lease_answered(lease_.get(), m.first, now());
    told_of_peer(m.still_ns);
    watch_peer();
    release();
}

void Node::on_log_message(Message &m) {
    switch (m.type) {
    case FT_MSG_HELLO:
        world_.moment(Moment::Connected);
        offer_witness();
        return void(input(FT_IN_CONNECTED));
    case FT_MSG_REFUSE:
        reached(Rare::AttachRefused);
        return void(input(FT_IN_ATTACH_FAILED, 0, m.text));
    case FT_MSG_DEVICES:
        return load(m);
    case FT_MSG_READY:
        if (in_cut_) {
            reached(Rare::AttachReadyBeforeCut);
        }
        return void(input(FT_IN_PEER_READY));
    case FT_MSG_LOG:
        return feed(std::move(m));
    case FT_MSG_ACK:
        return on_ack(m.last);
    case FT_MSG_HANDOVER:
        asked_to_take_over_ = true;
        world_.moment(Moment::HandoverReceived);
        return void(input(FT_IN_HANDOVER, m.last));
    case FT_MSG_LIVE:
        reached(Rare::HandoverDone);
        return void(input(FT_IN_PEER_LIVE));
    case FT_MSG_GOODBYE:
        return void(in_cut_ ? channel_ended(Channel::Log, true, "goodbye: " + m.text)
                            : void(input(FT_IN_PEER_GOODBYE, 0, m.text)));
    default:
        return;
    }
}

/* An operator has ended the pair; a node that is already taking over ignores that. */
void Node::note_goodbye() {
    if (role() == FT_ROLE_SECONDARY && has_whole_state_ && state() != FT_STATE_GOING_LIVE) {
        reached(state() == FT_STATE_PROTECTED ? Rare::PeerEnded : Rare::PeerEndedLoading);
        pair_ended_ = true;
    }
}

/* Heartbeats and the watch for silence. Either also gives up when only the heartbeats
 * stay away: the primary without a lease would hold its output for ever while the
 * log goes on, and one that sends none may want to be relieved. */
void Node::tick() {
    const uint64_t timeout = world_.scenario.timeout_ns;

    later(timeout / 8 + random_.below(timeout / 32), [this] { tick(); }, By::Others);
    if (!link_ || loss_due_ || silence_told_) {
        return;
    }
    if (role() == FT_ROLE_PRIMARY && !holds_its_beat()) {
        Message ping;
        ping.first = now();
        ping.still_ns = still_ns();
        tell(FT_MSG_PING, Channel::Heartbeat, std::move(ping));
    }
    const bool silent = now() - heard_ns_ > timeout;
    const uint64_t beat_ns = role() == FT_ROLE_PRIMARY ? pong_sent_ns_ : beat_heard_ns_;
    const bool beatless = now() - beat_ns > 2 * timeout;
    if ((silent || beatless) && !in_cut_) {
        silence_told_ = true;
        input(FT_IN_PEER_SILENT, 0, silent ? "nothing heard" : "no heartbeats");
    }
}

} // namespace ft::sim
