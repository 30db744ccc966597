/*
 * How far behind a secondary is, for lag control.
 *
 * The age of the oldest thing that it has not executed says it exactly, but late: a
 * primary that begins to pause sees the effect when that backlog has been executed,
 * and goes on pausing meanwhile. So here the backlog is measured as work, in time that
 * the primary has worked, without its pauses; pauses take from it at once. The time
 * that it takes the secondary to execute it is the lag that will be. What the
 * secondary has done since it reported is estimated from its speed, for it reports
 * when messages come, and a pausing primary sends few. One that is silent for longer
 * than that explains has stopped, as far as anybody knows.
 *
 * All times are nanoseconds. THREAD: one, the vCPU; no locks, no clock of its own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_LAG_ESTIMATE_HPP
#define HW_FT_REPLAY_LAG_ESTIMATE_HPP

#include <cstdint>

namespace ft {

class LagEstimate {
  public:
    /* What the secondary says it has executed of the primary's work, when that report
     * arrived, and the link's round trip. The report is half a round trip old when it
     * arrives, and the secondary has since executed part of what was in flight. */
    struct Report {
        uint64_t executed_ns, at_ns, rtt_ns;
    };

    /* How long the secondary will need for what it has not executed. worked_ns: how long
     * the primary has worked until now_ns. */
    uint64_t lag_ns(uint64_t now_ns, uint64_t worked_ns, Report report) noexcept;
    /* Another secondary: forgets what was learned of the last one. */
    void reset() noexcept { *this = {}; }
    /* The secondary's speed; 1 is the primary's. */
    double speed() const noexcept { return speed_; }

  private:
    void learn(Report report, uint64_t worked_ns) noexcept;

    Report last_{};
    double speed_ = 1;
};

} // namespace ft

#endif
