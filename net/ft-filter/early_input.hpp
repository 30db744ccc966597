/*
 * Early input: packets from outside that have reached a secondary's own netdev and are
 * not yet in the log. Where a network delivers the guest's packets to both nodes, the
 * secondary sees everything that the primary gets. A packet that the primary had not yet
 * logged and sent when it died exists nowhere else: at go-live the guest gets it from
 * here, so that its sender need not wait for a timer to send it again.
 *
 * One object for each netdev compares two sequences: what arrived here and what
 * the log says arrived there. Each packet of one is looked for in the other, by a
 * hash, oldest first; either may be ahead. A packet found in both is a common
 * point: packets that precede it by more than order_slack_ns will not turn up in the
 * other sequence any more (one of the two networks has lost them), so they are
 * forgotten. Without losses both sequences are therefore only as long as one node is
 * ahead of the other; with a switch that learns, which delivers only broadcasts to the
 * secondary, nothing is kept.
 *
 * A packet is looked for by its frame without QEMU's header in front: hosts
 * differ in what their NICs have checked or joined. A packet that was joined (GRO)
 * differently is not recognised; the guest may get it again, as from any network. Of
 * equal packets (ARP) one that was lost may be mistaken for a later one, and too much
 * is forgotten; then the sender's timer helps, as it does without early input.
 *
 * What if it is full: the oldest is dropped and counted. Too old is dropped too:
 * the guest shall not meet packets of minutes ago. What must never happen: a
 * packet is given to the guest although its log event was received.
 *
 * The caller's lock covers it; there is none of its own. The receiver of the log
 * calls logged() for each packet, so both calls must be cheap: a hash of at most
 * 512 bytes, and a search that ends at the first entry unless packets are lost.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_FT_FILTER_EARLY_INPUT_HPP
#define NET_FT_FILTER_EARLY_INPUT_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "accel/ft/ft.h"

namespace ft {

class EarlyInput {
  public:
    /* Two receive queues of a NIC may swap packets of different flows. */
    static constexpr uint64_t order_slack_ns = 1'000'000;

    explicit EarlyInput(const FtEarlyLimits &limits) : limits_(limits) {}

    /* A packet has reached this node; own: the guest's address. True: it is kept. */
    bool arrived(const FtPacket &packet, const uint8_t own[FT_MAC_BYTES], uint64_t now_ns);
    /* The log says that this packet has reached the primary. */
    void logged(std::span<const uint8_t> packet, uint64_t now_ns);
    /* The oldest kept packet that is not too old. Its data stay valid until the next
     * pop. */
    bool pop(uint64_t now_ns, FtPacket *packet);
    /* Another log begins, or packets have another header now. */
    void clear() noexcept;
    /* Length of QEMU's header in front of each frame; a change clears. */
    void set_header(size_t bytes) noexcept;
    FtEarlyStats stats() const noexcept;

  private:
    struct Kept {
        uint64_t hash, arrived_ns;
        uint32_t flags;
        std::vector<uint8_t> data;
    };
    struct Logged {
        uint64_t hash, logged_ns;
    };

    std::span<const uint8_t> frame_of(std::span<const uint8_t> packet) const noexcept;
    bool in_log_already(uint64_t hash, uint64_t now_ns);
    void settle(uint64_t arrived_ns, uint64_t logged_ns) noexcept;
    void drop_old(uint64_t now_ns) noexcept;
    void drop_front() noexcept;

    const FtEarlyLimits limits_;
    size_t header_ = 0;
    std::deque<Kept> kept_;           /* arrived, not in the log yet, oldest first  */
    std::deque<Logged> logged_;       /* in the log, not arrived yet, oldest first  */
    size_t bytes_ = 0;                /* of kept_ */
    std::vector<uint8_t> given_data_; /* the packet popped last */
    uint64_t known_ = 0, given_ = 0, dropped_ = 0;
};

} // namespace ft

#endif
