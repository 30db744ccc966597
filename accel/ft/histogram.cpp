/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/histogram.hpp"

#include <algorithm>
#include <bit>

#include "accel/ft/assert.hpp"
#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"

namespace ft {

/* Values below 32 have a bucket each; above, the exponent picks the octave and
 * the five bits below the leading one the bucket in it. */
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

std::optional<Histogram::Bin> Histogram::next(size_t &at) const noexcept {
    while (at < counts_.size()) {
        size_t b = at++;
        if (counts_[b] != 0) {
            return Bin{upper_bound_of(b), counts_[b]};
        }
    }
    return std::nullopt;
}

} // namespace ft

struct FtHistogram : ft::Histogram {};

/* THREAD: any. OWNERSHIP: the caller frees with ftc_histogram_free. */
FtHistogram *ftc_histogram_new() noexcept {
    return ft::make_or_null<FtHistogram>();
}

/* THREAD: any, after the last user. OWNERSHIP: h is gone; NULL is fine. */
void ftc_histogram_free(FtHistogram *h) noexcept {
    delete h;
}

/* THREAD: the caller's lock covers h. OWNERSHIP: nothing changes hands. */
void ftc_histogram_add(FtHistogram *h, uint64_t value) noexcept {
    h->add(value);
}

/* THREAD: the caller's lock covers h. OWNERSHIP: nothing changes hands. */
bool ftc_histogram_next(const FtHistogram *h, size_t *at, uint64_t *upto,
                        uint64_t *count) noexcept {
    auto bin = h->next(*at);
    if (bin) {
        *upto = bin->upto;
        *count = bin->count;
    }
    return bin.has_value();
}
