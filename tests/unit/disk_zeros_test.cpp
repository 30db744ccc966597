/*
 * Goal: a DISK_ZEROS decodes to what was encoded, and nothing that does not fit the drive
 * is accepted. Method: bodies that are right, short, long, empty; runs around the end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <gtest/gtest.h>

#include <vector>

#include "accel/ft/ft.h"

namespace {

std::string decode(const std::vector<uint8_t> &body, uint64_t *n) {
    FtError err{};
    return ftc_disk_zeros_decode(body.data(), body.size(), n, &err) ? "" : err.text;
}

std::string check(uint64_t bytes, uint64_t first, uint64_t n) {
    FtError err{};
    return ftc_disk_zeros_check(bytes, first, n, &err) ? "" : err.text;
}

TEST(DiskZeros, ComesBackAsItWasSent) {
    for (uint64_t sent : {uint64_t{1}, uint64_t{256}, uint64_t{1} << 24, ~uint64_t{0}}) {
        std::vector<uint8_t> body(FT_DISK_ZEROS_BYTES);
        uint64_t n = 0;
        ftc_disk_zeros_encode(sent, body.data());
        EXPECT_EQ(decode(body, &n), "");
        EXPECT_EQ(n, sent);
    }
}

TEST(DiskZeros, ABodyOfAnotherSizeOrWithoutChunksIsRefused) {
    uint64_t n = 7;
    EXPECT_EQ(decode({1, 0, 0, 0, 0, 0, 0}, &n), "disk_zeros: 7 bytes instead of 8");
    EXPECT_EQ(decode({1, 0, 0, 0, 0, 0, 0, 0, 0}, &n), "disk_zeros: 9 bytes instead of 8");
    EXPECT_EQ(decode({0, 0, 0, 0, 0, 0, 0, 0}, &n), "disk_zeros, chunks: 0");
    EXPECT_EQ(n, 7u);
}

TEST(DiskZeros, ARunOutsideTheDriveIsRefused) {
    constexpr uint64_t odd = 3 * FT_DISK_CHUNK_BYTES + 512;
    EXPECT_EQ(check(odd, 0, 4), "");
    EXPECT_EQ(check(odd, 3, 1), "");
    EXPECT_EQ(check(odd, 3, 2), "disk_zeros: 2 chunks from 3 on, the drive has 4");
    EXPECT_EQ(check(odd, 5, 1), "disk_zeros: 1 chunks from 5 on, the drive has 4");
    EXPECT_EQ(check(odd, ~uint64_t{0}, 2),
              "disk_zeros: 2 chunks from 18446744073709551615 on, the drive has 4");
    EXPECT_EQ(check(uint64_t{1} << 40, 0, 257), "disk_zeros, chunks: 257 > max 256");
    EXPECT_EQ(check(~uint64_t{0}, 0, 256), "");
}

} // namespace
