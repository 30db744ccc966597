/*
 * Goal: the lease ends one timeout after the send time of the last answered
 * ping, and nothing else makes it longer. Method: a clock made of numbers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "accel/ft/lease.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "accel/ft/ft.h"

using ft::Lease;

TEST(Lease, IsInvalidBeforeItStarts) {
    Lease l(500);
    EXPECT_FALSE(l.valid(0));
    EXPECT_FALSE(l.valid(100));
    EXPECT_EQ(l.rtt_ns(), 0u);
}

TEST(Lease, LastsOneTimeoutFromTheSendTime) {
    Lease l(500);
    l.start(1000);
    EXPECT_TRUE(l.valid(1499));
    EXPECT_FALSE(l.valid(1500));
    l.answered(1200, 1450); /* Counts from 1200, not from the answer. */
    EXPECT_TRUE(l.valid(1699));
    EXPECT_FALSE(l.valid(1700));
}

TEST(Lease, AnOldAnswerDoesNotShortenIt) {
    Lease l(500);
    l.start(1000);
    l.answered(1300, 1400);
    l.answered(1100, 1410);
    EXPECT_TRUE(l.valid(1799));
}

/* A process that was stopped: the answer waited in the socket for too long. */
TEST(Lease, AnAnswerThatComesTooLateRevivesNothing) {
    Lease l(500);
    l.start(1000);
    EXPECT_FALSE(l.valid(9000));
    l.answered(1400, 9000);
    EXPECT_FALSE(l.valid(9000));
}

TEST(Lease, AnInventedSendTimeIsIgnored) {
    Lease l(500);
    l.start(1000);
    l.answered(UINT64_MAX - 10, 1100);
    l.answered(1101, 1100);
    EXPECT_FALSE(l.valid(1500));
    EXPECT_EQ(l.rtt_ns(), 0u);
}

TEST(Lease, TheEndOfTimeDoesNotWrap) {
    Lease l(UINT64_MAX);
    l.start(1000);
    EXPECT_TRUE(l.valid(UINT64_MAX - 1));
}

TEST(Lease, RoundTripIsTheMedianOfTheLastAnswers) {
    Lease l(500);
    l.start(0);
    l.answered(100, 110);
    EXPECT_EQ(l.rtt_ns(), 10u);
    l.answered(200, 220);
    l.answered(300, 10300); /* One outlier. */
    EXPECT_EQ(l.rtt_ns(), 20u);
    for (uint64_t t = 1000; t < 1031; t++) {
        l.answered(t, t + 7); /* The earlier ones are forgotten. */
    }
    EXPECT_EQ(l.rtt_ns(), 7u);
    l.start(5000);
    EXPECT_EQ(l.rtt_ns(), 0u);
}

/* Goal: no data race (TSan) and no renewal lost between threads. */
TEST(Lease, ManyThreadsRenewIt) {
    FtLease *l = ftc_lease_new(1000);
    ftc_lease_start(l, 0);
    auto renew = [&](uint64_t offset) {
        for (uint64_t t = offset; t < 100000; t += 2) {
            ftc_lease_answered(l, t, t + 5);
            ftc_lease_valid(l, t);
            ftc_lease_rtt_ns(l);
        }
    };
    std::thread a(renew, 0), b(renew, 1);
    a.join();
    b.join();
    EXPECT_TRUE(ftc_lease_valid(l, 99999 + 999));
    EXPECT_FALSE(ftc_lease_valid(l, 99999 + 1000));
    EXPECT_EQ(ftc_lease_rtt_ns(l), 5u);
    ftc_lease_free(l);
}
