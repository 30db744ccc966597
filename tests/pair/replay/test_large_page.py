# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a page flush inside a large page of code leaves nothing of it behind:
neither what the page led to nor when its table is walked depends on which
blocks the jump cache happens to know, which is not the same in record and in
replay.

Method: a bare guest (tests/guest/rep/large_page.c) maps a large page to other
memory, or to an entry that was not accessed, flushes one of its addresses and
executes code at another one, recorded, and replayed from that log, with and
without one instruction per block. Each time the code must be the new one, and
the entry accessed.
"""

from ftpair import bare

EXPECTED = 3 * " 00000001a 00000002a 00000002a" + " END\n"


def test_large_page(case):
    bare.expect_each_way(case, "large-page", ("large32", "large64"), EXPECTED, "the new code each time, and accessed")
