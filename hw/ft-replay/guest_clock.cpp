/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/guest_clock.hpp"

#include <algorithm>

#include "accel/ft/assert.hpp"
#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"

namespace ft {

/* A busy guest that is less behind needs no event in the log. */
static constexpr int64_t busy_step_min_ns = 100'000;
/* Host time of a turn; the step behind it stays below a millisecond. */
static constexpr int64_t turn_ns = 850'000;
static constexpr int64_t catch_up_turn_ns = 60'000;
static constexpr int64_t turn_instructions_min = 10'000;
static constexpr int64_t turn_instructions_max = 16'000'000;
/* Shorter turns tell nothing about speed. */
static constexpr int64_t sample_instructions_min = 5'000;
/* Two clocks drift apart by less than 100 ppm, 3 ms in this time. */
static constexpr int64_t window_ns = 30'000'000'000;

void GuestClock::anchor(Moment now) noexcept {
    offset_ns_ = now.guest_ns - now.host_ns;
    anchored_ = true;
}

int64_t GuestClock::behind_ns(Moment now) const noexcept {
    return now.host_ns + offset_ns_ - now.guest_ns;
}

int64_t GuestClock::step_ns(Moment now, int64_t timer_ns, Activity activity) noexcept {
    if (!anchored_) {
        anchor(now);
    }
    int64_t behind = behind_ns(now);
    if (behind <= 0) {
        return 0;
    }
    switch (activity) {
    case Activity::Idle:
        /* Kicked for nothing, unless its timer is due: then it is now. */
        return timer_ns != no_timer && behind >= timer_ns ? timer_ns : 0;
    case Activity::Woken:
        /* A timer that is due first fires first. */
        return timer_ns != no_timer ? std::min(behind, timer_ns) : behind;
    case Activity::Busy:
        return behind < busy_step_min_ns ? 0 : std::min(behind, step_max_ns);
    }
    FT_ASSERT(false, "activity %d", int(activity));
}

int64_t GuestClock::sleep_ns(Moment now, int64_t timer_ns) const noexcept {
    if (timer_ns == no_timer || !anchored_) {
        return timer_ns == no_timer ? no_timer : 0;
    }
    return std::max<int64_t>(0, timer_ns - behind_ns(now));
}

int64_t GuestClock::begin_turn(Moment now, int64_t icount) noexcept {
    bool late = anchored_ && behind_ns(now) > step_max_ns;
    double wanted = instructions_per_ns_ * double(late ? catch_up_turn_ns : turn_ns);

    in_turn_ = true;
    turn_host_ns_ = now.host_ns;
    turn_icount_ = icount;
    return std::clamp(int64_t(wanted), turn_instructions_min, turn_instructions_max);
}

void GuestClock::end_turn(int64_t host_ns, int64_t icount) noexcept {
    int64_t executed = icount - turn_icount_, took_ns = host_ns - turn_host_ns_;

    if (!in_turn_ || executed < sample_instructions_min || took_ns <= 0) {
        in_turn_ = false;
        return;
    }
    in_turn_ = false;
    double sample = double(executed) / double(took_ns);
    /* Fast up, slow down: one turn in which the host did something else is no sign. */
    instructions_per_ns_ += (sample - instructions_per_ns_)
                            / (sample > instructions_per_ns_ ? 2 : 8);
}

void GuestClock::observe(Moment now) noexcept {
    if (now.host_ns >= window_end_ns_) {
        window_end_ns_ = now.host_ns + window_ns;
        ahead_before_ns_ = ahead_ns_;
        ahead_ns_ = nothing;
    }
    ahead_ns_ = std::max(ahead_ns_, now.guest_ns - now.host_ns);
}

void GuestClock::go_live(Moment now) noexcept {
    int64_t ahead = std::max(ahead_ns_, ahead_before_ns_);

    in_turn_ = false;
    anchor(now);
    if (ahead != nothing && ahead > offset_ns_) {
        offset_ns_ = ahead;
    }
    ahead_ns_ = ahead_before_ns_ = nothing;
    window_end_ns_ = 0;
}

} // namespace ft

struct FtClock : ft::GuestClock {};

/* THREAD: any. OWNERSHIP: the caller frees with ft_clock_free. */
FtClock *ft_clock_new() noexcept {
    return ft::make_or_null<FtClock>();
}

/* THREAD: any, after the last user. OWNERSHIP: c is gone; NULL is fine. */
void ft_clock_free(FtClock *c) noexcept {
    delete c;
}

/* THREAD: RL or BQL. OWNERSHIP: nothing changes hands, as in all that follow. */
int64_t ft_clock_step(FtClock *c, int64_t host_ns, int64_t guest_ns, int64_t timer_ns,
                      FtActivity activity) noexcept {
    return c->step_ns({host_ns, guest_ns}, timer_ns,
                      static_cast<ft::GuestClock::Activity>(activity));
}

/* THREAD: RL or BQL. */
int64_t ft_clock_sleep(const FtClock *c, int64_t host_ns, int64_t guest_ns,
                       int64_t timer_ns) noexcept {
    return c->sleep_ns({host_ns, guest_ns}, timer_ns);
}

/* THREAD: RL or BQL. */
int64_t ft_clock_begin_turn(FtClock *c, int64_t host_ns, int64_t guest_ns,
                            int64_t icount) noexcept {
    return c->begin_turn({host_ns, guest_ns}, icount);
}

/* THREAD: RL or BQL. */
void ft_clock_end_turn(FtClock *c, int64_t host_ns, int64_t icount) noexcept {
    c->end_turn(host_ns, icount);
}

/* THREAD: RL or BQL. */
int64_t ft_clock_behind(const FtClock *c, int64_t host_ns, int64_t guest_ns) noexcept {
    return c->anchored() ? c->behind_ns({host_ns, guest_ns}) : 0;
}

/* THREAD: RL or BQL. */
void ft_clock_forget(FtClock *c, int64_t host_ns) noexcept {
    c->forget(host_ns);
}

/* THREAD: RL or BQL. */
void ft_clock_observe(FtClock *c, int64_t host_ns, int64_t guest_ns) noexcept {
    c->observe({host_ns, guest_ns});
}

/* THREAD: RL or BQL. */
void ft_clock_go_live(FtClock *c, int64_t host_ns, int64_t guest_ns) noexcept {
    c->go_live({host_ns, guest_ns});
}
