/*
 * The world outside the pair, which sees only what is released, and the checks
 * that it may never see broken. Each check throws Violation; the run is over.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_SIM_OUTSIDE_HPP
#define TESTS_SIM_OUTSIDE_HPP

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/sim/guest.hpp"

namespace ft::sim {

struct Violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Outside {
  public:
    /* An output leaves. A gap is what a full hold dropped, or what the log of a
     * dead primary had not yet let go: the network may lose packets, but it
     * must not see one twice, nor an older one after a newer one. */
    void sees(unsigned node, Output o, bool gap_allowed);
    /* node got the right to output alone in this epoch. */
    void owns(unsigned node, uint64_t epoch);
    /* node goes on alone: whatever was seen must be in its own past. */
    void survives(unsigned node, const Guest &guest) const;

    uint64_t seen() const { return seen_.size(); }
    std::optional<unsigned> last_owner() const { return last_owner_; }

  private:
    std::vector<Output> seen_;
    std::optional<unsigned> last_sender_;
    std::optional<unsigned> last_owner_;
    uint64_t last_epoch_ = 0;
    std::map<uint64_t, unsigned> owners_;
};

} // namespace ft::sim

#endif
