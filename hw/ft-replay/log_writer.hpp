/*
 * The primary's end of the log. Events are encoded into an open frame that
 * nobody else sees; commit publishes it in a ring, from which the sender thread
 * takes whole frames for the wire. Twin: log_reader.hpp.
 *
 * What if the ring is full: the writer is overflowed for good and discards
 * everything from then on. The log then has a gap, so the secondary must be
 * dropped; nothing is ever released on its word. The same happens to a frame
 * that no message could carry (a guest may ask for a huge block of random
 * bytes), because a guest never aborts us.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_LOG_WRITER_HPP
#define HW_FT_REPLAY_LOG_WRITER_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hw/ft-replay/event_codec.hpp"
#include "hw/ft-replay/frame.hpp"
#include "hw/ft-replay/ring.hpp"

namespace ft::log {

struct TakenFrames {
    std::span<const uint8_t> bytes;
    uint64_t first_seq = 0, last_seq = 0;
};

class LogWriter {
  public:
    explicit LogWriter(size_t ring_bytes) : ring_(ring_bytes) {}

    /* Under the replay mutex. */
    void put_event(uint8_t event);
    void put_int(uint64_t value);
    void put_bytes(const uint8_t *data, size_t len);
    bool commit();
    size_t open_bytes() const noexcept { return encoder_.frame().size(); }

    /* The sender thread. What it takes stays where it is until it says done. */
    TakenFrames take(size_t bytes_max);
    void done() noexcept;

    /* Any thread. */
    void overflow() noexcept { overflowed_.store(true, std::memory_order_release); }
    bool overflowed() const noexcept { return overflowed_.load(std::memory_order_acquire); }
    uint64_t open_seq() const noexcept { return open_seq_.load(std::memory_order_relaxed); }
    size_t used() const noexcept { return ring_.used(); }

  private:
    std::span<const uint8_t> take_wrapped(size_t bytes_max);

    EventEncoder encoder_{frame_bytes_max}; /* replay mutex               */
    std::atomic<uint64_t> open_seq_{1};     /* written under replay mutex */
    uint64_t taken_seq_ = 0;                /* sender thread, as the next two */
    size_t taken_bytes_ = 0;
    std::vector<uint8_t> wrapped_; /* one frame that the ring has in two pieces */
    std::atomic<bool> overflowed_{false};
    ByteRing ring_;
};

} // namespace ft::log

#endif
