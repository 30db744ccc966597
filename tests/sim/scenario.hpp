/*
 * What a run is made of, as data: a workload (what the guest and the machines
 * are like) and nemeses (what goes wrong, to whom, when). The seed picks.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_SIM_SCENARIO_HPP
#define TESTS_SIM_SCENARIO_HPP

#include <cstdint>
#include <span>
#include <vector>

#include "tests/sim/random.hpp"

namespace ft::sim {

struct Workload {
    const char *name;
    uint64_t turn_ns;       /* mean time between guest turns                 */
    uint64_t inputs_max;    /* per turn                                      */
    uint64_t bytes_max;     /* per inbound packet                            */
    uint64_t output_one_in; /* inputs per output                             */
    uint64_t ring_bytes;
    uint64_t hold_packets;
    uint64_t replay_ns; /* mean time between turns of the secondary      */
};

enum class Fault {
    KillProcess,
    CrashHost,
    Stop,
    HangMainLoop,
    HangVcpu,
    BlockBoth,
    BlockFrom,
    BlockHeartbeat,
    BlockLog,
    BlockWitness,
    BreakOneEnd,
    BreakLink,
    ArbiterAwayAll,
    ArbiterAway,
    Diverge,
    SlowDown,
    Failover,
    FailoverHere,
    Detach,
    Quit
};

enum class Victim { Primary, Secondary, Either };

struct Nemesis {
    const char *name;
    Fault fault;
    Victim victim;
    uint64_t ms_min, ms_max; /* how long it lasts, in ms; 0: for good         */
    unsigned weight;
};

/* Places in the code of the host where a fault hurts most. */
enum class Moment {
    Any,
    Connected,
    WitnessOffered,
    DevicesSent,
    CutDone,
    Loading,
    StateLoaded,
    ReadyReceived,
    FramesTaken,
    FramesReceived,
    AckReceived,
    OutputHeld,
    ClaimSent,
    ClaimDecided,
    Won,
    DrainBegun,
    LiveDone,
    PauseBegun,
    HandoverSent,
    HandoverReceived,
    ConnectionLost,
    Count
};

struct Plan {
    const Nemesis *nemesis;
    Moment moment;     /* Any: at a time instead                        */
    uint64_t nth;      /* the nth time the moment comes                 */
    uint64_t at_ns;    /* when moment is Any                            */
    uint64_t delay_ns; /* after the moment                              */
};

struct Scenario {
    const Workload *workload;
    uint64_t timeout_ns;
    uint64_t still_limit_ns; /* of the watchdog                               */
    uint64_t safety_ns;      /* faults happen until then                      */
    uint64_t clock_offset_max_ns;
    std::vector<Plan> plans;
};

std::span<const Workload> workloads();
std::span<const Nemesis> nemeses();
Scenario make_scenario(Random &random);

} // namespace ft::sim

#endif
