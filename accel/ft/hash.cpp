/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/hash.hpp"

#include "accel/ft/ft.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ft {

uint64_t hash64(const uint8_t *data, size_t len) noexcept {
    static const uint8_t nothing = 0;
    return XXH3_64bits(len ? data : &nothing, len);
}

uint64_t hash64_seeded(const uint8_t *data, size_t len, uint64_t seed) noexcept {
    return XXH3_64bits_withSeed(data, len, seed);
}

} // namespace ft

/* THREAD: any, no lock needed. OWNERSHIP: data stays the caller's. */
uint64_t ftc_hash(const uint8_t *data, size_t len) noexcept {
    return ft::hash64(data, len);
}
