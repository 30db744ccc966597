# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a node that gets half a core is slow, not dead: nobody takes over from it and nobody drops it.

Method: with ft-timeout=500, all threads of one node share half a core (a cgroup's quota) while a secondary is attached to a guest that works
without a pause and answers INCR, and for 8 s (FT_STARVE_SECONDS: 60 for the long run) after that; first the primary, then the secondary. Both stay
protected in one epoch,
no state but "protected" is ever told, the client is served all the time, digests are equal after. Two processes,
one with the same share, measure how long one is kept from running: on a machine so busy that this is as long as ft-timeout, a silence is
a true one, and the test has nothing to say.
"""

import os
import time

import pytest
from ftpair import digest, guest, verdict
from ftpair.case import Skip
from ftpair.cgroup import Starved
from ftpair.pair import Failed
from ftpair.succession import Succession

SHARE = float(os.environ.get("FT_STARVE_SHARE", "0.5"))
SECONDS = float(os.environ.get("FT_STARVE_SECONDS", "8"))
TIMEOUT_MS = 500
SERVED_S = 10.0                 # the longest time without an answer: a few hundred ms, with room for a busy machine


@pytest.mark.setup(kind=Succession, alone=True, timeout_ms=TIMEOUT_MS)
def test_starved(case, pair):
    pair.start_alone()
    pair.start_long_incr()
    guest.order(pair, "while :; do :; done")
    for who in ("primary", "secondary"):
        starve(case, pair, who)
        pair.primary.qmp.command("ft-detach")
        pair.wait_state(pair.primary, "exposed", 10)
    result = pair.incr.finish()
    case.judge(*verdict.replies(result))
    gap = verdict.longest_gap(result)[0] / 1e9
    case.expect("the client was served all the time", gap < SERVED_S, f"longest gap {gap:.2f} s")


def starve(case, pair, who):
    node = pair.spawn()
    node = pair.primary if who == "primary" else node
    since = time.time_ns()
    with Starved(node.pid, SHARE) as starved:
        try:
            pair.attach(120)
            epoch, begin = pair.primary.query()["epoch"], time.monotonic()
            protected_since = time.time_ns()
            pair.stay_protected(SECONDS)
        except Failed as death:
            wait_ms = 1000 * max(starved.longest_wait())
            if wait_ms < 0.8 * TIMEOUT_MS:
                raise Failed(f"starved {who}, where nobody waited longer than {wait_ms:.0f} ms: {death}") from death
            raise Skip(f"this machine keeps a process from running for {wait_ms:.0f} ms: {death}") from death
        held, waits_ms = starved.throttled(), [round(1000 * wait) for wait in starved.longest_wait()]
    case.say(f"{who} on {SHARE} of a core by {starved.how} for {time.monotonic() - begin:.0f} s and an attach; held back {held}, "
             f"longest wait {waits_ms[0]} ms, without that share {waits_ms[1]} ms")
    case.figure(f"starved_{who}_wait_ms", waits_ms[0])
    for other in (pair.primary, pair.secondary):
        told = [(e.data["state"], e.data["reason"]) for e in other.qmp.events
                if e.name == "FT_STATE_CHANGE" and e.real_ns > protected_since]
        deaths = [e.data["reason"] for e in other.qmp.events if e.name == "FT_STATE_CHANGE" and e.real_ns > since
                  and ("died" in e.data["reason"] or "sign of life" in e.data["reason"])]
        case.expect(f"starved {who}: the {other.name} says nobody dead", not told and not deaths, (told, deaths))
        case.expect(f"starved {who}: the same epoch", other.query()["epoch"] == epoch, epoch)
    case.expect(f"starved {who}: digests are equal", digest.compared(pair, 60) > 0)
