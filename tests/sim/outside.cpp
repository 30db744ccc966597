/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/outside.hpp"

#include "tests/sim/text.hpp"

namespace ft::sim {

void Outside::sees(unsigned node, Output o, bool gap_allowed) {
    const uint64_t expected = seen_.empty() ? 0 : seen_.back().index + 1;

    if (o.index < expected) {
        throw Violation(
            compose("node {} released output {} again or out of order (after {})", node,
                    o.index, expected - 1));
    }
    if (o.index > expected && last_sender_ == node && !gap_allowed) {
        throw Violation(
            compose("node {} skipped outputs {} to {}", node, expected, o.index - 1));
    }
    seen_.push_back(o);
    last_sender_ = node;
}

void Outside::owns(unsigned node, uint64_t epoch) {
    const auto [it, first] = owners_.try_emplace(epoch, node);

    if (!first && it->second != node) {
        throw Violation(compose("nodes {} and {} both output alone in epoch {}", it->second,
                                node, epoch));
    }
    if (epoch < last_epoch_) {
        throw Violation(compose("node {} outputs alone in epoch {} after epoch {}", node,
                                epoch, last_epoch_));
    }
    last_epoch_ = epoch;
    last_owner_ = node;
}

void Outside::survives(unsigned node, const Guest &guest) const {
    for (const Output &o : seen_) {
        if (o.index >= guest.history().size()) {
            throw Violation(
                compose("output {} was released, but survivor {} has sent only {}", o.index,
                        node, guest.history().size()));
        }
        if (guest.history()[o.index] != o.value) {
            throw Violation(compose("output {} was released, but survivor {} sent another",
                                    o.index, node));
        }
    }
}

} // namespace ft::sim
