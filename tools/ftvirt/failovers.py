# SPDX-License-Identifier: GPL-2.0-or-later
"""A primary that dies again and again, and agents that bring redundancy back, with nobody typing a command in between.

A cycle: the pair is protected; a moment later the primary's QEMU gets kill -9; the secondary takes over; the agent on the survivor's host
starts a new secondary on another host and attaches it. One client, one connection, through all of them.
"""

import time
from dataclasses import dataclass

from ftpair import verdict
from ftpair.pair import Failed
from ftpair.succession import MARGIN_NS

QUIET_SECONDS = (0.5, 2.0)      # from protected to the fault
TAKEOVER_SECONDS, PROTECT_SECONDS = 20, 120


@dataclass
class Cycle:
    """Moments are CLOCK_MONOTONIC in ns, taken from QEMU's own events."""
    number: int
    dead: str                   # sides
    survivor: str
    fault_ns: int = 0
    noticed_ns: int = 0
    reason: str = ""
    live_ns: int = 0
    protected_ns: int = 0       # again
    gap: tuple = (0, 0, 0)      # the client's, around the fault: length, begin, end
    secondary: str = ""         # where the new one is
    digests: int = 0

    @property
    def reprotect_s(self):
        return (self.protected_ns - self.fault_ns) / 1e9

    @property
    def third(self):
        """The new secondary is on neither host of the pair before."""
        return self.secondary not in ("", self.dead, self.survivor)

    def line(self):
        return (f"cycle {self.number:3d}  host-{self.dead} fails, host-{self.survivor} goes on  gap {verdict.ms(self.gap[0]):7.1f} ms  "
                f"noticed {verdict.ms(self.noticed_ns - self.fault_ns):6.1f}  live {verdict.ms(self.live_ns - self.fault_ns):6.1f}  "
                f"protected again on host-{self.secondary} in {self.reprotect_s:5.2f} s")


def live_through(pair, agents, number, chance, strike=None):
    """One cycle. strike(side): the fault, by default kill -9 of the primary's QEMU; returns the moment before it."""
    primary, secondary = pair.sides()
    cycle = Cycle(number, primary, secondary)
    events = pair.listen(secondary)
    offset = time.time_ns() - time.monotonic_ns()
    time.sleep(chance.uniform(*QUIET_SECONDS))      # the moment of a death is nobody's choice
    cycle.fault_ns = (strike or pair.signal_qemu)(primary)
    going = state_event(pair, agents, events, "going-live", TAKEOVER_SECONDS)
    cycle.noticed_ns, cycle.reason = going.real_ns - offset, going.data["reason"]
    live = state_event(pair, agents, events, "exposed", TAKEOVER_SECONDS)
    cycle.live_ns = live.real_ns - offset
    pair.goes_on()
    # By the agents alone: "exposed" is on the way here, not the end.
    cycle.protected_ns = state_event(pair, agents, events, "protected", PROTECT_SECONDS, live.real_ns).real_ns - offset
    cycle.secondary = pair.sides()[1]
    pair.incr.wait_past(cycle.live_ns + 10**9, 10)
    cycle.gap = pair.incr.gap_around(cycle.fault_ns - MARGIN_NS, cycle.live_ns + MARGIN_NS)
    cycle.digests = pair.compare_digests(secondary, cycle.secondary)
    pair.deafen(events)
    return cycle


def state_event(pair, agents, events, state, seconds, since_ns=0):
    """The survivor's first word of that state; Failed says what everybody had to say instead."""
    event = events.wait(lambda e: e.name == "FT_STATE_CHANGE" and e.data["state"] == state and e.real_ns >= since_ns, seconds)
    if event is None:
        agents.check()
        raise Failed(f"no {state} on the survivor within {seconds} s, only {events.states()}; {pair.told()}; the agents:\n{agents.told()}")
    return event


def wait_protected(pair, agents, survivor, seconds=PROTECT_SECONDS):
    """By the agents, from whatever state on."""
    try:
        pair.wait_state(survivor, "protected", seconds)
    except Failed as why:
        agents.check()
        raise Failed(f"{why}; the agents:\n{agents.told()}") from why
