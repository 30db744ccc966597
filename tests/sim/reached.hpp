/*
 * reached(Rare::X) proves that a run went where it is hard to get to.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_SIM_REACHED_HPP
#define TESTS_SIM_REACHED_HPP

#include <array>
#include <cstddef>
#include <cstdint>

namespace ft::sim {

enum class Rare {
#define FT_RARE(symbol, name) symbol,
#include "tests/sim/reached.def"
#undef FT_RARE
    Count
};

constexpr size_t rare_count = static_cast<size_t>(Rare::Count);
using RareCounts = std::array<uint64_t, rare_count>;

inline constexpr std::array<const char *, rare_count> rare_names = {
#define FT_RARE(symbol, name) name,
#include "tests/sim/reached.def"
#undef FT_RARE
};

/* One thread, one run at a time: a global keeps the call sites short. */
inline RareCounts rare_counts{};
inline void reached(Rare r) {
    rare_counts[static_cast<size_t>(r)]++;
}

} // namespace ft::sim

#endif
