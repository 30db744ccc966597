# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a protected primary whose vCPU thread hangs says so, and its secondary takes over; when it moves again it is fenced.

Method: the thread is stopped by ptrace, wherever it is; then as in pair/hang_main.
"""

import time

from ftpair import hanging, verdict
from ftpair.frozen_thread import vcpu


def test_hang_vcpu(case, pair):
    pair.start(captures=("a", "b")).wait_up()
    pair.start_incr()
    frozen = vcpu(pair.primary)
    begun = time.monotonic()
    # Stopped with a lock, its main loop stands still as well, and one of the two is named.
    taken = hanging.taken_over(case, pair, begun, ("vCPU thread", "main loop"))
    hanging.told_while_it_hangs(case, pair, "vCPU thread", "vcpu")
    frozen.thaw()
    hanging.fenced_when_it_moves(case, pair, taken, "vCPU thread")
    case.judge(*verdict.replies(pair.incr.finish()))
