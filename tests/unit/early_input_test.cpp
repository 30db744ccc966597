/*
 * Goal: what goes to the guest when a secondary goes live is exactly what came to
 * it and is not in the log, in order, bounded, and never the guest's own. Method:
 * packets with numbers for time; then long random histories of two taps, one log
 * and a death, judged against what the network really sent.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "accel/ft/ft.h"

namespace {

constexpr uint64_t ms = 1'000'000;
constexpr FtEarlyLimits roomy{
    .bytes_max = 100'000, .packets_max = 100, .logged_max = 100, .age_ns_max = 1000 * ms};
const uint8_t guest[FT_MAC_BYTES] = {0x52, 0x54, 0, 0x77, 0, 0x10};
const std::string guest_mac(reinterpret_cast<const char *>(guest), FT_MAC_BYTES);

/* A frame to the guest, from anybody. */
std::string frame(const std::string &text, const std::string &from = "client") {
    return guest_mac + from + text;
}

struct Free {
    void operator()(FtEarly *e) const { ftc_early_free(e); }
};

struct Early {
    std::unique_ptr<FtEarly, Free> e;

    explicit Early(const FtEarlyLimits &limits = roomy) : e(ftc_early_new(&limits)) {}

    bool arrived(const std::string &data, uint64_t now = 0) {
        FtPacket p{.netdev = 0,
                   .flags = 7,
                   .data = reinterpret_cast<const uint8_t *>(data.data()),
                   .len = data.size(),
                   .seq = 0};
        return ftc_early_arrived(e.get(), &p, guest, now);
    }
    void logged(const std::string &data, uint64_t now = 0) {
        ftc_early_logged(e.get(), reinterpret_cast<const uint8_t *>(data.data()),
                         data.size(), now);
    }
    /* What the guest would be given now. */
    std::vector<std::string> rest(uint64_t now = 0) {
        std::vector<std::string> all;
        for (FtPacket p; ftc_early_pop(e.get(), now, &p);) {
            EXPECT_EQ(p.flags, 7u);
            all.emplace_back(reinterpret_cast<const char *>(p.data), p.len);
        }
        return all;
    }
    FtEarlyStats stats() const {
        FtEarlyStats s;
        ftc_early_stats(e.get(), &s);
        return s;
    }
};

using Packets = std::vector<std::string>;

TEST(EarlyInput, GivesWhatTheLogDoesNotHave) {
    Early e;
    EXPECT_TRUE(e.arrived(frame("a")));
    EXPECT_TRUE(e.arrived(frame("b")));
    EXPECT_TRUE(e.arrived(frame("c")));
    e.logged(frame("a"));
    EXPECT_EQ(e.rest(), (Packets{frame("b"), frame("c")}));
    EXPECT_EQ(e.rest(), Packets{});
    EXPECT_EQ(e.stats().known, 1u);
    EXPECT_EQ(e.stats().given, 2u);
    EXPECT_EQ(e.stats().kept_bytes, 0u);
}

TEST(EarlyInput, RecognisesWhatTheLogHadFirst) {
    Early e;
    e.logged(frame("a"));
    e.logged(frame("b"));
    EXPECT_FALSE(e.arrived(frame("a")));
    EXPECT_FALSE(e.arrived(frame("b")));
    EXPECT_TRUE(e.arrived(frame("c")));
    EXPECT_EQ(e.rest(), Packets{frame("c")});
}

TEST(EarlyInput, EqualPacketsAreCounted) {
    Early e;
    e.arrived(frame("who has"));
    e.arrived(frame("who has"));
    e.arrived(frame("who has"));
    e.logged(frame("who has"));
    e.logged(frame("who has"));
    EXPECT_EQ(e.rest().size(), 1u);

    Early late;
    late.logged(frame("who has"));
    EXPECT_FALSE(late.arrived(frame("who has")));
    EXPECT_TRUE(late.arrived(frame("who has")));
}

/* The primary's network lost x: it is over when the log has passed it. */
TEST(EarlyInput, ForgetsWhatTheLogHasPassed) {
    Early e;
    e.arrived(frame("x"), 0);
    e.arrived(frame("a"), 5 * ms);
    e.logged(frame("a"), 6 * ms);
    EXPECT_EQ(e.rest(6 * ms), Packets{});
    EXPECT_EQ(e.stats().dropped, 1u);
}

/* ... but two queues of a NIC may have swapped them a moment ago. */
TEST(EarlyInput, PacketsMayChangePlacesWithinTheSlack) {
    Early e;
    e.arrived(frame("a"), 10 * ms);
    e.arrived(frame("b"), 10 * ms + ms / 2);
    e.logged(frame("b"), 11 * ms);
    EXPECT_EQ(e.stats().kept_packets, 1u);
    e.logged(frame("a"), 11 * ms);
    EXPECT_EQ(e.rest(11 * ms), Packets{});
    EXPECT_EQ(e.stats().known, 2u);
}

/* A logged packet that this node's network lost is forgotten when a later one has
 * come. */
TEST(EarlyInput, ForgetsLogEventsThatNobodyWillMatch) {
    Early e;
    e.logged(frame("lost here"), 0);
    e.logged(frame("a"), 5 * ms);
    EXPECT_FALSE(e.arrived(frame("a"), 6 * ms));
    EXPECT_TRUE(e.arrived(frame("lost here"), 7 * ms)) << "it is another packet";
}

/* A common point found by a late packet settles the kept ones before it. */
TEST(EarlyInput, ALatePacketSettlesTheKeptBeforeIt) {
    Early e;
    e.arrived(frame("x"), 0);
    e.logged(frame("a"), 4 * ms);
    EXPECT_FALSE(e.arrived(frame("a"), 5 * ms));
    EXPECT_EQ(e.rest(5 * ms), Packets{});
}

TEST(EarlyInput, TheGuestDoesNotHearItself) {
    Early e;
    EXPECT_FALSE(e.arrived(frame("my own", guest_mac)));
    EXPECT_TRUE(e.arrived(frame("another's")));
    EXPECT_EQ(e.rest(), Packets{frame("another's")});
}

TEST(EarlyInput, HostsMayDifferInTheHeader) {
    Early e;
    ftc_early_set_header(e.e.get(), 4);
    e.arrived("sum?" + frame("a"));
    e.arrived("good" + frame("b"));
    EXPECT_FALSE(e.arrived("good" + frame("c", guest_mac)));
    e.logged("good" + frame("a"));
    EXPECT_EQ(e.rest(), Packets{"good" + frame("b")})
        << "given with the header it came with";
}

TEST(EarlyInput, AnotherHeaderForgetsAll) {
    Early e;
    e.arrived(frame("a"));
    ftc_early_set_header(e.e.get(), 0);
    EXPECT_EQ(e.stats().kept_packets, 1u) << "it is the same one";
    ftc_early_set_header(e.e.get(), 12);
    EXPECT_EQ(e.rest(), Packets{});
}

TEST(EarlyInput, ShortAndEmptyPackets) {
    Early e;
    ftc_early_set_header(e.e.get(), 12);
    for (size_t n = 0; n < 30; n++) {
        e.arrived(std::string(n, 'x'));
        e.logged(std::string(n, 'x'));
    }
    EXPECT_EQ(e.rest(), Packets{});
}

TEST(EarlyInput, TooOldIsNotGiven) {
    Early e;
    e.arrived(frame("old"), 1 * ms);
    e.arrived(frame("young"), 500 * ms);
    EXPECT_EQ(e.rest(1002 * ms), Packets{frame("young")});
    EXPECT_EQ(e.stats().dropped, 1u);
}

TEST(EarlyInput, TheOldestGivesWay) {
    Early e({.bytes_max = 60, .packets_max = 3, .logged_max = 2, .age_ns_max = 1000 * ms});
    for (const char *text : {"1", "2", "3", "4"}) {
        e.arrived(frame(text));
    }
    EXPECT_EQ(e.stats().kept_packets, 3u);
    e.arrived(frame(std::string(20, 'x'))); /* 32 bytes; a small one has 13 */
    EXPECT_EQ(e.stats().kept_bytes, 58u);
    e.arrived(frame(std::string(60, 'y'))); /* never fits: nothing gives way for it */
    EXPECT_EQ(e.rest(), (Packets{frame("3"), frame("4"), frame(std::string(20, 'x'))}));
    EXPECT_EQ(e.stats().dropped, 3u);

    e.logged(frame("a"));
    e.logged(frame("b"));
    e.logged(frame("c"));
    EXPECT_TRUE(e.arrived(frame("a"))) << "two are remembered";
    EXPECT_FALSE(e.arrived(frame("c")));
}

TEST(EarlyInput, ClearForgetsBothSides) {
    Early e;
    e.arrived(frame("a"));
    e.logged(frame("b"));
    ftc_early_clear(e.e.get());
    EXPECT_EQ(e.rest(), Packets{});
    EXPECT_TRUE(e.arrived(frame("b")));
}

/* Large packets that differ somewhere: in the head, the tail or the length. */
TEST(EarlyInput, LargePacketsAreToldApart) {
    Early e;
    std::string same(5000, 'x'), head = same, tail = same;
    head[100] = 'y';
    tail[4900] = 'y';
    e.arrived(frame(same));
    e.logged(frame(head));
    e.logged(frame(tail));
    e.logged(frame(same + "x"));
    EXPECT_EQ(e.rest(), Packets{frame(same)});
}

/* One history: a network with losses, swaps and repeats before both taps, a log that
 * is ahead of our tap or behind it, and a death at a random packet. */
struct History {
    std::mt19937 random;
    bool lossy, repeats;
    Packets sent, here, there;
    size_t there_logged = 0; /* the primary died with the rest of them */

    History(unsigned seed, bool with_losses, bool with_repeats)
        : random(seed), lossy(with_losses), repeats(with_repeats) {
        for (int i = 0; i < 400; i++) {
            sent.push_back(
                frame(repeats && chance(10) ? "again" : "packet " + std::to_string(i)));
        }
        here = seen();
        there = seen();
        there_logged = random() % (there.size() + 1);
    }
    bool chance(unsigned one_in) { return random() % one_in == 0; }
    Packets seen() {
        Packets some;
        for (const auto &p : sent) {
            if (!lossy || !chance(20)) {
                some.push_back(p);
            }
        }
        for (size_t i = 1; lossy && i < some.size(); i++) {
            if (chance(20)) {
                std::swap(some[i - 1], some[i]);
            }
        }
        return some;
    }
    /* The packets given at the end. A packet each 0.1 ms, all of ours have come. */
    Packets live_through() {
        Early e({.bytes_max = 1 << 20,
                 .packets_max = 1000,
                 .logged_max = 1000,
                 .age_ns_max = 1000 * ms});
        size_t h = 0, t = 0;
        uint64_t now = 0;
        while (h < here.size() || t < there_logged) {
            now += ms / 10;
            size_t ahead = random() % 30, behind = random() % 30;
            if (h < here.size() && (t >= there_logged || h <= t + ahead)) {
                e.arrived(here[h++], now);
            }
            if (t < there_logged && (h >= here.size() || t <= h + behind)) {
                e.logged(there[t++], now);
            }
        }
        return e.rest(now);
    }
};

TEST(EarlyInput, WithoutLossesTheGuestGetsExactlyTheRest) {
    for (unsigned seed = 0; seed < 300; seed++) {
        History h(seed, false, true);
        Packets expected(h.sent.begin() + ptrdiff_t(h.there_logged), h.sent.end());
        ASSERT_EQ(h.live_through(), expected) << "seed " << seed;
    }
}

/* With losses: everything that came here behind the last logged packet; nothing that
 * was in the log. Equal packets of which one was lost are mistaken for each other, so
 * with them only the second holds, for all others. */
TEST(EarlyInput, WithLossesNothingLoggedIsGivenAndNothingLaterIsMissing) {
    size_t given_in_all = 0;
    for (unsigned seed = 0; seed < 300; seed++) {
        History h(seed, true, seed % 2);
        std::multiset<std::string> logged(h.there.begin(),
                                          h.there.begin() + ptrdiff_t(h.there_logged));
        std::multiset<std::string> given;
        for (const auto &p : h.live_through()) {
            given.insert(p);
        }
        for (const auto &p : given) {
            ASSERT_TRUE(p == frame("again") || !logged.contains(p)) << "seed " << seed << p;
        }
        size_t last = 0; /* where the log ends, in what was sent */
        for (size_t i = 0; i < h.sent.size(); i++) {
            if (logged.contains(h.sent[i])) {
                last = i;
            }
        }
        for (size_t i = last + 1; !h.repeats && i < h.sent.size(); i++) {
            bool came = std::ranges::find(h.here, h.sent[i]) != h.here.end();
            ASSERT_EQ(given.contains(h.sent[i]), came) << "seed " << seed << h.sent[i];
        }
        given_in_all += given.size();
    }
    EXPECT_GT(given_in_all, 10'000u) << "the histories are worth something";
}

} // namespace
