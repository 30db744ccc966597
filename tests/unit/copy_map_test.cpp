/*
 * Goal: when nothing is left to copy, the secondary holds what the primary holds,
 * however the guest wrote meanwhile; equal chunks are not sent. Method: single
 * steps, then a long random run of a guest that writes and a copier that reads
 * in between, on two arrays in memory.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "accel/ft/ft.h"

namespace {

constexpr uint64_t chunk_bytes = FT_DISK_CHUNK_BYTES;

struct Free {
    void operator()(FtCopyMap *m) const { ft_copy_map_free(m); }
};
using Map = std::unique_ptr<FtCopyMap, Free>;

Map make(uint64_t bytes) {
    return Map(ft_copy_map_new(bytes));
}

std::string take(const Map &m, uint64_t first, const std::vector<uint64_t> &sums) {
    FtError err{};
    return ft_copy_map_sums(m.get(), first, sums.data(), sums.size(), &err) ? "" : err.text;
}

/* "first+n", or "-" for none. */
std::string next(const Map &m, uint64_t max = 100) {
    uint64_t first, n;
    return ft_copy_map_next(m.get(), max, &first, &n)
               ? std::to_string(first) + "+" + std::to_string(n)
               : "-";
}

TEST(CopyMap, AChunkWaitsForItsSum) {
    Map m = make(3 * chunk_bytes + 1);
    EXPECT_EQ(next(m), "-");
    EXPECT_EQ(ft_copy_map_left(m.get()), 4 * chunk_bytes);
    EXPECT_EQ(take(m, 0, {1, 2}), "");
    EXPECT_EQ(next(m), "0+2");
    EXPECT_EQ(next(m), "-");
    EXPECT_EQ(take(m, 2, {3, 4}), "");
    EXPECT_EQ(next(m, 1), "2+1");
    EXPECT_EQ(next(m, 1), "3+1");
    EXPECT_EQ(ft_copy_map_left(m.get()), 0u);
    EXPECT_EQ(next(m), "-");
}

TEST(CopyMap, SumsOutOfPlaceAreRefused) {
    Map m = make(2 * chunk_bytes);
    EXPECT_EQ(take(m, 1, {1}), "disk_sums: first chunk 1 instead of 0");
    EXPECT_EQ(take(m, 0, {1, 2, 3}),
              "disk_sums: 3 sums from chunk 0 on, the drive has 2");
    EXPECT_EQ(take(m, 0, {1}), "");
    EXPECT_EQ(take(m, 0, {1}), "disk_sums: first chunk 0 instead of 1");
}

TEST(CopyMap, OnlyWhatDiffersIsSentAndOnlyOnce) {
    Map m = make(2 * chunk_bytes);
    take(m, 0, {7, 8});
    next(m);
    EXPECT_FALSE(ft_copy_map_differs(m.get(), 0, 7));
    EXPECT_TRUE(ft_copy_map_differs(m.get(), 1, 9));
    ft_copy_map_written(m.get(), chunk_bytes, 1);
    EXPECT_EQ(next(m), "1+1");
    EXPECT_FALSE(ft_copy_map_differs(m.get(), 1, 9));
}

TEST(CopyMap, AWriteMarksEveryChunkItTouches) {
    Map m = make(4 * chunk_bytes);
    take(m, 0, {0, 0, 0, 0});
    next(m);
    ft_copy_map_written(m.get(), 0, 0);
    EXPECT_EQ(next(m), "-");
    ft_copy_map_written(m.get(), chunk_bytes - 1, 2);
    EXPECT_EQ(next(m), "0+2");
    ft_copy_map_written(m.get(), 2 * chunk_bytes, 2 * chunk_bytes);
    EXPECT_EQ(ft_copy_map_left(m.get()), 2 * chunk_bytes);
    EXPECT_EQ(next(m), "2+2");
}

TEST(CopyMap, RoundsAreCounted) {
    Map m = make(2 * chunk_bytes);
    take(m, 0, {0, 0});
    next(m);
    EXPECT_EQ(ft_copy_map_rounds(m.get()), 0u);
    ft_copy_map_written(m.get(), 0, 1);
    EXPECT_EQ(next(m), "0+1");
    EXPECT_EQ(ft_copy_map_rounds(m.get()), 1u);
}

/* The contents of a chunk are one number, which is also its sum. */
TEST(CopyMap, ARandomGuestEndsWithEqualImages) {
    std::mt19937_64 random(20261125);
    constexpr uint64_t chunks = 50;

    for (int history = 0; history < 200; history++) {
        std::vector<uint64_t> ours(chunks), theirs(chunks);
        for (uint64_t i = 0; i < chunks; i++) {
            ours[i] = random() % 4;
            theirs[i] = random() % 4;
        }
        Map m = make(chunks * chunk_bytes);
        std::vector<uint64_t> sums = theirs;
        uint64_t told = 0;

        for (int step = 0; step < 400 || ft_copy_map_left(m.get()); step++) {
            if (step < 400 && random() % 2) {
                uint64_t chunk = random() % chunks;
                ours[chunk] = random() % 4;
                ft_copy_map_written(m.get(), chunk * chunk_bytes + random() % chunk_bytes, 1);
            }
            if (told < chunks) {
                uint64_t n = std::min(chunks - told, random() % 9);
                ASSERT_EQ(take(m, told, {sums.begin() + told, sums.begin() + told + n}), "");
                told += n;
            }
            uint64_t first, n;
            if (!ft_copy_map_next(m.get(), 1 + random() % 5, &first, &n)) {
                continue;
            }
            for (uint64_t i = first; i < first + n; i++) {
                uint64_t read = ours[i];
                if (random() % 8 == 0) { /* a write lands while this was being read */
                    ours[i] = random() % 4;
                    ft_copy_map_written(m.get(), i * chunk_bytes, chunk_bytes);
                }
                if (ft_copy_map_differs(m.get(), i, read)) {
                    theirs[i] = read;
                }
            }
        }
        ASSERT_EQ(ours, theirs) << "history " << history;
    }
}

} // namespace
