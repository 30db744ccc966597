/*
 * Goal: a packet leaves after its ack, once, in order, or not at all. Method:
 * pushes and pops with numbers for time; then a long random run against a model.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <memory>
#include <random>

#include "accel/ft/ft.h"

namespace {

struct Free {
    void operator()(FtHold *h) const { ftc_hold_free(h); }
};

struct Hold {
    std::unique_ptr<FtHold, Free> h;

    explicit Hold(size_t bytes = 1000, size_t packets = 10)
        : h(ftc_hold_new(bytes, packets)) {}

    bool push(uint64_t seq, const std::string &data, uint64_t now = 0,
              uint32_t netdev = 0) {
        FtPacket p{.netdev = netdev,
                   .flags = 9,
                   .data = reinterpret_cast<const uint8_t *>(data.data()),
                   .len = data.size(),
                   .seq = seq};
        return ftc_hold_push(h.get(), &p, now);
    }
    /* The data, or "-" for none. */
    std::string pop(uint64_t acked, uint64_t now = 0) {
        FtPacket p;
        if (!ftc_hold_pop(h.get(), acked, now, &p)) {
            return "-";
        }
        EXPECT_LE(p.seq, acked);
        return {reinterpret_cast<const char *>(p.data), p.len};
    }
    FtHoldStats stats() const {
        FtHoldStats s;
        ftc_hold_stats(h.get(), &s);
        return s;
    }
};

TEST(OutputHold, KeepsPacketUntilAck) {
    Hold h;
    ASSERT_TRUE(h.push(5, "five"));
    EXPECT_EQ(h.pop(4), "-");
    EXPECT_EQ(h.pop(5), "five");
    EXPECT_EQ(h.pop(5), "-");
}

/* What was put together in the hold stays where it is, and whatever else is pushed in
 * between has a place of its own. */
TEST(OutputHold, TakesItsOwnSpaceWithoutACopy) {
    Hold h;
    uint8_t *space = ftc_hold_space(h.h.get(), 3);
    memcpy(space, "one", 3);
    ASSERT_TRUE(h.push(1, "zero"));
    FtPacket p{.netdev = 0, .flags = 0, .data = space, .len = 3, .seq = 2};
    ASSERT_TRUE(ftc_hold_push(h.h.get(), &p, 0));
    uint8_t *second = ftc_hold_space(h.h.get(), 3);
    EXPECT_NE(second, space);
    memset(second, 'x', 3);
    EXPECT_EQ(h.stats().held_bytes, 7u);
    EXPECT_EQ(h.pop(2), "zero");
    FtPacket out;
    ASSERT_TRUE(ftc_hold_pop(h.h.get(), 2, 0, &out));
    EXPECT_EQ(out.data, space);
    EXPECT_EQ(std::string(reinterpret_cast<const char *>(out.data), out.len), "one");
}

/* A full hold leaves the space for the next packet. */
TEST(OutputHold, FullLeavesTheSpace) {
    Hold h(5);
    uint8_t *space = ftc_hold_space(h.h.get(), 6);
    FtPacket p{.netdev = 0, .flags = 0, .data = space, .len = 6, .seq = 1};
    EXPECT_FALSE(ftc_hold_push(h.h.get(), &p, 0));
    p.len = 5;
    memcpy(space, "short", 5);
    EXPECT_TRUE(ftc_hold_push(h.h.get(), &p, 0));
    EXPECT_EQ(h.pop(1), "short");
}

TEST(OutputHold, ReleasesInOrder) {
    Hold h;
    h.push(5, "a");
    h.push(5, "b");
    h.push(7, "c");
    EXPECT_EQ(h.pop(6), "a");
    EXPECT_EQ(h.pop(6), "b");
    EXPECT_EQ(h.pop(6), "-");
    EXPECT_EQ(h.pop(UINT64_MAX), "c");
}

TEST(OutputHold, CarriesEverythingOfThePacket) {
    Hold h;
    FtPacket p;
    h.push(3, std::string("\0\xff", 2), 0, 200);
    ASSERT_TRUE(ftc_hold_pop(h.h.get(), 3, 0, &p));
    EXPECT_EQ(p.netdev, 200u);
    EXPECT_EQ(p.flags, 9u);
    EXPECT_EQ(p.seq, 3u);
    EXPECT_EQ(p.len, 2u);
    EXPECT_EQ(p.data[1], 0xff);
}

TEST(OutputHold, DropsWhenFullAndCounts) {
    Hold h(10, 3);
    EXPECT_TRUE(h.push(1, "12345678"));
    EXPECT_FALSE(h.push(1, "123"));
    EXPECT_TRUE(h.push(1, "12"));
    EXPECT_TRUE(h.push(1, ""));
    EXPECT_FALSE(h.push(1, ""));
    EXPECT_FALSE(h.push(1, std::string(5000, 'x')));
    EXPECT_EQ(h.stats().dropped_full, 3u);
    EXPECT_EQ(h.stats().held_bytes, 10u);
    h.pop(1);
    EXPECT_TRUE(h.push(1, "12345678"));
}

TEST(OutputHold, DestroyedPacketsNeverLeave) {
    Hold h;
    h.push(1, "a");
    h.push(2, "b");
    ftc_hold_destroy_all(h.h.get());
    EXPECT_EQ(h.pop(UINT64_MAX), "-");
    EXPECT_EQ(h.stats().destroyed, 2u);
    EXPECT_EQ(h.stats().held_packets, 0u);
    EXPECT_EQ(h.stats().held_bytes, 0u);
    EXPECT_TRUE(h.push(1, "a new log counts from 1 again"));
}

TEST(OutputHold, MeasuresHowLongItHeld) {
    Hold h(1000, 200);
    for (uint64_t i = 0; i < 99; i++) {
        h.push(1, "x", 1000);
        h.pop(1, 1005);
    }
    h.push(1, "x", 1000);
    h.pop(1, 900); /* A clock that steps back counts as no time. */
    h.push(1, "x", 1000);
    h.pop(1, 9001000);
    EXPECT_EQ(h.stats().hold_ns_p50, 5u);
    EXPECT_EQ(h.stats().hold_ns_max, 9000000u);
    EXPECT_EQ(h.stats().released, 101u);
}

TEST(OutputHoldDeathTest, FramesDoNotGoBack) {
    Hold h;
    h.push(5, "a");
    EXPECT_DEATH(h.push(4, "b"), "pushed behind");
}

TEST(OutputHold, AgreesWithAModel) {
    constexpr size_t bytes_max = 300, packets_max = 20;
    Hold h(bytes_max, packets_max);
    std::deque<std::pair<uint64_t, std::string>> model;
    size_t bytes = 0;
    uint64_t seq = 1, acked = 0;
    std::mt19937 rng(1);

    for (int i = 0; i < 20000; i++) {
        switch (rng() % 4) {
        case 0:
        case 1: {
            std::string data(rng() % 60, char('a' + rng() % 26));
            bool fits = model.size() < packets_max && bytes + data.size() <= bytes_max;
            ASSERT_EQ(h.push(seq, data), fits);
            if (fits) {
                model.emplace_back(seq, data);
                bytes += data.size();
            }
            seq += rng() % 2;
            break;
        }
        case 2:
            acked = std::max(acked, seq - rng() % std::min<uint64_t>(seq, 5));
            break;
        default: {
            bool may = !model.empty() && model.front().first <= acked;
            ASSERT_EQ(h.pop(acked), may ? model.front().second : "-");
            if (may) {
                bytes -= model.front().second.size();
                model.pop_front();
            }
        }
        }
        ASSERT_EQ(h.stats().held_bytes, bytes);
        ASSERT_EQ(h.stats().held_packets, model.size());
    }
}

TEST(Hash, IsXxh3) {
    EXPECT_EQ(ftc_hash(nullptr, 0),
              0x2d06800538d394c2u); /* Published for an empty input. */
    EXPECT_NE(ftc_hash(reinterpret_cast<const uint8_t *>("a"), 1),
              ftc_hash(reinterpret_cast<const uint8_t *>("b"), 1));
}

} // namespace
