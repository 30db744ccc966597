/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/scenario.hpp"

#include "tests/sim/scheduler.hpp"

namespace ft::sim {
namespace {

constexpr Workload all_workloads[] = {
    /* name              turn   inputs bytes  out  ring       hold  replay */
    {"steady_tcp", 3 * ms, 3, 60, 4, 64 * 1024, 64, 2 * ms},
    {"chatty", 1 * ms, 2, 20, 1, 64 * 1024, 256, 600 * us},
    {"bulk_in", 3 * ms, 4, 1400, 6, 64 * 1024, 64, 2 * ms},
    {"tight_rings", 2 * ms, 4, 400, 3, 8 * 1024, 8, 1500 * us},
    {"nearly_idle", 25 * ms, 1, 20, 2, 64 * 1024, 64, 2 * ms},
    {"slow_secondary", 2 * ms, 3, 60, 3, 64 * 1024, 128, 12 * ms},
};

using enum Fault;
using enum Victim;
constexpr Nemesis all_nemeses[] = {
    /* name                     fault           victim      ms        weight */
    {"kill_primary", KillProcess, Primary, 0, 0, 10},
    {"kill_secondary", KillProcess, Secondary, 0, 0, 5},
    {"crash_primary_host", CrashHost, Primary, 0, 0, 6},
    {"crash_secondary_host", CrashHost, Secondary, 0, 0, 3},
    {"stop_primary", Stop, Primary, 20, 1200, 9},
    {"stop_secondary", Stop, Secondary, 20, 1200, 6},
    {"hang_primary_main_loop", HangMainLoop, Primary, 20, 2500, 6},
    {"hang_secondary_main_loop", HangMainLoop, Secondary, 20, 2500, 5},
    {"hang_primary_vcpu", HangVcpu, Primary, 20, 2500, 5},
    {"hang_secondary_vcpu", HangVcpu, Secondary, 20, 2500, 4},
    {"partition", BlockBoth, Either, 20, 1200, 5},
    {"partition_from_primary", BlockFrom, Primary, 20, 1200, 5},
    {"partition_from_secondary", BlockFrom, Secondary, 20, 1200, 5},
    {"block_heartbeat", BlockHeartbeat, Either, 50, 900, 4},
    {"block_log", BlockLog, Either, 50, 900, 4},
    {"block_witness", BlockWitness, Either, 50, 1200, 4},
    {"break_at_primary", BreakOneEnd, Primary, 0, 0, 4},
    {"break_at_secondary", BreakOneEnd, Secondary, 0, 0, 6},
    {"break_link", BreakLink, Either, 0, 0, 4},
    {"arbiter_away", ArbiterAwayAll, Either, 50, 1500, 6},
    {"arbiter_away_primary", ArbiterAway, Primary, 50, 1500, 5},
    {"arbiter_away_secondary", ArbiterAway, Secondary, 50, 1500, 5},
    {"diverge", Diverge, Secondary, 0, 0, 8},
    {"slow_secondary", SlowDown, Secondary, 50, 600, 8},
    {"failover", Failover, Primary, 0, 0, 8},
    {"failover_here", FailoverHere, Secondary, 0, 0, 4},
    {"detach", Detach, Primary, 0, 0, 3},
    {"quit", Quit, Either, 0, 0, 2},
};

template <typename T, size_t N>
const T *pick(const T (&from)[N], Random &random) {
    return &from[random.below(N)];
}

const Nemesis *pick_nemesis(Random &random) {
    unsigned total = 0;
    for (const Nemesis &n : all_nemeses) {
        total += n.weight;
    }
    uint64_t at = random.below(total);
    for (const Nemesis &n : all_nemeses) {
        if (at < n.weight) {
            return &n;
        }
        at -= n.weight;
    }
    return &all_nemeses[0];
}

/* Half of the faults strike at a moment that was chosen for being bad, just at
 * it or a little later; the others at any time. */
Plan make_plan(Random &random, uint64_t safety_ns) {
    Plan p{};
    p.nemesis = pick_nemesis(random);
    p.at_ns = random.between(20 * ms, safety_ns);
    if (random.percent(60)) {
        p.moment = static_cast<Moment>(
            random.between(1, static_cast<uint64_t>(Moment::Count) - 1));
        p.nth = p.moment >= Moment::FramesTaken && p.moment <= Moment::OutputHeld
                    ? random.between(1, 60)
                    : 1 + random.below(2);
        p.delay_ns = random.percent(50) ? 0 : random.between(1, 3 * ms);
    }
    return p;
}

} // namespace

std::span<const Workload> workloads() {
    return all_workloads;
}
std::span<const Nemesis> nemeses() {
    return all_nemeses;
}

Scenario make_scenario(Random &random) {
    Scenario s{};
    s.workload = pick(all_workloads, random);
    s.timeout_ns = random.between(60, 250) * ms;
    s.still_limit_ns = random.between(3, 6) * s.timeout_ns;
    s.safety_ns = random.between(400, 2500) * ms;
    s.clock_offset_max_ns = random.percent(50) ? 1'000'000 * sim::s : 10 * ms;
    const uint64_t count = random.between(1, 6);
    for (uint64_t i = 0; i < count; i++) {
        s.plans.push_back(make_plan(random, s.safety_ns));
    }
    return s;
}

} // namespace ft::sim
