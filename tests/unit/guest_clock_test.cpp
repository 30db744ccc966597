/*
 * Goal: the guest's clock follows the host's in steps that are small while it is
 * busy, exact while it is idle, and never back, also on the node that takes over.
 * Method: a host whose clock and speed are numbers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "hw/ft-replay/guest_clock.hpp"

#include <gtest/gtest.h>

#include <random>

using ft::GuestClock;
using Activity = GuestClock::Activity;

namespace {

constexpr int64_t ms = 1'000'000;
constexpr int64_t start_host = 77'000 * ms;

/* A vCPU that executes so many instructions in a nanosecond of host time, of which
 * each takes a quarter of a nanosecond of guest time. */
struct Machine {
    GuestClock clock;
    int64_t host_ns = start_host, icount = 0, steps_ns = 0;
    double speed = 0.4;
    int64_t longest_ns = 0, backwards = 0, steps = 0;

    int64_t guest_ns() const { return icount / 4 + steps_ns; }
    GuestClock::Moment now() const { return {host_ns, guest_ns()}; }
    int64_t lag() const { return (host_ns - start_host) - guest_ns(); }

    void step(int64_t timer_ns, Activity activity) {
        int64_t ns = clock.step_ns(now(), timer_ns, activity);
        backwards += ns < 0;
        steps += ns != 0;
        longest_ns = std::max(longest_ns, ns);
        steps_ns += ns;
    }
    /* As the vCPU loop does it. */
    void turn(int64_t stolen_ns = 0) {
        clock.end_turn(host_ns, icount);
        step(GuestClock::no_timer, Activity::Busy);
        int64_t instructions = clock.begin_turn(now(), icount);
        icount += instructions;
        host_ns += int64_t(double(instructions) / speed) + stolen_ns;
    }
};

} // namespace

TEST(GuestClock, BusyFollowsTheHostInStepsBelowAMillisecond) {
    Machine m;
    m.step(GuestClock::no_timer, Activity::Busy);
    while (m.host_ns < start_host + 2000 * ms) {
        m.turn();
    }
    EXPECT_LT(m.lag(), 2 * ms);
    EXPECT_GE(m.lag(), -ms);
    EXPECT_LT(m.longest_ns, ms);
    EXPECT_EQ(m.backwards, 0);
    /* About one event in a millisecond, not one a turn of any length. */
    EXPECT_LT(m.steps, 2600);
}

TEST(GuestClock, AnySpeedAndAnyChangeOfIt) {
    std::mt19937 random(1);
    Machine m;
    m.step(GuestClock::no_timer, Activity::Busy);
    while (m.host_ns < start_host + 5000 * ms) {
        if (random() % 50 == 0) {
            m.speed = 0.02 + double(random() % 1000) / 400; /* up to 2.5 a ns */
        }
        m.turn(random() % 20 == 0 ? int64_t(random() % (4 * ms)) : 0);
        EXPECT_LE(m.longest_ns, GuestClock::step_max_ns);
    }
    for (int i = 0; i < 200; i++) {
        m.turn();
    }
    EXPECT_LT(m.lag(), 2 * ms);
    EXPECT_EQ(m.backwards, 0);
}

TEST(GuestClock, CatchesUpAfterTheHostStoodStill) {
    Machine m;
    m.step(GuestClock::no_timer, Activity::Busy);
    m.turn();
    m.host_ns += 300 * ms;
    int64_t begin = m.host_ns;
    while (m.lag() > ms) {
        m.turn();
        ASSERT_LT(m.host_ns, begin + 300 * ms) << "lag " << m.lag();
    }
    EXPECT_LT(m.longest_ns, ms);
}

TEST(GuestClock, IdleSleepsUntilItsTimerAndLandsOnIt) {
    GuestClock clock;
    clock.anchor({1000, 500});
    EXPECT_EQ(clock.sleep_ns({1000, 500}, 4 * ms), 4 * ms);
    EXPECT_EQ(clock.sleep_ns({1000 + ms, 500}, 4 * ms), 3 * ms);
    EXPECT_EQ(clock.sleep_ns({1000 + 5 * ms, 500}, 4 * ms), 0);
    EXPECT_EQ(clock.sleep_ns({1000 + 5 * ms, 500}, GuestClock::no_timer),
              GuestClock::no_timer);
    /* Kicked for nothing: nothing is logged. */
    EXPECT_EQ(clock.step_ns({1000 + ms, 500}, 4 * ms, Activity::Idle), 0);
    EXPECT_EQ(clock.step_ns({1000 + 5 * ms, 500}, 4 * ms, Activity::Idle), 4 * ms);
    EXPECT_EQ(clock.step_ns({1000 + 5 * ms, 500}, GuestClock::no_timer, Activity::Idle), 0);
}

TEST(GuestClock, WokenGetsAllOfItUnlessATimerComesFirst) {
    GuestClock clock;
    clock.anchor({0, 0});
    EXPECT_EQ(clock.step_ns({50 * ms, 0}, GuestClock::no_timer, Activity::Woken), 50 * ms);
    EXPECT_EQ(clock.step_ns({50 * ms, 0}, 20 * ms, Activity::Woken), 20 * ms);
    EXPECT_EQ(clock.step_ns({50 * ms, 0}, 0, Activity::Woken), 0);
}

TEST(GuestClock, InstructionsThatOutranTheHostGetNoStep) {
    GuestClock clock;
    clock.anchor({0, 0});
    EXPECT_EQ(clock.step_ns({ms, 3 * ms}, GuestClock::no_timer, Activity::Busy), 0);
    EXPECT_EQ(clock.step_ns({ms, 3 * ms}, GuestClock::no_timer, Activity::Woken), 0);
}

TEST(GuestClock, TimeInWhichTheOperatorStoppedItIsNotMadeUpFor) {
    GuestClock clock;
    clock.anchor({0, 0});
    clock.forget(10 * ms);
    EXPECT_EQ(clock.behind_ns({10 * ms, 0}), 0);
}

/* The new node's clock has another origin, and its replay lagged by 2 to 30 ms. */
TEST(GuestClock, TheSurvivorMakesUpForTheFailure) {
    GuestClock clock;
    constexpr int64_t other = 123'456 * ms;
    int64_t guest = 0;
    for (int i = 0; i < 1000; i++) {
        guest += ms;
        clock.observe({other + guest + (2 + i % 29) * ms, guest});
    }
    /* Dead for 600 ms. */
    int64_t live = other + guest + 602 * ms;
    clock.go_live({live, guest});
    EXPECT_EQ(clock.behind_ns({live, guest}), 600 * ms);
    EXPECT_LT(clock.step_ns({live, guest}, GuestClock::no_timer, Activity::Busy), ms);
}

TEST(GuestClock, ASurvivorThatSawNoStepStartsWhereItIs) {
    GuestClock clock;
    clock.go_live({5 * ms, 900 * ms});
    EXPECT_EQ(clock.behind_ns({6 * ms, 900 * ms}), ms);
}
