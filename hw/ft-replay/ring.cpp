/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/ring.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "accel/ft/assert.hpp"

namespace ft::log {

ByteRing::ByteRing(size_t capacity_min)
    : mask_(std::bit_ceil(std::max<size_t>(capacity_min, 64)) - 1),
      data_(std::make_unique_for_overwrite<uint8_t[]>(mask_ + 1)) {
}

size_t ByteRing::used() const noexcept {
    /* consumed first: it never passes written, so the difference cannot wrap. */
    uint64_t consumed = consumed_.load(std::memory_order_acquire);
    uint64_t written = written_.load(std::memory_order_acquire);
    return std::min<uint64_t>(written - consumed, capacity());
}

size_t ByteRing::room() const noexcept {
    return capacity() - size_t(written_.load(std::memory_order_relaxed) -
                               consumed_.load(std::memory_order_acquire));
}

size_t ByteRing::readable() const noexcept {
    return size_t(written_.load(std::memory_order_acquire) -
                  consumed_.load(std::memory_order_relaxed));
}

void ByteRing::copy_in(uint64_t position, std::span<const uint8_t> data) noexcept {
    size_t at = position & mask_;
    size_t to_end = std::min(data.size(), capacity() - at);

    if (data.empty()) {
        return;
    }
    memcpy(data_.get() + at, data.data(), to_end);
    memcpy(data_.get(), data.data() + to_end, data.size() - to_end);
}

bool ByteRing::write(std::span<const uint8_t> first,
                     std::span<const uint8_t> second) noexcept {
    if (first.size() + second.size() > room()) {
        return false;
    }
    uint64_t position = written_.load(std::memory_order_relaxed);
    copy_in(position, first);
    copy_in(position + first.size(), second);
    written_.store(position + first.size() + second.size(), std::memory_order_release);
    return true;
}

void ByteRing::peek(size_t offset, uint8_t *out, size_t len) const noexcept {
    FT_ASSERT(offset + len <= readable(), "peek at %zu+%zu of %zu", offset, len,
              readable());
    size_t at = (consumed_.load(std::memory_order_relaxed) + offset) & mask_;
    size_t to_end = std::min(len, capacity() - at);

    memcpy(out, data_.get() + at, to_end);
    memcpy(out + to_end, data_.get(), len - to_end);
}

uint8_t *ByteRing::space(size_t len) noexcept {
    size_t at = written_.load(std::memory_order_relaxed) & mask_;

    return len <= room() && len <= capacity() - at ? data_.get() + at : nullptr;
}

void ByteRing::publish(size_t len) noexcept {
    FT_ASSERT(len <= room(), "publish %zu, room for %zu", len, room());
    written_.store(written_.load(std::memory_order_relaxed) + len,
                   std::memory_order_release);
}

const uint8_t *ByteRing::view(size_t offset, size_t len) const noexcept {
    FT_ASSERT(offset + len <= readable(), "view of %zu+%zu of %zu", offset, len,
              readable());
    size_t at = (consumed_.load(std::memory_order_relaxed) + offset) & mask_;

    return len <= capacity() - at ? data_.get() + at : nullptr;
}

void ByteRing::consume(size_t len) noexcept {
    FT_ASSERT(len <= readable(), "consume %zu of %zu", len, readable());
    consumed_.store(consumed_.load(std::memory_order_relaxed) + len,
                    std::memory_order_release);
}

} // namespace ft::log
