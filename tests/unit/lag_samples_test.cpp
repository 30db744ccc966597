/*
 * Goal: the lag that is reported is the secondary's, from a millisecond to a day. Method: a
 * primary that makes a frame each 0.2 ms (each second for a day), a secondary that has
 * executed what was made until a time that a function gives; the truth is that age.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "hw/ft-replay/lag_samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

using ft::LagSamples;

namespace {

constexpr uint64_t us = 1'000, ms = 1'000 * us, second = 1'000 * ms;

struct Worst {
    double too_short_ns = 0, too_long_ns = 0; /* beyond what is allowed */
};

/* Until when the secondary has executed, at a time. */
using Executed = std::function<uint64_t(uint64_t now_ns)>;

/* The lag that is reported may be too short by a millisecond and the given share of
 * it. */
Worst run(LagSamples &samples, uint64_t until_ns, uint64_t frame_ns,
          const Executed &executed, double share) {
    Worst worst;

    for (uint64_t now = frame_ns; now <= until_ns; now += frame_ns) {
        uint64_t done = executed(now) / frame_ns, seq = now / frame_ns;
        LagSamples::Sample oldest{};

        samples.add({seq, now, now / 2}, done);
        double told = samples.oldest(done, &oldest) ? double(now - oldest.at_ns) : 0;
        double truth = done < seq ? double(now - (done + 1) * frame_ns) : 0;
        worst.too_short_ns =
            std::max(worst.too_short_ns, truth - told - truth * share - ms);
        worst.too_long_ns = std::max(worst.too_long_ns, told - truth);
    }
    return worst;
}

/* A secondary that stands still for stands_ns, then executes speed times as fast as the
 * primary. */
Executed stops(uint64_t stands_ns, double speed) {
    return [=](uint64_t now) {
        return now < stands_ns ? 0
                               : std::min(now, uint64_t(double(now - stands_ns) * speed));
    };
}

Executed behind(uint64_t lag_ns) {
    return [=](uint64_t now) { return now > lag_ns ? now - lag_ns : 0; };
}

TEST(LagSamples, NothingWasMade) {
    LagSamples samples;
    LagSamples::Sample sample{};
    EXPECT_FALSE(samples.oldest(0, &sample));
}

TEST(LagSamples, AllIsExecuted) {
    LagSamples samples;
    LagSamples::Sample sample{};
    samples.add({7, ms, ms}, 0);
    EXPECT_TRUE(samples.oldest(6, &sample));
    EXPECT_FALSE(samples.oldest(7, &sample));
}

TEST(LagSamples, KeepsWhatWasWorked) {
    LagSamples samples;
    LagSamples::Sample sample{};
    samples.add({7, 5 * ms, 3 * ms}, 0);
    ASSERT_TRUE(samples.oldest(0, &sample));
    EXPECT_EQ(sample.seq, 7u);
    EXPECT_EQ(sample.at_ns, 5 * ms);
    EXPECT_EQ(sample.worked_ns, 3 * ms);
}

TEST(LagSamples, AnotherLogBeginsEmpty) {
    LagSamples samples;
    LagSamples::Sample sample{};
    samples.add({7, ms, ms}, 0);
    samples.clear();
    EXPECT_FALSE(samples.oldest(0, &sample));
    samples.add({1, ms, ms}, 0);
    EXPECT_TRUE(samples.oldest(0, &sample));
}

TEST(LagSamples, OneThatFollowsClosely) {
    LagSamples samples;
    Worst worst = run(samples, 10 * second, 200 * us, behind(3 * ms), 0);
    EXPECT_LE(worst.too_short_ns, 0);
    EXPECT_LE(worst.too_long_ns, 0);
}

/* Ten times what 1,024 samples of a millisecond would hold. */
TEST(LagSamples, OneThatIsTenSecondsBehind) {
    LagSamples samples;
    Worst worst = run(samples, 60 * second, 200 * us, behind(10 * second), 1.0 / 32);
    EXPECT_LE(worst.too_short_ns, 0);
    EXPECT_LE(worst.too_long_ns, 0);
}

TEST(LagSamples, OneThatStandsStillForADay) {
    LagSamples samples;
    Worst worst = run(samples, 86'400 * second, second, behind(86'400 * second), 0);
    EXPECT_LE(worst.too_short_ns, 0);
    EXPECT_LE(worst.too_long_ns, 0);
}

/* While a secondary catches up it executes frames from the time when it was far behind;
 * samples of these are a 64th of that lag apart. */
TEST(LagSamples, OneThatCatchesUp) {
    for (double speed : {1.2, 2.0, 8.0}) {
        LagSamples samples;
        Worst worst = run(samples, 60 * second, 200 * us, stops(5 * second, speed), 0);
        EXPECT_LE(worst.too_short_ns, 5.0 * double(second) / 64) << "speed " << speed;
        EXPECT_LE(worst.too_long_ns, 0) << "speed " << speed;
    }
}

/* When it has caught up the samples are as close as ever. */
TEST(LagSamples, FollowsCloselyAgain) {
    LagSamples samples;
    run(samples, 30 * second, 200 * us, stops(10 * second, 4), 1);
    LagSamples::Sample sample{};
    uint64_t now = 30 * second + 200 * us, seq = now / (200 * us);
    for (int i = 0; i < 50; i++, seq++, now += 200 * us) {
        samples.add({seq, now, now}, seq - 15);
    }
    ASSERT_TRUE(samples.oldest(seq - 15, &sample));
    EXPECT_NEAR(double(now - sample.at_ns), 3e6, 1.2e6);
}

} // namespace
