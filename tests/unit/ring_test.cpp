/*
 * Goal: bytes come out as they went in, whole writes or none, also between two
 * threads. Method: wrap at every offset; then one writer, one reader, a small
 * ring and random sizes. Run under TSan too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "hw/ft-replay/ring.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

using ft::log::ByteRing;
using Bytes = std::vector<uint8_t>;

TEST(Ring, CapacityIsAPowerOfTwo) {
    EXPECT_EQ(ByteRing(0).capacity(), 64u);
    EXPECT_EQ(ByteRing(64).capacity(), 64u);
    EXPECT_EQ(ByteRing(65).capacity(), 128u);
}

TEST(Ring, TakesWholeWritesOnly) {
    ByteRing r(64);
    Bytes b(40, 1);
    EXPECT_TRUE(r.write(b));
    EXPECT_FALSE(r.write(b));
    EXPECT_FALSE(r.write(std::span(b).first(10), std::span(b).first(15)));
    EXPECT_EQ(r.used(), 40u);
    EXPECT_EQ(r.room(), 24u);
    EXPECT_TRUE(r.write(std::span(b).first(10), std::span(b).first(14)));
    EXPECT_EQ(r.room(), 0u);
    r.consume(64);
    EXPECT_EQ(r.readable(), 0u);
}

TEST(Ring, WrapsAtEveryOffset) {
    ByteRing r(64);
    for (uint8_t i = 0; i < 200; i++) {
        Bytes a{i, uint8_t(i + 1), uint8_t(i + 2)}, b{7, 8}, got(4);
        ASSERT_TRUE(r.write(a, b));
        r.peek(1, got.data(), 4);
        EXPECT_EQ(got, (Bytes{uint8_t(i + 1), uint8_t(i + 2), 7, 8}));
        r.consume(5);
    }
}

TEST(Ring, InPlaceWhereItIsOnePiece) {
    ByteRing r(64);
    Bytes b(40, 1);
    uint8_t *space = r.space(64);
    ASSERT_TRUE(space);
    EXPECT_FALSE(r.space(65));
    std::fill_n(space, 40, uint8_t(5));
    EXPECT_EQ(r.readable(), 0u);
    r.publish(40);
    EXPECT_EQ(r.view(0, 40), space);
    EXPECT_EQ(r.view(30, 10)[9], 5);
    r.consume(30);
    EXPECT_TRUE(r.space(24));
    EXPECT_FALSE(r.space(25)); /* The ring's end is in between. */
    EXPECT_TRUE(r.write(std::span(b).first(30)));
    EXPECT_TRUE(r.view(0, 34));
    EXPECT_FALSE(r.view(0, 35));
    EXPECT_FALSE(r.view(30, 8));
    r.consume(34);
    EXPECT_EQ(r.view(0, 6), space);
}

TEST(RingDeathTest, LookingBeyondTheEndStopsUs) {
    ByteRing r(64);
    uint8_t b[4];
    EXPECT_DEATH(r.peek(0, b, 1), "peek at 0\\+1 of 0");
    EXPECT_DEATH(r.consume(1), "consume 1 of 0");
    EXPECT_DEATH(r.view(0, 1), "view of 0\\+1 of 0");
    EXPECT_DEATH(r.publish(65), "publish 65, room for 64");
}

/* The stream is a counter, so that each byte knows its place. */
TEST(Ring, TwoThreadsSeeOneStream) {
    constexpr size_t total = 4 << 20;
    ByteRing r(4096);

    std::thread writer([&] {
        std::mt19937 rng(3);
        size_t sent = 0;
        while (sent < total) {
            Bytes b(std::min<size_t>(1 + rng() % 700, total - sent));
            for (size_t i = 0; i < b.size(); i++) {
                b[i] = uint8_t((sent + i) * 31 >> 3);
            }
            while (!r.write(b)) {
                std::this_thread::yield();
            }
            sent += b.size();
        }
    });
    size_t seen = 0, wrong = 0;
    Bytes b(4096);
    while (seen < total) {
        size_t n = r.readable();
        if (!n) {
            std::this_thread::yield();
            continue;
        }
        r.peek(0, b.data(), n);
        r.consume(n);
        for (size_t i = 0; i < n; i++, seen++) {
            wrong += b[i] != uint8_t(seen * 31 >> 3);
        }
    }
    writer.join();
    EXPECT_EQ(wrong, 0u);
    EXPECT_EQ(r.used(), 0u);
}
