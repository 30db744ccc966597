/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/link_rate.hpp"

#include <algorithm>
#include <cmath>

namespace ft {

/* Older figures count less and less, because a link may become slow in the middle. */
static constexpr double memory_s = 0.5;
/* Fewer bytes than this may only be waiting for an acknowledgement that TCP delays. */
static constexpr uint64_t busy_least = 64 << 10;
/* An interval shorter than this proves nothing about the rate, because a message counts
 * only when all of it has been carried. */
static constexpr double bound_least_s = 0.001;

void LinkRate::learn(double bytes, double seconds) noexcept {
    double kept = std::exp(-seconds / memory_s);

    bytes_ = bytes_ * kept + bytes;
    seconds_ = seconds_ * kept + seconds;
}

void LinkRate::look(uint64_t now_ns, uint64_t given, uint64_t under_way) noexcept {
    /* A message that is being written counts twice for a moment; the figure must not go
     * back. */
    uint64_t carried = std::max(last_.carried, given - std::min(given, under_way));
    double bytes = double(carried - last_.carried);
    double seconds = now_ns > last_.at_ns ? double(now_ns - last_.at_ns) / 1e9 : 0;

    if (carried > last_.carried) {
        moved_ns_ = now_ns;
    }
    bool busy = std::min(last_.under_way, under_way) >= busy_least;
    if (busy) {
        busy_bytes_ += bytes;
        busy_seconds_ += seconds;
    }
    if (busy ? seconds > 0 : seconds >= bound_least_s && bytes / seconds > double(rate())) {
        learn(bytes, seconds);
    }
    last_ = {now_ns, carried, under_way};
}

} // namespace ft
