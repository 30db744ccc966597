/*
 * What is done next: every decision from a list of what the hosts say. The
 * rules that must hold whatever they say: nothing is ended while nobody is the
 * primary, a second primary is never touched, an operator's order stands, and
 * no guest is started where another may run.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <gtest/gtest.h>

#include "tools/ftctl/backoff.hpp"
#include "tools/ftctl/decide.hpp"

using namespace ftctl;
using Kind = Step::Kind;

namespace {

HostView node(const std::string &host, NodeRole role, const std::string &state,
              const std::string &reason = "") {
    HostView v;
    v.host = host;
    v.reach = Reach::Answers;
    v.role = role;
    v.state = state;
    v.reason = reason;
    v.run_state = "running";
    return v;
}

HostView primary(const std::string &host, const std::string &state,
                 const std::string &reason = "") {
    return node(host, NodeRole::Primary, state, reason);
}

HostView secondary(const std::string &host, const std::string &state) {
    return node(host, NodeRole::Secondary, state);
}

HostView at(const std::string &host, Reach reach, double silent_s = 0) {
    HostView v;
    v.host = host;
    v.reach = reach;
    v.silent_s = silent_s;
    return v;
}

Step next(const Views &views, const Choice &choice = {}) {
    return next_to_protect(views, choice);
}

#define EXPECT_STEP(step, k, h)          \
    do {                                 \
        Step s_ = (step);                \
        EXPECT_EQ(s_.kind, k) << s_.why; \
        EXPECT_EQ(s_.host, h) << s_.why; \
    } while (0)

} // namespace

TEST(Decide, TheFirstHostOfTheListGetsTheSecondNode) {
    EXPECT_STEP(next({primary("a", "exposed"), at("b", Reach::Off), at("c", Reach::Off)}),
                Kind::Spawn, "b");
    EXPECT_STEP(
        next({at("a", Reach::Undefined), primary("b", "exposed"), at("c", Reach::Off)}),
        Kind::Spawn, "a");
}

TEST(Decide, AHostWhoseProcessHasDiedComesLast) {
    HostView died = at("a", Reach::Off);
    died.died = true;
    EXPECT_STEP(next({died, primary("b", "exposed"), at("c", Reach::Off)}), Kind::Spawn,
                "c");
    EXPECT_STEP(next({died, primary("b", "exposed"), at("c", Reach::Unreachable)}),
                Kind::Spawn, "a");
}

/* libvirt says of each host on which a process died once that it did, until something else
 * runs there. Whose death it was now is what the agent remembers. */
TEST(Decide, TheHostThatHasJustLostItsNodeComesLastOfAll) {
    HostView a = at("a", Reach::Off), c = at("c", Reach::Off);
    a.died = c.died = true;
    Choice choice;
    choice.last_resort = "a";
    EXPECT_STEP(next({a, primary("b", "exposed"), c}, choice), Kind::Spawn, "c");
    EXPECT_STEP(next({a, primary("b", "exposed"), at("c", Reach::Unreachable)}, choice),
                Kind::Spawn, "a");
    choice.tried.insert("c");
    EXPECT_STEP(next({a, primary("b", "exposed"), c}, choice), Kind::Spawn, "a");
}

TEST(Decide, AWaitingSecondaryIsUsedBeforeAnotherIsMade) {
    EXPECT_STEP(
        next({at("a", Reach::Off), primary("b", "exposed"), secondary("c", "waiting")}),
        Kind::Attach, "c");
}

TEST(Decide, WhatHasLostIsEndedFirst) {
    EXPECT_STEP(next({primary("a", "fenced"), primary("b", "exposed")}), Kind::End, "a");
    EXPECT_STEP(next({secondary("a", "failed"), primary("b", "exposed")}), Kind::End, "a");
    EXPECT_STEP(next({secondary("a", "fenced"), primary("b", "exposed")}), Kind::End, "a");
}

TEST(Decide, AHangIsGivenTimeToBeNone) {
    EXPECT_STEP(next({at("a", Reach::Silent, 1), primary("b", "exposed")}), Kind::Wait,
                "a");
    EXPECT_STEP(next({at("a", Reach::Silent, 60), primary("b", "exposed")}), Kind::End,
                "a");
    EXPECT_STEP(
        next({at("a", Reach::Silent, 1), primary("b", "exposed"), at("c", Reach::Off)}),
        Kind::Spawn, "c");
}

TEST(Decide, NothingIsEndedWhileNobodyHasTheGuest) {
    for (const HostView &other :
         {at("b", Reach::Unreachable), secondary("b", "protected"),
          secondary("b", "failed"), at("b", Reach::Silent, 99), primary("b", "fenced")}) {
        EXPECT_EQ(next({primary("a", "fenced"), other}).kind, Kind::Stuck) << words(other);
        EXPECT_EQ(next_for_agent({primary("a", "fenced"), other}, {}, "a").kind,
                  Kind::Nothing);
    }
}

TEST(Decide, ASecondPrimaryIsNeverTouched) {
    for (const char *state : {"exposed", "protected", "going-live", "syncing"}) {
        Step step =
            next({primary("a", "exposed"), primary("b", state), at("c", Reach::Off)});
        EXPECT_EQ(step.kind, Kind::Stuck) << state;
        EXPECT_NE(step.why.find("more than one primary"), std::string::npos) << step.why;
    }
}

TEST(Decide, ASecondaryThatHasNotNoticedYetIsWaitedFor) {
    for (const char *state : {"protected", "syncing", "going-live"}) {
        EXPECT_STEP(next({primary("a", "exposed"), secondary("b", state)}), Kind::Wait,
                    "b");
        EXPECT_STEP(
            next({primary("a", "exposed"), secondary("b", state), at("c", Reach::Off)}),
            Kind::Spawn, "c");
    }
}

TEST(Decide, AProtectedOrBusyPrimaryIsLeftAlone) {
    EXPECT_STEP(next({primary("a", "protected"), primary("b", "fenced")}), Kind::Done, "a");
    EXPECT_STEP(next({primary("a", "syncing"), secondary("b", "syncing")}), Kind::Wait,
                "a");
    EXPECT_STEP(next({primary("a", "going-live"), at("b", Reach::Off)}), Kind::Wait, "a");
}

TEST(Decide, AGuestThatIsOffNeedsNoSecondNode) {
    HostView off = primary("a", "exposed", "the guest has powered itself off");
    for (const char *ended : {"shutdown", "guest-panicked"}) {
        off.run_state = ended;
        EXPECT_EQ(next({off, at("b", Reach::Off)}).kind, Kind::Nothing) << ended;
    }
    off.run_state = "paused";
    EXPECT_STEP(next({off, at("b", Reach::Off)}), Kind::Spawn, "b");
}

TEST(Decide, HostsThatAreAwayOrHaveRefusedAreLeftOut) {
    HostView away = at("b", Reach::Off);
    away.away = "its host is being shut down";
    EXPECT_STEP(next({primary("a", "exposed"), away, at("c", Reach::Off)}), Kind::Spawn,
                "c");
    EXPECT_EQ(next({primary("a", "exposed"), away}).kind, Kind::Stuck);
    EXPECT_STEP(next({primary("a", "exposed"), at("b", Reach::Off), at("c", Reach::Off)},
                     {.only_on = "", .tried = {"b"}}),
                Kind::Spawn, "c");
    EXPECT_STEP(next({primary("a", "exposed"), at("b", Reach::Off), at("c", Reach::Off)},
                     {.only_on = "c", .tried = {}}),
                Kind::Spawn, "c");
    EXPECT_EQ(
        next({primary("a", "exposed"), at("b", Reach::Unreachable), at("c", Reach::NotFt)})
            .kind,
        Kind::Stuck);
}

TEST(Decide, AnAgentActsForItsOwnHostOnly) {
    Views views{primary("a", "exposed", "took over"), at("b", Reach::Off)};
    EXPECT_STEP(next_for_agent(views, {}, "a"), Kind::Spawn, "b");
    EXPECT_EQ(next_for_agent(views, {}, "b").kind, Kind::Nothing);
}

TEST(Decide, AnAgentLeavesAnOperatorsDetachAlone) {
    Views views{primary("a", "exposed", detached_by_operator), at("b", Reach::Off)};
    EXPECT_EQ(next_for_agent(views, {}, "a").kind, Kind::Nothing);
    EXPECT_EQ(next_to_protect(views, {}).kind, Kind::Spawn);
}

TEST(Decide, WhatHangsBesideAProtectedPairIsEnded) {
    PairDescription pair;
    pair.hosts = {
        {"a", "", "10.0.0.1:1"}, {"b", "", "10.0.0.2:1"}, {"c", "", "10.0.0.3:1"}};
    HostView p = primary("b", "protected");
    p.peer = "10.0.0.3:1";
    auto steps = hanging({at("a", Reach::Silent, 9), p, at("c", Reach::Silent, 9)}, pair);
    ASSERT_EQ(steps.size(), 1u);
    EXPECT_EQ(steps[0].host, "a");
    p.state = "exposed";
    EXPECT_TRUE(hanging({at("a", Reach::Silent, 9), p, at("c", Reach::Off)}, pair).empty());
    EXPECT_TRUE(
        hanging({at("a", Reach::Silent, 9), at("b", Reach::Unreachable)}, pair).empty());
}

TEST(Start, AsksEveryHost) {
    EXPECT_TRUE(clear_to_start({at("a", Reach::Off), at("b", Reach::Undefined)}, false));
    EXPECT_FALSE(clear_to_start({at("a", Reach::Off), at("b", Reach::Unreachable)}, false));
    EXPECT_FALSE(clear_to_start({at("a", Reach::Off), at("b", Reach::Silent)}, false));
}

TEST(Start, NeverASecondMachineNotEvenByForce) {
    for (bool force : {false, true}) {
        for (const char *state : {"exposed", "protected", "syncing", "going-live"}) {
            EXPECT_FALSE(clear_to_start({at("a", Reach::Off), primary("b", state)}, force))
                << state;
        }
        for (const char *state : {"protected", "syncing", "going-live"}) {
            EXPECT_FALSE(
                clear_to_start({at("a", Reach::Off), secondary("b", state)}, force))
                << state;
        }
        EXPECT_FALSE(clear_to_start({at("a", Reach::Off), at("b", Reach::NotFt)}, force));
    }
}

TEST(Start, EndsWhatIsLeftAndByForceWhatHangs) {
    auto first = clear_to_start(
        {secondary("a", "waiting"), primary("b", "fenced"), secondary("c", "failed")},
        false);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->size(), 3u);
    first = clear_to_start({at("a", Reach::Unreachable), at("b", Reach::Silent, 1)}, true);
    ASSERT_TRUE(first);
    ASSERT_EQ(first->size(), 1u);
    EXPECT_EQ(first->front().host, "b");
}

TEST(View, TakesWhatTheMonitorSaysOnlyIfItIsOfTheRightKind) {
    HostView v;
    read_ft(v, json{{"role", "primary"},
                    {"state", "exposed"},
                    {"epoch", 7},
                    {"reason", 5},
                    {"peer", nullptr}});
    EXPECT_TRUE(v.is(NodeRole::Primary, "exposed"));
    EXPECT_EQ(v.reason, "");
    for (const json &odd :
         {json("x"), json(), json::array(), json{{"role", 3}}, json{{"role", "off"}}}) {
        HostView o;
        read_ft(o, odd);
        EXPECT_EQ(o.reach, Reach::NotFt) << odd;
    }
}

TEST(Backoff, DoublesUntilItsMostAndBeginsAnew) {
    Backoff b(1, 5);
    EXPECT_EQ(b.failed(), 1);
    EXPECT_EQ(b.failed(), 2);
    EXPECT_EQ(b.failed(), 4);
    EXPECT_EQ(b.failed(), 5);
    EXPECT_EQ(b.failed(), 5);
    b.succeeded();
    EXPECT_EQ(b.failed(), 1);
}
