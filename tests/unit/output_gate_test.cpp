/*
 * Goal: output leaves a node alone at once, one of a pair only up to what was
 * acknowledged and while the lease is valid, a fenced one never. Method: a lease on a
 * clock made of numbers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "accel/ft/output_gate.hpp"

#include <gtest/gtest.h>

using ft::Lease;
using ft::OutputGate;

TEST(OutputGate, IsClosedBeforeItIsSet) {
    Lease lease(500);
    OutputGate gate;

    lease.start(1000);
    EXPECT_EQ(gate.mode(), FT_OUTPUT_CLOSED);
    EXPECT_FALSE(gate.limit(&lease, 7, 1001));
}

TEST(OutputGate, ANodeAlonePassesAllAndNeedsNoLease) {
    OutputGate gate;

    gate.set(FT_OUTPUT_PASS);
    EXPECT_EQ(gate.limit(nullptr, 0, 1000), UINT64_MAX);
}

TEST(OutputGate, APairPassesWhatIsAcknowledgedWhileTheLeaseLasts) {
    Lease lease(500);
    OutputGate gate;

    lease.start(1000);
    gate.set(FT_OUTPUT_ACKED);
    EXPECT_EQ(gate.limit(&lease, 7, 1499), 7u);
    EXPECT_FALSE(gate.limit(&lease, 7, 1500))
        << "the lease is over: the other node may be live";
    lease.answered(1400, 1450);
    EXPECT_EQ(gate.limit(&lease, 8, 1899), 8u);
}

TEST(OutputGate, APairWithoutAConnectionPassesNothing) {
    OutputGate gate;

    gate.set(FT_OUTPUT_ACKED);
    EXPECT_FALSE(gate.limit(nullptr, 7, 1000));
}

TEST(OutputGate, KeepAndClosedPassNothingWhateverWasAcknowledged) {
    Lease lease(500);
    OutputGate gate;

    lease.start(1000);
    for (FtOutput mode : {FT_OUTPUT_KEEP, FT_OUTPUT_CLOSED}) {
        gate.set(mode);
        EXPECT_FALSE(gate.limit(&lease, UINT64_MAX, 1001));
    }
}

TEST(OutputGate, TheBorderSaysTheSame) {
    FtLease *lease = ftc_lease_new(500);
    FtGate *gate = ftc_gate_new();
    uint64_t up_to = 99;

    ftc_lease_start(lease, 1000);
    EXPECT_FALSE(ftc_gate_limit(gate, lease, 7, 1001, &up_to));
    EXPECT_EQ(up_to, 0u);
    ftc_gate_set(gate, FT_OUTPUT_ACKED);
    EXPECT_EQ(ftc_gate_mode(gate), FT_OUTPUT_ACKED);
    EXPECT_TRUE(ftc_gate_limit(gate, lease, 7, 1001, &up_to));
    EXPECT_EQ(up_to, 7u);
    ftc_gate_free(gate);
    ftc_lease_free(lease);
}
