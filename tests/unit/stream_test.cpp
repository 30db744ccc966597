/*
 * Goal: a captured stream is decoded to its end or refused by name; no change
 * of a single bit and no truncation passes. Method: the sample stream, all of
 * its prefixes and all of its single-bit changes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "hw/ft-replay/stream.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sample.hpp"

using namespace sample;
using namespace ft::log;

namespace {

struct Collector : StreamVisitor {
    std::vector<std::string> messages;
    sample::Log frames;
    uint64_t wire_bytes = 0, icount = 0;

    void message(uint64_t, const FtMsgHeader &, const char *name) override {
        messages.push_back(name);
    }
    void event(const EventRecord &r) override {
        Item item;
        item.event = 0;
        for (const FieldValue &f : r.fields) {
            if (f.spec->encoding == Encoding::Bytes) {
                item.fields.emplace_back(std::string(f.bytes.begin(), f.bytes.end()));
            } else {
                item.fields.emplace_back(f.value);
            }
        }
        frames.resize(r.seq);
        frames.back().push_back(item);
        wire_bytes += r.wire_bytes;
        icount = r.icount;
    }
};

/* "" for a stream that is good to its end. */
std::string decode(const Bytes &bytes, Collector &c) {
    StreamDecoder d(c);
    std::span<const uint8_t> rest(bytes);

    for (;;) {
        if (rest.size() < FT_WIRE_HEADER_BYTES) {
            ft::Status s = d.end(rest.size());
            return s ? "" : s.error().text;
        }
        auto h = d.header(rest.first(FT_WIRE_HEADER_BYTES));
        if (!h) {
            return h.error().text;
        }
        rest = rest.subspan(FT_WIRE_HEADER_BYTES);
        if (rest.size() < h->body_len) {
            return d.end(rest.size()).error().text;
        }
        if (ft::Status s = d.body(rest.first(h->body_len)); !s) {
            return s.error().text;
        }
        rest = rest.subspan(h->body_len);
    }
}

std::string decode(const Bytes &bytes) {
    Collector c;
    return decode(bytes, c);
}

TEST(Stream, IsDecodedToItsEnd) {
    Collector c;
    sample::Log all = log();
    ASSERT_EQ(decode(stream(), c), "");
    EXPECT_EQ(c.messages, (std::vector<std::string>{"HELLO", "STATE", "DEVICES", "LOG",
                                                    "LOG", "GOODBYE"}));
    ASSERT_EQ(c.frames.size(), all.size());
    for (size_t i = 0; i < all.size(); i++) {
        ASSERT_EQ(c.frames[i].size(), all[i].size());
        for (size_t k = 0; k < all[i].size(); k++) {
            EXPECT_EQ(c.frames[i][k].fields, all[i][k].fields) << "frame " << i + 1;
        }
    }
    EXPECT_EQ(c.icount, log_icount);
    EXPECT_LT(c.wire_bytes, body_of(all).size());
}

TEST(Stream, EveryTruncationIsRefused) {
    Bytes all = stream();
    Collector c;
    decode(all, c);
    size_t passed = 0;
    for (size_t len = 0; len < all.size(); len++) {
        passed += decode({all.begin(), all.begin() + ptrdiff_t(len)}) == "";
    }
    EXPECT_EQ(passed, c.messages.size() - 1); /* Cut between two messages only. */
}

TEST(Stream, EveryChangedBitIsRefused) {
    Bytes all = stream();
    for (size_t bit = 0; bit < all.size() * 8; bit++) {
        Bytes changed = all;
        changed[bit / 8] ^= uint8_t(1 << bit % 8);
        ASSERT_NE(decode(changed), "") << "bit " << bit;
    }
}

TEST(Stream, RefusalSaysWhere) {
    Bytes s;
    EXPECT_EQ(decode(s), "the stream is empty");
    s = Bytes(10, 'F');
    EXPECT_EQ(decode(s), "message 1, header: the stream ends after 10 of 64 bytes");

    s.clear();
    add_message(s, header(FT_MSG_READY), {});
    EXPECT_EQ(decode(s), "message 1 (READY), type: the stream does not start with HELLO");

    s.clear();
    add_message(s, header(FT_MSG_HELLO), hello_body());
    Bytes hello = s;
    s.pop_back();
    EXPECT_EQ(decode(s), "message 1 (HELLO), body: the stream ends after 74 of 75 bytes");

    s = hello;
    add_message(s, header(FT_MSG_HELLO), hello_body());
    EXPECT_EQ(decode(s), "message 2 (HELLO), type: a second HELLO");

    s = hello;
    add_message(s, header(FT_MSG_LOG, 2, 2), {1, FT_EV_END});
    EXPECT_EQ(decode(s), "message 2 (LOG), seq: frame 2 comes, 1 is the next");

    s = hello;
    add_message(s, header(FT_MSG_LOG, 1, 3), {1, FT_EV_END});
    EXPECT_EQ(decode(s), "message 2 (LOG), seq_last: 3, but the body ends with frame 1");

    s = hello;
    add_message(s, header(FT_MSG_LOG, 1, 1), {1, FT_EV_END});
    add_message(s, header(FT_MSG_LOG, 2, 2), {6, FT_EV_NET, 0, 0, 0xe0, 0xdc, 0x2a});
    EXPECT_EQ(decode(s),
              "message 3 (LOG), frame 2, event 1 (NET), length: 700000 > max 262144");

    s = hello;
    FtMsgHeader other = header(FT_MSG_GOODBYE);
    other.session = 1;
    add_message(s, other, {});
    EXPECT_EQ(
        decode(s),
        "message 2 (GOODBYE), session: 0x0000000000000001 instead of 0x00000000005e5510");
}

} // namespace
