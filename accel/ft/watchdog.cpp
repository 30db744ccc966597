/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/watchdog.hpp"

#include <algorithm>

#include "accel/ft/result.hpp"

namespace ft {
namespace {

constexpr uint64_t limit_min_ns = 10'000'000'000;
constexpr uint64_t timeouts_per_limit = 10;
/* Shown to operators: a part that has not moved for two looks in a row. */
constexpr uint64_t seen_share = FT_LOOKS_PER_LIMIT / 2;
/* When two nodes begin to move again at the same moment, each sees the other move up to
 * a look later; three looks are enough for both. */
constexpr uint64_t well_looks = 3;

} // namespace

FtMotion Watchdog::look(FtPart part, bool moved, uint64_t now_ns) noexcept {
    Part &p = parts_[part];
    const uint64_t before_ns = p.still_ns.load();
    const uint64_t gap_ns = p.looked_ns ? now_ns - std::min(now_ns, p.looked_ns) : 0;

    p.looked_ns = now_ns;
    if (moved) {
        p.still_ns.store(0);
        if (before_ns < limit_ns_) {
            return FT_MOTION_AS_BEFORE;
        }
        p.stood_ns.store(before_ns);
        return FT_MOTION_BEGINS;
    }
    /* Looks that are further apart than this mean that the watching thread itself had no
     * CPU: that time does not count. */
    const uint64_t still_ns =
        before_ns + std::min(gap_ns, 2 * limit_ns_ / FT_LOOKS_PER_LIMIT);
    p.still_ns.store(still_ns);
    if (ftc_watchdog_is_seen(still_ns, limit_ns_)) {
        unwell_ns_.store(now_ns);
    }
    return before_ns < limit_ns_ && still_ns >= limit_ns_ ? FT_MOTION_ENDS
                                                          : FT_MOTION_AS_BEFORE;
}

uint64_t Watchdog::well_ns(uint64_t now_ns) const noexcept {
    return now_ns - std::min(now_ns, unwell_ns_.load());
}

} // namespace ft

struct FtWatchdog : ft::Watchdog {
    using ft::Watchdog::Watchdog;
};

/* THREAD: any. OWNERSHIP: the caller frees with ftc_watchdog_free. */
FtWatchdog *ftc_watchdog_new(uint64_t limit_ns) noexcept {
    return ft::make_or_null<FtWatchdog>(limit_ns);
}

/* THREAD: any, after the last user. OWNERSHIP: w is gone; NULL is fine. */
void ftc_watchdog_free(FtWatchdog *w) noexcept {
    delete w;
}

/* THREAD: the one that looks. OWNERSHIP: nothing changes hands. */
FtMotion ftc_watchdog_look(FtWatchdog *w, FtPart part, bool moved,
                           uint64_t now_ns) noexcept {
    return w->look(part, moved, now_ns);
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
uint64_t ftc_watchdog_still_ns(const FtWatchdog *w, FtPart part) noexcept {
    return w->still_ns(part);
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
uint64_t ftc_watchdog_stood_ns(const FtWatchdog *w, FtPart part) noexcept {
    return w->stood_ns(part);
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
uint64_t ftc_watchdog_well_ns(const FtWatchdog *w, uint64_t now_ns) noexcept {
    return w->well_ns(now_ns);
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
uint64_t ftc_watchdog_limit_ns(uint64_t timeout_ns) noexcept {
    return std::max(ft::limit_min_ns, ft::timeouts_per_limit * timeout_ns);
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
bool ftc_watchdog_is_seen(uint64_t still_ns, uint64_t limit_ns) noexcept {
    return still_ns >= limit_ns / ft::seen_share;
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
bool ftc_watchdog_gives_up(uint64_t still_ns, uint64_t other_well_ns,
                           uint64_t limit_ns) noexcept {
    return still_ns >= limit_ns &&
           other_well_ns >= ft::well_looks * (limit_ns / FT_LOOKS_PER_LIMIT);
}

/* THREAD: any, no lock needed. OWNERSHIP: the name is static. */
const char *ftc_part_name(FtPart part) noexcept {
    switch (part) {
    case FT_PART_MAIN_LOOP:
        return "main loop";
    case FT_PART_VCPU:
        return "vCPU thread";
    default:
        return "?";
    }
}
