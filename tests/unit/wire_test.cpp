/*
 * Goal: what is encoded comes back; what is not exactly so is refused with a
 * sentence that names the field. Method: round trips, every single-bit change
 * of a header, and each field set to something wrong with its sum made right.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "accel/ft/wire.hpp"

#include <gtest/gtest.h>

#include "accel/ft/bytes.hpp"
#include "accel/ft/hash.hpp"
#include "tests/unit/sample.hpp"

using namespace ft;

namespace {

struct Encoded {
    uint8_t bytes[FT_WIRE_HEADER_BYTES];
    sample::Bytes body;

    explicit Encoded(FtMsgType type = FT_MSG_LOG, size_t len = 40) : body(len, 0x77) {
        FtMsgHeader h = sample::header(type, 5, 9);
        h.body_len = uint32_t(len);
        ftc_wire_encode_header(&h, body.data(), bytes);
    }
    /* A liar who knows how to compute the sum. */
    void resum() {
        store(bytes + wire::at::header_sum, hash64(bytes, wire::at::header_sum));
    }

    std::string refusal() const {
        FtMsgHeader h{};
        uint64_t sum = 0;
        FtError err{"untouched"};
        bool good = ftc_wire_decode_header(bytes, &h, &sum, &err);
        EXPECT_EQ(good, std::string(err.text) == "untouched");
        return good ? "" : err.text;
    }
};

TEST(Wire, HeaderComesBack) {
    Encoded e;
    FtMsgHeader h{};
    uint64_t sum = 0;
    FtError err{};

    ASSERT_TRUE(ftc_wire_decode_header(e.bytes, &h, &sum, &err)) << err.text;
    EXPECT_EQ(h.type, FT_MSG_LOG);
    EXPECT_EQ(h.epoch, 3u);
    EXPECT_EQ(h.session, sample::session);
    EXPECT_EQ(h.seq, 5u);
    EXPECT_EQ(h.seq_last, 9u);
    EXPECT_EQ(h.body_len, 40u);
    EXPECT_TRUE(ftc_wire_check_body(&h, sum, e.body.data(), &err));
    e.body[7] ^= 1;
    EXPECT_FALSE(ftc_wire_check_body(&h, sum, e.body.data(), &err));
    EXPECT_EQ(std::string(err.text).substr(0, 9), "body_sum:");
}

TEST(Wire, EmptyBodyMayBeNull) {
    FtMsgHeader h = sample::header(FT_MSG_READY);
    uint8_t bytes[FT_WIRE_HEADER_BYTES];
    uint64_t sum = 0;
    FtError err{};

    ftc_wire_encode_header(&h, nullptr, bytes);
    ASSERT_TRUE(ftc_wire_decode_header(bytes, &h, &sum, &err)) << err.text;
    EXPECT_TRUE(ftc_wire_check_body(&h, sum, nullptr, &err));
}

/* The layout is a promise to other versions; a golden copy keeps it. */
TEST(Wire, LayoutIsFixed) {
    Encoded e(FT_MSG_PING, 16);
    const uint8_t start[] = {'F', 'T', 'L', 'K', 1, 1, 11,   0,    3,   0,
                             0,   0,   0,   0,   0, 0, 0x10, 0x55, 0x5e};
    EXPECT_EQ(0, memcmp(e.bytes, start, sizeof(start)));
    EXPECT_EQ(e.bytes[24], 5);
    EXPECT_EQ(e.bytes[40], 16);
    EXPECT_EQ(load<uint64_t>(e.bytes + 48), hash64(e.body.data(), 16));
}

TEST(Wire, EveryChangedBitIsRefused) {
    for (size_t bit = 0; bit < 8 * FT_WIRE_HEADER_BYTES; bit++) {
        Encoded e;
        e.bytes[bit / 8] ^= uint8_t(1 << bit % 8);
        EXPECT_NE(e.refusal(), "") << "bit " << bit;
    }
}

TEST(Wire, RefusalNamesTheField) {
    Encoded e;
    e.bytes[0] = 'X';
    EXPECT_EQ(e.refusal().substr(0, 6), "magic:");

    e = Encoded();
    e.bytes[wire::at::version_min] = 2;
    e.bytes[wire::at::version_max] = 3;
    e.resum();
    EXPECT_EQ(e.refusal(), "version: peer speaks 2..3, this build 1..1");

    e = Encoded();
    e.bytes[wire::at::version_max] = 9; /* A newer peer that still speaks ours. */
    e.resum();
    EXPECT_EQ(e.refusal(), "");

    e = Encoded();
    e.bytes[wire::at::version_min] = 5;
    e.bytes[wire::at::version_max] = 1;
    e.resum();
    EXPECT_EQ(e.refusal(), "version: peer speaks 5..1, this build 1..1");

    e = Encoded();
    e.bytes[wire::at::type] = 99;
    e.resum();
    EXPECT_EQ(e.refusal(), "type: 99 is no message of this version");

    e = Encoded();
    e.bytes[wire::at::reserved] = 7;
    e.resum();
    EXPECT_EQ(e.refusal(), "reserved: 7 instead of 0");

    e = Encoded();
    e.bytes[wire::at::reserved2 + 2] = 1;
    e.resum();
    EXPECT_EQ(e.refusal(), "reserved2: 65536 instead of 0");

    e = Encoded();
    store<uint32_t>(e.bytes + wire::at::body_len, 99999999);
    e.resum();
    EXPECT_EQ(e.refusal(), "body_len: 99999999 > max 16777216 (LOG)");

    e = Encoded(FT_MSG_ACK, 24);
    store<uint32_t>(e.bytes + wire::at::body_len, 23);
    e.resum();
    EXPECT_EQ(e.refusal(), "body_len: 23 < min 24 (ACK)");

    e = Encoded();
    store<uint64_t>(e.bytes + wire::at::seq_last, 4);
    e.resum();
    EXPECT_EQ(e.refusal(), "seq: LOG holds frames 5..4");

    e = Encoded();
    store<uint64_t>(e.bytes + wire::at::epoch, 4);
    EXPECT_EQ(e.refusal().substr(0, 11), "header_sum:");
}

TEST(Wire, NullErrorIsAllowed) {
    Encoded e;
    FtMsgHeader h;
    uint64_t sum;
    e.bytes[0] = 0;
    EXPECT_FALSE(ftc_wire_decode_header(e.bytes, &h, &sum, nullptr));
}

TEST(WireDeathTest, WeNeverSendWhatWeWouldRefuse) {
    FtMsgHeader h = sample::header(FT_MSG_ACK);
    uint8_t bytes[FT_WIRE_HEADER_BYTES], body[23] = {};
    h.body_len = sizeof(body);
    EXPECT_DEATH(ftc_wire_encode_header(&h, body, bytes), "body_len: 23 < min 24");
}

TEST(Wire, AckAndPingComeBack) {
    FtAck a{10, 8, 123456789012u}, b{};
    FtPing p{7, 99}, q{};
    uint8_t body[24];
    FtError err{};

    EXPECT_EQ(ftc_wire_encode_ack(&a, body, 23), 0u);
    ASSERT_EQ(ftc_wire_encode_ack(&a, body, 24), 24u);
    ASSERT_TRUE(ftc_wire_decode_ack(body, 24, &b, &err));
    EXPECT_EQ(0, memcmp(&a, &b, sizeof(a)));
    EXPECT_FALSE(ftc_wire_decode_ack(body, 23, &b, &err));
    EXPECT_STREQ(err.text, "ack: 23 bytes instead of 24");

    EXPECT_EQ(ftc_wire_encode_ping(&p, body, 15), 0u);
    ASSERT_EQ(ftc_wire_encode_ping(&p, body, 16), 16u);
    ASSERT_TRUE(ftc_wire_decode_ping(body, 16, &q, &err));
    EXPECT_EQ(0, memcmp(&p, &q, sizeof(p)));
    EXPECT_FALSE(ftc_wire_decode_ping(body, 17, &q, &err));
}

TEST(Wire, AckNeverClaimsMoreExecutedThanReceived) {
    FtAck a{10, 12, 0}, b{};
    uint8_t body[24];
    FtError err{};

    ftc_wire_encode_ack(&a, body, sizeof(body)); /* Read in a race: clamped. */
    ASSERT_TRUE(ftc_wire_decode_ack(body, sizeof(body), &b, &err));
    EXPECT_EQ(b.executed_seq, 10u);
    store<uint64_t>(body + 8, 12);
    EXPECT_FALSE(ftc_wire_decode_ack(body, sizeof(body), &b, &err));
    EXPECT_STREQ(err.text, "ack, executed_seq: 12 > received_seq 10");
}

} // namespace
