/*
 * Held output: packets of the guest that may leave only after the secondary has
 * acknowledged the frame that leads to them. In order, copied once, bounded in bytes
 * and in packets. Pushed under replay mutex and BQL, popped on the main thread
 * under the BQL, so the BQL covers it and there is no lock of its own.
 *
 * What if it is full: the packet is dropped and counted, as a full NIC queue
 * would do. What must never happen: a packet leaves before its ack, twice, or
 * ahead of an earlier one.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_FT_FILTER_OUTPUT_HOLD_HPP
#define NET_FT_FILTER_OUTPUT_HOLD_HPP

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "accel/ft/ft.h"
#include "accel/ft/histogram.hpp"

namespace ft {

class OutputHold {
  public:
    OutputHold(size_t bytes_max, size_t packets_max)
        : bytes_max_(bytes_max), packets_max_(packets_max) {}

    /* Where the next packet may be put together, so that push need not copy it. */
    uint8_t *space(size_t len);
    /* False: full, dropped, counted. */
    bool push(const FtPacket &packet, uint64_t now_ns);
    /* False: the next packet is not acked yet, or there is none. The data in
     * *packet stays valid until the next pop. */
    bool pop(uint64_t acked_seq, uint64_t now_ns, FtPacket *packet);
    /* The node lost its right to output: nothing of this was ever sent. */
    void destroy_all() noexcept;
    FtHoldStats stats() const noexcept;

  private:
    struct Held {
        uint64_t seq, pushed_ns;
        uint32_t netdev, flags;
        std::unique_ptr<uint8_t[]> data;
        size_t len;
    };

    std::unique_ptr<uint8_t[]> taken_over(const FtPacket &packet);

    const size_t bytes_max_, packets_max_;
    std::deque<Held> held_;
    size_t bytes_ = 0;
    std::unique_ptr<uint8_t[]> coming_;  /* space() */
    std::unique_ptr<uint8_t[]> leaving_; /* the packet popped last */
    uint64_t released_ = 0, dropped_full_ = 0, destroyed_ = 0;
    Histogram hold_ns_;
};

} // namespace ft

#endif
