/*
 * A deterministic guest: its state is a hash chain over its inputs, and now
 * and then an input makes it send an output that carries the state. Two guests
 * that sent the same output therefore went through the same inputs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_SIM_GUEST_HPP
#define TESTS_SIM_GUEST_HPP

#include <cstdint>
#include <optional>
#include <vector>

#include "tests/sim/random.hpp"

namespace ft::sim {

struct Output {
    uint64_t index; /* counts from 0 over the life of the VM, across nodes */
    uint64_t value;
};

class Guest {
  public:
    /* one_in: an input makes an output with this chance. */
    explicit Guest(uint64_t one_in) : one_in_(one_in) {}

    std::optional<Output> consume(uint64_t kind, uint64_t value) {
        state_ = mix(state_, mix(kind, value));
        if (mix(state_, 0x0075) % one_in_ != 0) {
            return std::nullopt;
        }
        history_.push_back(state_);
        return Output{history_.size() - 1, state_};
    }

    void corrupt() { state_ ^= 1; }
    uint64_t state() const { return state_; }
    /* Every output this guest ever sent, released or not. */
    const std::vector<uint64_t> &history() const { return history_; }

  private:
    uint64_t one_in_;
    uint64_t state_ = 0;
    std::vector<uint64_t> history_;
};

} // namespace ft::sim

#endif
