/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/lag_control.hpp"

#include <algorithm>

#include "accel/ft/ft.h"

namespace ft {

/* A turn lasts about a millisecond; one that the host interrupted counts as that. */
static constexpr uint64_t ran_max_ns = 1'000'000;
static constexpr uint64_t pause_max_ns = 10'000'000;
/* A lag that needs no hurry, but would stay if both nodes are equally fast. */
static constexpr uint64_t gentle_from = 50, gentle_to = 10; /* parts of the limit */
static constexpr double gentle_pause = 0.1;
/* At the limit and above: this share of the time is still the guest's. */
static constexpr double run_share_min = 1.0 / 64;

/* Where x is on the way from one bound to the other: 0 to 1. */
static double share_of(uint64_t x, uint64_t from, uint64_t to) noexcept {
    return x <= from ? 0 : x >= to ? 1 : double(x - from) / double(to - from);
}

uint64_t lag_pause_ns(uint64_t lag_ns, uint64_t limit_ns, uint64_t ran_ns) noexcept {
    if (lag_ns <= limit_ns / gentle_from) {
        return 0;
    }
    double gentle = gentle_pause * share_of(lag_ns, limit_ns / gentle_from, limit_ns / gentle_to);
    double excess = share_of(lag_ns, limit_ns / 2, limit_ns);
    double run_share = std::max(1.0 - gentle - excess, run_share_min);
    double pause = double(std::min(ran_ns, ran_max_ns)) * (1.0 - run_share) / run_share;
    return std::min(uint64_t(pause), pause_max_ns);
}

} // namespace ft

/* THREAD: any. OWNERSHIP: nothing changes hands. */
uint64_t ft_lag_pause(uint64_t lag_ns, uint64_t limit_ns, uint64_t ran_ns) noexcept {
    return ft::lag_pause_ns(lag_ns, limit_ns, ran_ns);
}
