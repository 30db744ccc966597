/*
 * One run: the nodes, what is between and around them, and the plan of what
 * goes wrong. First the safety phase, in which faults happen and the checks
 * look for broken promises after every event; then the liveness phase, in which
 * the faults end and the pair has to come to rest and be protected again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_SIM_WORLD_HPP
#define TESTS_SIM_WORLD_HPP

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/network.hpp"
#include "tests/sim/node.hpp"
#include "tests/sim/outside.hpp"
#include "tests/sim/reached.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/scheduler.hpp"
#include "tests/sim/sim_arbiter.hpp"

namespace ft::sim {

/* Hosts that are wrong on purpose; the checks have to notice each. */
enum class Break {
    Nothing,
    ReleaseBeforeAck,
    NoArbiter,
    LiveBeforeDrained,
    NoLease,
    LeaseFromReady,
    NoLeaseWait,
    LossBeforeCutDone,
    NoStateReceived,
    SilentWitness,
    NoWatchdog
};

struct Outcome {
    std::string violation; /* empty: none */
    uint64_t digest = 0;
    uint64_t events = 0;
};

class World : public Deliver {
  public:
    World(uint64_t seed, Break broken, bool trace);
    Outcome run();

    /* ---- for the nodes ---- */
    void deliver(unsigned to, uint64_t link, Channel channel, Message message) override;
    void moment(Moment m);
    Node *waiting_secondary();
    Node &node(unsigned id) { return *nodes_[id]; }
    bool is_broken(Break b) const { return broken_ == b; }
    bool faults_on() const { return faults_on_; }
    void note_live() {
        if (lives_++) {
            reached(Rare::FailoverTwice);
        }
    }
    /* At no instant may two nodes have the right to output. */
    void check() const;
    void fold(uint64_t value) { digest_ = mix(digest_, value); }
    void say(const Node *who, const std::string &what);
    bool traces() const { return trace_; }

    Scheduler time;
    Random random;
    const Scenario scenario;
    Network net;
    SimArbiter arbiter;
    Outside outside;

  private:
    void run_until(uint64_t end_ns);
    void safety_phase();
    void end_faults();
    void liveness_phase();
    bool is_at_rest() const;
    void check_rest() const;
    void check_can_be_protected_again();
    void check_serves(const Node &holder);

    Node &add_node(FtRole role, uint64_t epoch0);
    void schedule_plans();
    void strike(const Plan &plan);
    Node *find(Victim victim);
    void hit(Node &n, const Plan &plan);
    void operate();
    void attach_anew(Node &primary);

    const uint64_t seed_;
    const Break broken_;
    const bool trace_;
    bool faults_on_ = true;
    uint64_t digest_ = 0, events_ = 0, lives_ = 0;
    std::array<uint64_t, static_cast<size_t>(Moment::Count)> moments_{};
    std::vector<std::unique_ptr<Node>> nodes_;
};

} // namespace ft::sim

#endif
