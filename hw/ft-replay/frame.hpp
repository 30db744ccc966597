/*
 * A frame is a varint length and the events of one hold of the replay mutex,
 * never empty. A LOG body is one frame after the other and nothing else.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_FRAME_HPP
#define HW_FT_REPLAY_FRAME_HPP

#include <span>

#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"
#include "hw/ft-replay/ring.hpp"

namespace ft::log {

inline constexpr size_t frame_header_max = 4; /* a varint up to FT_WIRE_BODY_MAX */
inline constexpr size_t frame_bytes_max = FT_WIRE_BODY_MAX - frame_header_max;

/* What the header of the frame at the front of something says. */
struct FrameHeader {
    size_t header_len, events_len;
};

/* Cuts the first frame off body and returns its events. */
Result<std::span<const uint8_t>> cut_frame(std::span<const uint8_t> &body);

/* The frame at offset in a ring that holds only whole frames. */
FrameHeader frame_at(const ByteRing &ring, size_t offset) noexcept;

} // namespace ft::log

#endif
