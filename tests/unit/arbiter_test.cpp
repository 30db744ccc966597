/*
 * Goal: for one epoch of one VM exactly one node is told "won", always the
 * same, and nobody is told anything when the storage does not answer clearly.
 * Method: a directory of its own per test; files are also written by hand.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <csignal>
#include <sys/resource.h>

#include <gtest/gtest.h>

#include "accel/ft/ft.h"

namespace {

namespace fs = std::filesystem;

const uint8_t vm[FT_UUID_BYTES] = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0,
                                   1,    2,    3,    4,    5,    6,    7,    8};
const uint8_t other_vm[FT_UUID_BYTES] = {0xff};
const uint8_t node_a[FT_UUID_BYTES] = {0xaa};
const uint8_t node_b[FT_UUID_BYTES] = {0xbb};
const std::string name_of_5 = "ft-12345678-9abc-def0-0102-030405060708-5";

class Arbiter : public testing::Test {
  protected:
    void SetUp() override {
        char path[] = "/tmp/ft-arbiter-XXXXXX";
        ASSERT_NE(mkdtemp(path), nullptr);
        dir_ = path;
    }
    void TearDown() override { fs::remove_all(dir_); }

    FtClaim claim(const uint8_t *node, uint64_t epoch = 5, const uint8_t *of = vm) {
        err_ = FtError{};
        return ftc_arbiter_claim(("file:" + dir_).c_str(), of, epoch, node, &err_);
    }
    std::string file() const { return dir_ + "/" + name_of_5; }
    void write(const std::string &text) { std::ofstream(file()) << text; }
    std::string error() const { return err_.text; }

    std::string dir_;
    FtError err_{};
};

TEST_F(Arbiter, FirstWinsAndStaysWinner) {
    EXPECT_EQ(claim(node_a), FT_CLAIM_WON);
    EXPECT_EQ(claim(node_b), FT_CLAIM_LOST);
    EXPECT_EQ(claim(node_a), FT_CLAIM_WON);
    EXPECT_EQ(claim(node_b), FT_CLAIM_LOST);
    EXPECT_EQ(error(), "");
}

/* Writes of this process fail as on a full disk; names can still be made. */
class NoRoom {
  public:
    NoRoom() {
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit none{0, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &none);
    }
    ~NoRoom() { setrlimit(RLIMIT_FSIZE, &before_); }

  private:
    rlimit before_{};
};

TEST_F(Arbiter, WithoutRoomOnlyWhoHasReservedWins) {
    FtError err{};
    ASSERT_TRUE(ftc_arbiter_reserve(("file:" + dir_).c_str(), node_a, &err)) << err.text;
    {
        NoRoom full;
        EXPECT_FALSE(ftc_arbiter_reserve(("file:" + dir_).c_str(), node_b, &err));
        EXPECT_EQ(claim(node_b), FT_CLAIM_UNREACHABLE);
        EXPECT_EQ(claim(node_a), FT_CLAIM_WON) << error();
        EXPECT_EQ(claim(node_a, 6), FT_CLAIM_WON) << "a reserve is for all epochs";
    }
    EXPECT_EQ(claim(node_b), FT_CLAIM_LOST);
    EXPECT_EQ(claim(node_b, 7), FT_CLAIM_WON) << "and without one there is the old way";
    ftc_arbiter_unreserve(("file:" + dir_).c_str(), node_a);
    EXPECT_EQ(claim(node_a, 8), FT_CLAIM_WON);
}

TEST_F(Arbiter, EachEpochOfEachVmIsDecidedByItself) {
    EXPECT_EQ(claim(node_a, 5), FT_CLAIM_WON);
    EXPECT_EQ(claim(node_b, 6), FT_CLAIM_WON);
    EXPECT_EQ(claim(node_b, 5, other_vm), FT_CLAIM_WON);
    EXPECT_EQ(claim(node_a, 6), FT_CLAIM_LOST);
}

TEST_F(Arbiter, FileHoldsTheWinnersIdAndNothingElseIsLeft) {
    claim(node_a);
    claim(node_b);
    std::ifstream in(file());
    std::string line;
    ASSERT_TRUE(std::getline(in, line));
    EXPECT_EQ(line, "aa000000000000000000000000000000");
    size_t files = 0;
    for (const auto &e : fs::directory_iterator(dir_)) {
        EXPECT_EQ(e.path().filename(), name_of_5);
        files++;
    }
    EXPECT_EQ(files, 1u);
}

TEST_F(Arbiter, GarbageIsNoAnswerAndIsNamed) {
    const std::string good = "bb000000000000000000000000000000";
    for (const std::string &text :
         {std::string(), std::string("\n"), good, good + "0\n", good + "\n\n",
          std::string(32, 'g') + "\n", std::string(32, 'B') + "\n"}) {
        write(text);
        EXPECT_EQ(claim(node_a), FT_CLAIM_UNREACHABLE) << "'" << text << "'";
        EXPECT_NE(error().find(name_of_5), std::string::npos) << error();
    }
    write(good + "\n");
    EXPECT_EQ(claim(node_a), FT_CLAIM_LOST);
    EXPECT_EQ(claim(node_b), FT_CLAIM_WON);
}

TEST_F(Arbiter, WhatIsNoFileIsNoAnswer) {
    fs::create_directory(file());
    EXPECT_EQ(claim(node_a), FT_CLAIM_UNREACHABLE);
    fs::remove(file());
    fs::create_symlink("/dev/null", file());
    EXPECT_EQ(claim(node_a), FT_CLAIM_UNREACHABLE);
    EXPECT_NE(error().find(name_of_5), std::string::npos) << error();
}

TEST_F(Arbiter, MissingDirectoryIsOutOfReach) {
    fs::remove_all(dir_);
    EXPECT_EQ(claim(node_a), FT_CLAIM_UNREACHABLE);
    EXPECT_NE(error().find("No such file or directory"), std::string::npos) << error();
}

TEST_F(Arbiter, OfManyAtOnceExactlyOneWins) {
    for (uint64_t epoch = 100; epoch < 120; epoch++) {
        std::atomic<int> won = 0, lost = 0;
        std::vector<std::thread> threads;
        for (uint8_t n = 0; n < 8; n++) {
            threads.emplace_back([&, n] {
                const uint8_t node[FT_UUID_BYTES] = {n};
                FtError err{};
                const FtClaim c =
                    ftc_arbiter_claim(("file:" + dir_).c_str(), vm, epoch, node, &err);
                won += c == FT_CLAIM_WON;
                lost += c == FT_CLAIM_LOST;
            });
        }
        for (std::thread &t : threads) {
            t.join();
        }
        EXPECT_EQ(won, 1);
        EXPECT_EQ(lost, 7);
    }
}

TEST_F(Arbiter, NoneAlwaysWins) {
    FtError err{};
    EXPECT_EQ(ftc_arbiter_claim("none", vm, 5, node_a, &err), FT_CLAIM_WON);
    EXPECT_EQ(ftc_arbiter_claim("none", vm, 5, node_b, &err), FT_CLAIM_WON);
}

TEST_F(Arbiter, LastEpochIsTheHighestOfThisVm) {
    const std::string spec = "file:" + dir_;
    uint64_t epoch = 99;
    FtError err{};
    EXPECT_TRUE(ftc_arbiter_last_epoch(spec.c_str(), vm, &epoch, &err));
    EXPECT_EQ(epoch, 0u);
    claim(node_a, 9);
    claim(node_b, 10);
    claim(node_b, 77, other_vm);
    std::ofstream(dir_ + "/ft-12345678-9abc-def0-0102-030405060708-99x") << "stray";
    EXPECT_TRUE(ftc_arbiter_last_epoch(spec.c_str(), vm, &epoch, &err));
    EXPECT_EQ(epoch, 10u);
    EXPECT_TRUE(ftc_arbiter_last_epoch("none", vm, &epoch, &err));
    EXPECT_EQ(epoch, 0u);
    fs::remove_all(dir_);
    EXPECT_FALSE(ftc_arbiter_last_epoch(spec.c_str(), vm, &epoch, &err));
    EXPECT_NE(std::string(err.text).find(dir_), std::string::npos);
}

TEST_F(Arbiter, SpecIsCheckedByName) {
    auto check = [](const std::string &spec) {
        FtError err{};
        const bool ok = ftc_arbiter_check_spec(spec.c_str(), &err);
        EXPECT_EQ(ok, err.text[0] == 0);
        return std::string(err.text);
    };
    EXPECT_EQ(check("none"), "");
    EXPECT_EQ(check("file:" + dir_), "");
    EXPECT_NE(check("etcd:host").find("neither none nor file:DIR"), std::string::npos);
    EXPECT_NE(check("").find("neither none nor file:DIR"), std::string::npos);
    EXPECT_NE(check("file:").find("absolute path"), std::string::npos);
    EXPECT_NE(check("file:relative").find("absolute path"), std::string::npos);
    EXPECT_NE(check("file:" + dir_ + "/no").find("No such file"), std::string::npos);
    write("");
    EXPECT_NE(check("file:" + file()).find("not a directory"), std::string::npos);
    FtError err{};
    EXPECT_FALSE(ftc_arbiter_check_spec(nullptr, &err));
}

} // namespace
