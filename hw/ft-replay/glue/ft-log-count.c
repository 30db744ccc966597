/*
 * How much of a log there is: bytes and frames on the link, instructions since the cut.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "system/replay.h"
#include "replay/replay-internal.h"

static uint64_t icount_at_cut;  /* main                                     */
static uint64_t bytes_total, frames_total;      /* atomic */

void ft_log_count_from_here(void)
{
    icount_at_cut = replay_state.current_icount;
}

void ft_log_count(uint64_t last_seq, size_t bytes)
{
    qatomic_add(&bytes_total, bytes);
    qatomic_set(&frames_total, last_seq);
}

uint64_t ft_log_bytes(void)
{
    return qatomic_read(&bytes_total);
}

uint64_t ft_log_frames(void)
{
    return qatomic_read(&frames_total);
}

/* Without RL this is a moment old; good enough for a figure. */
uint64_t ft_log_executed_icount(void)
{
    return qatomic_read(&replay_state.current_icount) - icount_at_cut;
}
