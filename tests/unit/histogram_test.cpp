/*
 * Goal: percentiles are within the promised 32nd above the truth, for any
 * value. Method: edges of the buckets, a uniform set, a heavy tail.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "accel/ft/histogram.hpp"

#include <gtest/gtest.h>

using ft::Histogram;

TEST(Histogram, EmptyAnswersZero) {
    Histogram h;
    EXPECT_EQ(h.percentile(50), 0u);
    EXPECT_EQ(h.max(), 0u);
}

TEST(Histogram, OneValueIsExact) {
    for (uint64_t v : {0ull, 1ull, 7ull, 8ull, 9ull, 1000ull, 1ull << 63, ~0ull}) {
        Histogram h;
        h.add(v);
        EXPECT_EQ(h.percentile(0), v);
        EXPECT_EQ(h.percentile(100), v);
    }
}

TEST(Histogram, BoundIsNeverBelowAndAtMostA32ndAbove) {
    for (unsigned bit = 0; bit < 64; bit++) {
        for (uint64_t v :
             {(1ull << bit) - 1, 1ull << bit, (1ull << bit) + (1ull << bit) / 3}) {
            Histogram h;
            h.add(v);
            h.add(UINT64_MAX); /* So that the maximum does not cut the bound. */
            uint64_t p = h.percentile(50);
            EXPECT_GE(p, v);
            EXPECT_LE(p - v, v / 32);
        }
    }
}

TEST(Histogram, PercentilesOfAThousand) {
    Histogram h;
    for (uint64_t v = 1; v <= 1000; v++) {
        h.add(v * 1000);
    }
    EXPECT_NEAR(double(h.percentile(50)), 500000, 62500);
    EXPECT_NEAR(double(h.percentile(99)), 990000, 124000);
    EXPECT_EQ(h.max(), 1000000u);
    EXPECT_EQ(h.count(), 1000u);
}

TEST(Histogram, TheTailShowsInP99Only) {
    Histogram h;
    for (int i = 0; i < 98; i++) {
        h.add(5);
    }
    h.add(1000000);
    h.add(1000000);
    EXPECT_EQ(h.percentile(50), 5u);
    EXPECT_EQ(h.percentile(98), 5u);
    EXPECT_EQ(h.percentile(99), 1000000u);
}

TEST(Histogram, BinsAreThoseThatHoldSomethingInOrder) {
    Histogram h;
    size_t at = 0;
    EXPECT_FALSE(h.next(at));

    h.add(3);
    h.add(1'000'000);
    h.add(3);
    at = 0;
    auto low = h.next(at), high = h.next(at);
    ASSERT_TRUE(low && high);
    EXPECT_EQ(low->upto, 3u);
    EXPECT_EQ(low->count, 2u);
    EXPECT_GE(high->upto, 1'000'000u);
    EXPECT_LE(high->upto, 1'125'000u);
    EXPECT_EQ(high->count, 1u);
    EXPECT_FALSE(h.next(at));
}
