/*
 * Goal: ft-dump reaches the end of a good stream and exits non-zero, with a
 * sentence that says where, on one that is not. Method: the program itself
 * (FT_DUMP names it) on the sample stream, whole, cut and changed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "tests/unit/sample.hpp"

namespace {

struct Outcome {
    int status;
    std::string out;
};

class FtDump : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!getenv("FT_DUMP")) {
            GTEST_SKIP() << "FT_DUMP is not set";
        }
    }
    void TearDown() override { unlink(path_.c_str()); }

    Outcome run(const std::string &options) {
        std::string command = std::string(getenv("FT_DUMP")) + " " + options + " 2>&1";
        FILE *pipe = popen(command.c_str(), "r");
        Outcome r{-1, ""};
        char text[4096];
        size_t n;
        while ((n = fread(text, 1, sizeof(text), pipe)) > 0) {
            r.out.append(text, n);
        }
        r.status = WEXITSTATUS(pclose(pipe));
        return r;
    }
    Outcome dump(const sample::Bytes &stream, const std::string &options = "") {
        FILE *f = fopen(path_.c_str(), "wb");
        fwrite(stream.data(), 1, stream.size(), f);
        fclose(f);
        return run(path_ + " " + options);
    }

    std::string path_ = testing::TempDir() + "ft_dump_test." + std::to_string(getpid());
};

bool contains(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

TEST_F(FtDump, PrintsALinePerEvent) {
    Outcome r = dump(sample::stream());
    EXPECT_EQ(r.status, 0);
    EXPECT_TRUE(contains(r.out, "# message 1 HELLO epoch=3")) << r.out;
    EXPECT_TRUE(contains(r.out, "\n2 4294967296 BH id=-1\n"));
    EXPECT_TRUE(contains(r.out, "\n6 4294967296 CHAR_READ id=0 data=3:6c730a\n"));
    EXPECT_TRUE(contains(r.out, "\n9 4294967296 CHECKPOINT:15\n"));
    EXPECT_TRUE(
        contains(r.out, "length=60 hash=0x0123456789abcdef\n11 4294979641 OPERATOR what=0\n"
                        "11 4294979641 OPERATOR what=4\n12 4294979641 END\n"));
}

TEST_F(FtDump, PrintsJsonAndSummaries) {
    Outcome r = dump(sample::stream(), "--json");
    EXPECT_EQ(r.status, 0);
    EXPECT_TRUE(contains(r.out,
                         "{\"seq\": 6, \"icount\": 4294967296, \"event\": \"CHAR_READ\", "
                         "\"id\": 0, \"data\": \"6c730a\"}\n"))
        << r.out;
    r = dump(sample::stream(), "--summary");
    EXPECT_EQ(r.status, 0);
    EXPECT_TRUE(contains(r.out, "NET                                 2           1517\n"));
    EXPECT_TRUE(
        contains(r.out, "6 messages, 2322 bytes, 12 frames, 4294979641 instructions"));
    r = dump(sample::stream(), "--summary --json");
    EXPECT_EQ(r.status, 0);
    EXPECT_TRUE(contains(r.out, "\"NET\": {\"count\": 2, \"bytes\": 1517}"));
}

TEST_F(FtDump, SaysWhereAStreamIsBad) {
    sample::Bytes cut = sample::stream(), bad;
    cut.resize(2000);
    Outcome r = dump(cut);
    EXPECT_EQ(r.status, 1);
    EXPECT_TRUE(
        contains(r.out, "message 5 (LOG), body: the stream ends after 1380 of 1635"))
        << r.out;

    sample::add_message(bad, sample::header(FT_MSG_HELLO), sample::hello_body());
    sample::add_message(bad, sample::header(FT_MSG_LOG, 1, 1),
                        {6, FT_EV_NET, 0, 0, 0xe0, 0xdc, 0x2a});
    r = dump(bad, "--summary");
    EXPECT_EQ(r.status, 1);
    EXPECT_TRUE(contains(
        r.out, "message 2 (LOG), frame 1, event 1 (NET), length: 700000 > max 262144"))
        << r.out;
}

TEST_F(FtDump, HelpsAndRefusesNonsense) {
    EXPECT_EQ(run("--help").status, 0);
    EXPECT_EQ(run("").status, 2);
    EXPECT_EQ(run("--nonsense").status, 2);
    EXPECT_EQ(run("/nonexistent").status, 2);
}

} // namespace
