/*
 * Varints: seven bits a byte, lowest first, the top bit says that more follow.
 * One value has one spelling: a longer one is refused, so that what we accept
 * is what we would have written. Zigzag turns small negatives into small
 * numbers; both directions are exact for all 64 bits.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_VARINT_HPP
#define HW_FT_REPLAY_VARINT_HPP

#include <cstddef>
#include <cstdint>

namespace ft::log {

inline constexpr size_t varint_bytes_max = 10;

/* out has room for varint_bytes_max; returns the end of what was written. */
inline uint8_t *put_varint(uint8_t *out, uint64_t v) noexcept {
    while (v >= 0x80) {
        *out++ = uint8_t(v) | 0x80;
        v >>= 7;
    }
    *out++ = uint8_t(v);
    return out;
}

/* Returns the byte after the varint, or NULL if it is cut off, longer than it
 * need be, or larger than 64 bits. */
inline const uint8_t *get_varint(const uint8_t *in, const uint8_t *end,
                                 uint64_t *v) noexcept {
    uint64_t value = 0;

    for (unsigned shift = 0; in != end && shift < 64; shift += 7) {
        uint64_t byte = *in++;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            bool longer_than_needed = byte == 0 && shift > 0;
            bool too_large = shift == 63 && byte > 1;
            if (longer_than_needed || too_large) {
                return nullptr;
            }
            *v = value;
            return in;
        }
    }
    return nullptr;
}

constexpr uint64_t zigzag(uint64_t v) noexcept {
    return (v << 1) ^ (0 - (v >> 63));
}

constexpr uint64_t unzigzag(uint64_t z) noexcept {
    return (z >> 1) ^ (0 - (z & 1));
}

static_assert(zigzag(0) == 0 && zigzag(UINT64_MAX) == 1 && zigzag(1) == 2);
static_assert(unzigzag(zigzag(0x8000000000000000u)) == 0x8000000000000000u);

} // namespace ft::log

#endif
