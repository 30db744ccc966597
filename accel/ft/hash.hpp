/*
 * XXH3, 64 bits: the checksum of messages and the hash by which the two nodes
 * compare output. Finds accidents and divergence; it is no signature
 * and keeps no stranger out.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_HASH_HPP
#define ACCEL_FT_HASH_HPP

#include <cstddef>
#include <cstdint>

namespace ft {

/* data may be NULL when len is 0. */
uint64_t hash64(const uint8_t *data, size_t len) noexcept;
/* The same bytes under another seed hash to something unrelated. */
uint64_t hash64_seeded(const uint8_t *data, size_t len, uint64_t seed) noexcept;

} // namespace ft

#endif
