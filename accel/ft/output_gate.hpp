/*
 * The output gate: may what the guest has sent in frame N leave now? Packets and
 * writes to a shared image ask here, and nowhere else, so the Output Rule (VMware FT
 * paper, 2.2) stands in one place. The simulator asks the same class.
 *
 * Everything waits in front of the gate; what waits, and how much room it has, is
 * its holder's business (net/ft-filter/output_hold.hpp for packets). The mode follows
 * the node's state: a node alone passes all, one of a pair passes what the other node
 * has acknowledged while its lease is valid, one that was fenced passes nothing again.
 *
 * One thread at a time; QEMU's glue calls with the BQL held. What must never happen:
 * an answer that is kept and used later. The node may have been stopped in between,
 * and the lease over, so ask again before each single output.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_OUTPUT_GATE_HPP
#define ACCEL_FT_OUTPUT_GATE_HPP

#include <cstdint>
#include <optional>

#include "accel/ft/ft.h"
#include "accel/ft/lease.hpp"

namespace ft {

class OutputGate {
  public:
    void set(FtOutput mode) noexcept { mode_ = mode; }
    FtOutput mode() const noexcept { return mode_; }

    /*
     * The last frame whose output may leave at this instant; nothing may without a
     * value. @lease is NULL while no secondary is connected, @acked_seq the last frame
     * that it has acknowledged.
     */
    std::optional<uint64_t> limit(const Lease *lease, uint64_t acked_seq,
                                  uint64_t now_ns) const noexcept;

  private:
    FtOutput mode_ = FT_OUTPUT_CLOSED;
};

} // namespace ft

#endif
