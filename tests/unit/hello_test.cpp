/*
 * Goal: two nodes that differ find out before anything changes, and the message
 * says in what. Method: round trip, hostile bodies, pairs of fingerprints.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "accel/ft/hello.hpp"

#include <gtest/gtest.h>

#include "accel/ft/bytes.hpp"
#include "tests/unit/sample.hpp"

namespace {

std::string refusal(const sample::Bytes &body) {
    FtHello h{};
    FtError err{};
    return ftc_wire_decode_hello(body.data(), body.size(), &h, &err) ? "" : err.text;
}

std::string difference(std::string_view ours, std::string_view theirs) {
    FtError err{};
    bool same = ftc_fingerprint_compare(ours.data(), ours.size(), theirs.data(),
                                        theirs.size(), &err);
    return same ? "" : err.text;
}

TEST(Hello, ComesBack) {
    sample::Bytes body = sample::hello_body("machine=q35\n");
    FtHello h{};
    FtError err{};

    ASSERT_TRUE(ftc_wire_decode_hello(body.data(), body.size(), &h, &err)) << err.text;
    EXPECT_EQ(h.channel, FT_CHANNEL_LOG);
    EXPECT_EQ(h.role, FT_ROLE_PRIMARY);
    EXPECT_EQ(h.vm_uuid[15], 0x11);
    EXPECT_EQ(h.node_id[0], 0x22);
    EXPECT_EQ(h.timeout_ns, 500000000u);
    EXPECT_EQ(std::string(h.fingerprint, h.fingerprint_len), "machine=q35\n");
    EXPECT_EQ(h.fingerprint, reinterpret_cast<const char *>(body.data() + 48));
}

TEST(Hello, TooSmallABufferTakesNothing) {
    FtHello h{.channel = 2,
              .role = 2,
              .vm_uuid = {},
              .node_id = {},
              .timeout_ns = 1,
              .fingerprint = "ab",
              .fingerprint_len = 2};
    uint8_t out[50];
    EXPECT_EQ(ftc_wire_encode_hello(&h, out, 49), 0u);
    EXPECT_EQ(ftc_wire_encode_hello(&h, out, 50), 50u);
}

TEST(Hello, EveryTruncationIsRefused) {
    sample::Bytes body = sample::hello_body();
    for (size_t len = 0; len < body.size(); len++) {
        EXPECT_NE(refusal({body.begin(), body.begin() + ptrdiff_t(len)}), "") << len;
    }
}

TEST(Hello, RefusalNamesTheField) {
    sample::Bytes good = sample::hello_body(), b = good;
    b[0] = 4;
    EXPECT_EQ(refusal(b), "hello, channel: 4 is not 1 (log), 2 (heartbeat) or 3 (witness)");
    b = good, b[1] = 0;
    EXPECT_EQ(refusal(b), "hello, role: 0 is neither 1 (primary) nor 2 (secondary)");
    b = good, b[2] = 1;
    EXPECT_EQ(refusal(b), "hello, reserved: 1 instead of 0");
    b = good, ft::store<uint64_t>(b.data() + 40, 0);
    EXPECT_EQ(refusal(b), "hello, timeout_ns: 0 < min 1");
    b = good, ft::store<uint32_t>(b.data() + 4, 1048577);
    EXPECT_EQ(refusal(b), "hello, fingerprint_len: 1048577 > max 1048576");
    b = good, b.push_back('x');
    EXPECT_EQ(refusal(b), "hello, fingerprint_len: 27, but 28 bytes follow");
}

TEST(Fingerprint, EqualOnesAgree) {
    EXPECT_EQ(difference("", ""), "");
    EXPECT_EQ(difference("a=1\nb=2\n", "a=1\nb=2\n"), "");
    EXPECT_EQ(difference("a=1\nb=2", "a=1\n\nb=2\n"), "");
}

TEST(Fingerprint, NamesTheFirstDifference) {
    EXPECT_EQ(difference("cpu=a\nram=1", "cpu=b\nram=2"), "cpu: here 'a', peer 'b'");
    EXPECT_EQ(difference("ram=1\ndisk=x", "ram=1"), "disk: here 'x', peer has none");
    EXPECT_EQ(difference("ram=1", "ram=1\ndisk=x"), "disk: here none, peer 'x'");
    EXPECT_EQ(difference("a=1\nc=3", "a=1\nb=2\nc=3"), "b: here none, peer '2'");
    EXPECT_EQ(difference("a=1\nb=2\nc=3", "a=1\nc=3"), "b: here '2', peer has none");
    EXPECT_EQ(difference("a=1\nb=2", "b=2\na=1"),
              "order: here 'a' comes where peer has 'b'");
    EXPECT_EQ(difference("dev=x\ndev=y", "dev=x\ndev=z"), "dev: here 'y', peer 'z'");
}

TEST(Fingerprint, ShowsWhereLongValuesDiffer) {
    const std::string same(100, 'x');
    EXPECT_EQ(difference("append=" + same + " quiet a", "append=" + same + " quiet b"),
              "append: here '...xxxxxxxxx quiet a', peer '...xxxxxxxxx quiet b'");
    EXPECT_EQ(difference("append=" + same, "append=" + same + "y"),
              "append: here '...xxxxxxxxxxxxxxxx', peer '...xxxxxxxxxxxxxxxxy'");
}

TEST(Fingerprint, WhatThePeerSentIsMadePrintable) {
    EXPECT_EQ(difference("cpu=a", std::string("cpu=\x1b[2J\0", 9)),
              "cpu: here 'a', peer '?[2J?'");
    std::string long_value = "cpu=" + std::string(70000, 'x');
    EXPECT_LT(difference("cpu=a", long_value).size(), sizeof(FtError::text));
}

} // namespace
