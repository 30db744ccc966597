/*
 * Guest time that follows the host's clock. The guest's clock is its instruction
 * count, at a rate that the primary sets and the log carries: both nodes change it
 * at the same instruction. This is the primary's decision, and what a secondary has
 * to know to go on with it.
 *
 * The rate of a busy guest is such that its clock will be nearly right when a turn of
 * the vCPU loop, of about a millisecond of host time, has ended, if the host goes on
 * as fast as it was. So time passes evenly: steps at the ends of turns would let the
 * guest's scheduler charge the wrong program for them. A guest that was left behind
 * (its host was busy, or it has moved to another one) catches up at a multiple of that
 * rate, one that is ahead is slowed. While it sleeps no instructions pass: then the
 * clock steps to the guest's next timer when that is due, or to the present when
 * something else wakes it. Time never goes back.
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
#include <optional>

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
    /* How the clock goes on: forward at once, then 1/65536 ns an instruction. */
    struct Change {
        int64_t step_ns;
        uint32_t rate;
    };

    /* The guest's clock is right at this moment: it starts here. */
    void anchor(Moment now) noexcept;
    bool anchored() const noexcept { return anchored_; }
    /* The operator had stopped the guest for so long: its clock stood still. */
    void forget(int64_t host_ns) noexcept { offset_ns_ -= host_ns; }

    /* How far the guest's clock is behind; negative if instructions outran it. */
    int64_t behind_ns(Moment now) const noexcept;
    /*
     * How it goes on; nothing: as it did. timer_ns: until the guest's next timer.
     * silent: the log has said nothing for too long, and the secondary may execute
     * only what lies before an event: a guest that executes then gets one that
     * changes nothing.
     */
    std::optional<Change> next(Moment now, int64_t timer_ns, Activity activity,
                               bool silent = false) noexcept;
    /* How long an idle guest may sleep, 0 not at all; no_timer: until woken. */
    int64_t sleep_ns(Moment now, int64_t timer_ns) const noexcept;

    /* A turn begins: the instructions after which next() is to be asked. */
    int64_t begin_turn(int64_t host_ns, int64_t icount) noexcept;
    /* It has ended; the host's speed is learnt from it. */
    void end_turn(int64_t host_ns, int64_t icount) noexcept;

    /* Secondary: the clock goes on as the log says. */
    void observe(Moment now) noexcept;
    /* Secondary: decides from now on. What was lost since the failure comes back. */
    void go_live(Moment now) noexcept;

  private:
    static constexpr int64_t nothing = std::numeric_limits<int64_t>::min();

    int64_t step_ns(int64_t behind, int64_t timer_ns, Activity activity) const noexcept;
    uint32_t rate_for(int64_t behind) const noexcept;
    int64_t turn_instructions() const noexcept;

    bool anchored_ = false;
    uint32_t rate_ = 0; /* 0: not known */
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
