/*
 * Which part of this node stands still, and since when: the main loop, the vCPU thread.
 * A thread that does nothing else looks at each of them every tenth of the limit. What
 * has stood still for the limit is reported, and a primary that has lets its secondary
 * take over, by sending no heartbeat any more (DESIGN section 7).
 *
 * One thread looks; any may read. What must never happen: that a node which was frozen
 * as a whole, or had no CPU for a while, counts that time against its parts. So time is
 * counted by looks, of which each counts for little.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_WATCHDOG_HPP
#define ACCEL_FT_WATCHDOG_HPP

#include <array>
#include <atomic>
#include <cstdint>

#include "accel/ft/ft.h"

namespace ft {

class Watchdog {
  public:
    explicit Watchdog(uint64_t limit_ns) noexcept : limit_ns_(limit_ns) {}

    /* Has this part moved since the last look, or is it idle and may be? */
    FtMotion look(FtPart part, bool moved, uint64_t now_ns) noexcept;
    uint64_t still_ns(FtPart part) const noexcept { return parts_[part].still_ns.load(); }
    uint64_t stood_ns(FtPart part) const noexcept { return parts_[part].stood_ns.load(); }
    uint64_t well_ns(uint64_t now_ns) const noexcept;

  private:
    struct Part {
        uint64_t looked_ns = 0;            /* 0: never                      */
        std::atomic<uint64_t> still_ns{0}; /* until the last look           */
        std::atomic<uint64_t> stood_ns{0}; /* how long, the last time it was long   */
    };

    const uint64_t limit_ns_;
    std::array<Part, FT_PART__COUNT> parts_;
    std::atomic<uint64_t> unwell_ns_{0}; /* when a part last stood still          */
};

} // namespace ft

#endif
