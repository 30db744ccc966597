# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: the death of the secondary costs one pause, and can be mended.

Method: kill -9 of the secondary while INCR works. The primary asks the arbiter,
which gives it the epoch, and goes on exposed with nothing lost; its process
and its epoch's file say so. Then a fresh secondary is attached, and takes over
when the primary is killed: all on one connection.
"""

import signal
import time

import pytest
from ftpair import failover, verdict
from ftpair.succession import Succession

WORK_SECONDS = 2


@pytest.mark.setup(kind=Succession)
def test_secondary_death(case, pair):
    pair.start(captures=()).wait_up()
    pair.start_long_incr()
    time.sleep(WORK_SECONDS)
    epoch = pair.primary.query()["epoch"]
    death = time.monotonic_ns()
    pair.secondary.signal(signal.SIGKILL)
    alone = pair.wait_state(pair.primary, "exposed", 10)
    pair.goes_on()
    pair.incr.wait_past(time.monotonic_ns())
    pause = pair.incr.gap_around(death, time.monotonic_ns())[0]
    case.figure("pause_ms", round(verdict.ms(pause), 2))
    decided = [path.name for path in pair.arbiter_folder.iterdir() if path.name.endswith(f"-{epoch}")]
    case.expect("the arbiter was asked", decided, f"epoch {epoch}: {alone['reason']}")
    case.expect("nothing is held any more", pair.primary.query()["held-packets"] == 0)
    case.expect(f"one pause of at most {failover.GAP_MAX_MS} ms",
                pause <= failover.GAP_MAX_MS * verdict.MS, f"{verdict.ms(pause):.1f} ms")
    pair.spawn()
    pair.attach()
    pair.stay_protected(WORK_SECONDS)
    pair.drop_capture("b")
    pair.fail_over()
    time.sleep(WORK_SECONDS)
    case.judge(*verdict.replies(pair.incr.finish()))
