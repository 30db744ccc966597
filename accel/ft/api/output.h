/*
 * The right to let output go: lease and output gate.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_OUTPUT_H
#define ACCEL_FT_API_OUTPUT_H

#include "accel/ft/api/base.h"

FT_API_BEGIN

/*
 * The primary may let output go only while the secondary cannot have taken
 * over: until (send time of the last ping that was answered) + timeout. The
 * secondary takes over on silence only after timeout has passed since it
 * received a ping, which is later, so the two never overlap. Guards against a
 * primary that was stopped (SIGSTOP) and continued. Thread: any (atomic).
 */
typedef struct FtLease FtLease;
FtLease *ftc_lease_new(uint64_t timeout_ns) FT_NOEXCEPT;
void ftc_lease_free(FtLease *l) FT_NOEXCEPT;
/* To be called when the connections come up, never at READY: a READY that was delayed
 * would make the lease last longer than the secondary waits. */
void ftc_lease_start(FtLease *l, uint64_t now_ns) FT_NOEXCEPT;
void ftc_lease_answered(FtLease *l, uint64_t ping_sent_ns, uint64_t now_ns) FT_NOEXCEPT;
bool ftc_lease_valid(const FtLease *l, uint64_t now_ns) FT_NOEXCEPT;
uint64_t ftc_lease_rtt_ns(const FtLease *l) FT_NOEXCEPT;          /* median    */

/*
 * May what the guest has sent in frame N leave now? See accel/ft/output_gate.hpp.
 * Thread: one at a time (QEMU: BQL held).
 */
typedef enum FtOutput {
    FT_OUTPUT_PASS,             /* exposed: leaves at once                  */
    FT_OUTPUT_KEEP,             /* after the cut, on both: nothing leaves   */
    FT_OUTPUT_ACKED,            /* protected: leaves when its frame is acked
                                 * and the lease is valid                   */
    FT_OUTPUT_CLOSED            /* fenced: nothing leaves any more          */
} FtOutput;
typedef struct FtGate FtGate;
FtGate *ftc_gate_new(void) FT_NOEXCEPT;                       /* FT_OUTPUT_CLOSED */
void ftc_gate_free(FtGate *g) FT_NOEXCEPT;
void ftc_gate_set(FtGate *g, FtOutput mode) FT_NOEXCEPT;
FtOutput ftc_gate_mode(const FtGate *g) FT_NOEXCEPT;
/*
 * False: nothing may leave at this instant. Else the output of frames up to *up_to
 * may. @lease: NULL while no secondary is connected. Ask before each output.
 */
bool ftc_gate_limit(const FtGate *g, const FtLease *lease, uint64_t acked_seq,
                    uint64_t now_ns, uint64_t *up_to) FT_NOEXCEPT;

FT_API_END

#endif
