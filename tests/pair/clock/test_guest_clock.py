# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: the guest's clock follows the host's, idle and busy; it never goes back,
also not when another host takes over, and makes up for the time of the failure.

Method: redis' TIME against the client's clock, sampled all the time on one
connection: 4 s idle, 4 s under load, then kill -9 of the primary, 4 s more.
"""

import time

import pytest
from ftpair import guest, guest_clock
from ftpair.guest_clock import GuestClock
from ftpair.succession import Succession

SECONDS, PERIOD = 4, 0.02
# Not a goal of speed: this much the clock may be off on a host that is busy otherwise.
OFF_MS = 50


@pytest.mark.setup(kind=Succession)
def test_guest_clock(case, pair):
    pair.start(captures=()).wait_up()
    clock = GuestClock(pair)
    before = clock.watch(SECONDS, PERIOD)
    judge(case, "idle", before, before[0])
    guest.command(pair, "ft-load fork")
    busy = clock.watch(SECONDS, PERIOD)
    judge(case, "busy", busy, before[0])
    pair.inject("kill")
    pair.wait_state(pair.secondary, "exposed", 10)
    pair.promote()
    taken = [clock.sample()]
    time.sleep(1)                   # to make up for the failure
    after = clock.watch(SECONDS, PERIOD)
    judge(case, "after the takeover", after, before[0])
    everything = before + busy + taken + after
    case.expect("the clock never went back", guest_clock.steps_back(everything) == 0,
                f"{guest_clock.steps_back(everything)} of {len(everything)} samples")
    clock.close()


def judge(case, name, samples, first):
    """The end's best sample against the very first: what has been lost or gained since."""
    last = guest_clock.best(samples[-guest_clock.BURST:])
    off = guest_clock.off_ms(last) - guest_clock.off_ms(first)
    unsure = (first.rtt_ns + last.rtt_ns) / 2e6
    case.expect(f"{name}: off by at most {OFF_MS} ms", abs(off) <= OFF_MS + unsure, f"{off:+.1f} ms, known to {unsure:.1f} ms")
