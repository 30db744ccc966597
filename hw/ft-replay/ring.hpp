/*
 * A bounded ring of bytes between one writing and one reading thread, no lock.
 * What a write brings becomes visible at once and whole, so whoever writes
 * frames will have whole frames read.
 *
 * What if it is full: write() takes nothing and says so; the owner decides. The
 * two positions only grow and are masked on use; each side writes one of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_RING_HPP
#define HW_FT_REPLAY_RING_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace ft::log {

class ByteRing {
  public:
    /* The capacity is rounded up to a power of two. */
    explicit ByteRing(size_t capacity_min);

    size_t capacity() const noexcept { return mask_ + 1; }
    /* Any thread; exact for the two owners, a moment old for the others. */
    size_t used() const noexcept;

    /* Writing thread. Both parts or nothing. */
    bool write(std::span<const uint8_t> first,
               std::span<const uint8_t> second = {}) noexcept;
    size_t room() const noexcept;
    /* The next len free bytes, to be filled in place and then published; NULL if fewer
     * are free, or if the ring's end lies between them. */
    uint8_t *space(size_t len) noexcept;
    void publish(size_t len) noexcept;

    /* Reading thread: how many bytes there are, how to look at them, how to release
     * them. */
    size_t readable() const noexcept;
    void peek(size_t offset, uint8_t *out, size_t len) const noexcept;
    /* In place, valid until they are consumed; NULL if the ring's end lies between
     * them. */
    const uint8_t *view(size_t offset, size_t len) const noexcept;
    void consume(size_t len) noexcept;

  private:
    void copy_in(uint64_t position, std::span<const uint8_t> data) noexcept;

    const size_t mask_;
    const std::unique_ptr<uint8_t[]> data_;
    /* Apart from each other, so that the two threads do not share a line. */
    alignas(64) std::atomic<uint64_t> written_{0};
    alignas(64) std::atomic<uint64_t> consumed_{0};
};

} // namespace ft::log

#endif
