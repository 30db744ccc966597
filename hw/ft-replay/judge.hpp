/*
 * Judges the body of a LOG message before any of it is believed: every frame,
 * event and field against events.def, and the number of frames against what the
 * header names. Pure; any thread. The Error reads "frame 17, event 3 (NET),
 * length: 700000 > max 262144".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_JUDGE_HPP
#define HW_FT_REPLAY_JUDGE_HPP

#include <cstdint>
#include <span>
#include <vector>

#include "accel/ft/result.hpp"

namespace ft::log {

/* The fields of a NET event; data are in the body. */
struct LoggedPacket {
    uint64_t netdev = 0;
    std::span<const uint8_t> data;
};

struct Totals {
    uint64_t frames = 0, events = 0;
    uint64_t icount = 0; /* sum of the INSTRUCTION counts */
    std::vector<LoggedPacket> packets;
};

Result<Totals> judge_body(std::span<const uint8_t> body, uint64_t first_seq,
                          uint64_t last_seq);

} // namespace ft::log

#endif
