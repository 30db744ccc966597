/*
 * The arbiter of the simulated world: one test-and-set per epoch, which can be
 * out of reach for one node or for all, before it decides or after.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_SIM_SIM_ARBITER_HPP
#define TESTS_SIM_SIM_ARBITER_HPP

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "accel/ft/ft.h"

namespace ft::sim {

class SimArbiter {
  public:
    explicit SimArbiter(bool broken) : broken_(broken) {}

    FtClaim claim(unsigned node, uint64_t epoch) {
        if (is_away(node)) {
            return FT_CLAIM_UNREACHABLE;
        }
        const auto [it, first] = owner_.try_emplace(epoch, node);
        return first || it->second == node || broken_ ? FT_CLAIM_WON : FT_CLAIM_LOST;
    }

    bool is_away(unsigned node) const { return away_from_.contains(node); }
    void set_away(unsigned node, bool away) {
        away ? void(away_from_.insert(node)) : void(away_from_.erase(node));
    }
    void heal() { away_from_.clear(); }
    std::optional<unsigned> owner(uint64_t epoch) const {
        const auto it = owner_.find(epoch);
        return it == owner_.end() ? std::nullopt : std::optional(it->second);
    }

  private:
    bool broken_;
    std::map<uint64_t, unsigned> owner_;
    std::set<unsigned> away_from_;
};

} // namespace ft::sim

#endif
