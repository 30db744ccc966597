/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "block/ft-filter/copy_pace.hpp"

#include <algorithm>
#include <cmath>

#include "accel/ft/assert.hpp"
#include "accel/ft/ft.h"
#include "accel/ft/megabytes.hpp"
#include "accel/ft/result.hpp"

namespace ft {

/* Figures of the copy's rate that are older than this count less and less. */
static constexpr double memory_s = 0.5;

void CopyPace::copied(uint64_t bytes, uint64_t ns) noexcept {
    double seconds = double(ns) / 1e9, kept = std::exp(-seconds / memory_s);

    bytes_ = bytes_ * kept + double(bytes);
    seconds_ = seconds_ * kept + seconds;
    copied_ += bytes;
}

uint64_t CopyPace::rate() const noexcept {
    return seconds_ > 0 ? uint64_t(bytes_ / seconds_) : 0;
}

/* What one drive may have copied again, bytes a second. */
double CopyPace::share(uint64_t now_ns, uint64_t link_rate) const noexcept {
    uint64_t all = link_rate ? std::min(rate(), link_rate) : rate();
    auto busy = std::count_if(accounts_.begin(), accounts_.end(), [=](const Account &a) {
        return a.at_ns && now_ns - a.at_ns < busy_ns;
    });

    return double(all) / 2 / double(std::max(busy, decltype(busy)(1)));
}

uint64_t CopyPace::written(unsigned drive, const Write &write) noexcept {
    FT_ASSERT(drive < accounts_.size(), "drive %u of %zu", drive, accounts_.size());
    Account &a = accounts_[drive];

    if (!begun_) {
        return 0;
    }
    a.written += write.bytes;
    if (!write.anew) {
        return 0;
    }
    double since_s = double(write.now_ns - a.at_ns) / 1e9;
    a.at_ns = write.now_ns;
    double rate = share(write.now_ns, write.link_rate);
    if (rate < 1) {
        return 0; /* nothing is known yet */
    }
    a.owed = std::max(a.owed - rate * since_s, -rate * double(credit_ns) / 1e9);
    a.owed = std::min(a.owed + double(write.anew), rate * double(delay_most_ns) / 1e9);
    uint64_t delay_ns = a.owed > 0 ? uint64_t(a.owed / rate * 1e9) : 0;
    return std::min(delay_ns, delay_alone_ns * (uint64_t(write.waiting) + 1));
}

void CopyPace::begin_trial(uint64_t now_ns, uint64_t left) noexcept {
    trial_ = {now_ns, left, copied_};
    for (Account &a : accounts_) {
        a.written = 0;
    }
}

bool CopyPace::hopeless(uint64_t now_ns, uint64_t left, uint64_t few) noexcept {
    if (!begun_ || left <= few) {
        trial_ = {};
        return false;
    }
    if (trial_.from_ns == 0) {
        begin_trial(now_ns, left);
    } else if (now_ns - trial_.from_ns >= hopeless_ns) {
        uint64_t gone = trial_.left - std::min(left, trial_.left);

        if (gone <= (copied_ - trial_.copied) / 4) {
            return true;
        }
        begin_trial(now_ns, left);
    }
    return false;
}

unsigned CopyPace::busiest() const noexcept {
    auto less = [](const Account &a, const Account &b) { return a.written < b.written; };

    return unsigned(std::max_element(accounts_.begin(), accounts_.end(), less) -
                    accounts_.begin());
}

std::string CopyPace::why(uint64_t now_ns, uint64_t left) const {
    double seconds = double(std::max(now_ns - trial_.from_ns, uint64_t(1))) / 1e9;
    double written = 0, copied = double(copied_ - trial_.copied);

    for (const Account &a : accounts_) {
        written += double(a.written);
    }
    return fail("the guest writes %s/s to its drives, the copy to the secondary carries "
                "%s/s: %s left, each write delayed by up to %d ms",
                megabytes(uint64_t(written / seconds)).c_str(),
                megabytes(uint64_t(copied / seconds)).c_str(), megabytes(left).c_str(),
                int(delay_most_ns / 1'000'000))
        .error()
        .text;
}

} // namespace ft

struct FtCopyPace : ft::CopyPace {
    using CopyPace::CopyPace;
};

/* THREAD: main, BQL held. OWNERSHIP: the caller frees with ftc_copy_pace_free. */
FtCopyPace *ftc_copy_pace_new(unsigned drives) noexcept {
    return ft::make_or_null<FtCopyPace>(drives);
}

/* THREAD: main, BQL held. OWNERSHIP: p is gone; NULL is fine. */
void ftc_copy_pace_free(FtCopyPace *p) noexcept {
    delete p;
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
void ftc_copy_pace_begin(FtCopyPace *p) noexcept {
    p->begin();
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
void ftc_copy_pace_copied(FtCopyPace *p, uint64_t bytes, uint64_t ns) noexcept {
    p->copied(bytes, ns);
}

/* THREAD: main or vCPU, BQL held. OWNERSHIP: nothing changes hands. */
uint64_t ftc_copy_pace_written(FtCopyPace *p, unsigned drive,
                               const FtCopyWrite *w) noexcept {
    return p->written(drive, {w->now_ns, w->bytes, w->anew, w->waiting, w->link_rate});
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
bool ftc_copy_pace_hopeless(FtCopyPace *p, uint64_t now_ns, uint64_t left,
                            uint64_t few) noexcept {
    return p->hopeless(now_ns, left, few);
}

/* THREAD: main, BQL held. OWNERSHIP: the text is the caller's. */
unsigned ftc_copy_pace_why(const FtCopyPace *p, uint64_t now_ns, uint64_t left,
                           FtError *err) noexcept {
    ft::guarded(err, [&]() -> ft::Status {
        return std::unexpected(ft::Error{p->why(now_ns, left)});
    });
    return p->busiest();
}
