/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/lag_samples.hpp"

#include <algorithm>

#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"

namespace ft {

static constexpr uint64_t interval_min_ns = 1'000'000;
/* An interval is the lag, divided by this. */
static constexpr uint64_t per_lag = 64;

static uint64_t age_ns(uint64_t now_ns, uint64_t at_ns) noexcept {
    return now_ns > at_ns ? now_ns - at_ns : 0;
}

void LagSamples::add(Sample sample, uint64_t executed_seq) noexcept {
    unsigned end = end_.load(std::memory_order_relaxed);

    if (end) {
        uint64_t since = age_ns(
            sample.at_ns, slots_[(end - 1) % room].at_ns.load(std::memory_order_relaxed));
        Sample first{};
        if (since < interval_min_ns) {
            return;
        }
        if (oldest(executed_seq, &first) &&
            since < age_ns(sample.at_ns, first.at_ns) / per_lag) {
            return;
        }
    }
    Slot &slot = slots_[end % room];
    slot.seq.store(sample.seq, std::memory_order_relaxed);
    slot.at_ns.store(sample.at_ns, std::memory_order_relaxed);
    slot.worked_ns.store(sample.worked_ns, std::memory_order_relaxed);
    end_.store(end + 1, std::memory_order_release);
}

bool LagSamples::oldest(uint64_t executed_seq, Sample *sample) const noexcept {
    unsigned end = end_.load(std::memory_order_acquire);
    unsigned first = end - std::min(end, room);
    bool found = false;

    for (unsigned i = end; i != first; i--) {
        const Slot &slot = slots_[(i - 1) % room];
        uint64_t seq = slot.seq.load(std::memory_order_relaxed);

        if (seq <= executed_seq) {
            break;
        }
        *sample = {seq, slot.at_ns.load(std::memory_order_relaxed),
                   slot.worked_ns.load(std::memory_order_relaxed)};
        found = true;
    }
    return found;
}

} // namespace ft

struct FtLagSamples : ft::LagSamples {};

/* THREAD: any. OWNERSHIP: the caller's, for good. */
FtLagSamples *ftc_lag_samples_new() noexcept {
    return ft::make_or_null<FtLagSamples>();
}

/* THREAD: under the caller's lock. OWNERSHIP: nothing changes hands. */
void ftc_lag_samples_clear(FtLagSamples *s) noexcept {
    s->clear();
}

/* THREAD: under the caller's lock. OWNERSHIP: nothing changes hands. */
void ftc_lag_samples_add(FtLagSamples *s, uint64_t seq, uint64_t now_ns, uint64_t worked_ns,
                         uint64_t executed_seq) noexcept {
    s->add({seq, now_ns, worked_ns}, executed_seq);
}

/* THREAD: any. OWNERSHIP: nothing changes hands. */
bool ftc_lag_samples_oldest(const FtLagSamples *s, uint64_t executed_seq, uint64_t *at_ns,
                            uint64_t *worked_ns) noexcept {
    ft::LagSamples::Sample sample{};

    if (!s->oldest(executed_seq, &sample)) {
        return false;
    }
    *at_ns = sample.at_ns;
    *worked_ns = sample.worked_ns;
    return true;
}
