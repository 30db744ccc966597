/*
 * The network between two nodes: three connections (log, heartbeat, witness), each
 * in order and reliable like TCP, in no order towards each other.
 * A blocked path keeps what is sent and delivers it when it opens, as TCP's
 * retransmission would; what is lost for good is lost by closing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_SIM_NETWORK_HPP
#define TESTS_SIM_NETWORK_HPP

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "accel/ft/ft.h"
#include "tests/sim/guest.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/scheduler.hpp"

namespace ft::sim {

enum class Channel { Log, Heartbeat, Witness };

struct Message {
    enum class Kind { Data, End, Reset };

    Kind kind = Kind::Data;
    FtMsgType type = FT_MSG_PING;
    uint64_t epoch = 0;
    uint64_t first = 0, last = 0; /* LOG, ACK, PING: numbers of the message */
    uint64_t still_ns = 0;        /* PING, PONG: for how long a part has not moved */
    uint64_t order = 0;           /* in its direction, set by the network */
    std::string text;
    std::vector<uint8_t> body;
    unsigned sender = 0;                /* HELLO */
    std::shared_ptr<const Guest> guest; /* DEVICES: the state at the cut */
    /* DEVICES: the primary's state after each frame. No real message carries this; it
     * lets the simulator compare the two nodes. */
    std::shared_ptr<const std::vector<uint64_t>> frame_digests;
};

/* Whoever owns the nodes: takes what arrives. */
class Deliver {
  public:
    virtual void deliver(unsigned to, uint64_t link, Channel channel, Message message) = 0;
    virtual ~Deliver() = default;
};

class Network {
  public:
    Network(Scheduler &time, Random random, Deliver &out)
        : time_(time), random_(random), out_(out) {}

    uint64_t connect(unsigned primary, unsigned secondary);
    void send(uint64_t link, Channel channel, unsigned from, Message m);
    /* An orderly close, or the kernel's after the process died: the peer reads
     * what was sent and then the end. */
    void close(uint64_t link, Channel channel, unsigned by);
    /* The host is gone: nothing is sent any more, not even an end. */
    void vanish(unsigned node);
    /* Only this end sees the break now; the peer sees it when it next sends
     * something. */
    void break_one_end(uint64_t link, Channel channel, unsigned at);

    void block(unsigned from, Channel channel, bool blocked);
    void heal();

  private:
    struct Direction {
        unsigned from, to;
        uint64_t last_due = 0, sent = 0;
        bool from_open = true, to_open = true, blocked = false;
        std::deque<Message> stalled;
    };
    struct Link {
        std::array<std::array<Direction, 2>, 3> ways; /* channel, 0: from primary */
    };

    Direction &way(uint64_t link, Channel channel, unsigned from);
    static void stall(Direction &d, Message m);
    bool is_blocked(const Direction &d, Channel channel) const;
    void forward(uint64_t link, Channel channel, unsigned from, Message m);
    void arrive(uint64_t link, Channel channel, unsigned from, Message m);

    Scheduler &time_;
    Random random_;
    Deliver &out_;
    std::vector<Link> links_;
    std::map<std::pair<unsigned, Channel>, bool> blocked_;
    std::map<unsigned, bool> vanished_;
};

} // namespace ft::sim

#endif
