# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a protected primary whose main loop hangs with the big lock, as in a call that waits for a dead storage, is not called
protected for ever: its secondary takes over, and when it wakes it is fenced and has sent nothing.

Method: the fault "hang-main": the next x-ft-digest sleeps for 16 s with both locks, while heartbeats live. What the secondary
says meanwhile, when it takes over, what the old primary says, by stderr and event, while it hangs; captures of its tap.
"""

import time

from ftpair import hanging, verdict
from ftpair.case import faulty_qemu


def test_hang_main(case):
    with case.pair(primary={"qemu": faulty_qemu(), "environment": {"FT_FAULT": "hang-main"}}) as pair:
        pair.start(captures=("a", "b")).wait_up()
        pair.start_incr()
        begun = time.monotonic()
        pair.primary.qmp.send("x-ft-digest", full=False)
        taken = hanging.taken_over(case, pair, begun, ("main loop", "vCPU thread"))
        hanging.told_while_it_hangs(case, pair, "main loop", "main-loop")
        hanging.fenced_when_it_moves(case, pair, taken, "main loop")
        case.judge(*verdict.replies(pair.incr.finish()))
