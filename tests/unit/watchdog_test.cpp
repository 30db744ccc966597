/*
 * Goal: a part that does not move is found after the limit, neither sooner nor because
 * whoever looks had no time himself; and the two nodes never both give way.
 * Method: looks at times made of numbers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "accel/ft/watchdog.hpp"

#include <gtest/gtest.h>

using ft::Watchdog;

namespace {

constexpr uint64_t limit = 1000, step = limit / FT_LOOKS_PER_LIMIT;

/* Looks at both parts; the vCPU always moves. */
FtMotion look(Watchdog &w, bool moved, uint64_t now) {
    w.look(FT_PART_VCPU, true, now);
    return w.look(FT_PART_MAIN_LOOP, moved, now);
}

} // namespace

TEST(Watchdog, FindsOneThatStandsStillAtTheLimit) {
    Watchdog w(limit);
    uint64_t now = 5000;

    look(w, true, now);
    for (unsigned i = 1; i < FT_LOOKS_PER_LIMIT; i++) {
        EXPECT_EQ(look(w, false, now += step), FT_MOTION_AS_BEFORE);
        EXPECT_EQ(w.still_ns(FT_PART_MAIN_LOOP), i * step);
    }
    EXPECT_EQ(look(w, false, now += step), FT_MOTION_ENDS);
    EXPECT_EQ(look(w, false, now += step), FT_MOTION_AS_BEFORE);
    EXPECT_EQ(w.still_ns(FT_PART_VCPU), 0u);
    EXPECT_EQ(look(w, true, now += step), FT_MOTION_BEGINS);
    EXPECT_EQ(w.stood_ns(FT_PART_MAIN_LOOP), limit + step);
    EXPECT_EQ(w.still_ns(FT_PART_MAIN_LOOP), 0u);
    EXPECT_EQ(look(w, true, now += step), FT_MOTION_AS_BEFORE);
}

TEST(Watchdog, AMoveInBetweenBeginsAnew) {
    Watchdog w(limit);
    uint64_t now = 5000;

    look(w, true, now);
    for (unsigned i = 0; i < 100; i++) {
        EXPECT_EQ(look(w, i % FT_LOOKS_PER_LIMIT == 0, now += step), FT_MOTION_AS_BEFORE);
    }
}

/* A process that was stopped for an hour and continued. */
TEST(Watchdog, TimeInWhichNobodyLookedIsNotCounted) {
    Watchdog w(limit);

    look(w, true, 5000);
    EXPECT_EQ(look(w, false, 5000 + 3600 * limit), FT_MOTION_AS_BEFORE);
    EXPECT_EQ(w.still_ns(FT_PART_MAIN_LOOP), 2 * step);
    EXPECT_EQ(look(w, true, 5000 + 3600 * limit + step), FT_MOTION_AS_BEFORE);
}

TEST(Watchdog, AClockThatGoesBackCountsForNothing) {
    Watchdog w(limit);

    look(w, true, 5000);
    look(w, false, 4000);
    EXPECT_EQ(w.still_ns(FT_PART_MAIN_LOOP), 0u);
}

TEST(Watchdog, TheLimitFollowsTheTimeout) {
    constexpr uint64_t s = 1'000'000'000;

    EXPECT_EQ(ftc_watchdog_limit_ns(s / 2), 10 * s);
    EXPECT_EQ(ftc_watchdog_limit_ns(s), 10 * s);
    EXPECT_EQ(ftc_watchdog_limit_ns(2 * s), 20 * s);
}

/* Two nodes, looked at at different moments, whatever stands still of them and when. */
TEST(Watchdog, NeverDoBothGiveWay) {
    for (uint64_t begin_b = 0; begin_b <= 2 * limit; begin_b += step / 2) {
        for (uint64_t end_b = begin_b; end_b <= 4 * limit; end_b += step) {
            Watchdog a(limit), b(limit);
            for (uint64_t now = 1; now < 4 * limit; now += step) {
                look(a, now < step || now > 3 * limit, now);
                look(b, now < begin_b || now > end_b, now + step / 3);
                const uint64_t a_still = a.still_ns(FT_PART_MAIN_LOOP);
                const uint64_t b_still = b.still_ns(FT_PART_MAIN_LOOP);
                EXPECT_FALSE(ftc_watchdog_gives_up(a_still, b.well_ns(now), limit) &&
                             ftc_watchdog_gives_up(b_still, a.well_ns(now), limit));
            }
        }
    }
}

/* A storage that both use hangs, and comes back: each hears of the other a moment late. */
TEST(Watchdog, NobodyGivesWayWhenBothMoveAgain) {
    Watchdog a(limit), b(limit);
    uint64_t now = 1;

    for (; now < 3 * limit; now += step) {
        look(a, now < step, now);
        look(b, now < step, now + step / 2);
        EXPECT_FALSE(
            ftc_watchdog_gives_up(a.still_ns(FT_PART_MAIN_LOOP), b.well_ns(now), limit));
    }
    look(a, true, now);
    const uint64_t old = b.still_ns(FT_PART_MAIN_LOOP);
    EXPECT_GE(old, limit);
    EXPECT_FALSE(ftc_watchdog_gives_up(old, a.well_ns(now + step), limit));
}

TEST(Watchdog, OneThatIsNotWellGivesWayToOneThatIs) {
    Watchdog a(limit), b(limit);
    uint64_t now = 1, still = 0;

    while (still < limit) {
        now += step;
        look(a, now < 2 * step, now);
        look(b, true, now);
        still = a.still_ns(FT_PART_MAIN_LOOP);
        EXPECT_EQ(ftc_watchdog_gives_up(still, b.well_ns(now), limit), still >= limit);
    }
    EXPECT_FALSE(ftc_watchdog_gives_up(0, a.well_ns(now), limit));
}
