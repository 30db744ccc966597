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
    number: int
    dead: str                   # sides
    survivor: str
    gap_ns: int = 0             # the client's, around the fault
    live_ns: int = 0            # from the fault until the survivor was live
    reprotect_ns: int = 0       # from the fault until the pair was protected again
    secondary: str = ""         # where the new secondary is
    digests: int = 0

    @property
    def third(self):
        """The new secondary is on neither host of the pair before."""
        return self.secondary not in ("", self.dead, self.survivor)

    def line(self):
        return (f"cycle {self.number:3d}  kill on host-{self.dead}, host-{self.survivor} goes on  gap {verdict.ms(self.gap_ns):7.1f} ms  "
                f"live {verdict.ms(self.live_ns):6.1f} ms  protected again on host-{self.secondary} in {self.reprotect_ns / 1e9:5.2f} s")


def live_through(pair, agents, number, chance, strike=None):
    """One cycle. strike(side): the fault, by default kill -9 of the primary's QEMU; returns the moment before it."""
    primary, secondary = pair.sides()
    cycle = Cycle(number, primary, secondary)
    time.sleep(chance.uniform(*QUIET_SECONDS))      # the moment of a death is nobody's choice
    fault_ns = (strike or pair.signal_qemu)(primary)
    look = wait_taken_over(pair, agents, secondary)
    pair.goes_on()
    wait_protected(pair, agents, secondary)
    cycle.reprotect_ns = time.monotonic_ns() - fault_ns
    cycle.secondary = pair.sides()[1]
    live_ns = look["takeover-live-ns"]
    cycle.live_ns = live_ns - fault_ns
    pair.incr.wait_past(live_ns + 10**9, 10)
    cycle.gap_ns = pair.incr.gap_around(fault_ns - MARGIN_NS, live_ns + MARGIN_NS)[0]
    cycle.digests = pair.compare_digests(secondary, cycle.secondary)
    return cycle


def wait_taken_over(pair, agents, survivor):
    """The agent is quick: the survivor may be protected again before we have seen it exposed."""
    deadline = time.monotonic() + TAKEOVER_SECONDS
    while True:
        look = pair.look(survivor)
        if look["role"] == "primary" and look["state"] in ("exposed", "syncing", "protected"):
            return look
        if time.monotonic() > deadline:
            raise Failed(f"nobody took over: {pair.told()}; {agents.told()}")
        time.sleep(0.02)


def wait_protected(pair, agents, survivor, seconds=PROTECT_SECONDS):
    """By the agents alone: "exposed" is on the way, not the end."""
    try:
        pair.wait_state(survivor, "protected", seconds)
    except Failed as why:
        agents.check()
        raise Failed(f"{why}; the agents say:\n{agents.told()}") from why
