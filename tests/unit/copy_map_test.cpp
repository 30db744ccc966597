/*
 * Goal: when nothing is left to copy, the secondary holds what the primary holds,
 * however the guest wrote meanwhile; equal chunks are not sent, and holes on both sides
 * are passed over. Method: single steps, then thousands of random histories of a guest
 * that writes and a copier that looks in between, on two arrays in memory.
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
    void operator()(FtCopyMap *m) const { ftc_copy_map_free(m); }
};
using Map = std::unique_ptr<FtCopyMap, Free>;

Map make(uint64_t bytes) {
    return Map(ftc_copy_map_new(bytes));
}

std::string take(const Map &m, uint64_t first, const std::vector<uint64_t> &sums) {
    FtError err{};
    return ftc_copy_map_sums(m.get(), first, sums.data(), sums.size(), &err) ? ""
                                                                             : err.text;
}

/* "first+n", or "-" for none. */
std::string next(const Map &m, uint64_t max = 100) {
    uint64_t first, n;
    return ftc_copy_map_next(m.get(), max, &first, &n)
               ? std::to_string(first) + "+" + std::to_string(n)
               : "-";
}

TEST(CopyMap, AChunkWaitsForItsSum) {
    Map m = make(3 * chunk_bytes + 1);
    EXPECT_EQ(next(m), "-");
    EXPECT_EQ(ftc_copy_map_left(m.get()), 4 * chunk_bytes);
    EXPECT_EQ(take(m, 0, {1, 2}), "");
    EXPECT_EQ(next(m), "0+2");
    EXPECT_EQ(next(m), "-");
    EXPECT_EQ(take(m, 2, {3, 4}), "");
    EXPECT_EQ(next(m, 1), "2+1");
    EXPECT_EQ(next(m, 1), "3+1");
    EXPECT_EQ(ftc_copy_map_left(m.get()), 0u);
    EXPECT_EQ(next(m), "-");
}

TEST(CopyMap, SumsOutOfPlaceAreRefused) {
    Map m = make(2 * chunk_bytes);
    EXPECT_EQ(take(m, 1, {1}), "disk_sums: first chunk 1 instead of 0");
    EXPECT_EQ(take(m, 0, {1, 2, 3}), "disk_sums: 3 chunks from 0 on, the drive has 2");
    EXPECT_EQ(take(m, 0, {1}), "");
    EXPECT_EQ(take(m, 0, {1}), "disk_sums: first chunk 0 instead of 1");
}

TEST(CopyMap, OnlyWhatDiffersIsSentAndOnlyOnce) {
    Map m = make(2 * chunk_bytes);
    take(m, 0, {7, 8});
    next(m);
    EXPECT_FALSE(ftc_copy_map_differs(m.get(), 0, 7));
    EXPECT_TRUE(ftc_copy_map_differs(m.get(), 1, 9));
    ftc_copy_map_written(m.get(), chunk_bytes, 1);
    EXPECT_EQ(next(m), "1+1");
    EXPECT_FALSE(ftc_copy_map_differs(m.get(), 1, 9));
}

TEST(CopyMap, AWriteMarksEveryChunkItTouches) {
    Map m = make(4 * chunk_bytes);
    take(m, 0, {0, 0, 0, 0});
    next(m);
    ftc_copy_map_written(m.get(), 0, 0);
    EXPECT_EQ(next(m), "-");
    ftc_copy_map_written(m.get(), chunk_bytes - 1, 2);
    EXPECT_EQ(next(m), "0+2");
    ftc_copy_map_written(m.get(), 2 * chunk_bytes, 2 * chunk_bytes);
    EXPECT_EQ(ftc_copy_map_left(m.get()), 2 * chunk_bytes);
    EXPECT_EQ(next(m), "2+2");
}

TEST(CopyMap, RoundsAreCounted) {
    Map m = make(2 * chunk_bytes);
    take(m, 0, {0, 0});
    next(m);
    EXPECT_EQ(ftc_copy_map_rounds(m.get()), 0u);
    ftc_copy_map_written(m.get(), 0, 1);
    EXPECT_EQ(next(m), "0+1");
    EXPECT_EQ(ftc_copy_map_rounds(m.get()), 1u);
}

std::string zeros(const Map &m, uint64_t first, uint64_t n) {
    FtError err{};
    return ftc_copy_map_zeros(m.get(), first, n, &err) ? "" : err.text;
}

/* The runs of [first, first + n), zeros here, that the secondary has to make so. */
std::string to_zero(const Map &m, uint64_t first, uint64_t n, uint64_t max = 1000) {
    std::string runs;
    uint64_t run;
    while (ftc_copy_map_differs_from_zeros(m.get(), &first, &n, max, &run)) {
        runs += std::to_string(run) + "+" + std::to_string(first - run) + " ";
    }
    return runs;
}

uint64_t sum_of_zeros(uint64_t bytes = chunk_bytes) {
    std::vector<uint8_t> none(bytes);
    return ftc_hash(none.data(), none.size());
}

TEST(CopyMap, RoundsCountOnceAllIsKnown) {
    Map m = make(2 * chunk_bytes);
    take(m, 0, {0});
    for (int i = 0; i < 9; i++) {
        EXPECT_EQ(next(m), "0+1");
        ftc_copy_map_written(m.get(), 0, 1);
    }
    EXPECT_EQ(ftc_copy_map_rounds(m.get()), 0u);
    EXPECT_FALSE(ftc_copy_map_told_all(m.get()));
    take(m, 1, {0});
    EXPECT_TRUE(ftc_copy_map_told_all(m.get()));
}

TEST(CopyMap, ATebibyteOfZerosIsOneStep) {
    constexpr uint64_t chunks = uint64_t{1} << 24;
    Map m = make(chunks * chunk_bytes);
    EXPECT_EQ(zeros(m, 0, chunks), "");
    EXPECT_EQ(next(m, chunks), "0+16777216");
    EXPECT_EQ(to_zero(m, 0, chunks), "");
    EXPECT_EQ(ftc_copy_map_left(m.get()), 0u);
}

TEST(CopyMap, ZerosOutOfPlaceAreRefused) {
    Map m = make(2 * chunk_bytes);
    EXPECT_EQ(zeros(m, 1, 1), "disk_zeros: first chunk 1 instead of 0");
    EXPECT_EQ(zeros(m, 0, 3), "disk_zeros: 3 chunks from 0 on, the drive has 2");
    EXPECT_EQ(zeros(m, 0, ~uint64_t{0}),
              "disk_zeros: 18446744073709551615 chunks from 0 on, the drive has 2");
    EXPECT_EQ(zeros(m, 0, 1), "");
    EXPECT_EQ(take(m, 1, {7, 8}), "disk_sums: 2 chunks from 1 on, the drive has 2");
    EXPECT_EQ(take(m, 1, {7}), "");
}

TEST(CopyMap, ZerosHereAndSomethingThere) {
    Map m = make(9 * chunk_bytes + 1);
    take(m, 0, {7, 7, sum_of_zeros(), 7});
    zeros(m, 4, 2);
    take(m, 6, {7, 7, sum_of_zeros(), sum_of_zeros(1)});
    EXPECT_EQ(next(m, 100), "0+10");
    EXPECT_EQ(to_zero(m, 0, 10), "0+2 3+1 6+2 ");
    EXPECT_EQ(to_zero(m, 0, 10), "");
}

TEST(CopyMap, ALongRunIsToldInParts) {
    Map m = make(5 * chunk_bytes);
    take(m, 0, {7, 7, 7, 7, 7});
    next(m);
    EXPECT_EQ(to_zero(m, 0, 5, 2), "0+2 2+2 4+1 ");
}

TEST(CopyMap, ZerosThatWereReadAreZeros) {
    Map m = make(2 * chunk_bytes + 3);
    zeros(m, 0, 3);
    next(m);
    EXPECT_FALSE(ftc_copy_map_differs(m.get(), 0, sum_of_zeros()));
    EXPECT_FALSE(ftc_copy_map_differs(m.get(), 2, sum_of_zeros(3)));
    EXPECT_TRUE(ftc_copy_map_differs(m.get(), 1, 7));
    EXPECT_EQ(to_zero(m, 0, 3), "1+1 ");
}

TEST(CopyMap, WhatWasNotLookedAtComesNext) {
    Map m = make(6 * chunk_bytes);
    zeros(m, 0, 6);
    EXPECT_EQ(next(m, 5), "0+5");
    ftc_copy_map_give_back(m.get(), 2, 3);
    EXPECT_EQ(ftc_copy_map_left(m.get()), 4 * chunk_bytes);
    EXPECT_EQ(next(m, 2), "2+2");
    ftc_copy_map_give_back(m.get(), 4, 0);
    EXPECT_EQ(next(m, 5), "4+2");
    EXPECT_EQ(next(m), "-");
}

/*
 * The contents of a chunk are one number, which is also its sum; some are zeros, as
 * holes, which block status tells of, or as what is read. One history of a guest that
 * writes, a secondary that tells, and a copier that looks in between.
 */
class History {
  public:
    explicit History(uint64_t seed)
        : random_(seed), chunks_(1 + random_() % 3000), map_(make(chunks_ * chunk_bytes)),
          ours_(content()), theirs_(content()) {}

    void run() {
        sums_ = theirs_;
        for (int step = 0; step < 300 || ftc_copy_map_left(map_.get()); step++) {
            if (step < 300 && random_() % 2) {
                guest_writes();
            }
            secondary_tells();
            copier_looks();
        }
        ASSERT_EQ(ours_, theirs_);
    }

  private:
    uint64_t value() { return random_() % 2 ? zero_ : 1 + random_() % 3; }

    /* Runs, as in an image, and single chunks. */
    std::vector<uint64_t> content() {
        std::vector<uint64_t> all(chunks_);
        for (uint64_t i = 0; i < chunks_;) {
            uint64_t n = random_() % 2 ? 1 : 1 + random_() % 1500, v = value();
            for (; n && i < chunks_; i++, n--) {
                all[i] = v;
            }
        }
        return all;
    }

    void guest_writes() {
        uint64_t first = random_() % chunks_, n = random_() % 8 ? 1 : random_() % 900,
                 v = value();
        n = std::min(n, chunks_ - first);
        std::fill(ours_.begin() + first, ours_.begin() + first + n, v);
        ftc_copy_map_written(map_.get(), first * chunk_bytes, n * chunk_bytes);
    }

    void secondary_tells() {
        if (told_ == chunks_) {
            return;
        }
        uint64_t end = std::min(chunks_, told_ + 1 + random_() % 1000), at = told_;
        bool hole = sums_[at] == zero_ && random_() % 2;
        while (at < end && (!hole || sums_[at] == zero_)) {
            at++;
        }
        ASSERT_EQ(hole ? zeros(map_, told_, at - told_)
                       : take(map_, told_, {sums_.begin() + told_, sums_.begin() + at}),
                  "");
        told_ = at;
    }

    /* Another write may land while the copier waits for its image. */
    void maybe_meanwhile() {
        if (random_() % 8 == 0) {
            guest_writes();
        }
    }

    void copier_looks() {
        uint64_t first, n, max = random_() % 2 ? 16 : 2000;
        if (!ftc_copy_map_next(map_.get(), max, &first, &n)) {
            return;
        }
        std::vector<uint64_t> read(ours_.begin() + first, ours_.begin() + first + n);
        uint64_t hole =
            std::find_if(read.begin(), read.end(), [&](uint64_t v) { return v != zero_; }) -
            read.begin();
        uint64_t looked = hole ? hole : std::min(n, uint64_t{16});
        maybe_meanwhile();
        ftc_copy_map_give_back(map_.get(), first + looked, n - looked);
        hole ? zero(first, looked) : send(first, {read.begin(), read.begin() + looked});
    }

    void zero(uint64_t first, uint64_t n) {
        uint64_t run;
        while (ftc_copy_map_differs_from_zeros(map_.get(), &first, &n, 256, &run)) {
            ASSERT_LE(first - run, 256u);
            std::fill(theirs_.begin() + run, theirs_.begin() + first, zero_);
        }
    }

    void send(uint64_t first, const std::vector<uint64_t> &read) {
        for (uint64_t i = 0; i < read.size(); i++) {
            if (ftc_copy_map_differs(map_.get(), first + i, read[i])) {
                theirs_[first + i] = read[i];
            }
        }
    }

    const uint64_t zero_ = sum_of_zeros();
    std::mt19937_64 random_;
    uint64_t chunks_, told_ = 0;
    Map map_;
    std::vector<uint64_t> ours_, theirs_, sums_;
};

TEST(CopyMap, ARandomGuestEndsWithEqualImages) {
    for (uint64_t seed = 0; seed < 3000; seed++) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        History(seed).run();
        if (HasFatalFailure()) {
            return;
        }
    }
}

} // namespace
