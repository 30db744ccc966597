/*
 * Goal: after a takeover the network is told of every address and group that the
 * guest uses, and of none that it does not, within bounds, whatever the guest sends.
 * Method: frames of all kinds, made here; what a round says of them; the same on a
 * node that got it by save and load; cut and random bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "accel/ft/ft.h"
#include "tests/unit/seen_frames.hpp"

namespace {

using namespace frames;

constexpr uint64_t s = 1'000'000'000;
constexpr FtSeenLimits limits{
    .sources_max = 4, .reports_max = 4, .report_bytes_max = 1000, .age_ns_max = 300 * s};
const Bytes guest = mac(1), other = mac(2);

struct Free {
    void operator()(FtSeen *seen) const { ftc_seen_free(seen); }
};

struct Seen {
    std::unique_ptr<FtSeen, Free> seen;

    explicit Seen(const FtSeenLimits &l = limits) : seen(ftc_seen_new(&l)) {}

    void guest_sends(const Bytes &packet, uint64_t now = 0) {
        ftc_seen_from_guest(seen.get(), packet.data(), packet.size(), now);
    }
    void reports(const Bytes &payload, uint16_t type = type4, const Bytes &source = guest) {
        guest_sends(ethernet(source, {}, type, payload));
    }
    void outside_sends(const Bytes &packet, uint64_t now) {
        ftc_seen_from_outside(seen.get(), packet.data(), packet.size(), now);
    }
    std::vector<Bytes> round(uint64_t now = 0) {
        std::vector<Bytes> all;
        const uint8_t *frame;
        size_t len;
        ftc_seen_begin_round(seen.get(), now);
        while (ftc_seen_next(seen.get(), &frame, &len)) {
            all.emplace_back(frame, frame + len);
        }
        return all;
    }
    /* Without those that tell addresses. */
    std::vector<Bytes> told_reports() {
        auto all = round();
        std::erase_if(all, [](const Bytes &f) { return f[0] == 0xff; });
        return all;
    }
    /* "source tags" of each address told. */
    std::vector<Bytes> told_sources(uint64_t now = 0) {
        std::vector<Bytes> all;
        for (const Bytes &f : round(now)) {
            if (f[0] == 0xff) {
                auto rarp = std::search(f.begin() + 12, f.end(), rarp_type.begin(),
                                        rarp_type.end());
                all.emplace_back(f.begin() + 6, rarp);
            }
        }
        return all;
    }
    Bytes save(uint64_t now = 0) {
        size_t len;
        const uint8_t *data = ftc_seen_save(seen.get(), now, &len);
        return {data, data + len};
    }
    bool load(const Bytes &data, uint64_t now = 0, FtError *why = nullptr) {
        return ftc_seen_load(seen.get(), data.data(), data.size(), now, why);
    }
    FtSeenStats stats() {
        FtSeenStats stats;
        ftc_seen_stats(seen.get(), &stats);
        return stats;
    }

    const Bytes rarp_type = {0x80, 0x35};
};

Bytes plain(const Bytes &source, const Bytes &tags = {}) {
    return ethernet(source, tags, 0x88b5, Bytes(46, 0));
}

Bytes framed(const Bytes &payload, uint16_t type = type4) {
    return ethernet(guest, {}, type, payload);
}

TEST(Seen, TellsEachAddressInItsVlanTheLatestFirst) {
    Seen n;
    n.guest_sends(plain(guest), 1);
    n.guest_sends(plain(other, tag(0x8100, 0xa005)), 2); /* a priority is no VLAN */
    n.guest_sends(plain(other, join({tag(0x88a8, 7), tag(0x8100, 8)})), 3);
    n.guest_sends(plain(guest), 4);
    n.guest_sends(plain(other, tag(0x8100, 0xe000)), 2); /* VLAN 0: none */
    EXPECT_EQ(n.told_sources(5),
              (std::vector<Bytes>{guest, join({other, tag(0x88a8, 7), tag(0x8100, 8)}),
                                  join({other, tag(0x8100, 5)}), other}));
}

TEST(Seen, ARarpIsOne) {
    Seen n;
    n.guest_sends(plain(guest, tag(0x8100, 5)));
    Bytes expected = join({Bytes(6, 0xff),
                           guest,
                           tag(0x8100, 5),
                           {0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3},
                           guest,
                           Bytes(4, 0),
                           guest,
                           Bytes(4, 0)});
    expected.resize(64);
    EXPECT_EQ(n.round(), std::vector<Bytes>{expected});
}

TEST(Seen, NobodySendsFromAGroupFromZeroOrInAVlanThatDoesNotExist) {
    Seen n;
    n.guest_sends(plain({1, 0, 0x5e, 0, 0, 1}));
    n.guest_sends(plain(Bytes(6, 0xff)));
    n.guest_sends(plain(Bytes(6, 0)));
    n.guest_sends(plain(guest, tag(0x8100, 0xfff)));
    n.guest_sends(Bytes(13, 2));
    Bytes cut = plain(guest, tag(0x8100, 5));
    cut.resize(16);
    n.guest_sends(cut);
    EXPECT_TRUE(n.round().empty());
}

TEST(Seen, WhatIsOldIsNotTold) {
    Seen n;
    n.guest_sends(plain(guest), 0);
    n.guest_sends(plain(other), 10 * s);
    EXPECT_EQ(n.told_sources(305 * s), std::vector<Bytes>{other});
}

TEST(Seen, AnAddressThatSomebodyElseUsesNowIsHis) {
    Seen n;
    n.guest_sends(plain(guest), 0);
    n.guest_sends(plain(other), 0);
    n.outside_sends(plain(other), s / 2); /* reflected */
    EXPECT_EQ(n.told_sources().size(), 2u);
    n.outside_sends(plain(other, tag(0x8100, 5)), 2 * s); /* of another VLAN */
    EXPECT_EQ(n.told_sources().size(), 2u);
    n.outside_sends(plain(other), 2 * s);
    EXPECT_EQ(n.told_sources(), std::vector<Bytes>{guest});
}

TEST(Seen, AFloodOfAddressesIsBounded) {
    Seen n;
    for (uint32_t i = 0; i < 100'000; i++) {
        n.guest_sends(plain(mac(i)), i);
    }
    EXPECT_EQ(n.told_sources(100'000),
              (std::vector<Bytes>{mac(99'999), mac(99'998), mac(99'997), mac(99'996)}));
    EXPECT_EQ(n.stats().sources, 4u);
}

TEST(Seen, KnowsTheGuestsPackets) {
    Seen n;
    n.guest_sends(plain(other, tag(0x8100, 5)));
    Bytes back = plain(other), foreign = plain(guest);
    EXPECT_TRUE(ftc_seen_is_guests(n.seen.get(), back.data(), back.size()));
    EXPECT_FALSE(ftc_seen_is_guests(n.seen.get(), foreign.data(), foreign.size()));
    EXPECT_FALSE(ftc_seen_is_guests(n.seen.get(), back.data(), 13));
}

TEST(Seen, OldReportsOfAGroupAreSaidOnceMoreUntilItIsLeft) {
    struct {
        uint8_t joins, leaves;
        bool six;
    } kinds[] = {{0x12, 0x17, false}, {0x16, 0x17, false}, {131, 132, true}};

    for (auto k : kinds) {
        Seen n;
        auto message = [&](uint8_t type, uint8_t g) {
            return k.six ? mld(type, group6(g)) : igmp(type, group4(g));
        };
        uint16_t type = k.six ? type6 : type4;
        n.reports(message(k.joins, 1), type);
        n.reports(message(k.joins, 2), type);
        n.reports(message(k.joins, 1), type); /* asked by a querier */
        EXPECT_EQ(n.told_reports(),
                  (std::vector<Bytes>{framed(message(k.joins, 2), type),
                                      framed(message(k.joins, 1), type)}));
        n.reports(message(k.leaves, 2), type);
        EXPECT_EQ(n.told_reports(),
                  (std::vector<Bytes>{framed(message(k.joins, 1), type)}));
        n.reports(message(k.leaves, 1), type);
        EXPECT_TRUE(n.told_reports().empty());
    }
}

TEST(Seen, AReportOfSeveralGroupsStaysAsLongAsOneOfThem) {
    Seen n;
    Bytes both = report3({record(4, group4(1)), record(2, group4(2))});
    n.reports(both);
    n.reports(report3({record(3, group4(1))})); /* to include nothing: left */
    EXPECT_EQ(n.told_reports(), std::vector<Bytes>{framed(both)});
    n.reports(igmp(0x16, group4(2))); /* an older querier: the group is the same */
    EXPECT_EQ(n.told_reports(), std::vector<Bytes>{framed(igmp(0x16, group4(2)))});
}

TEST(Seen, ChangesOfSourcesAreSaidInOrder) {
    Seen n;
    Bytes first = mld2({record(5, group6(1), {1})}),
          second = mld2({record(5, group6(1), {2})});
    Bytes less = mld2({record(6, group6(1), {1})});
    n.reports(first, type6);
    n.reports(first, type6);
    n.reports(second, type6);
    EXPECT_EQ(n.told_reports(),
              (std::vector<Bytes>{framed(first, type6), framed(second, type6)}));
    n.reports(less, type6); /* takes the place of what it revokes */
    EXPECT_EQ(n.told_reports(),
              (std::vector<Bytes>{framed(second, type6), framed(less, type6)}));
    n.reports(mld2({record(3, group6(1))}), type6);
    EXPECT_TRUE(n.told_reports().empty());
    n.reports(first, type6);
    n.reports(less, type6); /* the last source: how Linux leaves such a group */
    EXPECT_TRUE(n.told_reports().empty());
}

TEST(Seen, MembersBehindTheSameNicAreApart) {
    Seen n;
    n.reports(igmp(0x16, group4(1)));
    n.reports(igmp(0x16, group4(1)), type4, other);
    n.guest_sends(ethernet(guest, tag(0x8100, 5), type4, igmp(0x16, group4(1))));
    EXPECT_EQ(n.told_reports().size(), 3u);
    n.reports(igmp(0x17, group4(1)), type4, other);
    EXPECT_EQ(n.told_reports().size(), 2u);
}

TEST(Seen, AGuestThatRoutesMulticastIsARouterAfterwards) {
    Seen n;
    Bytes query = igmp(0x11, {0, 0, 0, 0}), hello = ipv4(103, {0x20, 0, 0, 0});
    n.reports(query);
    n.reports(query);
    n.reports(hello);
    n.reports(mld(130, Bytes(16, 0)), type6);
    n.reports(igmp(0x11, group4(1))); /* after one group only */
    EXPECT_EQ(n.told_reports().size(), 3u);
    EXPECT_EQ(n.told_reports()[0], framed(query));
    EXPECT_EQ(n.told_reports()[1], framed(hello));
}

TEST(Seen, ReportsAreBoundedInNumberAndBytes) {
    Seen n;
    for (uint8_t i = 0; i < 100; i++) {
        n.reports(igmp(0x16, group4(i)));
    }
    EXPECT_EQ(n.stats().reports, 4u);
    EXPECT_EQ(n.told_reports().front(), framed(igmp(0x16, group4(96))));
    n.reports(report3({record(2, group4(200), Bytes(230, 1))}));
    EXPECT_LE(n.stats().report_bytes, 1000u);
    EXPECT_EQ(n.told_reports().size(), 1u);
    n.reports(
        report3({record(2, group4(200), Bytes(250, 1))})); /* larger than all may be */
    EXPECT_EQ(n.told_reports().size(), 0u);
}

TEST(Seen, AChecksumThatTheNicWouldHavePutInIsThere) {
    Seen n;
    Bytes frame = framed(igmp(0x16, group4(1)));
    Bytes header = {1, 0, 0, 0, 0, 0, 38, 0, 2, 0, 0, 0};
    ftc_seen_set_header(n.seen.get(), header.size());
    n.guest_sends(join({header, frame}));
    /* 16 00 + ef 01 + 02 01 = 107 02, so f8 fc. */
    frame[40] = 0xf8, frame[41] = 0xfc;
    EXPECT_EQ(n.told_reports(), std::vector<Bytes>{frame});
    header[6] = header[7] = 0xff; /* beyond the frame */
    n.guest_sends(join({header, framed(igmp(0x16, group4(2)))}));
    EXPECT_EQ(n.told_reports().back(), framed(igmp(0x16, group4(2))));
}

/* Found by the fuzzer: the attach failed, because the other node refused the frame. */
TEST(Seen, AChecksumBeforeThePayloadChangesNoAddress) {
    Seen n, there;
    Bytes header = {1, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0}; /* of the source address */
    ftc_seen_set_header(n.seen.get(), header.size());
    n.guest_sends(join({header, framed(igmp(0x16, group4(1)))}));
    EXPECT_EQ(n.told_reports(), std::vector<Bytes>{framed(igmp(0x16, group4(1)))});
    EXPECT_TRUE(there.load(n.save(), 0));
}

TEST(Seen, TheOtherNodeKnowsTheSame) {
    Seen n, there;
    n.reports(report3({record(4, group4(1)), record(4, group4(2))}));
    n.reports(report3({record(3, group4(1))}));
    n.guest_sends(plain(guest), 100 * s);
    n.guest_sends(plain(other, tag(0x8100, 5)), 200 * s);
    there.guest_sends(plain(mac(77)), 0);
    ASSERT_TRUE(there.load(n.save(300 * s), 5000 * s)); /* its clock is another one */
    EXPECT_EQ(there.round(5000 * s), n.round(300 * s));
    EXPECT_EQ(there.told_sources(5150 * s).size(), 1u) << "ages go with them";
    there.reports(report3({record(3, group4(2))}));
    EXPECT_TRUE(there.told_reports().empty()) << "what the frame still speaks for, too";
}

TEST(Seen, WhatAPeerSendsIsCheckedAndNamed) {
    Seen n;
    n.guest_sends(plain(guest, tag(0x8100, 5)));
    n.reports(report3({record(4, group4(1))}));
    Bytes good = n.save();
    for (size_t len = 0; len < good.size(); len++) {
        EXPECT_FALSE(Seen().load(Bytes(good.begin(), good.begin() + ptrdiff_t(len))));
    }
    auto refused = [&](auto change) {
        FtError why{};
        Bytes bad = good;
        change(bad);
        Seen there;
        EXPECT_FALSE(there.load(bad, 0, &why));
        EXPECT_TRUE(there.round().empty());
        return std::string(why.text);
    };
    EXPECT_EQ(refused([](Bytes &b) { b.push_back(0); }), "more than sources and reports");
    EXPECT_EQ(refused([](Bytes &b) { b[0] = 5; }), "sources: 5 > max 4");
    EXPECT_EQ(refused([](Bytes &b) { b[4] |= 1; }),
              "source 0: no address that anybody sends from");
    EXPECT_EQ(refused([](Bytes &b) { b[10] = 3; }),
              "source 0: no address that anybody sends from");
    EXPECT_EQ(refused([](Bytes &b) { b[4 + 2 * 23] = 9; }), "reports: 9 > max 4");
}

TEST(Seen, WhateverTheGuestSendsItGoesOn) {
    const std::vector<Bytes> valid = {
        framed(igmp(0x16, group4(1))),
        framed(report3({record(4, group4(1)), record(5, group4(2), {1, 2})})),
        framed(mld2({record(2, group6(1)), record(6, group6(2), {1})}), type6),
        framed(ipv6(103, {0x20, 0, 0, 0}), type6),
        ethernet(guest, join({tag(0x88a8, 7), tag(0x8100, 8)}), type4,
                 igmp(0x17, group4(1))),
    };
    std::mt19937 random(17);
    Seen n;
    for (int i = 0; i < 200'000; i++) {
        Bytes b = valid[random() % valid.size()];
        for (unsigned changes = random() % 4; changes > 0; changes--) {
            b[random() % b.size()] = uint8_t(random());
        }
        b.resize(random() % 3 ? b.size() : random() % (b.size() + 1));
        std::unique_ptr<uint8_t[]> exact(new uint8_t[b.size()]);
        std::copy(b.begin(), b.end(), exact.get());
        ftc_seen_from_guest(n.seen.get(), exact.get(), b.size(), uint64_t(i));
    }
    EXPECT_LE(n.stats().reports, 4u);
    EXPECT_LE(n.stats().report_bytes, 1000u);
    EXPECT_TRUE(Seen().load(n.save()));
}

} // namespace
