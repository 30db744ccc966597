# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a guest that executes with its interrupts off, as firmware, a memory test or a kernel's panic does, makes no event by
itself; its secondary follows all the same, is not taken for one that stands still, and takes over near to where it was.

Method: a bare guest (tests/guest/rep/silent.c), fast code and slow code in turn. The log has its position many times a second,
the secondary is never far behind, both stay protected; after a kill the survivor executes on from there. Before, the primary's
vCPU stands still for some seconds: while the guest's clock makes up for them, at its greatest rate, that has nothing to log either.
"""

import shutil
import time

from ftpair import bare, frozen_thread
from ftpair.succession import Succession
from ftpair.waiting import wait_until

STANDS_S = 8                    # the clock makes up for it in more than a second
SECONDS = 6                     # both kinds of code, several times
FRAMES_MIN = 20                 # a second; 250 of a host that is not busy
BEHIND_MAX_NS = 1_000_000_000   # as in guest_panic; 250 ms is ft-lag-limit's default


def test_silent_guest(case):
    folder = bare.build(case, "silent")
    for image in ("silent32", "silent64"):
        more = {"arguments": ("-kernel", str(folder / image))}
        with Succession.of(case, image, primary=more, secondary=more) as pair:
            pair.start(captures=()).wait_protected()
            wait_silent(pair)
            stand_still(pair)
            lags_ns, frames = sample(pair)
            case.expect(f"{image}: the log has its position", frames >= FRAMES_MIN * SECONDS, f"{frames} frames in {SECONDS} s")
            case.expect(f"{image}: the secondary follows", max(lags_ns) < BEHIND_MAX_NS, f"at most {max(lags_ns) / 1e6:.0f} ms behind")
            takes_over(case, image, pair)
    if not case.keep:
        shutil.rmtree(folder)


def wait_silent(pair):
    wait_until("the guest at its work", lambda: "SILENT" in pair.primary.console(), 30, told=pair.told)


def stand_still(pair):
    thread = frozen_thread.vcpu(pair.primary)
    time.sleep(STANDS_S)
    thread.thaw()


def sample(pair):
    """The lags of some seconds, protected all the while, and how many frames the log got in them."""
    before = pair.primary.query()["log-frames"]
    lags_ns = []
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        pair.stay_protected(0.1)
        lags_ns.append(pair.primary.query()["lag-ns"])
    return lags_ns, pair.primary.query()["log-frames"] - before


def takes_over(case, image, pair):
    last = pair.secondary.query()["icount"]
    pair.inject("kill")
    live = pair.wait_state(pair.secondary, "exposed", 10)["icount"]
    time.sleep(0.5)
    after = pair.secondary.query()["icount"]
    case.expect(f"{image}: the survivor executes on", last <= live < after, f"{last} seen before, {live} live, {after} after")
