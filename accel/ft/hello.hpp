/*
 * The body of HELLO, the first message in both directions: who speaks, for
 * which VM, in which role, and the fingerprint of its machine. Pure functions,
 * any thread. Layout: wire.def.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_HELLO_HPP
#define ACCEL_FT_HELLO_HPP

#include <span>
#include <string_view>

#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"

namespace ft::wire {

/* Bytes written, 0 if out is too small. */
size_t encode_hello(const FtHello &hello, std::span<uint8_t> out);
/* The fingerprint in the result points into body. */
Result<FtHello> decode_hello(std::span<const uint8_t> body);

/* Both machines must be the same: an Error names the first line that differs. */
Status compare_fingerprints(std::string_view ours, std::string_view theirs);

} // namespace ft::wire

#endif
