/*
 * How far the secondary is behind.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_LAG_H
#define ACCEL_FT_API_LAG_H

#include "accel/ft/api/base.h"

FT_API_BEGIN

/* Remembers when frames were made, and how long the primary had worked by then, to tell
 * how old the oldest frame is that the secondary has not executed. add, clear: under the
 * caller's lock; oldest: any thread, false if there is no such frame. */
typedef struct FtLagSamples FtLagSamples;
FtLagSamples *ftc_lag_samples_new(void) FT_NOEXCEPT;
void ftc_lag_samples_clear(FtLagSamples *s) FT_NOEXCEPT;
void ftc_lag_samples_add(FtLagSamples *s, uint64_t seq, uint64_t now_ns, uint64_t worked_ns,
                         uint64_t executed_seq) FT_NOEXCEPT;
bool ftc_lag_samples_oldest(const FtLagSamples *s, uint64_t executed_seq, uint64_t *at_ns,
                            uint64_t *worked_ns) FT_NOEXCEPT;

/* How long the secondary will need for what it has not executed. worked_ns: how long the
 * primary has worked until now. executed_ns: how much of that the secondary had executed
 * by its last report, which came at report_ns over a link with the round trip rtt_ns.
 * Thread: the vCPU's. */
typedef struct FtLagEstimate FtLagEstimate;
FtLagEstimate *ftc_lag_estimate_new(void) FT_NOEXCEPT;
void ftc_lag_estimate_reset(FtLagEstimate *l) FT_NOEXCEPT;
uint64_t ftc_lag_estimate(FtLagEstimate *l, uint64_t now_ns, uint64_t worked_ns,
                          uint64_t executed_ns, uint64_t report_ns, uint64_t rtt_ns) FT_NOEXCEPT;
/* How long to pause after a turn of ran_ns, for a secondary that lags. Thread: any. */
uint64_t ftc_lag_pause(uint64_t lag_ns, uint64_t limit_ns, uint64_t ran_ns) FT_NOEXCEPT;

/*
 * Durations by size, to within a 32nd. Not thread-safe.
 */
typedef struct FtHistogram FtHistogram;
FtHistogram *ftc_histogram_new(void) FT_NOEXCEPT;
void ftc_histogram_free(FtHistogram *h) FT_NOEXCEPT;
void ftc_histogram_add(FtHistogram *h, uint64_t value) FT_NOEXCEPT;
/* The next bin that is not empty, at *at or later; moves *at past it. Begin with 0. */
bool ftc_histogram_next(const FtHistogram *h, size_t *at, uint64_t *upto,
                        uint64_t *count) FT_NOEXCEPT;

FT_API_END

#endif
