/*
 * Goal: no request of a drive overtakes one that it conflicts with, and no write
 * reaches the image before the secondary has read there what it has to read.
 * Method: single steps, then random requests against the rule written out plainly.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "accel/ft/ft.h"

namespace {

constexpr uint64_t alone = UINT64_MAX;

struct Free {
    void operator()(FtDiskOrder *o) const { ftc_disk_order_free(o); }
};
using Order = std::unique_ptr<FtDiskOrder, Free>;

Order make(size_t reads_max = 100) {
    return Order(ftc_disk_order_new(reads_max));
}

void add(const Order &o, uint64_t id, FtDiskKind kind, uint64_t offset = 0,
         uint64_t bytes = 0) {
    ftc_disk_order_add(o.get(), id, kind, offset, bytes);
}

bool may(const Order &o, uint64_t id, uint64_t executed = alone) {
    return ftc_disk_order_may_start(o.get(), id, executed);
}

TEST(DiskOrder, AFlushWaitsForTheWritesBeforeIt) {
    Order o = make();
    add(o, 1, FT_DISK_KIND_WRITE, 0, 512);
    add(o, 2, FT_DISK_KIND_FLUSH);
    add(o, 3, FT_DISK_KIND_WRITE, 512, 512);
    EXPECT_TRUE(may(o, 1));
    EXPECT_FALSE(may(o, 2));
    EXPECT_TRUE(may(o, 3));
    ftc_disk_order_finish(o.get(), 1, 0);
    EXPECT_TRUE(may(o, 2));
}

TEST(DiskOrder, AReadWaitsForAWriteThatOverlaps) {
    Order o = make();
    add(o, 1, FT_DISK_KIND_WRITE, 1000, 100);
    add(o, 2, FT_DISK_KIND_READ, 1099, 1);
    add(o, 3, FT_DISK_KIND_READ, 1100, 1);
    add(o, 4, FT_DISK_KIND_READ, 999, 1);
    EXPECT_FALSE(may(o, 2));
    EXPECT_TRUE(may(o, 3));
    EXPECT_TRUE(may(o, 4));
    ftc_disk_order_finish(o.get(), 1, 0);
    EXPECT_TRUE(may(o, 2));
}

TEST(DiskOrder, AWriteWaitsForWhatOverlaps) {
    Order o = make();
    add(o, 1, FT_DISK_KIND_READ, 0, 10);
    add(o, 2, FT_DISK_KIND_WRITE, 20, 10);
    add(o, 3, FT_DISK_KIND_WRITE, 5, 10);
    add(o, 4, FT_DISK_KIND_WRITE, 25, 10);
    EXPECT_TRUE(may(o, 2));
    EXPECT_FALSE(may(o, 3));
    EXPECT_FALSE(may(o, 4));
    ftc_disk_order_finish(o.get(), 1, 0);
    EXPECT_TRUE(may(o, 3));
    EXPECT_FALSE(may(o, 4));
}

TEST(DiskOrder, AWriteWaitsUntilTheSecondaryHasRead) {
    Order o = make();
    add(o, 1, FT_DISK_KIND_READ, 0, 10);
    ftc_disk_order_finish(o.get(), 1, 7);
    add(o, 2, FT_DISK_KIND_WRITE, 9, 1);
    add(o, 3, FT_DISK_KIND_WRITE, 10, 1);
    EXPECT_FALSE(may(o, 2, 6));
    EXPECT_TRUE(may(o, 3, 6));
    EXPECT_FALSE(ftc_disk_order_reads_executed(o.get(), 6));
    EXPECT_TRUE(may(o, 2, 7));
    EXPECT_TRUE(ftc_disk_order_reads_executed(o.get(), 7));
}

TEST(DiskOrder, ForgottenReadsHoldEveryWrite) {
    Order o = make(2);
    for (uint64_t id = 1; id <= 3; id++) {
        add(o, id, FT_DISK_KIND_READ, 100 * id, 10);
        ftc_disk_order_finish(o.get(), id, id);
    }
    add(o, 4, FT_DISK_KIND_WRITE, 0, 1);
    EXPECT_FALSE(may(o, 4, 0));
    EXPECT_TRUE(may(o, 4, 1));
}

TEST(DiskOrderDeathTest, ARequestThatWasNeverAdded) {
    Order o = make();
    EXPECT_DEATH(may(o, 1), "request 1 was never added");
}

struct Model {
    uint64_t id, offset, bytes, seq;
    FtDiskKind kind;
    bool finished;
};

bool overlap(const Model &a, const Model &b) {
    return std::max(a.offset, b.offset) < std::min(a.offset + a.bytes, b.offset + b.bytes);
}

bool allowed(const std::vector<Model> &all, const Model &r, uint64_t executed) {
    for (const Model &e : all) {
        const bool earlier = e.id < r.id && !e.finished;
        const bool write = e.kind == FT_DISK_KIND_WRITE;
        if (r.kind == FT_DISK_KIND_FLUSH ? earlier && write
            : r.kind == FT_DISK_KIND_READ
                ? earlier && write && overlap(e, r)
                : e.kind != FT_DISK_KIND_FLUSH && overlap(e, r) &&
                      (earlier || (e.finished && e.seq > executed))) {
            return false;
        }
    }
    return true;
}

TEST(DiskOrder, RandomRequestsFollowTheRule) {
    std::mt19937_64 random(5);
    Order o = make(1000);
    std::vector<Model> all;
    uint64_t seq = 0, executed = 0, refused = 0;

    for (uint64_t id = 1; id < 600; id++) {
        auto kind = static_cast<FtDiskKind>(random() % 3);
        all.push_back({id, random() % 64, kind == FT_DISK_KIND_FLUSH ? 0 : 1 + random() % 8,
                       0, kind, false});
        add(o, id, kind, all.back().offset, all.back().bytes);
        executed += random() % 2 && executed < seq;
        for (Model &r : all) {
            if (r.finished) {
                continue;
            }
            const bool may_now = may(o, r.id, executed);
            ASSERT_EQ(may_now, allowed(all, r, executed)) << "request " << r.id;
            refused += !may_now;
            if (may_now && random() % 4 == 0) {
                r.finished = true;
                r.seq = r.kind == FT_DISK_KIND_READ ? ++seq : 0;
                ftc_disk_order_finish(o.get(), r.id, r.seq);
            }
        }
    }
    EXPECT_GT(refused, 100u);
}

} // namespace
