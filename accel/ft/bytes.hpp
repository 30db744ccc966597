/*
 * Little-endian integers in byte arrays: the one place that knows the byte
 * order of the wire. Callers have checked the room.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_BYTES_HPP
#define ACCEL_FT_BYTES_HPP

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace ft {

/* GCC 12 has no std::byteswap yet. */
template <std::unsigned_integral T>
constexpr T from_little(T v) {
    if constexpr (std::endian::native == std::endian::little || sizeof(T) == 1) {
        return v;
    } else {
        T swapped = 0;
        for (unsigned i = 0; i < sizeof(T); i++) {
            swapped = T(swapped << 8) | T((v >> (8 * i)) & 0xff);
        }
        return swapped;
    }
}

template <std::unsigned_integral T>
T load(const uint8_t *p) {
    T v;
    memcpy(&v, p, sizeof(v));
    return from_little(v);
}

template <std::unsigned_integral T>
void store(uint8_t *p, T v) {
    v = from_little(v);
    memcpy(p, &v, sizeof(v));
}

} // namespace ft

#endif
