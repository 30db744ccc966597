/*
 * Goal: a primary comes to the speed of its secondary and stays there, with a lag
 * below the limit and without swinging. Method: two nodes whose speeds are numbers,
 * in steps of 0.1 ms; the primary works in turns of a millisecond, pauses behind them,
 * and learns what the secondary has executed when it sends, as the glue does.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "hw/ft-replay/lag_control.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "hw/ft-replay/lag_estimate.hpp"

using ft::lag_pause_ns;
using ft::LagEstimate;

namespace {

constexpr uint64_t ms = 1'000'000;
constexpr uint64_t limit = 250 * ms;
constexpr uint64_t step = ms / 10;

/* The result of a run: at each step, the age of the first frame that was not
 * executed. */
struct Seen {
    std::vector<double> lags_ms;
    uint64_t worked_ns = 0;
    double share(double of) const { /* of the second half */
        std::vector<double> late(lags_ms.begin() + long(lags_ms.size() / 2), lags_ms.end());
        std::sort(late.begin(), late.end());
        return late[size_t(of * double(late.size() - 1))];
    }
};

using Speed = std::function<double(uint64_t now_ns)>; /* 1: as the primary */

class Pair {
  public:
    explicit Pair(Speed speed) : speed_(std::move(speed)) {}

    Seen run(uint64_t until) {
        for (now_ = step; now_ <= until; now_ += step) {
            primary();
            secondary();
            result_.lags_ms.push_back(double(now_ - oldest()) / ms);
        }
        result_.worked_ns = worked_;
        return result_;
    }

  private:
    static constexpr uint64_t turn = ms, linger = 2 * ms;

    void primary() {
        if (now_ < paused_until_) {
            return;
        }
        made_.push_back({worked_, now_});
        worked_ += step;
        if (now_ - sent_at_ >= linger) {
            send();
        }
        if (worked_ % turn == 0) {
            uint64_t lag = estimate_.lag_ns(now_, worked_, report_);
            owed_ =
                lag_pause_ns(lag, limit, turn) ? owed_ + lag_pause_ns(lag, limit, turn) : 0;
            if (owed_ >= ms) {
                send();
                paused_until_ = now_ + owed_;
                owed_ = 0;
            }
        }
    }

    void send() {
        sent_ = worked_;
        sent_at_ = now_;
        report_ = {executed_, now_, 0};
    }

    void secondary() {
        uint64_t may = uint64_t(speed_(now_) * step);
        executed_ = std::min(executed_ + may, sent_);
        while (!made_.empty() && made_.front().work < executed_) {
            made_.pop_front();
        }
    }

    uint64_t oldest() const { return made_.empty() ? now_ : made_.front().at; }

    struct Made {
        uint64_t work, at;
    };
    Speed speed_;
    LagEstimate estimate_;
    LagEstimate::Report report_{};
    std::deque<Made> made_; /* and not executed */
    Seen result_;
    uint64_t now_ = 0, worked_ = 0, executed_ = 0, sent_ = 0, sent_at_ = 0;
    uint64_t paused_until_ = 0, owed_ = 0;
};

} // namespace

TEST(LagControl, NothingThenMuch) {
    EXPECT_EQ(lag_pause_ns(0, limit, ms), 0u);
    EXPECT_EQ(lag_pause_ns(12 * ms, limit, ms), 0u);
    EXPECT_LT(lag_pause_ns(13 * ms, limit, ms), ms / 10);
    EXPECT_GT(lag_pause_ns(16 * ms, limit, ms), ms / 3);
    EXPECT_GT(lag_pause_ns(18 * ms, limit, ms), 8 * ms);
    EXPECT_GT(lag_pause_ns(limit / 2, limit, ms), 5 * ms);
}

TEST(LagControl, ALagThatSomethingCausedOnceGoesAway) {
    double lag = 100;
    for (int turn = 0; turn < 2000; turn++) {
        double pause = double(lag_pause_ns(uint64_t(lag * ms), limit, ms)) / ms;
        lag = std::max(0.0, lag + 1 - (1 + pause));
    }
    EXPECT_LE(lag, 15);
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

/* The primary works in turns: at a tenth of its speed, one of them takes its secondary 10 ms. */
TEST(LagControl, ComesToRestWithoutSwinging) {
    struct {
        double speed, high_ms, swing_ms;
    } cases[] = {{0.98, 16, 4}, {0.95, 16, 4}, {0.85, 18, 4}, {0.7, 19, 5},
                 {0.5, 22, 6},  {0.25, 25, 9}, {0.1, 68, 40}};

    for (auto [speed, high_ms, swing_ms] : cases) {
        Seen run = Pair([=](uint64_t) { return speed; }).run(10'000 * ms);
        EXPECT_LT(run.share(0.99), high_ms) << speed;
        EXPECT_GT(run.share(0.01), 8) << speed;
        EXPECT_LT(run.share(0.95) - run.share(0.05), swing_ms)
            << "swings at speed " << speed;
        EXPECT_GT(double(run.worked_ns) / (10'000 * ms), speed * 0.98) << speed;
    }
}

/* Two programs on one core take turns of the kernel's scheduler. */
TEST(LagControl, HalfACoreIsHalfASpeed) {
    Seen run =
        Pair([](uint64_t now) { return now / (4 * ms) % 2 ? 1.0 : 0.0; }).run(10'000 * ms);

    EXPECT_LT(run.share(0.99), 32);
    EXPECT_LT(run.share(0.95) - run.share(0.05), 14);
    EXPECT_GT(double(run.worked_ns) / (10'000 * ms), 0.48);
}

TEST(LagControl, AFastSecondaryIsNotWaitedFor) {
    Seen run = Pair([](uint64_t) { return 1.2; }).run(1000 * ms);

    EXPECT_LT(*std::max_element(run.lags_ms.begin(), run.lags_ms.end()), 3);
    EXPECT_EQ(run.worked_ns, 1000 * ms);
}

/* It stood still for a moment, and is as fast as before. */
TEST(LagControl, AStallIsMadeUpFor) {
    Seen run =
        Pair([](uint64_t now) { return now / (10 * ms) == 50 ? 0.0 : 1.0; }).run(2000 * ms);

    EXPECT_LT(run.share(0.99), 16);
    EXPECT_GT(run.worked_ns, 1990 * ms);
}

TEST(LagEstimate, APauseTakesFromItAtOnce) {
    LagEstimate estimate;
    uint64_t before = estimate.lag_ns(50 * ms, 50 * ms, {30 * ms, 50 * ms, 0});
    uint64_t after = estimate.lag_ns(60 * ms, 50 * ms, {30 * ms, 50 * ms, 0});

    EXPECT_NEAR(double(before - after), 10.0 * ms, double(ms));
}

TEST(LagEstimate, AnotherSecondaryBeginsAnew) {
    LagEstimate estimate;
    for (uint64_t at = 10; at < 500; at += 10) {
        estimate.lag_ns(at * ms, at * ms, {at * ms / 4, at * ms, 0});
    }
    EXPECT_NEAR(estimate.speed(), 0.25, 0.05);
    estimate.reset();
    EXPECT_EQ(estimate.lag_ns(500 * ms, 500 * ms, {490 * ms, 500 * ms, 0}), 10 * ms);
}

/* Equally fast, a long way off: what is under way is no lag, and nobody waits for it. */
TEST(LagEstimate, ALongWayIsNoLag) {
    LagEstimate estimate;
    constexpr uint64_t rtt = 200;
    for (uint64_t now = rtt; now < 3000; now += 2) {
        EXPECT_EQ(
            estimate.lag_ns(now * ms, now * ms, {(now - rtt) * ms, now * ms, rtt * ms}),
            0u);
    }
    EXPECT_GT(estimate.lag_ns(3000 * ms, 3000 * ms, {2750 * ms, 3000 * ms, rtt * ms}),
              45 * ms);
}

/* Its speed tells what it has done since it reported, but not for ever. */
TEST(LagEstimate, ASilentSecondaryHasStopped) {
    LagEstimate estimate;
    uint64_t lag = 0;
    for (uint64_t now = 500; now < 600; now++) {
        lag = estimate.lag_ns(now * ms, now * ms, {500 * ms, 500 * ms, 0});
        EXPECT_EQ(lag, 0u) << now;
    }
    lag = estimate.lag_ns(2600 * ms, 2600 * ms, {500 * ms, 500 * ms, 0});
    EXPECT_NEAR(double(lag), 2000.0 * ms, 10.0 * ms);
}
