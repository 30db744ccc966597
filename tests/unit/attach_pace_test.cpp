/*
 * Goal: an attach ends, whatever guest and link are: by a cut whose rest the link carries
 * in a moment, or by giving up with both figures. Method: guests that write to their pages
 * at random, in steps of a millisecond, copied over a link that is a number of bytes a
 * second (or several, one after another), as the glue does it; many seeds.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "accel/ft/attach_pace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <utility>
#include <vector>

using ft::AttachPace;
using ft::LinkRate;

namespace {

constexpr uint64_t ms = 1'000'000, second = 1000 * ms, page = 4096, mib = 1 << 20;
constexpr uint64_t devices = 256 << 10;

/* Bytes a second at a time; 0: it carries nothing. */
using Link = std::function<double(uint64_t now_ns)>;

/* What it writes to if nothing holds it up: hot bytes again and again, at that rate. */
struct Guest {
    uint64_t memory, hot;
    double rate;
    uint64_t calm_from_ns = UINT64_MAX;
};

struct End {
    FtAttachVerdict verdict;
    uint64_t at_ns, sent_at_cut, gap_ns;
    unsigned slowed_most, slowed_last;
    std::string why;
};

class Attach {
  public:
    Attach(Guest guest, Link link, uint64_t seed)
        : guest_(guest), link_(std::move(link)), random_(seed), pace_(0, guest.memory),
          to_send_(guest.memory / page, true), written_(guest.memory / page, false),
          left_(guest.memory) {}

    End run(uint64_t until_ns) {
        for (now_ = ms; now_ < until_ns; now_ += ms) {
            run_guest();
            carry();
            pace_.link().look(now_, given_, under_way_);
            FtAttachVerdict verdict = slice();
            if (verdict != FT_ATTACH_GO_ON) {
                return end(verdict);
            }
        }
        return end(FT_ATTACH_GO_ON);
    }

  private:
    void run_guest() {
        double share = 1 - pace_.slowed() / 1000.0;
        owed_ += now_ < guest_.calm_from_ns ? guest_.rate * share / 1000 : 0;
        std::uniform_int_distribution<uint64_t> any(0, guest_.hot / page - 1);
        for (; owed_ >= page; owed_ -= page) {
            written_[any(random_)] = true;
        }
    }

    void carry() {
        room_ = std::min(room_ + link_(now_) / 1000, 1e9);
        uint64_t bytes = std::min(uint64_t(room_), under_way_);
        under_way_ -= bytes;
        room_ = under_way_ ? room_ - double(bytes) : 0;
    }

    FtAttachVerdict slice() {
        uint64_t slice = pace_.slice_bytes(4 * mib);
        if (under_way_ > 2 * slice || (closing_ && left_ == 0 && under_way_)) {
            return FT_ATTACH_GO_ON;
        }
        send(slice);
        bool done = left_ == 0;
        if (done && closing_ && under_way_) {
            return FT_ATTACH_GO_ON; /* the secondary has not taken it yet */
        }
        if (!done && !pace_.look_is_due(now_)) {
            return FT_ATTACH_GO_ON;
        }
        bool caught_up = std::exchange(closing_, false) && done;
        FtAttachVerdict verdict = look();
        slowed_most_ = std::max(slowed_most_, pace_.slowed());
        if (verdict == FT_ATTACH_CUT && !caught_up) {
            closing_ = true;
            return FT_ATTACH_GO_ON;
        }
        return verdict;
    }

    void send(uint64_t most) {
        for (uint64_t bytes = 0; bytes < most && left_;
             next_ = (next_ + 1) % to_send_.size()) {
            if (to_send_[next_]) {
                to_send_[next_] = false;
                left_ -= page;
                bytes += page;
                given_ += page;
                under_way_ += page;
            }
        }
    }

    FtAttachVerdict look() {
        FtAttachLook look{now_, left_, 0, 0, devices};
        for (size_t i = 0; i < written_.size(); i++) {
            if (written_[i]) {
                look.written += page;
                left_ += to_send_[i] ? 0 : page;
                to_send_[i] = true;
                written_[i] = false;
            }
        }
        look.left = left_;
        return pace_.look(look);
    }

    End end(FtAttachVerdict verdict) {
        double rate = link_(now_);
        uint64_t bytes = left_ + devices + under_way_;
        uint64_t gap = rate > 0 ? uint64_t(double(bytes) / rate * 1e9) : UINT64_MAX;
        return {verdict, now_, bytes, gap, slowed_most_, pace_.slowed(), pace_.why()};
    }

    Guest guest_;
    Link link_;
    std::mt19937_64 random_;
    AttachPace pace_;
    std::vector<bool> to_send_, written_;
    uint64_t left_, now_ = 0, given_ = 0, under_way_ = 0, next_ = 0;
    double owed_ = 0, room_ = 0;
    bool closing_ = false;
    unsigned slowed_most_ = 0;
};

Link steady(double rate) {
    return [=](uint64_t) { return rate; };
}

End attach(Guest guest, Link link, uint64_t seed = 1) {
    return Attach(guest, std::move(link), seed).run(600 * second);
}

constexpr double slow_link = 11.5e6, fast_link = 800e6;

} // namespace

TEST(AttachPace, AnIdleGuestIsCutAndNeverSlowed) {
    for (double rate : {slow_link, fast_link}) {
        End end = attach({64 * mib, mib, 1e5}, steady(rate));
        EXPECT_EQ(end.verdict, FT_ATTACH_CUT);
        EXPECT_EQ(end.slowed_most, 0u);
        EXPECT_LT(end.gap_ns, 100 * ms);
        EXPECT_LT(double(end.at_ns), 1.2e9 * 64 * mib / rate + 1e9);
    }
}

TEST(AttachPace, AFastLinkSlowsNobodyWhoFits) {
    End end = attach({64 * mib, 32 * mib, 100e6}, steady(fast_link));
    EXPECT_EQ(end.verdict, FT_ATTACH_CUT);
    EXPECT_EQ(end.slowed_most, 0u);
    EXPECT_LT(end.sent_at_cut, 2 * mib);
}

TEST(AttachPace, AGuestThatFitsWhenSlowedIsSlowedAndCut) {
    End end = attach({64 * mib, 40 * mib, 30e6}, steady(slow_link));
    EXPECT_EQ(end.verdict, FT_ATTACH_CUT);
    EXPECT_GE(end.slowed_most, 500u);
    EXPECT_LE(end.slowed_most, AttachPace::slowed_most);
    EXPECT_LE(end.gap_ns, AttachPace::cut_most_ns + 20 * ms);
    EXPECT_LT(end.at_ns, 60 * second);
}

TEST(AttachPace, OneThatCannotWinEndsWithBothFigures) {
    End end = attach({64 * mib, 40 * mib, 400e6}, steady(slow_link));
    EXPECT_EQ(end.verdict, FT_ATTACH_GIVE_UP);
    EXPECT_EQ(end.slowed_last, AttachPace::slowed_most);
    EXPECT_LT(end.at_ns, 40 * second);
    /* 40 MiB in a second are all of them. */
    EXPECT_NE(end.why.find("the guest writes 42 MB/s, the link carries 1"),
              std::string::npos)
        << end.why;
}

TEST(AttachPace, ALinkThatBecomesSlowIsSeen) {
    End end = attach({128 * mib, 40 * mib, 60e6}, [](uint64_t now) {
        return now < second / 2 ? fast_link / 8 : slow_link / 4;
    });
    EXPECT_EQ(end.verdict, FT_ATTACH_GIVE_UP);
    EXPECT_NE(end.why.find("the link carries 2.9 MB/s"), std::string::npos) << end.why;
}

TEST(AttachPace, AStallIsSatOut) {
    End end = attach({64 * mib, 4 * mib, 3e6}, [](uint64_t now) {
        return now > 2 * second && now < 5 * second ? 0 : slow_link;
    });
    EXPECT_EQ(end.verdict, FT_ATTACH_CUT);
    EXPECT_LE(end.gap_ns, AttachPace::cut_most_ns + 20 * ms);
}

TEST(AttachPace, AGuestThatBecomesCalmGetsItsSpeedBack) {
    End end = attach({256 * mib, 240 * mib, 300e6, 26 * second}, steady(slow_link));
    EXPECT_EQ(end.verdict, FT_ATTACH_CUT);
    EXPECT_GE(end.slowed_most, 500u);
    EXPECT_EQ(end.slowed_last, 0u);
}

/* A guest that has not started yet: its memory is zeros, which are hardly anything to send. */
TEST(AttachPace, ALinkThatHadNothingToDoIsNotASlowOne) {
    AttachPace pace(0, 256 * mib);
    uint64_t given = 0;
    for (uint64_t at = 20; at <= 1400; at += 20) {
        pace.link().look(at * ms, given += 9000, at % 40 ? 100'000 : 0);
    }
    EXPECT_EQ(pace.look({1500 * ms, 0, 0, 0, devices}), FT_ATTACH_CUT);
    EXPECT_NE(pace.look({1600 * ms, 0, 2 * mib, 2 * mib, devices}), FT_ATTACH_CUT);
}

TEST(AttachPace, ALinkThatIsTooSlowForTheDevicesIsNamed) {
    End end = attach({8 * mib, mib, 0}, steady(0.3e6));
    EXPECT_EQ(end.verdict, FT_ATTACH_GIVE_UP);
    EXPECT_NE(end.why.find("the link carries 0.3 MB/s: for the devices' state"),
              std::string::npos)
        << end.why;
}

/* Any guest, any link: it ends, and how it ends is bounded. */
TEST(AttachPace, EndsWhateverGuestAndLinkAre) {
    unsigned cuts = 0, given_up = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        std::mt19937_64 random(seed);
        auto between = [&](double low,
                           double high) { /* evenly in their logarithms */
                                          return std::exp(std::uniform_real_distribution(
                                              std::log(low), std::log(high))(random));
        };
        Guest guest{16 * mib, uint64_t(between(0.1, 16) * mib), between(0.1e6, 500e6)};
        double rate = between(1.5e6, 150e6);
        double later = seed % 3 ? rate : between(1.5e6, 150e6);
        uint64_t change = uint64_t(between(1, 10) * second);
        End end =
            attach(guest, [=](uint64_t now) { return now < change ? rate : later; }, seed);

        ASSERT_NE(end.verdict, FT_ATTACH_GO_ON) << "seed " << seed;
        if (end.verdict == FT_ATTACH_CUT) {
            cuts++;
            EXPECT_LE(end.sent_at_cut, AttachPace::cut_bytes_most) << "seed " << seed;
            bool just_changed =
                end.at_ns - std::min(change, end.at_ns) < second && later < rate;
            EXPECT_TRUE(just_changed || end.gap_ns <= AttachPace::cut_most_ns * 12 / 10)
                << "seed " << seed << ": " << end.gap_ns / ms << " ms";
        } else {
            given_up++;
            EXPECT_GT(guest.rate, std::min(rate, later) / 2)
                << "seed " << seed << ": " << end.why;
        }
    }
    EXPECT_GT(cuts, 50u);
    EXPECT_GE(given_up, 5u);
}

TEST(AttachPause, GrowsWithTheShareAndIsBounded) {
    EXPECT_EQ(ft::slowed_pause_ns(ms, 0), 0u);
    EXPECT_EQ(ft::slowed_pause_ns(ms, 500), ms);
    EXPECT_EQ(ft::slowed_pause_ns(ms, AttachPace::slowed_most), 3 * ms);
    EXPECT_LE(ft::slowed_pause_ns(second, AttachPace::slowed_most), 6 * ms);
    EXPECT_EQ(ft::slowed_pause_ns(0, 1000), 0u);
}

TEST(LinkRate, IsWhatABusyLinkCarries) {
    LinkRate link(0);
    for (uint64_t at = 10; at <= 2000; at += 10) {
        uint64_t carried = at * 10'000;
        link.look(at * ms, carried + 4 * mib, 4 * mib);
    }
    EXPECT_NEAR(double(link.rate()), 10e6, 1e5);
}

TEST(LinkRate, AnIdleLinkIsNotASlowOne) {
    LinkRate link(0);
    for (uint64_t at = 10; at <= 1000; at += 10) {
        link.look(at * ms, at * 100'000 + mib, mib);
    }
    uint64_t given = 100'000'000 + mib;
    for (uint64_t at = 2000; at <= 9000; at += 100) {
        link.look(at * ms, given += 1000, 0);
    }
    EXPECT_NEAR(double(link.rate()), 100e6, 5e6);
}

/* The end of what was sent waits for a delayed acknowledgement, again and again. */
TEST(LinkRate, AFewBytesUnderWayAreNoBusyLink) {
    LinkRate link(0);
    for (uint64_t at = 10; at <= 1000; at += 10) {
        link.look(at * ms, at * 100'000 + mib, mib);
    }
    uint64_t given = 100'000'000 + 2 * mib;
    for (uint64_t at = 1010; at <= 9000; at += 5) {
        link.look(at * ms, given += 8, 1000);
    }
    EXPECT_GT(link.rate(), uint64_t(90e6));
}

TEST(LinkRate, KnowsWhenItLastMoved) {
    LinkRate link(5);
    EXPECT_EQ(link.moved_ns(), 5u);
    link.look(10 * ms, mib, mib);
    EXPECT_EQ(link.moved_ns(), 5u);
    link.look(20 * ms, mib, mib / 2);
    link.look(30 * ms, 2 * mib, 3 * mib / 2);
    EXPECT_EQ(link.moved_ns(), 20 * ms);
    link.look(40 * ms, 2 * mib, 4 * mib); /* more than was given: nonsense, and harmless */
    EXPECT_EQ(link.moved_ns(), 20 * ms);
}
