/*
 * Integers in the order of network protocols, the most significant byte first.
 * Callers have checked the room.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_FT_FILTER_NETWORK_BYTES_HPP
#define NET_FT_FILTER_NETWORK_BYTES_HPP

#include <cstdint>

namespace ft {

inline uint16_t get16(const uint8_t *p) noexcept {
    return uint16_t(p[0] << 8 | p[1]);
}

inline void put16(uint8_t *p, uint16_t v) noexcept {
    p[0] = uint8_t(v >> 8);
    p[1] = uint8_t(v);
}

} // namespace ft

#endif
