/*
 * The 64-byte header in front of every message: layout, limits, checksums.
 * Layout and limits come from wire.def. The functions are pure and may be
 * called from any thread. Nothing a peer sends can abort us: a bad header is
 * an Error that names the field and both values.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_WIRE_HPP
#define ACCEL_FT_WIRE_HPP

#include <cstdint>
#include <span>

#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"

namespace ft::wire {

inline constexpr uint32_t magic = 0x4b4c5446; /* "FTLK" in memory */

enum Version : unsigned {
#define FT_VERSION(min, max) version_min = min, version_max = max
#include "accel/ft/wire.def"
#undef FT_VERSION
};

/* Where each field lives; the arithmetic is checked in wire.cpp. */
namespace at {
enum : size_t {
#define FT_HEADER(name, offset, size, doc) name = offset,
#include "accel/ft/wire.def"
#undef FT_HEADER
};
} // namespace at

struct MessageSpec {
    const char *name; /* NULL: no such message */
    uint32_t body_min;
    uint32_t body_max;
};

/* The row of wire.def for a type byte; name is NULL for an unknown one. */
const MessageSpec &message_spec(uint8_t type) noexcept;

struct Decoded {
    FtMsgHeader header;
    uint64_t body_sum;
};

/* in: exactly FT_WIRE_HEADER_BYTES. */
Result<Decoded> decode_header(const uint8_t *in);
Status check_body(const FtMsgHeader &header, uint64_t body_sum, const uint8_t *body);

} // namespace ft::wire

#endif
