/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/network.hpp"

#include <algorithm>
#include <utility>

namespace ft::sim {

uint64_t Network::connect(unsigned primary, unsigned secondary) {
    Link l;
    for (auto &channel : l.ways) {
        channel[0].from = channel[1].to = primary;
        channel[0].to = channel[1].from = secondary;
    }
    links_.push_back(std::move(l));
    return links_.size();
}

Network::Direction &Network::way(uint64_t link, Channel channel, unsigned from) {
    auto &pair = links_[link - 1].ways[static_cast<size_t>(channel)];
    return pair[0].from == from ? pair[0] : pair[1];
}

bool Network::is_blocked(const Direction &d, Channel channel) const {
    const auto it = blocked_.find({d.from, channel});
    return it != blocked_.end() && it->second;
}

void Network::send(uint64_t link, Channel channel, unsigned from, Message m) {
    if (link && way(link, channel, from).from_open) {
        forward(link, channel, from, std::move(m));
    }
}

/* Messages that were under way when the path closed come before those sent later. */
void Network::stall(Direction &d, Message m) {
    const auto at =
        std::find_if(d.stalled.begin(), d.stalled.end(),
                     [&m](const Message &other) { return other.order > m.order; });
    d.stalled.insert(at, std::move(m));
}

void Network::forward(uint64_t link, Channel channel, unsigned from, Message m) {
    Direction &d = way(link, channel, from);

    if (vanished_.contains(from)) {
        return;
    }
    if (!m.order) {
        m.order = ++d.sent;
    }
    if (!d.stalled.empty() || is_blocked(d, channel)) {
        return stall(d, std::move(m));
    }
    /* Mostly a fast network; sometimes a message takes its time. */
    const uint64_t delay = random_.percent(3) ? random_.between(1 * ms, 15 * ms)
                                              : random_.between(30 * us, 400 * us);
    const uint64_t due = std::max(time_.now() + delay, d.last_due + 1);
    d.last_due = due;
    time_.after(due - time_.now(), [this, link, channel, from, m = std::move(m)]() mutable {
        arrive(link, channel, from, std::move(m));
    });
}

void Network::arrive(uint64_t link, Channel channel, unsigned from, Message m) {
    Direction &d = way(link, channel, from);

    if (!d.stalled.empty() || is_blocked(d, channel)) {
        return stall(d, std::move(m));
    }
    if (vanished_.contains(d.to)) {
        return;
    }
    if (!d.to_open) {
        if (m.kind == Message::Kind::Data && d.from_open) {
            /* Nobody has this connection here: a reset goes back. */
            Message reset;
            reset.kind = Message::Kind::Reset;
            forward(link, channel, d.to, std::move(reset));
        }
        return;
    }
    if (m.kind != Message::Kind::Data) {
        d.to_open = false;
        way(link, channel, d.to).from_open = false;
    }
    out_.deliver(d.to, link, channel, std::move(m));
}

void Network::close(uint64_t link, Channel channel, unsigned by) {
    Direction &out = way(link, channel, by);

    if (!out.from_open) {
        return;
    }
    Message end;
    end.kind = Message::Kind::End;
    forward(link, channel, by, std::move(end));
    out.from_open = false;
    way(link, channel, out.to).to_open = false;
}

void Network::vanish(unsigned node) {
    vanished_[node] = true;
}

void Network::break_one_end(uint64_t link, Channel channel, unsigned at) {
    Direction &out = way(link, channel, at);
    Direction &in = way(link, channel, out.to);

    if (!in.to_open || vanished_.contains(at)) {
        return;
    }
    out.from_open = false;
    in.to_open = false;
    Message reset;
    reset.kind = Message::Kind::Reset;
    out_.deliver(at, link, channel, std::move(reset));
}

void Network::block(unsigned from, Channel channel, bool blocked) {
    blocked_[{from, channel}] = blocked;
    if (blocked) {
        return;
    }
    for (size_t i = 0; i < links_.size(); i++) {
        for (Direction &d : links_[i].ways[static_cast<size_t>(channel)]) {
            if (d.from != from) {
                continue;
            }
            std::deque<Message> stalled;
            stalled.swap(d.stalled);
            for (Message &m : stalled) {
                forward(i + 1, channel, from, std::move(m));
            }
        }
    }
}

void Network::heal() {
    for (const auto &[key, blocked] : std::map(blocked_)) {
        if (blocked) {
            block(key.first, key.second, false);
        }
    }
}

} // namespace ft::sim
