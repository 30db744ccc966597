# SPDX-License-Identifier: GPL-2.0-or-later
"""One death of the primary and the way back to protected, timed: what the soak and the benchmark's gaps repeat."""

import time

from . import failover, verdict
from .pair import Failed
from .succession import silent_until_live

TRIES = 3


class Cycle:
    """One death and the way back to protected."""

    def __init__(self, number, fault):
        self.number, self.where = number, f"cycle {number} ({fault})"
        self.story = failover.Failover(fault)
        self.gap = (0, 0, 0)
        self.given = 0              # packets that the guest got at go-live
        self.attach = None
        self.attach_gap_ns = self.reprotect_ns = 0

    def line(self, total):
        s = self.story
        since = lambda moment: verdict.ms(moment - s.fault_ns)
        text = (f"cycle {self.number:3d}/{total} {s.fault:4} to {s.survivor}  gap "
                f"{verdict.ms(self.gap[0]):6.1f} ms  noticed {since(s.detected_ns):6.1f}  "
                f"live {since(s.live_ns):6.1f}  given {self.given}")
        if not self.attach:
            return text + "  (not protected again)"
        a = self.attach
        return text + (f"  protected again in {self.reprotect_ns / 1e9:5.2f} s  attach {a.seconds:5.2f} s "
                       f"{a.bytes / 2**20:6.1f} MiB  pause {verdict.ms(a.pause_ns):6.1f} ms "
                       f"gap {verdict.ms(self.attach_gap_ns):6.1f} ms")


def strike(pair, cycle, incidents):
    """The fault, until the client works with the survivor."""
    story = cycle.story
    story.survivor = pair.side_of(pair.secondary)
    story.real_offset_ns = time.time_ns() - time.monotonic_ns()
    story.fault_ns = pair.inject(story.fault)
    failover.observe(pair, story)
    pair.incr.wait_past(story.live_ns + 10**9, 10)
    cycle.gap = pair.incr.gap_around(story.fault_ns, story.live_ns)
    cycle.given = pair.secondary.query()["early-given-packets"]
    limit = failover.gap_limit_ms(story.fault, pair.timeout_ms)
    incidents.note_failed(cycle.where, [
        failover.takeover(story, pair.timeout_ms),
        verdict.Check(f"the client's gap at most {limit} ms", 0 < cycle.gap[0] <= limit * verdict.MS,
                      f"{verdict.ms(cycle.gap[0]):.1f} ms"),
        silent_until_live(pair, story, failover.CLOCKS_NS)])
    pair.drop_capture(story.survivor)


def protect(pair, cycle, incidents):
    """A fresh secondary, attached; timed from its start."""
    for attempt in range(1, TRIES + 1):
        begin = time.monotonic_ns()
        try:
            pair.spawn()
            cycle.attach = pair.attach()
            cycle.reprotect_ns = cycle.attach.protected_ns - begin
            return
        except (Failed, RuntimeError) as why:
            incidents.note(cycle.where, f"attempt {attempt} to protect it again: {why}")
            pair.retire(pair.secondary)
            pair.wait_state(pair.primary, "exposed", 10)
    raise Failed(f"not protected again after {TRIES} attempts")
