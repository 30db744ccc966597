/*
 * Goal: a ChunkSet is a set of numbers, at any size. Method: the same random calls on a
 * ChunkSet and on a plain array of flags; then the size of a large drive.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "block/ft-filter/chunk_set.hpp"

namespace {

uint64_t first(const std::vector<bool> &flags, uint64_t from, uint64_t to, bool wanted) {
    while (from < to && flags[from] != wanted) {
        from++;
    }
    return std::min(from, to);
}

void compare(uint64_t size, std::mt19937_64 &random) {
    ft::ChunkSet set(size);
    std::vector<bool> flags(size);

    for (int step = 0; step < 300; step++) {
        uint64_t from = random() % (size + 1), to = from + random() % (size - from + 1);
        if (random() % 2) {
            to = std::min(size, from + random() % 3);
        }
        switch (random() % 4) {
        case 0:
            set.add(from, to);
            std::fill(flags.begin() + from, flags.begin() + to, true);
            break;
        case 1:
            set.remove(from, to);
            std::fill(flags.begin() + from, flags.begin() + to, false);
            break;
        case 2:
            ASSERT_EQ(set.member(from, to), first(flags, from, to, true)) << size;
            break;
        default:
            ASSERT_EQ(set.gap(from, to), first(flags, from, to, false)) << size;
        }
        ASSERT_EQ(set.count(), uint64_t(std::count(flags.begin(), flags.end(), true)));
    }
}

TEST(ChunkSet, IsASet) {
    std::mt19937_64 random(20261130);

    for (uint64_t size : {0, 1, 63, 64, 65, 127, 128, 4095, 4096, 4097, 9000}) {
        for (int history = 0; history < 20; history++) {
            compare(size, random);
        }
    }
}

TEST(ChunkSet, AMemberFarAwayIsFound) {
    constexpr uint64_t chunks = uint64_t{1} << 24; /* a TiB */
    ft::ChunkSet set(chunks);

    set.add(0, chunks);
    EXPECT_EQ(set.count(), chunks);
    EXPECT_EQ(set.gap(0, chunks), chunks);
    set.remove(1, chunks - 1);
    EXPECT_EQ(set.count(), 2u);
    EXPECT_EQ(set.member(0, chunks), 0u);
    EXPECT_EQ(set.member(1, chunks), chunks - 1);
    EXPECT_EQ(set.member(1, chunks - 1), chunks - 1);
    EXPECT_EQ(set.gap(0, chunks), 1u);
}

} // namespace
