/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "block/ft-filter/chunk_set.hpp"

#include <algorithm>
#include <bit>
#include <cinttypes>

#include "accel/ft/assert.hpp"

namespace ft {

namespace {

constexpr uint64_t bits = 64;
constexpr uint64_t all = ~uint64_t{0};

/* The bits of this word that [from, to) covers; it covers at least one. */
uint64_t mask_of(uint64_t word, uint64_t from, uint64_t to) {
    uint64_t mask = all;

    if (from > word * bits) {
        mask &= all << (from - word * bits);
    }
    if (to < (word + 1) * bits) {
        mask &= all >> ((word + 1) * bits - to);
    }
    return mask;
}

} // namespace

ChunkSet::ChunkSet(uint64_t size) : size_(size) {
    uint64_t words = size;

    do {
        words = (words + bits - 1) / bits;
        levels_.emplace_back(std::max(words, uint64_t{1}));
    } while (words > 1);
}

void ChunkSet::add(uint64_t from, uint64_t to) {
    FT_ASSERT(from <= to && to <= size_, "%" PRIu64 "..%" PRIu64 " of %" PRIu64, from, to,
              size_);
    for (size_t level = 0; level < levels_.size() && from < to; level++) {
        for (uint64_t word = from / bits; word <= (to - 1) / bits; word++) {
            uint64_t mask = mask_of(word, from, to);

            if (level == 0) {
                count_ += std::popcount(mask & ~levels_[0][word]);
            }
            levels_[level][word] |= mask;
        }
        from = from / bits;
        to = (to - 1) / bits + 1;
    }
}

void ChunkSet::remove(uint64_t from, uint64_t to) {
    FT_ASSERT(from <= to && to <= size_, "%" PRIu64 "..%" PRIu64 " of %" PRIu64, from, to,
              size_);
    for (size_t level = 0; level < levels_.size() && from < to; level++) {
        uint64_t first = from / bits, last = (to - 1) / bits;

        for (uint64_t word = first; word <= last; word++) {
            uint64_t mask = mask_of(word, from, to);

            if (level == 0) {
                count_ -= std::popcount(mask & levels_[0][word]);
            }
            levels_[level][word] &= ~mask;
        }
        /* The words in the middle are empty now; those at the two ends may not be. */
        from = first + (levels_[level][first] != 0);
        to = last + 1 - (levels_[level][last] != 0);
    }
}

/* The first bit of the level that is set, at at or later; the level's size if none
 * is. */
uint64_t ChunkSet::at_or_behind(size_t level, uint64_t at) const {
    const Level &words = levels_[level];
    uint64_t word = at / bits;

    if (word < words.size()) {
        uint64_t here = words[word] & (all << at % bits);

        if (here == 0 && level + 1 < levels_.size()) {
            word = at_or_behind(level + 1, word + 1);
            here = word < words.size() ? words[word] : 0;
        }
        if (here != 0) {
            return word * bits + std::countr_zero(here);
        }
    }
    return words.size() * bits;
}

uint64_t ChunkSet::member(uint64_t from, uint64_t to) const {
    return from < to ? std::min(at_or_behind(0, from), to) : to;
}

uint64_t ChunkSet::gap(uint64_t from, uint64_t to) const {
    while (from < to) {
        uint64_t missing = ~levels_[0][from / bits] & (all << from % bits);

        if (missing != 0) {
            return std::min(from / bits * bits + std::countr_zero(missing), to);
        }
        from = (from / bits + 1) * bits;
    }
    return to;
}

} // namespace ft
