/*
 * Goal: only the end of a stream that has said "alive", and nothing else, is a death.
 * Method: streams as a late, an early closed, an orderly and a foreign peer leave them,
 * whole and byte by byte.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string_view>

#include <gtest/gtest.h>

#include "accel/ft/ft.h"

namespace {

bool dead_after(std::string_view said) {
    const auto *bytes = reinterpret_cast<const uint8_t *>(said.data());
    FtWitnessWord one_by_one = FT_WITNESS_SILENT;

    for (size_t i = 0; i < said.size(); i++) {
        one_by_one = ftc_witness_hear(one_by_one, bytes + i, 1);
    }
    const FtWitnessWord at_once = ftc_witness_hear(FT_WITNESS_SILENT, bytes, said.size());
    EXPECT_EQ(one_by_one, at_once) << said;
    return ftc_witness_proves_death(at_once);
}

TEST(Witness, OneThatNeverSaidAliveProvesNothing) {
    EXPECT_FALSE(dead_after(""));
}

TEST(Witness, TheEndBehindAliveIsADeath) {
    EXPECT_TRUE(dead_after("a"));
    EXPECT_TRUE(dead_after("aaaaaaaaaaaaaaaaaaaaaaaa"));
}

TEST(Witness, AnOrderlyEndIsNone) {
    EXPECT_FALSE(dead_after("c"));
    EXPECT_FALSE(dead_after("aaac"));
    EXPECT_FALSE(dead_after("aca")) << "nothing behind a goodbye counts";
}

TEST(Witness, AnythingElseIsNoWitness) {
    EXPECT_FALSE(dead_after("x"));
    EXPECT_FALSE(dead_after("axa"));
    EXPECT_FALSE(dead_after(std::string_view("a\0a", 3)));
}

} // namespace
