# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a periodic timer of the HPET whose interrupt is off looks to the guest as if
it ran on, although no clock runs for it.

Method: a bare guest (tests/guest/rep/hpet.c) reads comparator and counter of such a
timer, halts the counter, and switches the interrupt on again, recorded, and replayed
from that log, with and without one instruction per block. pair/idle sees that no
clock runs.
"""

from ftpair import bare

EXPECTED = 6 * "00000000 " + "END\n"


def test_hpet(case):
    bare.expect_each_way(case, "hpet", ("hpet32", "hpet64"), EXPECTED, "the comparator goes on, and rings again in time")
