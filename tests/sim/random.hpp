/*
 * The simulator's only source of chance: a seed gives one history. Each part
 * that draws gets its own stream, so that a change in one does not shuffle
 * the others.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_SIM_RANDOM_HPP
#define TESTS_SIM_RANDOM_HPP

#include <cstdint>

namespace ft::sim {

constexpr uint64_t mix(uint64_t a, uint64_t b) {
    uint64_t x = a * 0x9e3779b97f4a7c15u ^ (b + 0x7f4a7c159e3779b9u);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

class Random {
  public:
    explicit Random(uint64_t seed) : state_(mix(seed, 0x5eed)) {}

    uint64_t next() {
        state_ += 0x9e3779b97f4a7c15u;
        return mix(state_, 1);
    }
    uint64_t below(uint64_t n) { return n ? next() % n : 0; }
    uint64_t between(uint64_t lo, uint64_t hi) { return lo + below(hi - lo + 1); }
    bool percent(uint64_t p) { return below(100) < p; }
    Random fork() { return Random(next()); }

  private:
    uint64_t state_;
};

} // namespace ft::sim

#endif
