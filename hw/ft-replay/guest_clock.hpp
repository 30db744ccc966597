/*
 * Guest time that follows the host's clock. The guest's clock is its instruction
 * count (at a rate that no host outruns) plus steps; the primary decides on each
 * step, the log carries it, both nodes take it at the same instruction. This is
 * the primary's decision, and what a secondary has to know to go on with it.
 *
 * A busy guest gets steps below one millisecond, once in about as much host
 * time; the turns of the vCPU loop are cut so that they end in time for it. An
 * idle guest's clock goes on to its next timer when that is due. A guest that was
 * left behind (its host was busy, or it has moved to another one) catches up
 * by the same small steps in shorter turns. Time never goes back.
 *
 * Times are nanoseconds of the host's monotonic clock and of the guest's clock.
 * THREAD: replay mutex or BQL held by whoever calls; no locks, no clock of its own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_GUEST_CLOCK_HPP
#define HW_FT_REPLAY_GUEST_CLOCK_HPP

#include <cstdint>
#include <limits>

namespace ft {

class GuestClock {
  public:
    /* One moment on both clocks. */
    struct Moment {
        int64_t host_ns, guest_ns;
    };
    enum class Activity {
        Busy,  /* executing                                      */
        Woken, /* halted until now, an interrupt is waiting      */
        Idle,  /* halted                                         */
    };
    static constexpr int64_t no_timer = -1;
    static constexpr int64_t step_max_ns = 950'000;

    /* The guest's clock is right at this moment: it starts here. */
    void anchor(Moment now) noexcept;
    bool anchored() const noexcept { return anchored_; }
    /* The operator had stopped the guest for so long: its clock stood still. */
    void forget(int64_t host_ns) noexcept { offset_ns_ -= host_ns; }

    /* How far the guest's clock is behind; negative if instructions outran it. */
    int64_t behind_ns(Moment now) const noexcept;
    /* The step to take now, 0 for none. timer_ns: until the guest's next timer. */
    int64_t step_ns(Moment now, int64_t timer_ns, Activity activity) noexcept;
    /* How long an idle guest may sleep, 0 not at all; no_timer: until woken. */
    int64_t sleep_ns(Moment now, int64_t timer_ns) const noexcept;

    /* A turn begins: the instructions after which step_ns() is to be asked. */
    int64_t begin_turn(Moment now, int64_t icount) noexcept;
    /* It has ended; the host's speed is learnt from it. */
    void end_turn(int64_t host_ns, int64_t icount) noexcept;

    /* Secondary: the log's step has been taken. */
    void observe(Moment now) noexcept;
    /* Secondary: decides from now on. What was lost since the failure comes back. */
    void go_live(Moment now) noexcept;

  private:
    static constexpr int64_t nothing = std::numeric_limits<int64_t>::min();

    bool anchored_ = false;
    int64_t offset_ns_ = 0; /* host + offset is where the guest should be */

    bool in_turn_ = false;
    int64_t turn_host_ns_ = 0, turn_icount_ = 0;
    double instructions_per_ns_ = 0.05; /* before the first turn */

    /* Largest (guest - host) seen: replay that lags makes it smaller. */
    int64_t window_end_ns_ = 0;
    int64_t ahead_ns_ = nothing, ahead_before_ns_ = nothing;
};

} // namespace ft

#endif
