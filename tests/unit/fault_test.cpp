/*
 * Goal: faults exist in test builds only, and only those that were named.
 * Method: the environment is set before anything asks; a build without
 * -Dft_faults=true has to answer false all the same.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <cstdlib>

#include <gtest/gtest.h>

#include "accel/ft/fault.hpp"
#include "accel/ft/ft.h"

namespace {

const int environment_set = setenv("FT_FAULT", "ack.delay,go-live.slow", 1);

TEST(Fault, ListIsSplitAtCommas) {
    EXPECT_TRUE(ft::fault_listed("a", "a"));
    EXPECT_TRUE(ft::fault_listed("a,bb,c", "bb"));
    EXPECT_TRUE(ft::fault_listed("a,bb,c", "c"));
    EXPECT_FALSE(ft::fault_listed("a,bb,c", "b"));
    EXPECT_FALSE(ft::fault_listed("abc", "ab"));
    EXPECT_FALSE(ft::fault_listed("", "a"));
    EXPECT_FALSE(ft::fault_listed(",,", ""));
    EXPECT_FALSE(ft::fault_listed("a,", ""));
}

#ifdef FT_FAULTS

TEST(Fault, NamedOnesAreOnAndStayOn) {
    ASSERT_EQ(environment_set, 0);
    EXPECT_TRUE(ftc_fault("ack.delay"));
    EXPECT_TRUE(ftc_fault("go-live.slow"));
    EXPECT_FALSE(ftc_fault("ack"));
    EXPECT_FALSE(ftc_fault(nullptr));
    setenv("FT_FAULT", "other", 1);
    EXPECT_TRUE(ftc_fault("ack.delay"));
    EXPECT_FALSE(ftc_fault("other"));
}

#else

TEST(Fault, ProductionBuildHasNone) {
    ASSERT_EQ(environment_set, 0);
    EXPECT_FALSE(ftc_fault("ack.delay"));
    EXPECT_FALSE(ftc_fault("go-live.slow"));
    EXPECT_FALSE(ftc_fault(nullptr));
}

#endif

} // namespace
