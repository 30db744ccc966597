# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a primary that hung and comes back finds itself fenced, and is silent.

Method: SIGSTOP instead of a kill: its connections stay open and only silence
tells. The secondary takes over within the timeout + 500 ms. Then SIGCONT:
the old primary may not emit one frame, says "fenced", and an operator's
"cont" does not change that. The client works on all the while.
"""

import signal
import time

from ftpair import failover, verdict
from ftpair.qmp import QmpError


def test_sigstop(case):
    story = failover.Failover("stop")
    with case.pair() as pair:
        pair.start().wait_up()
        failover.run(pair, story, then=lambda: wake_the_dead(case, pair))
        case.figure("gap_ms", story.gap_ms)
        case.judge(*story.checks)


def wake_the_dead(case, pair):
    capture = pair.capture("a")
    woken = time.time_ns()
    pair.primary.signal(signal.SIGCONT)
    answer = pair.wait_state(pair.primary, "fenced", 5)
    case.expect("old primary reports fenced", True, answer.get("reason"))
    try:
        pair.primary.qmp.command("cont")
        said = "accepted"
    except QmpError as refusal:
        said = str(refusal)
    time.sleep(1.5)
    running = pair.primary.qmp.command("query-status")["running"]
    case.expect("cont does not start a fenced node", not running, said)
    case.judge(verdict.silent(capture, "old primary silent after SIGCONT", woken))
