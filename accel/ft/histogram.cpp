/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/histogram.hpp"

#include <algorithm>
#include <bit>

#include "accel/ft/assert.hpp"

namespace ft {

/* Values below 8 have a bucket each; above, the exponent picks the octave and
 * the three bits below the leading one the bucket in it. */
size_t Histogram::bucket_of(uint64_t value) noexcept {
    if (value < (1u << sub_bits)) {
        return value;
    }
    unsigned shift = unsigned(std::bit_width(value)) - 1 - sub_bits;
    return (size_t(shift + 1) << sub_bits) + ((value >> shift) & ((1u << sub_bits) - 1));
}

uint64_t Histogram::upper_bound_of(size_t bucket) noexcept {
    if (bucket < (1u << sub_bits)) {
        return bucket;
    }
    unsigned shift = unsigned(bucket >> sub_bits) - 1;
    uint64_t lead = (1u << sub_bits) + (bucket & ((1u << sub_bits) - 1));
    /* For the last bucket the shifted sum is 2^64, which wraps to the right end. */
    return ((lead + 1) << shift) - 1;
}

void Histogram::add(uint64_t value) noexcept {
    counts_[bucket_of(value)]++;
    count_++;
    max_ = std::max(max_, value);
}

uint64_t Histogram::percentile(unsigned percent) const noexcept {
    FT_ASSERT(percent <= 100, "percentile %u", percent);
    /* Rounded up, and split so that a large count does not overflow. */
    uint64_t rank = count_ / 100 * percent + (count_ % 100 * percent + 99) / 100;
    uint64_t seen = 0;

    if (count_ == 0) {
        return 0;
    }
    rank = std::max<uint64_t>(rank, 1);
    for (size_t b = 0; b < counts_.size(); b++) {
        seen += counts_[b];
        if (seen >= rank) {
            return std::min(upper_bound_of(b), max_);
        }
    }
    return max_;
}

} // namespace ft
