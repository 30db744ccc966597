/*
 * Guest time that follows the host's clock. The guest's clock is its instruction
 * count, at a rate that the primary sets and the log carries: both nodes change it
 * at the same instruction. The primary decides the rate here; a secondary keeps what it
 * needs to go on deciding after a takeover.
 *
 * The rate of a busy guest is chosen so that its clock will be nearly right at the end
 * of the next turn of the vCPU loop (about a millisecond of host time), if the host
 * keeps its speed. So time passes evenly; with steps at the ends of turns the guest's
 * scheduler would charge them to the wrong program. A guest whose clock is behind (its
 * host was busy, or it has moved to another host) catches up at a multiple of that rate;
 * one whose clock is ahead is slowed. A sleeping guest executes no instructions: its
 * clock steps to its next timer when that is due, or to the present when something else
 * wakes it. Time never goes back.
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
    /* The operator had paused the guest for host_ns, in which its clock stood still. */
    void forget(int64_t host_ns) noexcept { offset_ns_ -= host_ns; }

    /* How far the guest's clock is behind; negative if it is ahead. */
    int64_t behind_ns(Moment now) const noexcept;
    /* How the clock has to change; no value: it goes on as before. timer_ns: time until
     * the guest's next timer. silent: the log has had no event for too long, and the
     * secondary may execute only what lies before an event; so a guest that executes gets
     * an event now, even if it changes nothing. */
    std::optional<Change> next(Moment now, int64_t timer_ns, Activity activity,
                               bool silent = false) noexcept;
    /* How long an idle guest may sleep, 0 not at all; no_timer: until woken. */
    int64_t sleep_ns(Moment now, int64_t timer_ns) const noexcept;

    /* A turn begins; returns after how many instructions next() is to be asked again. */
    int64_t begin_turn(int64_t host_ns, int64_t icount) noexcept;
    /* The turn has ended; the host's speed is learned from it. */
    void end_turn(int64_t host_ns, int64_t icount) noexcept;

    /* Secondary: the clock has followed the log to this point. */
    void observe(Moment now) noexcept;
    /* Secondary: from now on this node decides. The clock catches up with the time since
     * the failure. */
    void go_live(Moment now) noexcept;

  private:
    static constexpr int64_t nothing = std::numeric_limits<int64_t>::min();

    int64_t step_ns(int64_t behind, int64_t timer_ns, Activity activity) const noexcept;
    uint32_t rate_for(int64_t behind) const noexcept;
    int64_t turn_instructions() const noexcept;

    bool anchored_ = false;
    uint32_t rate_ = 0;     /* 0: not known */
    int64_t offset_ns_ = 0; /* host + offset is where the guest should be */

    bool in_turn_ = false;
    int64_t turn_host_ns_ = 0, turn_icount_ = 0;
    double instructions_per_ns_ = 0.05; /* before the first turn */

    /* The largest difference guest - host seen in this window. A replay that lags makes
     * it smaller, so the largest one is the true one. */
    int64_t window_end_ns_ = 0;
    int64_t ahead_ns_ = nothing, ahead_before_ns_ = nothing;
};

} // namespace ft

#endif
