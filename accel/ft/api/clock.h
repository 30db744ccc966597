/*
 * The guest's clock.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_CLOCK_H
#define ACCEL_FT_API_CLOCK_H

#include "accel/ft/api/base.h"

FT_API_BEGIN

/*
 * How the guest's clock follows the host's (hw/ft-replay/guest_clock.hpp).
 * Times are ns of the host's and of the guest's clock; timer_ns is the time until
 * the guest's next timer, -1 without one. Thread: RL or BQL.
 */
typedef enum FtActivity {
    FT_GUEST_BUSY,                     /* executing                         */
    FT_GUEST_WOKEN,                    /* halted, an interrupt waits for it */
    FT_GUEST_IDLE                      /* halted                            */
} FtActivity;
typedef struct FtClock FtClock;
FtClock *ftc_clock_new(void) FT_NOEXCEPT;
void ftc_clock_free(FtClock *c) FT_NOEXCEPT;
/* Recording: must the guest's clock change? True: it moves forward by *step_ns at once,
 * and by *rate (in 1/65536 ns) for each instruction from then on. False: it goes on as
 * before. silent: the log has had no event for too long, so a guest that executes gets
 * one now, even if nothing changes. */
bool ftc_clock_next(FtClock *c, int64_t host_ns, int64_t guest_ns, int64_t timer_ns,
                    FtActivity activity, bool silent, int64_t *step_ns,
                    uint32_t *rate) FT_NOEXCEPT;
/* How long an idle guest may sleep: 0 not at all, -1 until it is woken. */
int64_t ftc_clock_sleep(const FtClock *c, int64_t host_ns, int64_t guest_ns,
                        int64_t timer_ns) FT_NOEXCEPT;
/* A turn of the vCPU loop begins: how many instructions it may take. */
int64_t ftc_clock_begin_turn(FtClock *c, int64_t host_ns, int64_t icount) FT_NOEXCEPT;
void ftc_clock_end_turn(FtClock *c, int64_t host_ns, int64_t icount) FT_NOEXCEPT;
int64_t ftc_clock_behind(const FtClock *c, int64_t host_ns, int64_t guest_ns) FT_NOEXCEPT;
/* The operator had paused the guest for host_ns; its clock does not catch up with that. */
void ftc_clock_forget(FtClock *c, int64_t host_ns) FT_NOEXCEPT;
/* observe, while replaying: the clock has followed the log to this point. go_live: from
 * now on this node decides. */
void ftc_clock_observe(FtClock *c, int64_t host_ns, int64_t guest_ns) FT_NOEXCEPT;
void ftc_clock_go_live(FtClock *c, int64_t host_ns, int64_t guest_ns) FT_NOEXCEPT;

FT_API_END

#endif
