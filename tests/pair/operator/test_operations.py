# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: the operator's two tests of a pair, ftctl test-restart and ftctl
test-failover, are one command each and leave the guest protected and unharmed.

Method: both on a pair under INCR load: a new secondary in the old one's
place, then the guest on the other node and a new secondary where it came from.
What they left behind works: kill -9 of the primary, all on one connection. A
command that makes no sense must be refused with a sentence.
"""

import time

import pytest
from ftpair import failover, tools, verdict
from ftpair.succession import Succession

WORK_SECONDS = 2


@pytest.mark.setup(kind=Succession)
def test_operations(case, pair):
    pair.start(captures=()).wait_up()
    pair.start_long_incr()
    time.sleep(1)
    restart_secondary(case, pair)
    fail_over(case, pair)
    pair.fail_over()
    refusal(case, pair)
    time.sleep(WORK_SECONDS)
    case.judge(*verdict.replies(pair.incr.finish()))


def restart_secondary(case, pair):
    old, begin = pair.secondary, time.monotonic_ns()
    new = tools.run(case, pair, "test-restart", "b")
    settled(case, pair, "test-restart", begin)
    case.expect("the old secondary was told to quit", old.wait_exit(1) == 0, old.errors())
    case.expect("a new one is in its place", new.alive() and new.pid != old.pid, f"pid {new.pid}")


def fail_over(case, pair):
    old, begin = pair.primary, time.monotonic_ns()
    tools.run(case, pair, "test-failover", "a", changes_hands=True)
    settled(case, pair, "test-failover", begin)
    case.expect("the guest runs on the other node", pair.side_of(pair.primary) == "b", pair.told())
    case.expect("the old primary was told to quit", old.wait_exit(1) == 0, old.errors())


def refusal(case, pair):
    """The guest runs alone."""
    done = tools.call(pair, tools.command(pair, "failover"))
    case.expect("there is nobody to hand over to", done.returncode == 1 and "not protected" in done.stderr, done.stderr.strip())
    done = tools.call(pair, tools.command(pair, "start"))
    case.expect("a second machine is refused", done.returncode == 1 and "has the guest already" in done.stderr, done.stderr.strip())


def settled(case, pair, what, begin):
    """Protected, and the client felt one or two pauses, no more."""
    pair.stay_protected(WORK_SECONDS)
    pair.incr.wait_past(time.monotonic_ns())
    gap = verdict.ms(pair.incr.gap_around(begin, time.monotonic_ns())[0])
    case.figure(f"{what.replace('-', '_')}_gap_ms", round(gap, 1))
    case.expect(f"{what}: no gap above {failover.GAP_MAX_MS} ms", gap <= failover.GAP_MAX_MS, f"{gap:.1f} ms")
