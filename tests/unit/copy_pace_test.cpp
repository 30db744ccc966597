/*
 * Goal: the copy of drives that a guest writes to ends, whatever guest and link are: what is
 * left becomes little, or the attach is given up with both figures; no answer to a write is
 * delayed for longer than the bound, and none of a calm drive for the sake of another.
 * Method: guests with a number of requests under way for each drive, each the next as soon
 * as the last is answered, in steps of a millisecond, copied over a link of so many bytes a
 * second, drive by drive, as the glue does it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "block/ft-filter/copy_pace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <string>
#include <vector>

using ft::CopyPace;

namespace {

constexpr uint64_t ms = 1'000'000, second = 1000 * ms, chunk = 64 << 10, mib = 1 << 20;
constexpr uint64_t few = 2 * mib;

/* depth requests at a time of so many chunks, anywhere in an area; each takes the host's
 * disk so long, and the guest rests so long before the next one. */
struct Writer {
    unsigned depth;
    uint64_t chunks, area_chunks, disk_ns = ms, rest_ns = 0;
};

struct Drive {
    Writer writer;
    std::vector<uint64_t> next_ns;  /* when each request of the guest's is made */
    std::vector<uint64_t> until_ns; /* and until when the last answer waits */
    std::set<uint64_t> left;
    uint64_t at = 0, anew = 0, delay_most_ns = 0, delayed_ns = 0, writes = 0;
};

class Attach {
  public:
    Attach(std::vector<Writer> writers, double link, uint64_t seed = 1)
        : link_(link), random_(seed), pace_(unsigned(writers.size())) {
        for (const Writer &w : writers) {
            Drive d{w,
                    std::vector<uint64_t>(w.depth, ms),
                    std::vector<uint64_t>(w.depth, 0),
                    {}};
            for (uint64_t c = 0; c < w.area_chunks; c++) {
                d.left.insert(c);
            }
            drives_.push_back(d);
        }
    }

    /* From the moment at which all was looked at once: the guest has written to all. */
    Attach &begin() {
        pace_.begin();
        return *this;
    }

    /* True: little was left then, or sooner if that is enough; false: it was hopeless. */
    bool run(uint64_t until_ns, bool to_the_end = false) {
        for (; now_ < until_ns; now_ += ms) {
            copy();
            for (unsigned i = 0; i < drives_.size(); i++) {
                write(i);
            }
            if (pace_.hopeless(now_, left(), few)) {
                return false;
            }
            if (left() <= few && !to_the_end) {
                return true;
            }
        }
        return left() <= few;
    }

    uint64_t left() const {
        uint64_t n = 0;
        for (const Drive &d : drives_) {
            n += d.left.size();
        }
        return n * chunk;
    }
    const Drive &drive(unsigned i) const { return drives_[i]; }
    uint64_t now() const { return now_; }
    CopyPace &pace() { return pace_; }
    std::string why() const { return pace_.why(now_, left()); }

  private:
    void copy() {
        uint64_t bytes = 0;
        room_ = std::min(room_ + link_ / 1000, 1e9);
        while (left() && room_ >= chunk) {
            Drive &d = drives_[turn_++ % drives_.size()];
            if (auto it = d.left.lower_bound(d.at); !d.left.empty()) {
                it = it == d.left.end() ? d.left.begin() : it;
                d.at = *it + 1;
                d.left.erase(it);
                room_ -= chunk;
                bytes += chunk;
            }
        }
        if (left() || bytes) {
            pace_.copied(bytes, ms);
        }
        room_ = left() ? room_ : std::min(room_, double(chunk));
    }

    void write(unsigned i) {
        Drive &d = drives_[i];
        std::uniform_int_distribution<uint64_t> any(0,
                                                    d.writer.area_chunks - d.writer.chunks);
        for (unsigned n = 0; n < d.next_ns.size(); n++) {
            if (d.next_ns[n] > now_) {
                continue;
            }
            uint64_t before = d.left.size(), first = any(random_);
            for (uint64_t c = 0; c < d.writer.chunks; c++) {
                d.left.insert(first + c);
            }
            uint64_t anew = (d.left.size() - before) * chunk;
            auto waiting = std::count_if(d.until_ns.begin(), d.until_ns.end(),
                                         [&](uint64_t until) { return until > now_; });
            uint64_t delay = pace_.written(
                i, {now_, d.writer.chunks * chunk, anew, unsigned(waiting), 0});
            d.anew += anew;
            d.writes++;
            d.delayed_ns += delay;
            d.delay_most_ns = std::max(d.delay_most_ns, delay);
            d.until_ns[n] = now_ + delay;
            d.next_ns[n] = now_ + delay + d.writer.disk_ns + d.writer.rest_ns;
        }
    }

    double link_;
    std::mt19937_64 random_;
    CopyPace pace_;
    std::vector<Drive> drives_;
    uint64_t now_ = ms;
    unsigned turn_ = 0;
    double room_ = 0;
};

constexpr double slow_link = 11e6;
constexpr Writer heavy{3, 1, 2048}, deep{64, 8, 1024, 100 * ms};
/* A request every 50 ms to one of a few chunks. */
constexpr Writer calm{1, 1, 16, ms, 50 * ms};

} // namespace

TEST(CopyPace, NothingIsDelayedBeforeAllWasLookedAtOnce) {
    Attach attach({heavy}, slow_link);
    attach.run(3 * second, true);
    EXPECT_EQ(attach.drive(0).delay_most_ns, 0u);
    EXPECT_FALSE(attach.pace().hopeless(60 * second, 100 * mib, few));
}

TEST(CopyPace, AGuestThatFitsIsNotDelayed) {
    Attach attach({{1, 1, 2048, ms, 30 * ms}}, slow_link); /* 2 MB a second */
    EXPECT_TRUE(attach.begin().run(60 * second));
    EXPECT_EQ(attach.drive(0).delayed_ns, 0u);
}

TEST(CopyPace, AGuestThatWritesMoreIsHeldToHalfOfWhatIsCopied) {
    Attach attach({heavy}, slow_link);
    EXPECT_TRUE(attach.begin().run(60 * second));
    EXPECT_NEAR(double(attach.drive(0).anew) * 1e9 / double(attach.now()), slow_link / 2,
                slow_link / 10);
    EXPECT_NEAR(double(attach.now()) / 1e9, 2048.0 * chunk / (slow_link / 2), 5);
}

TEST(CopyPace, LittleStaysLittle) {
    Attach attach({heavy, heavy}, slow_link);
    EXPECT_TRUE(attach.begin().run(120 * second));
    for (uint64_t until = attach.now() + second; until < 180 * second; until += second) {
        EXPECT_TRUE(attach.run(until, true));
        EXPECT_LE(attach.left(), mib);
    }
}

TEST(CopyPace, ADriveWithFewWritesDoesNotWaitForAnother) {
    Attach attach({heavy, calm, deep}, slow_link);
    attach.begin().run(8 * second, true);
    EXPECT_GT(attach.drive(0).delayed_ns, 4 * second);
    EXPECT_LE(attach.drive(1).delayed_ns, attach.drive(1).writes * 5 * ms);
}

TEST(CopyPace, BusyDrivesHaveEqualShares) {
    Attach attach({heavy, {4, 1, 2048}}, 2 * slow_link);
    EXPECT_TRUE(attach.begin().run(120 * second));
    EXPECT_NEAR(double(attach.drive(0).anew), double(attach.drive(1).anew),
                double(attach.drive(0).anew) / 10);
}

TEST(CopyPace, OneThatCannotWinEndsWithBothFigures) {
    Attach attach({calm, deep}, slow_link);
    EXPECT_FALSE(attach.begin().run(60 * second));
    EXPECT_LE(attach.now(), 21 * second);
    EXPECT_EQ(attach.pace().busiest(), 1u);
    EXPECT_EQ(attach.drive(1).delay_most_ns, CopyPace::delay_most_ns);
    /* 64 requests of half a MiB in 100 ms, of the disk and of the pace. */
    std::string why = attach.why();
    EXPECT_NEAR(std::stod(why.substr(sizeof("the guest writes"))), 250, 100) << why;
    EXPECT_NE(why.find(" MB/s to its drives, the copy to the secondary carries 11 MB/s: "),
              std::string::npos)
        << why;
}

TEST(CopyPace, WhatIsLeftAnywayCostsNothing) {
    CopyPace pace(1);
    pace.begin();
    pace.copied(11 * mib, second);
    for (uint64_t at = 1; at < 100; at++) {
        EXPECT_EQ(pace.written(0, {at * ms, mib, 0, 9, 0}), 0u);
    }
    EXPECT_GT(pace.written(0, {100 * ms, mib, mib, 9, 0}), 50 * ms);
}

TEST(CopyPace, AGuestThatHasBecomeCalmOwesNoMoreThanTheBound) {
    CopyPace pace(1);
    pace.begin();
    pace.copied(11 * mib, second);
    for (unsigned i = 0; i < 1000; i++) {
        EXPECT_LE(pace.written(0, {second, mib, mib, 9, 0}), CopyPace::delay_most_ns);
    }
    /* A quarter of a second later nothing of that is left. */
    EXPECT_LE(pace.written(0, {second + 250 * ms, 512, chunk, 9, 0}), 15 * ms);
}

/* A commit is some writes one after another. */
TEST(CopyPace, OneThatWaitsAloneWaitsShorter) {
    CopyPace pace(1);
    pace.begin();
    pace.copied(mib, second);
    pace.written(0, {second, mib, mib, 0, 0});
    EXPECT_EQ(pace.written(0, {second, mib, mib, 0, 0}), CopyPace::delay_alone_ns);
    EXPECT_EQ(pace.written(0, {second, mib, mib, 1, 0}), 2 * CopyPace::delay_alone_ns);
    EXPECT_EQ(pace.written(0, {second, mib, mib, 60, 0}), CopyPace::delay_most_ns);
}

TEST(CopyPace, ALinkThatIsSlowerThanTheCopySeemedCounts) {
    CopyPace pace(1);
    pace.begin();
    pace.copied(100 * mib, second / 10); /* into the queue */
    EXPECT_EQ(pace.written(0, {second, mib, mib, 9, 0}), 0u);
    EXPECT_GT(pace.written(0, {second + ms, mib, mib, 9, 11'000'000}), 50 * ms);
}

/* Any guest, any link: it ends, and no answer is late. */
TEST(CopyPace, EndsWhateverGuestAndLinkAre) {
    unsigned given_up = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        std::mt19937_64 random(seed);
        auto between = [&](uint64_t low, uint64_t high) {
            return std::uniform_int_distribution<uint64_t>(low, high)(random);
        };
        std::vector<Writer> writers(between(1, 4));
        for (Writer &w : writers) {
            w = {unsigned(between(1, 24)), between(1, 8), between(64, 1024), ms,
                 between(0, 20) * ms};
        }
        Attach attach(writers, double(between(2, 60)) * 1e6, seed);
        bool little = attach.begin().run(300 * second);
        given_up += !little;
        ASSERT_LT(attach.now(), 300 * second) << "seed " << seed;
        for (unsigned i = 0; i < writers.size(); i++) {
            EXPECT_LE(attach.drive(i).delay_most_ns, CopyPace::delay_most_ns);
        }
    }
    EXPECT_GT(given_up, 3u);
    EXPECT_LT(given_up, 50u);
}
