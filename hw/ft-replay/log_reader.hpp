/*
 * The secondary's end of the log. The receiver thread feeds message bodies;
 * each is judged whole against events.def before a byte of it is taken, so that
 * replay, which gets the events under the replay mutex, meets no malformed
 * input, and an acknowledged frame is one that can be replayed. Twin:
 * log_writer.hpp.
 *
 * Bytes are copied once, by the kernel into the ring: the receiver may receive a body
 * there, and replay gets pointers into it. A body is at most a quarter of the ring;
 * the two frames that replay may still look at leave room for one more.
 *
 * What if the ring is full: feed takes nothing and is asked again later; the
 * connection's own flow control then holds the primary back. What if replay
 * asks for a field that the event has not: the two executions differ, so the
 * reader is confused for good and every further get fails.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_LOG_READER_HPP
#define HW_FT_REPLAY_LOG_READER_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"
#include "hw/ft-replay/event_codec.hpp"
#include "hw/ft-replay/ring.hpp"

namespace ft::log {

enum class Feed { Taken, NoRoom };

class LogReader {
  public:
    explicit LogReader(size_t ring_bytes) : ring_(ring_bytes) {}

    /* Before the first feed; see ft.h. */
    void watch(FtPacketLogged *packet) noexcept { receiver_fields.packet = packet; }
    /* The receiver thread. An Error changes nothing. */
    Result<Feed> feed(std::span<const uint8_t> body, uint64_t first_seq, uint64_t last_seq);
    uint8_t *space(size_t len) noexcept { return ring_.space(len); }

    /* Under the replay mutex. False: see ft.h. */
    bool get_event(uint8_t *event);
    bool get_int(uint64_t *value);
    bool get_bytes(std::span<const uint8_t> *bytes);

    /* Any thread. */
    bool available() const noexcept;
    uint64_t received_seq() const noexcept { return received_seq_.load(acquire); }
    uint64_t received_icount() const noexcept { return received_icount_.load(acquire); }
    uint64_t consumed_seq() const noexcept { return consumed_seq_.load(acquire); }

  private:
    static constexpr auto acquire = std::memory_order_acquire;

    std::span<const uint8_t> events_in_place(size_t offset, size_t len);
    void open_next_frame();
    template <typename T>
    bool deliver(Result<T> &&got, T *out);

    struct {
        uint64_t events = 0;
        FtPacketLogged *packet = nullptr;
    } receiver_fields;
    struct {
        EventDecoder decoder;
        /* Bytes of the frame that is open and of the one before, still in the ring. */
        size_t open_bytes = 0, before_bytes = 0;
        /* Copies of those that lie across the ring's end. */
        std::vector<uint8_t> wrapped, wrapped_before;
        bool confused = false;
    } replay_fields;

    ByteRing ring_;
    /* Written by the receiver after the ring, so whoever sees an event counted
     * finds it there. */
    alignas(64) std::atomic<uint64_t> events_received_{0};
    std::atomic<uint64_t> received_seq_{0};
    std::atomic<uint64_t> received_icount_{0};
    /* Written by replay. */
    alignas(64) std::atomic<uint64_t> events_got_{0};
    std::atomic<uint64_t> consumed_seq_{0};
};

} // namespace ft::log

#endif
