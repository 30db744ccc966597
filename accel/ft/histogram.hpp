/*
 * Counts of durations in logarithmic buckets: 32 per octave, so a percentile is
 * at most a 32nd above the true one, in 15 KiB whatever the range. The maximum
 * is exact. Not thread-safe: its owner's lock covers it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_HISTOGRAM_HPP
#define ACCEL_FT_HISTOGRAM_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace ft {

class Histogram {
  public:
    void add(uint64_t value) noexcept;
    /* The smallest bucket bound that at least percent % of the values do not
     * exceed, never above max(); 0 while empty. */
    uint64_t percentile(unsigned percent) const noexcept;
    uint64_t count() const noexcept { return count_; }
    uint64_t max() const noexcept { return max_; }
    struct Bin {
        uint64_t upto, count;
    };
    /* The next bin that is not empty, at index at or later; moves at past it. */
    std::optional<Bin> next(size_t &at) const noexcept;

  private:
    static constexpr unsigned sub_bits = 5;
    static constexpr size_t buckets = (64 - sub_bits + 1) << sub_bits;

    static size_t bucket_of(uint64_t value) noexcept;
    static uint64_t upper_bound_of(size_t bucket) noexcept;

    std::array<uint64_t, buckets> counts_{};
    uint64_t count_ = 0;
    uint64_t max_ = 0;
};

} // namespace ft

#endif
