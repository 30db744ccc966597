/*
 * Which part of a node stands still.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_WATCHDOG_H
#define ACCEL_FT_API_WATCHDOG_H

#include "accel/ft/api/base.h"

FT_API_BEGIN

/*
 * Which part of a node stands still, and what follows (accel/ft/watchdog.hpp). Thread:
 * one looks, FT_LOOKS_PER_LIMIT times in the limit; any may read.
 */
typedef enum FtPart { FT_PART_MAIN_LOOP, FT_PART_VCPU, FT_PART__COUNT } FtPart;
typedef enum FtMotion {
    FT_MOTION_AS_BEFORE,
    FT_MOTION_ENDS,         /* it has not moved for the limit               */
    FT_MOTION_BEGINS        /* it had not, and moves again                  */
} FtMotion;
enum { FT_LOOKS_PER_LIMIT = 10 };
typedef struct FtWatchdog FtWatchdog;
FtWatchdog *ftc_watchdog_new(uint64_t limit_ns) FT_NOEXCEPT;
void ftc_watchdog_free(FtWatchdog *w) FT_NOEXCEPT;
/* @moved: the part has moved since the last look, or is idle and may be. */
FtMotion ftc_watchdog_look(FtWatchdog *w, FtPart part, bool moved, uint64_t now_ns) FT_NOEXCEPT;
/* still: for how long the part has not moved. stood: for how long it had not moved the
 * last time that this was longer than the limit. */
uint64_t ftc_watchdog_still_ns(const FtWatchdog *w, FtPart part) FT_NOEXCEPT;
uint64_t ftc_watchdog_stood_ns(const FtWatchdog *w, FtPart part) FT_NOEXCEPT;
/* For how long no part of this node has been seen to stand still. */
uint64_t ftc_watchdog_well_ns(const FtWatchdog *w, uint64_t now_ns) FT_NOEXCEPT;
uint64_t ftc_watchdog_limit_ns(uint64_t timeout_ns) FT_NOEXCEPT;
/* Is this long enough to be shown to an operator: more than one look? */
bool ftc_watchdog_is_seen(uint64_t still_ns, uint64_t limit_ns) FT_NOEXCEPT;
/* Should a node that has stood still for still_ns give way to the other one? Not if the
 * other one stands still too, or did so until a moment ago: what both wait for (a
 * storage, say) may come back, and then comes back for both. */
bool ftc_watchdog_gives_up(uint64_t still_ns, uint64_t other_well_ns,
                           uint64_t limit_ns) FT_NOEXCEPT;
const char *ftc_part_name(FtPart part) FT_NOEXCEPT;

FT_API_END

#endif
