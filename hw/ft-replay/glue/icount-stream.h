/*
 * icount with a log that is a stream (replay_use_log): the guest's clock goes by a
 * rate from the log, and a CPU's budget is refilled, shortened or dropped in place.
 * Part of system/cpu-timers.h. With any other log, or none, each function answers
 * that icount has to do as it always did.
 *
 * THREAD: the vCPU's, unless a comment says otherwise.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_GLUE_ICOUNT_STREAM_H
#define HW_FT_REPLAY_GLUE_ICOUNT_STREAM_H

/*
 * The begin of a turn, replay mutex and BQL held: input, events, and how the guest's
 * clock goes on. True if a stream is in use, so that there is no warp to account.
 */
bool icount_stream_begin_turn(CPUState *cpu);

/* How many instructions may be executed in this turn. Only with a stream. */
int64_t icount_stream_limit(void);

/*
 * Replay mutex held, the CPU has left its loop: what an instruction left for the CPU
 * to do, such as the flush of the TLB when it changed the memory map, belongs to it.
 * What other threads do at this instruction, a digest of the state too, comes behind.
 */
void icount_stream_end_turn(CPUState *cpu);

/*
 * In the CPU's loop, all of the budget executed: replaying, its next instructions may
 * be at hand. True if the CPU can go on.
 */
bool icount_refill_budget(CPUState *cpu);

/*
 * In the CPU's loop, the rest of the budget is shorter than the next TB: recording,
 * the turn may end here. True if it does.
 */
bool icount_drop_budget(CPUState *cpu);

/*
 * A timer was armed, so that the CPU's budget may be too long. True if it was made
 * fit, false if the CPU has to leave its loop for that.
 */
bool icount_shorten_budget(CPUState *cpu);

/* Any thread, the clock's lock held: ns from the instruction at which the rate began. */
int64_t icount_stream_ns(int64_t icount);

#endif
