/*
 * Goal: a primary comes to the speed of its secondary and stays there, with a lag
 * below the limit and without swinging. Method: two nodes whose speeds are numbers;
 * the lag is known to the primary only after a delay.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "hw/ft-replay/lag_control.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

using ft::lag_pause_ns;

namespace {

constexpr uint64_t ms = 1'000'000;
constexpr uint64_t limit = 250 * ms;

/* Lag at each turn of 1 ms, when the secondary has this share of the primary's speed. */
std::vector<double> lags_ms(double speed, int turns, size_t delay_turns) {
    std::deque<double> known(delay_turns, 0.0);
    std::vector<double> lags;
    double lag = 0; /* ms of the primary's execution that is not replayed */

    for (int i = 0; i < turns; i++) {
        double pause = double(lag_pause_ns(uint64_t(known.front() * ms), limit, ms)) / ms;
        lag = std::max(0.0, lag + 1 - (1 + pause) * speed);
        known.push_back(lag);
        known.pop_front();
        lags.push_back(lag);
    }
    return lags;
}

} // namespace

TEST(LagControl, NothingThenLittleThenMuch) {
    EXPECT_EQ(lag_pause_ns(0, limit, ms), 0u);
    EXPECT_EQ(lag_pause_ns(8 * ms, limit, ms), 0u);
    EXPECT_GT(lag_pause_ns(12 * ms, limit, ms), ms / 50);
    EXPECT_LT(lag_pause_ns(16 * ms, limit, ms), ms / 18);
    EXPECT_GT(lag_pause_ns(25 * ms, limit, ms), ms);
    EXPECT_GT(lag_pause_ns(limit / 2, limit, ms), 5 * ms);
}

TEST(LagControl, ALagThatSomethingCausedOnceGoesAway) {
    double lag = 100;
    for (int turn = 0; turn < 2000; turn++) {
        double pause = double(lag_pause_ns(uint64_t(lag * ms), limit, ms)) / ms;
        lag = std::max(0.0, lag + 1 - (1 + pause));
    }
    EXPECT_LE(lag, 10);
}

TEST(LagControl, GrowsWithTheLagAndIsBounded) {
    uint64_t before = 0;
    for (uint64_t lag = 0; lag < 2 * limit; lag += ms) {
        uint64_t pause = lag_pause_ns(lag, limit, ms);
        EXPECT_GE(pause, before);
        EXPECT_LE(pause, 10 * ms);
        before = pause;
    }
    EXPECT_EQ(lag_pause_ns(UINT64_MAX, limit, UINT64_MAX), 10 * ms);
    EXPECT_EQ(lag_pause_ns(2, 1, ms), 10 * ms);
}

TEST(LagControl, ComesToRestBelowTheLimit) {
    struct { double speed, low_ms, high_ms; } cases[] = {
        {0.98, 8, 15}, {0.95, 12, 18}, {0.85, 15, 20}, {0.5, 18, 26}, {0.25, 40, 90}, {0.1, 100, 150}};

    for (auto [speed, low_ms, high_ms] : cases) {
        std::vector<double> lags = lags_ms(speed, 20000, 10);
        auto [low, high] = std::minmax_element(lags.end() - 5000, lags.end());
        EXPECT_LT(*high, high_ms) << speed;
        EXPECT_GT(*low, low_ms) << speed;
        EXPECT_LT(*high - *low, 5) << "swings at speed " << speed;
    }
}

TEST(LagControl, AFastSecondaryIsNotWaitedFor) {
    std::vector<double> lags = lags_ms(1.2, 1000, 10);
    EXPECT_LT(*std::max_element(lags.begin(), lags.end()), 1);
}
