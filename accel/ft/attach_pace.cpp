/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/attach_pace.hpp"

#include <algorithm>
#include <string>

#include "accel/ft/megabytes.hpp"
#include "accel/ft/result.hpp"

namespace ft {

static constexpr uint64_t slice_least = 256 << 10;
/* The guest's rate is measured over intervals of at least this length. */
static constexpr uint64_t measure_ns = 200'000'000;
/* A turn lasts about a millisecond; one that lasted longer does not make the pause
 * longer. */
static constexpr uint64_t ran_max_ns = 2'000'000;
/* A guest that writes less again gets its speed back, if at least this much is left to
 * send. */
static constexpr uint64_t calm_least = 4 * AttachPace::cut_bytes_few;

bool AttachPace::look_is_due(uint64_t now_ns) const noexcept {
    /* The first pass has to send everything anyway. */
    return looks_ > 0 && now_ns - looked_ns_ >= look_ns;
}

uint64_t AttachPace::slice_bytes(uint64_t most) const noexcept {
    bool link_is_slower = link_.under_way() > 0 && link_.rate() > 0;

    return link_is_slower ? std::clamp(link_.rate() / 20, slice_least, most) : most;
}

bool AttachPace::carried_in(uint64_t bytes, uint64_t ns) const noexcept {
    if (!link_.known()) {
        return bytes <= cut_bytes_unknown;
    }
    return bytes <= cut_bytes_most &&
           double(bytes) * 1e9 <= double(link_.rate()) * double(ns);
}

void AttachPace::measure(const FtAttachLook &look) noexcept {
    since_.bytes += look.written;
    if (look.now_ns - since_.from_ns >= measure_ns) {
        written_rate_ =
            uint64_t(double(since_.bytes) * 1e9 / double(look.now_ns - since_.from_ns));
        free_rate_ = slowed_ ? std::max(free_rate_, written_rate_) : written_rate_;
        since_ = {look.now_ns, 0};
    }
}

void AttachPace::begin_trial(const FtAttachLook &look) noexcept {
    trial_ = {look.now_ns, look.left, sent_};
}

/* Slowed to the limit, the rest has to shrink by a quarter of what is sent, or the
 * attach has no end. And whatever becomes of the rest, memory is sent only times_most
 * times. */
bool AttachPace::hopeless(const FtAttachLook &look) noexcept {
    if (sent_ > times_most * memory_) {
        return true;
    }
    if (slowed_ < slowed_most) {
        trial_ = {};
        return false;
    }
    if (trial_.from_ns == 0) {
        begin_trial(look);
    } else if (look.now_ns - trial_.from_ns >= hopeless_ns) {
        uint64_t gone = trial_.left - std::min(look.left, trial_.left);

        if (gone <= (sent_ - trial_.sent) / 4) {
            return true;
        }
        begin_trial(look);
    }
    return false;
}

FtAttachVerdict AttachPace::look(const FtAttachLook &look) noexcept {
    uint64_t sent = left_ - std::min(look.left_before, left_);
    uint64_t again = look.left - std::min(look.left_before, look.left);
    uint64_t total = look.left + look.beside;
    bool comes_back = again >= sent / 2;

    looks_++;
    sent_ += sent;
    measure(look);
    left_ = look.left;
    beside_ = look.beside;
    looked_ns_ = look.now_ns;
    if (carried_in(total, cut_aim_ns) && (look.left <= cut_bytes_few || comes_back)) {
        return FT_ATTACH_CUT;
    }
    if (hopeless(look)) {
        return carried_in(total, cut_most_ns) ? FT_ATTACH_CUT : FT_ATTACH_GIVE_UP;
    }
    if (comes_back) {
        slowed_ = std::min((1000 + slowed_) / 2, slowed_most);
    } else if (again < sent / 8 && look.left > calm_least) {
        slowed_ = slowed_ > 500 ? 2 * slowed_ - 1000 : 0;
    }
    return FT_ATTACH_GO_ON;
}

std::string AttachPace::why() const {
    std::string link = megabytes(link_.rate()), left = megabytes(left_ + beside_);

    if (!carried_in(beside_, cut_most_ns)) {
        return fail("the link carries %s/s: for the devices' state and the rest of the "
                    "drives, %s, "
                    "the guest would have to wait too long",
                    link.c_str(), megabytes(beside_).c_str())
            .error()
            .text;
    }
    return fail("the guest writes %s/s, the link carries %s/s: %s left after %u looks, the "
                "guest slowed "
                "by %u %%",
                megabytes(free_rate_).c_str(), link.c_str(), left.c_str(), looks_,
                slowed_ / 10)
        .error()
        .text;
}

uint64_t slowed_pause_ns(uint64_t ran_ns, unsigned slowed) noexcept {
    return std::min(ran_ns, ran_max_ns) * slowed / (1000 - std::min(slowed, 999u));
}

} // namespace ft

struct FtAttachPace : ft::AttachPace {
    using ft::AttachPace::AttachPace;
};

/* THREAD: main. OWNERSHIP: the caller frees with ftc_attach_pace_free. */
FtAttachPace *ftc_attach_pace_new(uint64_t now_ns, uint64_t memory) noexcept {
    return ft::make_or_null<FtAttachPace>(now_ns, memory);
}

/* THREAD: main. OWNERSHIP: p is gone; NULL is fine. */
void ftc_attach_pace_free(FtAttachPace *p) noexcept {
    delete p;
}

/* THREAD: main. OWNERSHIP: nothing changes hands. */
void ftc_attach_pace_link(FtAttachPace *p, uint64_t now_ns, uint64_t given,
                          uint64_t under_way) noexcept {
    p->link().look(now_ns, given, under_way);
}

/* THREAD: main. OWNERSHIP: nothing changes hands. */
FtAttachVerdict ftc_attach_pace_look(FtAttachPace *p, const FtAttachLook *look) noexcept {
    return p->look(*look);
}

/* THREAD: main. OWNERSHIP: nothing changes hands. */
bool ftc_attach_pace_due(const FtAttachPace *p, uint64_t now_ns) noexcept {
    return p->look_is_due(now_ns);
}

/* THREAD: main. OWNERSHIP: nothing changes hands. */
uint64_t ftc_attach_pace_slice(const FtAttachPace *p, uint64_t most) noexcept {
    return p->slice_bytes(most);
}

/* THREAD: main. OWNERSHIP: nothing changes hands. */
void ftc_attach_pace_stats(FtAttachPace *p, FtAttachStats *s) noexcept {
    *s = {p->looks(),       p->slowed(),       p->written_rate(),
          p->link().rate(), p->link().known(), p->link().moved_ns()};
}

/* THREAD: main. OWNERSHIP: the text is the caller's. */
void ftc_attach_pace_why(const FtAttachPace *p, FtError *err) noexcept {
    ft::guarded(err, [&]() -> ft::Status { return std::unexpected(ft::Error{p->why()}); });
}

/* THREAD: any. OWNERSHIP: nothing changes hands. */
uint64_t ftc_attach_pause(uint64_t ran_ns, unsigned slowed) noexcept {
    return ft::slowed_pause_ns(ran_ns, slowed);
}
