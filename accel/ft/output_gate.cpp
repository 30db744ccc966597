/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/output_gate.hpp"

#include "accel/ft/result.hpp"

namespace ft {

std::optional<uint64_t> OutputGate::limit(const Lease *lease, uint64_t acked_seq,
                                          uint64_t now_ns) const noexcept {
    switch (mode_) {
    case FT_OUTPUT_PASS:
        return UINT64_MAX;
    case FT_OUTPUT_ACKED:
        /* The lease may have ended while this process was stopped: then nothing may
         * leave. */
        if (lease && lease->valid(now_ns)) {
            return acked_seq;
        }
        return std::nullopt;
    case FT_OUTPUT_KEEP:
    case FT_OUTPUT_CLOSED:
        break;
    }
    return std::nullopt;
}

} // namespace ft

struct FtGate : ft::OutputGate {};

/* THREAD: any. OWNERSHIP: the caller frees with ftc_gate_free. */
FtGate *ftc_gate_new() noexcept {
    return ft::make_or_null<FtGate>();
}

/* THREAD: the gate's. OWNERSHIP: g is gone; NULL is fine. */
void ftc_gate_free(FtGate *g) noexcept {
    delete g;
}

/* THREAD: the gate's. OWNERSHIP: nothing changes hands. */
void ftc_gate_set(FtGate *g, FtOutput mode) noexcept {
    g->set(mode);
}

/* THREAD: the gate's. OWNERSHIP: nothing changes hands. */
FtOutput ftc_gate_mode(const FtGate *g) noexcept {
    return g->mode();
}

/* THREAD: the gate's. OWNERSHIP: nothing changes hands. */
bool ftc_gate_limit(const FtGate *g, const FtLease *lease, uint64_t acked_seq,
                    uint64_t now_ns, uint64_t *up_to) noexcept {
    const std::optional<uint64_t> limit = g->limit(lease, acked_seq, now_ns);

    *up_to = limit.value_or(0);
    return limit.has_value();
}
