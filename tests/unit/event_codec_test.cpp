/*
 * Goal: every value comes back exactly, and what the encoder would not have
 * written is refused by name. Method: round trips at the edges of 64 bits,
 * hand-made bytes, and assertions of the encoder as death tests.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "hw/ft-replay/event_codec.hpp"

#include <gtest/gtest.h>

#include <random>

#include "accel/ft/ft.h"
#include "hw/ft-replay/varint.hpp"

using namespace ft::log;
using Bytes = std::vector<uint8_t>;

namespace {

const uint64_t edges[] = {0,
                          1,
                          2,
                          63,
                          64,
                          127,
                          128,
                          255,
                          16383,
                          16384,
                          UINT32_MAX - 9,
                          UINT32_MAX,
                          1ull << 32,
                          INT64_MAX,
                          1ull << 63,
                          UINT64_MAX - 1,
                          UINT64_MAX};

std::string error_of(const Bytes &frame) {
    EventDecoder d;
    d.open(frame);
    while (!d.at_frame_end()) {
        if (auto e = d.next_event(); !e) {
            return e.error().text;
        }
        while (!d.at_event_end()) {
            if (d.field().encoding == Encoding::Bytes) {
                if (auto b = d.next_bytes(); !b) {
                    return b.error().text;
                }
            } else if (auto v = d.next_int(); !v) {
                return v.error().text;
            }
        }
    }
    return "";
}

TEST(Varint, ComesBackInItsShortestForm) {
    for (uint64_t v : edges) {
        uint8_t bytes[varint_bytes_max];
        uint8_t *end = put_varint(bytes, v);
        uint64_t back = 0;
        EXPECT_EQ(get_varint(bytes, end, &back), end);
        EXPECT_EQ(back, v);
        for (uint8_t *cut = bytes; cut != end; cut++) {
            EXPECT_EQ(get_varint(bytes, cut, &back), nullptr);
        }
        EXPECT_EQ(unzigzag(zigzag(v)), v);
    }
}

TEST(Varint, OtherSpellingsAreRefused) {
    uint64_t v;
    Bytes longer{0x81, 0x00}, too_large(10, 0xff), endless(11, 0x80);
    too_large[9] = 0x02;
    for (const Bytes &b : {longer, too_large, endless}) {
        EXPECT_EQ(get_varint(b.data(), b.data() + b.size(), &v), nullptr);
    }
}

/* One event of each integer encoding, every pair of edge values in a row, so
 * that every delta between edges is taken. */
TEST(EventCodec, All64BitsComeBack) {
    for (uint8_t event : {FT_EV_BH, FT_EV_BH_ONESHOT, FT_EV_BLOCK, FT_EV_CLOCK_HOST,
                          FT_EV_CLOCK_VIRTUAL_RT, FT_EV_CHAR_READ_ALL_ERROR}) {
        EventEncoder e(1 << 20);
        EventDecoder d;
        for (uint64_t a : edges) {
            for (uint64_t b : edges) {
                e.put_event(event), e.put_int(a);
                e.put_event(event), e.put_int(b);
            }
        }
        d.open(e.frame());
        for (uint64_t a : edges) {
            for (uint64_t b : edges) {
                ASSERT_EQ(d.next_event().value(), event);
                ASSERT_EQ(d.next_int().value(), a);
                ASSERT_EQ(d.next_event().value(), event);
                ASSERT_EQ(d.next_int().value(), b);
            }
        }
        EXPECT_TRUE(d.at_frame_end());
    }
}

TEST(EventCodec, DeltasGoOnAcrossFramesAndPerKind) {
    EventEncoder e(1 << 20);
    EventDecoder d;
    for (uint64_t i = 0; i < 3; i++) {
        e.put_event(FT_EV_CLOCK_HOST), e.put_int(1700000000000000000 + i);
        e.put_event(FT_EV_CLOCK_VIRTUAL_RT), e.put_int(5 + i);
        EXPECT_EQ(e.frame().size(), i ? 4u : 12u) << i;
        d.open(e.frame());
        d.next_event();
        EXPECT_EQ(d.next_int().value(), 1700000000000000000 + i);
        d.next_event();
        EXPECT_EQ(d.next_int().value(), 5 + i);
        e.clear();
    }
}

TEST(EventCodec, CommonEventsAreSmall) {
    EventEncoder e(1 << 20);
    e.put_event(FT_EV_INSTRUCTION), e.put_int(100);
    EXPECT_EQ(e.frame().size(), 2u);
    e.put_event(FT_EV_CHECKPOINT + 3);
    EXPECT_EQ(e.frame().size(), 3u);
}

TEST(EventCodec, ErrorsNameEventAndField) {
    EXPECT_EQ(error_of({200}),
              "event 1 (unknown), number: 200 is no event of this version");
    EXPECT_EQ(error_of({0}), "event 1 (unknown), number: 0 is no event of this version");
    EXPECT_EQ(error_of({FT_EV_INTERRUPT, FT_EV_INSTRUCTION}),
              "event 2 (INSTRUCTION), count: bad number, or the frame ends in it");
    EXPECT_EQ(error_of({FT_EV_INSTRUCTION, 0x80, 0x80, 0x80, 0x80, 0x10}),
              "event 1 (INSTRUCTION), count: 4294967296 > max 4294967295");
    EXPECT_EQ(error_of({FT_EV_NET, 0x80, 2, 0, 0}), "event 1 (NET), netdev: 256 > max 255");
    EXPECT_EQ(error_of({FT_EV_NET, 0, 0, 0xe0, 0xdc, 0x2a}),
              "event 1 (NET), length: 700000 > max 262144");
    EXPECT_EQ(error_of({FT_EV_NET, 0, 0, 5, 1, 2}),
              "event 1 (NET), length: 5, but the frame ends after 2 bytes");
    EXPECT_EQ(error_of({FT_EV_INPUT, 5}), "event 1 (INPUT), type: 5 > max 4");
    EXPECT_EQ(error_of({FT_EV_INPUT, 1, 3, 2}), "event 1 (INPUT), down: 2 > max 1");
    EXPECT_EQ(error_of({FT_EV_OUTPUT, 0, 1, 1, 2, 3, 4, 5, 6, 7}),
              "event 1 (OUTPUT), hash: bad number, or the frame ends in it");
    EXPECT_EQ(error_of({FT_EV_NET, 0, 0, 0, FT_EV_END}), "");
}

TEST(EventCodec, AskingForWhatIsNotThereIsAnError) {
    Bytes frame{FT_EV_NET, 0, 0, 0, FT_EV_END};
    EventDecoder d;
    d.open(frame);
    EXPECT_FALSE(d.next_int());
    EXPECT_EQ(d.next_event().value(), FT_EV_NET);
    EXPECT_EQ(d.next_bytes().error().text, "event 1 (NET), netdev: no bytes come here");
    EXPECT_TRUE(d.next_int());
    EXPECT_EQ(d.next_event().error().text,
              "event 1 (NET), flags: not read before the next event");
    EXPECT_TRUE(d.next_int());
    EXPECT_EQ(d.next_int().error().text, "event 1 (NET), data: no integer comes here");
    EXPECT_TRUE(d.next_bytes());
    EXPECT_TRUE(d.next_event());
    EXPECT_EQ(d.next_event().error().text,
              "event 2 (END), next event: the frame ends here");
}

TEST(EventCodec, AFrameThatGrowsTooLargeIsMarked) {
    EventEncoder e(4096 + 100);
    Bytes data(4000);
    e.put_event(FT_EV_CHAR_READ_ALL), e.put_bytes(data.data(), data.size());
    EXPECT_FALSE(e.too_large());
    e.put_event(FT_EV_CHAR_READ_ALL), e.put_bytes(data.data(), data.size());
    EXPECT_TRUE(e.too_large());
    e.clear();
    EXPECT_FALSE(e.too_large());
}

/* Random bytes: the decoder answers, whatever they are. */
TEST(EventCodec, RandomBytesDoNotCrash) {
    std::mt19937 rng(2);
    for (int i = 0; i < 100000; i++) {
        Bytes frame(rng() % 24);
        for (uint8_t &b : frame) {
            b = uint8_t(rng() % 3 ? rng() % 64 : rng());
        }
        error_of(frame);
    }
}

TEST(EventCodecDeathTest, OurOwnMistakesStopUs) {
    EventEncoder e(1 << 20);
    EXPECT_DEATH(e.put_event(200), "not in events.def");
    EXPECT_DEATH(e.put_int(1), "no further integer");
    e.put_event(FT_EV_NET);
    EXPECT_DEATH(e.put_event(FT_EV_END), "still lacks its netdev");
    EXPECT_DEATH(e.put_int(256), "netdev: 256 > max 255");
    EXPECT_DEATH(e.put_bytes(nullptr, 0), "no bytes here");
    EXPECT_DEATH(e.clear(), "still lacks its netdev");
}

} // namespace
