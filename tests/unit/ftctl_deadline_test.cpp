/*
 * Calls that never come back: the caller goes on at its deadline, the call
 * keeps what it uses, and is not made again while it hangs. And what a waiting
 * thread is told.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <gtest/gtest.h>

#include <latch>

#include "tools/ftctl/deadline.hpp"
#include "tools/ftctl/news.hpp"

using namespace ftctl;

TEST(Within, GivesTheAnswer) {
    EXPECT_EQ(*within(after(60), "late", []() -> Result<int> { return 7; }), 7);
    EXPECT_EQ(within(after(60), "late", []() -> Result<int> { return refuse("no ", 1); })
                  .error()
                  .text,
              "no 1");
    EXPECT_EQ(
        within(after(60), "late", []() -> Status { throw std::runtime_error("thrown"); })
            .error()
            .text,
        "thrown");
}

TEST(Within, LeavesACallThatHangs) {
    auto release = std::make_shared<std::latch>(1);
    auto ended = std::make_shared<std::promise<int>>();
    auto kept = std::make_shared<int>(42);
    std::weak_ptr<int> still_used = kept;
    auto end = ended->get_future();

    Status s = within(after(0.05), "late", [=, kept = std::move(kept)]() -> Status {
        release->wait();
        ended->set_value(*kept);
        return {};
    });
    EXPECT_EQ(s.error().text, "late");
    EXPECT_FALSE(still_used.expired());
    release->count_down();
    EXPECT_EQ(end.get(), 42);
}

TEST(Outstanding, OneAtATimeUntilTheCallItselfHasEnded) {
    Outstanding outstanding;
    auto release = std::make_shared<std::latch>(1);
    auto ended = std::make_shared<std::promise<void>>();
    auto end = ended->get_future();
    {
        auto mark = outstanding.take();
        ASSERT_TRUE(mark);
        (void)within(after(0.05), "late", [=, mark = std::move(mark)]() mutable -> Status {
            release->wait();
            mark.reset();
            ended->set_value();
            return {};
        });
    }
    EXPECT_FALSE(outstanding.take());
    release->count_down();
    end.get();
    EXPECT_TRUE(outstanding.take());
}

TEST(Outstanding, AnAnswerMeansThatTheNextMayBeAsked) {
    Outstanding outstanding;
    for (int i = 0; i < 1000; i++) {
        auto mark = outstanding.take();
        ASSERT_TRUE(mark) << i;
        ASSERT_TRUE(
            within(after(60), "late", [mark = std::move(mark)]() -> Status { return {}; }));
    }
}

TEST(News, WakesAndKeepsTheOrder) {
    News news;
    std::jthread teller([&] {
        news.tell("one");
        news.tell("two");
    });
    std::vector<std::string> all;
    while (all.size() < 2) {
        for (auto &text : news.wait(after(60))) {
            all.push_back(text);
        }
    }
    EXPECT_EQ(all, (std::vector<std::string>{"one", "two"}));
    EXPECT_TRUE(news.wait(after(0)).empty());
}

TEST(News, TheOldestGoWhenThereAreTooMany) {
    News news;
    for (size_t i = 0; i < News::kept_max + 3; i++) {
        news.tell(std::to_string(i));
    }
    auto all = news.wait(after(0));
    ASSERT_EQ(all.size(), News::kept_max);
    EXPECT_EQ(all.front(), "3");
}

TEST(News, AStopWakesToo) {
    News news;
    std::stop_source stop;
    std::jthread stopper([&] { stop.request_stop(); });
    EXPECT_TRUE(news.wait(after(600), stop.get_token()).empty());
}
