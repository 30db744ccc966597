/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/guest_clock.hpp"

#include <algorithm>
#include <cmath>

#include "accel/ft/assert.hpp"
#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"

namespace ft {

/* Host time of a turn. */
static constexpr int64_t turn_ns = 850'000;
static constexpr int64_t turn_instructions_min = 10'000;
static constexpr int64_t turn_instructions_max = 16'000'000;
/* The guest's clock may be off by this much at the end of a turn; only more than that
 * costs an event in the log. */
static constexpr int64_t tolerance_ns = 20'000;
/* A lag up to small_ns is corrected by a quarter in each turn, so that the rate
 * converges without swinging; what goes beyond small_ns is corrected at once. */
static constexpr int64_t small_ns = 200'000;
static constexpr double correction = 0.25;
/* How fast the guest's clock may run, relative to the host's: when it is ahead, and when
 * it is behind. */
static constexpr double slowest = 0.25, fastest = 8;
static constexpr double rate_unit = 65536;
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

int64_t GuestClock::step_ns(int64_t behind, int64_t timer_ns,
                            Activity activity) const noexcept {
    if (behind <= 0) {
        return 0;
    }
    switch (activity) {
    case Activity::Idle:
        /* Woken without cause: no step. If the guest's timer is due, a step to it. */
        return timer_ns != no_timer && behind >= timer_ns ? timer_ns : 0;
    case Activity::Woken:
        /* The clock never steps past the guest's next timer: that has to fire first. */
        return timer_ns != no_timer ? std::min(behind, timer_ns) : behind;
    case Activity::Busy:
        return 0;
    }
    FT_ASSERT(false, "activity %d", int(activity));
}

/* The rate that brings the clock close to where it should be by the end of a turn. */
uint32_t GuestClock::rate_for(int64_t behind) const noexcept {
    double instructions = double(turn_instructions());
    double host_ns = instructions / instructions_per_ns_;
    int64_t small = std::clamp(behind, -small_ns, small_ns);
    double wanted_ns =
        std::clamp(host_ns + correction * double(small) + double(behind - small),
                   slowest * host_ns, fastest * host_ns);

    if (std::abs(wanted_ns - instructions * rate_ / rate_unit) < tolerance_ns) {
        return rate_;
    }
    return uint32_t(
        std::clamp(wanted_ns * rate_unit / instructions, 1.0, double(UINT32_MAX)));
}

std::optional<GuestClock::Change>
GuestClock::next(Moment now, int64_t timer_ns, Activity activity, bool silent) noexcept {
    if (!anchored_) {
        anchor(now);
    }
    int64_t behind = behind_ns(now);
    int64_t step = step_ns(behind, timer_ns, activity);
    uint32_t rate = activity == Activity::Idle && rate_ ? rate_ : rate_for(behind - step);

    bool position = silent && activity == Activity::Busy;

    if (step == 0 && rate == rate_ && !position) {
        return std::nullopt;
    }
    rate_ = rate;
    return Change{step, rate};
}

int64_t GuestClock::sleep_ns(Moment now, int64_t timer_ns) const noexcept {
    if (timer_ns == no_timer || !anchored_) {
        return timer_ns == no_timer ? no_timer : 0;
    }
    return std::max<int64_t>(0, timer_ns - behind_ns(now));
}

int64_t GuestClock::turn_instructions() const noexcept {
    return std::clamp(int64_t(instructions_per_ns_ * double(turn_ns)),
                      turn_instructions_min, turn_instructions_max);
}

int64_t GuestClock::begin_turn(int64_t host_ns, int64_t icount) noexcept {
    in_turn_ = true;
    turn_host_ns_ = host_ns;
    turn_icount_ = icount;
    return turn_instructions();
}

void GuestClock::end_turn(int64_t host_ns, int64_t icount) noexcept {
    int64_t executed = icount - turn_icount_, took_ns = host_ns - turn_host_ns_;

    if (!in_turn_ || executed < sample_instructions_min || took_ns <= 0) {
        in_turn_ = false;
        return;
    }
    in_turn_ = false;
    /* One turn in which the host did something else is no sign that it is slow. */
    double sample = std::max(double(executed) / double(took_ns), instructions_per_ns_ / 4);

    instructions_per_ns_ += (sample - instructions_per_ns_) / 4;
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
    rate_ = 0;
    anchor(now);
    if (ahead != nothing && ahead > offset_ns_) {
        offset_ns_ = ahead;
    }
    ahead_ns_ = ahead_before_ns_ = nothing;
    window_end_ns_ = 0;
}

} // namespace ft

struct FtClock : ft::GuestClock {};

/* THREAD: any. OWNERSHIP: the caller frees with ftc_clock_free. */
FtClock *ftc_clock_new() noexcept {
    return ft::make_or_null<FtClock>();
}

/* THREAD: any, after the last user. OWNERSHIP: c is gone; NULL is fine. */
void ftc_clock_free(FtClock *c) noexcept {
    delete c;
}

/* THREAD: RL or BQL. OWNERSHIP: nothing changes hands, as in all that follow. */
bool ftc_clock_next(FtClock *c, int64_t host_ns, int64_t guest_ns, int64_t timer_ns,
                    FtActivity activity, bool silent, int64_t *step_ns,
                    uint32_t *rate) noexcept {
    auto change = c->next({host_ns, guest_ns}, timer_ns,
                          static_cast<ft::GuestClock::Activity>(activity), silent);
    if (!change) {
        return false;
    }
    *step_ns = change->step_ns;
    *rate = change->rate;
    return true;
}

/* THREAD: RL or BQL. */
int64_t ftc_clock_sleep(const FtClock *c, int64_t host_ns, int64_t guest_ns,
                        int64_t timer_ns) noexcept {
    return c->sleep_ns({host_ns, guest_ns}, timer_ns);
}

/* THREAD: RL or BQL. */
int64_t ftc_clock_begin_turn(FtClock *c, int64_t host_ns, int64_t icount) noexcept {
    return c->begin_turn(host_ns, icount);
}

/* THREAD: RL or BQL. */
void ftc_clock_end_turn(FtClock *c, int64_t host_ns, int64_t icount) noexcept {
    c->end_turn(host_ns, icount);
}

/* THREAD: RL or BQL. */
int64_t ftc_clock_behind(const FtClock *c, int64_t host_ns, int64_t guest_ns) noexcept {
    return c->anchored() ? c->behind_ns({host_ns, guest_ns}) : 0;
}

/* THREAD: RL or BQL. */
void ftc_clock_forget(FtClock *c, int64_t host_ns) noexcept {
    c->forget(host_ns);
}

/* THREAD: RL or BQL. */
void ftc_clock_observe(FtClock *c, int64_t host_ns, int64_t guest_ns) noexcept {
    c->observe({host_ns, guest_ns});
}

/* THREAD: RL or BQL. */
void ftc_clock_go_live(FtClock *c, int64_t host_ns, int64_t guest_ns) noexcept {
    c->go_live({host_ns, guest_ns});
}
