/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/lag_estimate.hpp"

#include <algorithm>
#include <new>

#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"

namespace ft {

/* Shorter ones say more about the host's scheduler than about a speed. */
static constexpr uint64_t interval_min_ns = 4'000'000;
/* The speed is an average over about this time. */
static constexpr double memory_ns = 40e6;
/* A secondary with less work than this in hand may have waited for more, so its
 * progress says nothing about its speed. */
static constexpr uint64_t idle_ns = 3'000'000;
static constexpr double speed_min = 1.0 / 64;
/* A primary that pauses most of its time sends something each 11 ms. */
static constexpr uint64_t silence_max_ns = 100'000'000;

void LagEstimate::learn(Report report, uint64_t worked_ns) noexcept {
    if (last_.at_ns == 0) {
        last_ = report;
    }
    if (report.at_ns < last_.at_ns + interval_min_ns) {
        return;
    }
    double took = double(report.at_ns - last_.at_ns);
    double seen = (double(report.executed_ns) - double(last_.executed_ns)) / took;
    if (worked_ns < report.executed_ns + idle_ns) {
        seen = 1;
    }
    speed_ += (std::clamp(seen, speed_min, 1.0) - speed_) * took / (took + memory_ns);
    last_ = report;
}

uint64_t LagEstimate::lag_ns(uint64_t now_ns, uint64_t worked_ns, Report report) noexcept {
    learn(report, worked_ns);
    uint64_t silence = now_ns > report.at_ns ? now_ns - report.at_ns : 0;
    double since = double(std::min(silence, silence_max_ns)) + double(report.rtt_ns);
    double behind = double(worked_ns) - double(report.executed_ns) - speed_ * since;

    return behind > 0 ? uint64_t(behind / speed_) : 0;
}

} // namespace ft

struct FtLagEstimate : ft::LagEstimate {};

/* THREAD: any. OWNERSHIP: the caller's, for good. */
FtLagEstimate *ftc_lag_estimate_new() noexcept {
    return ft::make_or_null<FtLagEstimate>();
}

/* THREAD: any, while nobody else uses l. OWNERSHIP: nothing changes hands. */
void ftc_lag_estimate_reset(FtLagEstimate *l) noexcept {
    l->reset();
}

/* THREAD: the vCPU's, no lock. OWNERSHIP: nothing changes hands. */
uint64_t ftc_lag_estimate(FtLagEstimate *l, uint64_t now_ns, uint64_t worked_ns,
                          uint64_t executed_ns, uint64_t report_ns,
                          uint64_t rtt_ns) noexcept {
    return l->lag_ns(now_ns, worked_ns, {executed_ns, report_ns, rtt_ns});
}
