/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/lag_control.hpp"

#include <algorithm>
#include <iterator>

#include "accel/ft/ft.h"

namespace ft {

/* A turn lasts about a millisecond; one that the host interrupted counts as that. */
static constexpr uint64_t ran_max_ns = 1'000'000;
static constexpr uint64_t pause_max_ns = 10'000'000;
/* The share of the time that pauses take, over the lag in thousandths of the limit:
 * straight lines between these points. At 250 ms: none up to 12 ms, 0.9 at 18 ms. */
static constexpr struct {
    uint64_t per_mille;
    double pause;
} law[] = {{48, 0.0}, {64, 0.3}, {72, 0.9}, {1000, 1 - 1.0 / 64}};

static double pause_share(double per_mille) noexcept {
    auto above = std::find_if(std::begin(law), std::end(law), [=](auto &point) {
        return per_mille < double(point.per_mille);
    });

    if (above == std::begin(law)) {
        return 0;
    }
    auto below = above - 1;
    if (above == std::end(law)) {
        return below->pause;
    }
    double way = (per_mille - double(below->per_mille)) /
                 double(above->per_mille - below->per_mille);
    return below->pause + way * (above->pause - below->pause);
}

uint64_t lag_pause_ns(uint64_t lag_ns, uint64_t limit_ns, uint64_t ran_ns) noexcept {
    double share = pause_share(1000.0 * double(lag_ns) / double(limit_ns));
    double pause = double(std::min(ran_ns, ran_max_ns)) * share / (1 - share);

    return std::min(uint64_t(pause), pause_max_ns);
}

} // namespace ft

/* THREAD: any. OWNERSHIP: nothing changes hands. */
uint64_t ftc_lag_pause(uint64_t lag_ns, uint64_t limit_ns, uint64_t ran_ns) noexcept {
    return ft::lag_pause_ns(lag_ns, limit_ns, ran_ns);
}
