/*
 * Goal: the guest's clock follows the host's, evenly while it is busy, exact while
 * it is idle, and never back, also on the node that takes over. Method: a host whose
 * clock and speed are numbers.
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

/* A vCPU that executes a given number of instructions in a nanosecond of host time. */
struct Machine {
    GuestClock clock;
    int64_t host_ns = start_host, icount = 0, guest_ns = 0;
    uint32_t rate = 0;
    double speed = 0.4;
    int64_t longest_step_ns = 0, backwards = 0, events = 0;
    double fastest = 0, slowest = 1e9; /* guest time / host time of a turn */

    GuestClock::Moment now() const { return {host_ns, guest_ns}; }
    int64_t lag() const { return (host_ns - start_host) - guest_ns; }

    void look(int64_t timer_ns, Activity activity) {
        if (auto change = clock.next(now(), timer_ns, activity)) {
            backwards += change->step_ns < 0;
            longest_step_ns = std::max(longest_step_ns, change->step_ns);
            guest_ns += change->step_ns;
            rate = change->rate;
            events++;
        }
    }
    /* As the vCPU loop does it. */
    void turn(int64_t stolen_ns = 0) {
        clock.end_turn(host_ns, icount);
        look(GuestClock::no_timer, Activity::Busy);
        int64_t instructions = clock.begin_turn(host_ns, icount);
        double took = double(instructions) / speed;
        double passed = double(instructions) * rate / 65536;

        icount += instructions;
        guest_ns += int64_t(passed);
        host_ns += int64_t(took) + stolen_ns;
        fastest = std::max(fastest, passed / took);
        slowest = std::min(slowest, passed / took);
    }
};

int64_t step_of(GuestClock &clock, GuestClock::Moment now, int64_t timer_ns,
                Activity activity) {
    auto change = clock.next(now, timer_ns, activity);
    return change ? change->step_ns : 0;
}

} // namespace

TEST(GuestClock, BusyFollowsTheHostEvenlyAndWithoutSteps) {
    Machine m;
    while (m.host_ns < start_host + 100 * ms) {
        m.turn();
    }
    m.fastest = 0;
    m.slowest = 1e9;
    m.events = 0;
    while (m.host_ns < start_host + 2000 * ms) {
        m.turn();
        EXPECT_LT(std::abs(m.lag()), ms / 10);
    }
    EXPECT_LT(m.fastest, 1.05);
    EXPECT_GT(m.slowest, 0.95);
    EXPECT_EQ(m.longest_step_ns, 0);
    EXPECT_LT(m.events, 250) << "of some 2200 turns: a host of even speed needs few events";
}

TEST(GuestClock, AnySpeedAndAnyChangeOfIt) {
    std::mt19937 random(1);
    Machine m;
    while (m.host_ns < start_host + 5000 * ms) {
        if (random() % 50 == 0) {
            m.speed = 0.02 + double(random() % 1000) / 400; /* up to 2.5 a ns */
        }
        m.turn(random() % 20 == 0 ? int64_t(random() % (4 * ms)) : 0);
        EXPECT_GT(m.rate, 0u);
    }
    for (int i = 0; i < 200; i++) {
        m.turn();
    }
    EXPECT_LT(std::abs(m.lag()), ms);
    EXPECT_EQ(m.longest_step_ns, 0);
}

TEST(GuestClock, CatchesUpAfterTheHostStoodStill) {
    Machine m;
    for (int i = 0; i < 100; i++) {
        m.turn();
    }
    m.host_ns += 300 * ms;
    m.fastest = 0;
    int64_t begin = m.host_ns;
    while (m.lag() > ms) {
        m.turn();
        ASSERT_LT(m.host_ns, begin + 100 * ms) << "lag " << m.lag();
    }
    EXPECT_EQ(m.longest_step_ns, 0);
    EXPECT_LT(m.fastest, 10);
}

/* An estimate that was too high: the next turns are slower, time never goes back. */
TEST(GuestClock, AGuestThatIsAheadIsSlowed) {
    Machine m;
    for (int i = 0; i < 100; i++) {
        m.turn();
    }
    m.guest_ns += 5 * ms;
    m.slowest = 1e9;
    int64_t begin = m.host_ns;
    while (m.lag() < -ms) {
        m.turn();
        ASSERT_LT(m.host_ns, begin + 20 * ms) << "lag " << m.lag();
    }
    EXPECT_GT(m.slowest, 0.2);
}

/* The secondary executes as far as there is an event: a guest with its interrupts off makes none. */
TEST(GuestClock, ASilentLogGetsAnEventThatChangesNothing) {
    Machine m;
    for (int i = 0; i < 1000; i++) {
        m.turn();
    }
    ASSERT_FALSE(m.clock.next(m.now(), GuestClock::no_timer, Activity::Busy));
    auto change = m.clock.next(m.now(), GuestClock::no_timer, Activity::Busy, true);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->step_ns, 0);
    EXPECT_EQ(change->rate, m.rate);
    /* One that sleeps executes nothing: nobody waits for its position. */
    EXPECT_FALSE(m.clock.next(m.now(), GuestClock::no_timer, Activity::Idle, true));
}

TEST(GuestClock, IdleSleepsUntilItsTimerAndLandsOnIt) {
    GuestClock clock;
    clock.anchor({1000, 500});
    EXPECT_EQ(clock.sleep_ns({1000, 500}, 4 * ms), 4 * ms);
    EXPECT_EQ(clock.sleep_ns({1000 + ms, 500}, 4 * ms), 3 * ms);
    EXPECT_EQ(clock.sleep_ns({1000 + 5 * ms, 500}, 4 * ms), 0);
    EXPECT_EQ(clock.sleep_ns({1000 + 5 * ms, 500}, GuestClock::no_timer),
              GuestClock::no_timer);
    /* Woken without cause: nothing is logged. */
    EXPECT_EQ(step_of(clock, {1000 + ms, 500}, 4 * ms, Activity::Idle), 0);
    EXPECT_EQ(step_of(clock, {1000 + 5 * ms, 500}, 4 * ms, Activity::Idle), 4 * ms);
    EXPECT_EQ(step_of(clock, {1000 + 5 * ms, 500}, GuestClock::no_timer, Activity::Idle),
              0);
}

TEST(GuestClock, WokenGetsAllOfItUnlessATimerComesFirst) {
    GuestClock clock;
    clock.anchor({0, 0});
    EXPECT_EQ(step_of(clock, {50 * ms, 0}, GuestClock::no_timer, Activity::Woken), 50 * ms);
    EXPECT_EQ(step_of(clock, {50 * ms, 0}, 20 * ms, Activity::Woken), 20 * ms);
    EXPECT_EQ(step_of(clock, {50 * ms, 0}, 0, Activity::Woken), 0);
}

TEST(GuestClock, InstructionsThatOutranTheHostGetNoStep) {
    GuestClock clock;
    clock.anchor({0, 0});
    EXPECT_EQ(step_of(clock, {ms, 3 * ms}, GuestClock::no_timer, Activity::Busy), 0);
    EXPECT_EQ(step_of(clock, {ms, 3 * ms}, GuestClock::no_timer, Activity::Woken), 0);
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
    auto change = clock.next({live, guest}, GuestClock::no_timer, Activity::Busy);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->step_ns, 0);
    /* Faster than a survivor that has nothing to make up for. */
    GuestClock even;
    even.go_live({live, guest});
    EXPECT_GT(change->rate,
              4 * even.next({live, guest}, GuestClock::no_timer, Activity::Busy)->rate);
}

TEST(GuestClock, ASurvivorThatSawNoStepStartsWhereItIs) {
    GuestClock clock;
    clock.go_live({5 * ms, 900 * ms});
    EXPECT_EQ(clock.behind_ns({6 * ms, 900 * ms}), ms);
}
