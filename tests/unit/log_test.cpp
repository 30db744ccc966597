/*
 * Goal: what the primary puts is what the secondary gets, frame by frame, and a
 * body that is not exactly so changes nothing. Method: the sample log through
 * writer and reader, hostile bodies, full rings, and two threads.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/sample.hpp"

using namespace sample;

namespace {

int feed(FtLogReader *r, const Bytes &body, uint64_t first, uint64_t last,
         std::string *why = nullptr) {
    FtError err{"untouched"};
    int taken = ftc_log_feed(r, body.data(), body.size(), first, last, &err);
    EXPECT_EQ(taken < 0, std::string(err.text) != "untouched");
    if (why) {
        *why = err.text;
    }
    return taken;
}

std::string refusal(const Bytes &body, uint64_t first, uint64_t last) {
    Reader r = new_reader();
    std::string why;
    EXPECT_EQ(feed(r.get(), body, first, last, &why), -1);
    EXPECT_FALSE(ftc_log_available(r.get()));
    EXPECT_EQ(ftc_log_received_seq(r.get()), 0u);
    EXPECT_EQ(ftc_log_received_icount(r.get()), 0u);
    return why;
}

/* Gets everything that is there and compares it. */
void expect_log(FtLogReader *r, const Log &expected) {
    for (const Frame &frame : expected) {
        for (const Item &item : frame) {
            Item got;
            ASSERT_TRUE(get(r, item, &got)) << "event " << int(item.event);
            EXPECT_EQ(got, item) << "event " << int(item.event);
        }
    }
    EXPECT_FALSE(ftc_log_available(r));
}

TEST(Log, EverythingComesBack) {
    Log all = log();
    Reader r = new_reader();
    ASSERT_EQ(feed(r.get(), body_of(all), 1, all.size()), 1);
    EXPECT_EQ(ftc_log_received_seq(r.get()), all.size());
    EXPECT_EQ(ftc_log_received_icount(r.get()), log_icount);
    EXPECT_EQ(ftc_log_consumed_seq(r.get()), 0u);
    expect_log(r.get(), all);
    EXPECT_EQ(ftc_log_consumed_seq(r.get()), all.size());
}

TEST(Log, FrameByFrameIsTheSame) {
    Log all = log();
    Reader r = new_reader();
    Writer w = new_writer();
    for (size_t i = 0; i < all.size(); i++) {
        EXPECT_EQ(ftc_log_open_seq(w.get()), i + 1);
        put(w.get(), all[i]);
        Taken t = take(w.get());
        EXPECT_EQ(t.first, i + 1);
        EXPECT_EQ(t.last, i + 1);
        ASSERT_EQ(feed(r.get(), t.body, t.first, t.last), 1);
        expect_log(r.get(), {all[i]});
        EXPECT_EQ(ftc_log_consumed_seq(r.get()), i + 1);
    }
}

std::vector<std::pair<uint64_t, std::string>> packets_logged;

void note_packet(uint32_t netdev, const uint8_t *data, size_t len) {
    packets_logged.emplace_back(netdev, std::string(data, data + len));
}

TEST(LogReader, TellsOfEachPacketThatItTookOnce) {
    Log all = log();
    decltype(packets_logged) expected;
    for (const Frame &frame : all) {
        for (const Item &item : frame) {
            if (item.event == FT_EV_NET) {
                expected.emplace_back(std::get<uint64_t>(item.fields.at(0)),
                                      std::get<std::string>(item.fields.at(2)));
            }
        }
    }
    ASSERT_GT(expected.size(), 1u);
    packets_logged.clear();
    Reader r = new_reader();
    ftc_log_reader_watch(r.get(), note_packet);
    Bytes bad = body_of(all);
    bad.pop_back();
    EXPECT_EQ(feed(r.get(), bad, 1, all.size()), -1);
    EXPECT_TRUE(packets_logged.empty()) << "nothing of this was taken";
    ASSERT_EQ(feed(r.get(), body_of(all), 1, all.size()), 1);
    EXPECT_EQ(packets_logged, expected);
}

TEST(LogWriter, AnEmptyFrameIsNoFrame) {
    Writer w = new_writer();
    EXPECT_FALSE(ftc_log_commit(w.get()));
    EXPECT_EQ(ftc_log_open_seq(w.get()), 1u);
    EXPECT_EQ(take(w.get()).body.size(), 0u);
    EXPECT_EQ(ftc_log_open_bytes(w.get()), 0u);
    ftc_log_put_event(w.get(), FT_EV_END);
    EXPECT_EQ(take(w.get()).body.size(), 0u); /* Not committed yet. */
    EXPECT_EQ(ftc_log_open_bytes(w.get()), 1u);
    EXPECT_TRUE(ftc_log_commit(w.get()));
    EXPECT_EQ(ftc_log_open_bytes(w.get()), 0u);
    EXPECT_EQ(take(w.get()).body, (Bytes{1, FT_EV_END}));
    EXPECT_EQ(ftc_log_writer_used(w.get()), 0u);
}

TEST(LogWriter, TakesWholeFramesOnly) {
    Writer w = new_writer();
    for (int i = 0; i < 5; i++) {
        put(w.get(), {{FT_EV_NET, {0u, 0u, std::string(90, 'x')}}}); /* 95 bytes each */
    }
    Taken t = take(w.get(), 200);
    EXPECT_EQ(t.body.size(), 190u);
    EXPECT_EQ(t.first, 1u);
    EXPECT_EQ(t.last, 2u);
    t = take(w.get(), 1000);
    EXPECT_EQ(t.first, 3u);
    EXPECT_EQ(t.last, 5u);
    EXPECT_FALSE(ftc_log_overflowed(w.get()));
}

/* A message need not be large to be sent, and a frame that is larger goes all the same. */
TEST(LogWriter, TakesWhatMakesAGoodMessage) {
    Writer w = new_writer(1 << 22);
    for (int i = 0; i < 10; i++) {
        put(w.get(), {{FT_EV_NET, {0u, 0u, std::string(100000, 'x')}}});
    }
    EXPECT_EQ(take(w.get(), 1 << 24).last, 3u);
    EXPECT_EQ(take(w.get(), 1 << 24).last, 6u);
    w = new_writer(1 << 22);
    put(w.get(), {{FT_EV_RANDOM, {0u, std::string(1 << 20, 'x')}}});
    EXPECT_GT(take(w.get(), 1 << 24).body.size(), size_t(1) << 20);
    EXPECT_FALSE(ftc_log_overflowed(w.get()));
}

/* The bytes are the ring's until the sender has done with them. */
TEST(LogWriter, WhatIsTakenKeepsItsPlace) {
    Writer w = new_writer(1024);
    const Frame frame{{FT_EV_NET, {0u, 0u, std::string(200, 'x')}}};
    for (int i = 0; i < 4; i++) {
        put(w.get(), frame);
    }
    const uint8_t *data = nullptr;
    uint64_t first, last;
    size_t len = ftc_log_take(w.get(), 500, &data, &first, &last);
    Bytes before(data, data + len);
    EXPECT_EQ(last, 2u);
    EXPECT_EQ(ftc_log_writer_used(w.get()), 4 * len / 2);
    put(w.get(), frame);
    EXPECT_TRUE(ftc_log_overflowed(w.get()));
    EXPECT_EQ(Bytes(data, data + len), before);
    ftc_log_take_done(w.get());
    EXPECT_EQ(ftc_log_writer_used(w.get()), len);
}

TEST(LogWriter, AFullRingOverflowsForGood) {
    Writer w = new_writer(1024);
    const Frame frame{{FT_EV_NET, {0u, 0u, std::string(200, 'x')}}};
    for (int i = 0; i < 6; i++) {
        put(w.get(), frame);
    }
    EXPECT_TRUE(ftc_log_overflowed(w.get()));
    EXPECT_EQ(ftc_log_open_seq(w.get()), 5u);
    EXPECT_EQ(take(w.get()).last, 4u); /* What was published is whole. */
    put(w.get(), frame);
    EXPECT_EQ(take(w.get()).body.size(), 0u);
    EXPECT_EQ(ftc_log_open_seq(w.get()), 5u);
}

/* A guest may ask for as many random bytes as it likes: no abort. */
TEST(LogWriter, WhatNoMessageCanCarryOverflows) {
    Writer w = new_writer(64 << 20);
    Bytes huge(20 << 20);
    ftc_log_put_event(w.get(), FT_EV_RANDOM);
    ftc_log_put_int(w.get(), 0);
    ftc_log_put_bytes(w.get(), huge.data(), huge.size());
    EXPECT_FALSE(ftc_log_commit(w.get()));
    EXPECT_TRUE(ftc_log_overflowed(w.get()));

    w = new_writer(64 << 20); /* Many that are allowed, too many for one frame. */
    for (int i = 0; i < 3; i++) {
        ftc_log_put_event(w.get(), FT_EV_RANDOM);
        ftc_log_put_int(w.get(), 0);
        ftc_log_put_bytes(w.get(), huge.data(), 7 << 20);
    }
    EXPECT_FALSE(ftc_log_commit(w.get()));
    EXPECT_TRUE(ftc_log_overflowed(w.get()));
}

TEST(LogWriter, AFrameThatNeverFitsTheTakerOverflows) {
    Writer w = new_writer();
    put(w.get(), {{FT_EV_NET, {0u, 0u, std::string(900, 'x')}}});
    EXPECT_EQ(take(w.get(), 500).body.size(), 0u);
    EXPECT_TRUE(ftc_log_overflowed(w.get()));
}

TEST(LogReader, SequenceMustFollowOn) {
    Bytes body{1, FT_EV_END};
    EXPECT_EQ(refusal(body, 2, 2), "seq: frames 2..2 came, 1 is the next");
    EXPECT_EQ(refusal(body, 0, 0), "seq: frames 0..0 came, 1 is the next");
    EXPECT_EQ(refusal(body, 1, 0), "seq: frames 1..0 came, 1 is the next");
    EXPECT_EQ(refusal(body, 1, 2), "seq_last: frames 1..2 are named, the body holds 1");
    EXPECT_EQ(refusal(body, 1, UINT64_MAX),
              "seq_last: frames 1..18446744073709551615 are named, the body holds 1");
    EXPECT_EQ(refusal({}, 1, 1), "seq_last: frames 1..1 are named, the body holds 0");

    Reader r = new_reader();
    EXPECT_EQ(feed(r.get(), body, 1, 1), 1);
    EXPECT_EQ(feed(r.get(), body, 1, 1), -1);
    EXPECT_EQ(feed(r.get(), body, 3, 3), -1);
    EXPECT_EQ(feed(r.get(), body, 2, 2), 1);
}

TEST(LogReader, RefusalNamesFrameEventAndField) {
    EXPECT_EQ(refusal({1, FT_EV_END, 0}, 1, 2), "frame 2, frame length: 0 < min 1");
    EXPECT_EQ(refusal({5, FT_EV_END}, 1, 1),
              "frame 1, frame length: 5, but the body ends after 1 bytes");
    EXPECT_EQ(refusal({1, FT_EV_END, 9, FT_EV_INTERRUPT, FT_EV_EXCEPTION, FT_EV_NET, 1, 0,
                       0xe0, 0xdc, 0x2a, 0},
                      1, 2),
              "frame 2, event 3 (NET), length: 700000 > max 262144");
}

/* No prefix of a body is taken for something else: it is refused, or it is a
 * shorter list of whole frames and the count gives it away. */
TEST(LogReader, EveryTruncationIsRefused) {
    Log all = log();
    Bytes body = body_of(all);
    for (size_t len = 0; len < body.size(); len++) {
        refusal({body.begin(), body.begin() + ptrdiff_t(len)}, 1, all.size());
    }
}

/* Without the body's checksum a changed byte may well be another valid log. It
 * must be refused whole or be readable to its end. */
TEST(LogReader, EveryChangedByteIsRefusedOrReadable) {
    Log all = log();
    Bytes body = body_of(all);
    for (size_t at = 0; at < body.size(); at++) {
        for (int i = 0; i < 8; i++) {
            Bytes changed = body;
            Reader r = new_reader();
            FtError err;
            changed[at] ^= uint8_t(1 << i);
            if (ftc_log_feed(r.get(), changed.data(), changed.size(), 1, all.size(), &err) <
                0) {
                EXPECT_FALSE(ftc_log_available(r.get()));
                continue;
            }
            EXPECT_TRUE(drain(r.get())) << "byte " << at << ", bit " << i;
        }
    }
}

TEST(LogReader, NoRoomNowIsNotAnError) {
    Reader r = new_reader(1024);
    const Log one{{{FT_EV_NET, {0u, 0u, std::string(240, 'x')}}}};
    Bytes body = body_of(one);
    for (uint64_t seq = 1; seq <= 4; seq++) {
        EXPECT_EQ(feed(r.get(), body, seq, seq), 1);
    }
    EXPECT_EQ(feed(r.get(), body, 5, 5), 0);
    uint64_t read = 0;
    for (; feed(r.get(), body, 5, 5) == 0; read++) {
        ASSERT_LT(read, 4u) << "all is read, and there is no room";
        Item got;
        ASSERT_TRUE(get(r.get(), one[0][0], &got));
        EXPECT_EQ(got, one[0][0]);
    }
    EXPECT_EQ(read, 3u); /* The one that is open and the one before it stay. */

    std::string why;
    EXPECT_EQ(feed(r.get(), Bytes(257, 1), 6, 6, &why), -1);
    EXPECT_EQ(why, "body_len: 257 bytes never fit into the ring of 1024");
}

/* Bodies of the largest size, at every offset of the ring: whoever has read all
 * that there is finds room for one more. */
TEST(LogReader, AnEmptyLogHasRoomForAWholeBody) {
    Reader r = new_reader(1024);
    for (uint64_t seq = 1; seq <= 200; seq++) {
        const Item item{FT_EV_NET,
                        {0u, 0u, std::string(seq % 7 ? 249 : seq % 100, char(seq))}};
        ASSERT_EQ(feed(r.get(), body_of({{item}}), seq, seq), 1) << seq;
        Item got;
        ASSERT_TRUE(get(r.get(), item, &got));
        EXPECT_EQ(got, item);
    }
}

/* A body that was received where the reader wanted it is not copied, and one that is
 * refused there leaves nothing behind. */
TEST(LogReader, TakesABodyInPlace) {
    Reader r = new_reader(4096);
    const Item item{FT_EV_NET, {0u, 0u, "a packet"}};
    Bytes body = body_of({{item}});
    const uint8_t *data;
    uint8_t event;
    uint64_t v;
    size_t len;
    uint8_t *space = ftc_log_space(r.get(), body.size());
    ASSERT_TRUE(space);
    memcpy(space, body.data(), body.size());
    space[0]++;
    EXPECT_EQ(ftc_log_feed(r.get(), space, body.size(), 1, 1, nullptr), -1);
    EXPECT_FALSE(ftc_log_available(r.get()));
    ASSERT_EQ(ftc_log_space(r.get(), body.size()), space);
    space[0]--;
    ASSERT_EQ(ftc_log_feed(r.get(), space, body.size(), 1, 1, nullptr), 1);
    ASSERT_TRUE(ftc_log_get_event(r.get(), &event) && ftc_log_get_int(r.get(), &v) &&
                ftc_log_get_int(r.get(), &v) && ftc_log_get_bytes(r.get(), &data, &len));
    EXPECT_TRUE(data > space && data + len == space + body.size());
}

TEST(LogReader, NoSpaceAcrossTheEndOrWithoutRoom) {
    Reader r = new_reader(1024);
    Bytes body = body_of({{{FT_EV_NET, {0u, 0u, std::string(200, 'x')}}}});
    for (uint64_t seq = 1; seq <= 4; seq++) {
        EXPECT_EQ(feed(r.get(), body, seq, seq), 1);
    }
    EXPECT_TRUE(ftc_log_space(r.get(), 1024 - 4 * body.size()));
    EXPECT_FALSE(ftc_log_space(r.get(), 1024 - 4 * body.size() + 1));
    EXPECT_TRUE(drain(r.get()));
    EXPECT_FALSE(ftc_log_space(r.get(), body.size())); /* There is room, in two pieces. */
    EXPECT_EQ(feed(r.get(), body, 5, 5), 1);
    EXPECT_TRUE(ftc_log_space(r.get(), body.size()));
}

/* Replay looks for the next event before it uses the bytes of this one. */
TEST(LogReader, BytesOutliveTheNextFrame) {
    Reader r = new_reader(1024);
    uint64_t seq = 0;
    const uint8_t *data = nullptr;
    size_t len = 0;
    for (; seq < 100; seq++) {
        Bytes body = body_of({{{FT_EV_NET, {0u, 0u, std::string(150, char(seq + 1))}}}});
        ASSERT_EQ(feed(r.get(), body, seq + 1, seq + 1), 1);
        std::string before(reinterpret_cast<const char *>(data), len);
        const uint8_t *old = data;
        uint8_t event;
        uint64_t v;
        ASSERT_TRUE(ftc_log_get_event(r.get(), &event));
        /* Whatever has room meanwhile may come. */
        Bytes noise(200, 0xee);
        if (uint8_t *space = ftc_log_space(r.get(), noise.size())) {
            memcpy(space, noise.data(), noise.size());
        }
        EXPECT_EQ(std::string(reinterpret_cast<const char *>(old), before.size()), before);
        EXPECT_EQ(before, std::string(before.size(), char(seq)));
        ASSERT_TRUE(ftc_log_get_int(r.get(), &v) && ftc_log_get_int(r.get(), &v) &&
                    ftc_log_get_bytes(r.get(), &data, &len));
    }
}

TEST(LogReader, AvailableMeansAWholeEventIsUnread) {
    Reader r = new_reader();
    uint8_t event;
    uint64_t v;
    EXPECT_FALSE(ftc_log_available(r.get()));
    EXPECT_FALSE(ftc_log_get_event(r.get(), &event));
    feed(r.get(), body_of({{{FT_EV_BH, {1u}}, {FT_EV_INTERRUPT, {}}}, {{FT_EV_BH, {2u}}}}),
         1, 2);
    EXPECT_TRUE(ftc_log_get_event(r.get(), &event));
    EXPECT_TRUE(ftc_log_available(r.get()));
    EXPECT_TRUE(ftc_log_get_int(r.get(), &v));
    EXPECT_EQ(ftc_log_consumed_seq(r.get()), 0u);
    EXPECT_TRUE(ftc_log_get_event(r.get(), &event));
    EXPECT_EQ(ftc_log_consumed_seq(r.get()), 1u);
    EXPECT_TRUE(ftc_log_available(r.get()));
    EXPECT_TRUE(ftc_log_get_event(r.get(), &event));
    EXPECT_FALSE(ftc_log_available(r.get())); /* Its field is still to be read. */
    EXPECT_EQ(ftc_log_consumed_seq(r.get()), 1u);
    EXPECT_TRUE(ftc_log_get_int(r.get(), &v));
    EXPECT_EQ(ftc_log_consumed_seq(r.get()), 2u);
}

TEST(LogReader, IsConfusedForGoodByAskingForOtherFields) {
    uint8_t event;
    uint64_t v;
    const uint8_t *data;
    size_t len;
    Bytes body =
        body_of({{{FT_EV_BH, {1u}}, {FT_EV_CHAR_READ_ALL, {"x"}}, {FT_EV_END, {}}}});

    Reader more = new_reader();
    feed(more.get(), body, 1, 1);
    EXPECT_TRUE(ftc_log_get_event(more.get(), &event));
    EXPECT_TRUE(ftc_log_get_int(more.get(), &v));
    EXPECT_FALSE(ftc_log_get_int(more.get(), &v));
    EXPECT_FALSE(ftc_log_get_event(more.get(), &event));

    Reader other = new_reader();
    feed(other.get(), body, 1, 1);
    EXPECT_TRUE(ftc_log_get_event(other.get(), &event));
    EXPECT_FALSE(ftc_log_get_bytes(other.get(), &data, &len));
    EXPECT_FALSE(ftc_log_get_int(other.get(), &v));

    Reader fewer = new_reader();
    feed(fewer.get(), body, 1, 1);
    EXPECT_TRUE(ftc_log_get_event(fewer.get(), &event));
    EXPECT_FALSE(ftc_log_get_event(fewer.get(), &event));
}

/* A frame written in one thread and read in another through two small rings:
 * nothing is lost, doubled or torn. Bounded by the number of frames. */
TEST(Log, TwoThreadsThroughSmallRings) {
    constexpr uint64_t frames = 30000;
    Writer w = new_writer(1 << 14);
    Reader r = new_reader(1 << 13);
    uint64_t wrong = 0;

    std::thread primary([&] {
        for (uint64_t i = 1; i <= frames; i++) {
            while (ftc_log_writer_used(w.get()) > (1 << 12)) {
                std::this_thread::yield(); /* Slowed, as the vCPU loop would be. */
            }
            put(w.get(), {{FT_EV_INSTRUCTION, {i % 1000}},
                          {FT_EV_NET, {0u, 0u, std::string(i % 300, char(i))}}});
        }
    });
    std::thread receiver([&] {
        uint64_t first, last = 0;
        while (last < frames) {
            const uint8_t *data = nullptr;
            size_t n = ftc_log_take(w.get(), 1 << 11, &data, &first, &last);
            /* Every other message is received in place, as far as there is room. */
            uint8_t *space = first % 2 ? nullptr : ftc_log_space(r.get(), n);
            if (n && space) {
                memcpy(space, data, n);
                data = space;
            }
            while (n && ftc_log_feed(r.get(), data, n, first, last, nullptr) == 0) {
                std::this_thread::yield();
            }
            ftc_log_take_done(w.get());
        }
    });
    uint64_t icount = 0;
    for (uint64_t i = 1; i <= frames; i++) {
        for (const Item &item :
             Frame{{FT_EV_INSTRUCTION, {i % 1000}},
                   {FT_EV_NET, {0u, 0u, std::string(i % 300, char(i))}}}) {
            Item got;
            while (!ftc_log_available(r.get())) {
                std::this_thread::yield();
            }
            wrong += !get(r.get(), item, &got) || got != item;
        }
        icount += i % 1000;
    }
    primary.join();
    receiver.join();
    EXPECT_EQ(wrong, 0u);
    EXPECT_FALSE(ftc_log_overflowed(w.get()));
    EXPECT_EQ(ftc_log_received_seq(r.get()), frames);
    EXPECT_EQ(ftc_log_consumed_seq(r.get()), frames);
    EXPECT_EQ(ftc_log_received_icount(r.get()), icount);
}

} // namespace
