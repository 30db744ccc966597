# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a guest that executes nothing for long is neither a replay that stands still nor a primary that hangs.

Method: ft-timeout 200 ms, so that replay counts as standing still after 1.2 s. The pair is paused for longer than the watchdog's limit.
Then the guest halts its CPU for good (halt -f: interrupts off, no timer will wake it) for as long; digests agree meanwhile, and a
reset starts it again. Nobody has been dropped, nothing counted as a stall.
"""

import time

import pytest
from ftpair import digest, guest
from ftpair.waiting import within

REST_S = 13.0                   # the watchdog's limit is 10 s
FIELDS = ("state", "epoch", "reason", "stalls")


@pytest.mark.setup(timeout_ms=200)
def test_long_sleep(case, pair):
    pair.start().wait_up()
    pair.primary.qmp.command("stop")
    rests(case, pair, "paused")
    pair.primary.qmp.command("cont")
    digest.compared(pair)
    guest.order(pair, "halt -f")
    wait_for_halt(pair)
    rests(case, pair, "halted")
    case.expect("digests of a halted guest agree", digest.compared(pair) > 1)
    pair.primary.qmp.command("system_reset")
    pair.wait_guest(boots=2)
    digest.compared(pair)


def wait_for_halt(pair):
    def stands():
        before = pair.primary.query()["icount"]
        time.sleep(0.5)
        return pair.primary.query()["icount"] == before

    within(10, stands)


def rests(case, pair, how):
    """Nothing is executed, and nobody minds."""
    nodes = (pair.primary, pair.secondary)
    before = pair.primary.query()["icount"]
    answers = lambda: [{field: n.query()[field] for field in FIELDS} for n in nodes]
    minds = lambda: [a for a in answers() if a["state"] != "protected" or a["reason"] or a["stalls"]]
    bad = within(REST_S, minds, step=0.2)
    case.expect(f"{how}: nobody was dropped, nothing has stalled", not bad, bad or answers())
    moved = pair.primary.query()["icount"] - before
    case.expect(f"{how}: the guest has executed nothing", moved == 0, f"{moved} instructions")
