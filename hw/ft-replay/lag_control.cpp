/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/lag_control.hpp"

#include <algorithm>

#include "accel/ft/ft.h"

namespace ft {

/* A turn lasts about a millisecond; one that the host interrupted counts as that. */
static constexpr uint64_t ran_max_ns = 1'000'000;
static constexpr uint64_t pause_max_ns = 10'000'000;
/* A lag that needs no hurry, but would stay if both nodes are equally fast. */
static constexpr uint64_t slight_share = 25; /* of the limit */
static constexpr double slight_pause = 0.03;
/* At the limit and above: this share of the time is still the guest's. */
static constexpr double run_share_min = 1.0 / 64;

uint64_t lag_pause_ns(uint64_t lag_ns, uint64_t limit_ns, uint64_t ran_ns) noexcept {
    uint64_t from_ns = limit_ns / 2;

    if (lag_ns <= limit_ns / slight_share) {
        return 0;
    }
    double excess = lag_ns > from_ns ? double(lag_ns - from_ns) / double(limit_ns - from_ns) : 0;
    double run_share = std::max(1.0 - slight_pause - excess, run_share_min);
    double pause = double(std::min(ran_ns, ran_max_ns)) * (1.0 - run_share) / run_share;
    return std::min(uint64_t(pause), pause_max_ns);
}

} // namespace ft

/* THREAD: any. OWNERSHIP: nothing changes hands. */
uint64_t ft_lag_pause(uint64_t lag_ns, uint64_t limit_ns, uint64_t ran_ns) noexcept {
    return ft::lag_pause_ns(lag_ns, limit_ns, ran_ns);
}
