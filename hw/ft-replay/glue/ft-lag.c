/*
 * How far the secondary is behind, from what was committed here and what it has told
 * (lag_samples.hpp, lag_estimate.hpp), and how often by how much.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "qemu/lockable.h"

static uint64_t slowed_ns;      /* the guest has waited for the secondary; atomic */
static FtLagSamples *lag_samples;       /* RL to write, any to read         */
static FtLagEstimate *lag_estimate;     /* vCPU                             */
static unsigned logs_begun;     /* atomic                                   */

/* Of this node, until @now_ns: the time in which it did not wait for its secondary. */
static uint64_t ft_worked_ns(uint64_t now_ns)
{
    return now_ns - qatomic_read(&slowed_ns);
}

void ft_lag_committed(uint64_t seq, uint64_t now_ns)
{
    ftc_lag_samples_add(lag_samples, seq, now_ns, ft_worked_ns(now_ns),
                        ft_peer_executed_seq());
}

void ft_lag_restart(void)
{
    ftc_lag_samples_clear(lag_samples);
    qatomic_set(&logs_begun, logs_begun + 1);
}

uint64_t ft_log_lag_ns(void)
{
    uint64_t at_ns, worked_ns;

    return ftc_lag_samples_oldest(lag_samples, ft_peer_executed_seq(), &at_ns, &worked_ns)
               ? ft_now_ns() - at_ns : 0;
}

/*
 * vCPU. How long the secondary will need for what it has not executed. What is on a
 * long way there, or its report on the way back, is not the secondary's lag: it has
 * executed since what it could in a round trip.
 */
uint64_t ft_lag_to_come_ns(uint64_t now_ns)
{
    static unsigned of_log;
    uint64_t worked_ns = ft_worked_ns(now_ns);
    uint64_t at_ns, executed_ns;

    if (!ftc_lag_samples_oldest(lag_samples, ft_peer_executed_seq(), &at_ns, &executed_ns)) {
        executed_ns = worked_ns;
    }

    if (of_log != qatomic_read(&logs_begun)) {
        of_log = qatomic_read(&logs_begun);
        ftc_lag_estimate_reset(lag_estimate);
    }
    return ftc_lag_estimate(lag_estimate, now_ns, worked_ns, executed_ns,
                            ft_peer_executed_at_ns(), ft_peer_rtt_ns());
}

/* The lag at the end of each turn, for query-ft-histograms. */
static struct {
    QemuMutex lock;
    FtHistogram *histogram;
} lags;

void ft_lag_count(uint64_t lag_ns)
{
    QEMU_LOCK_GUARD(&lags.lock);
    ftc_histogram_add(lags.histogram, lag_ns);
}

/* Any thread. The next bin from *at on, as ftc_histogram_next. */
bool ft_log_lag_bin(size_t *at, uint64_t *upto, uint64_t *count)
{
    if (!lags.histogram) {
        return false;
    }
    QEMU_LOCK_GUARD(&lags.lock);
    return ftc_histogram_next(lags.histogram, at, upto, count);
}

void ft_lag_slowed(uint64_t ns)
{
    qatomic_set(&slowed_ns, slowed_ns + ns);
}

uint64_t ft_log_slowed_ns(void)
{
    return qatomic_read(&slowed_ns);
}

void ft_lag_setup(void)
{
    qemu_mutex_init(&lags.lock);
    lags.histogram = ftc_histogram_new();
    lag_estimate = ftc_lag_estimate_new();
    lag_samples = ftc_lag_samples_new();
    g_assert(lags.histogram && lag_estimate && lag_samples);
}
