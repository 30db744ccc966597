# SPDX-License-Identifier: GPL-2.0-or-later
"""One node of a pair while a verb of virsh is tried on it: what the verb's effects are looked for with."""

import re
import time

from ftpair import guest
from ftpair.pair import Failed
from ftpair.waiting import within

from .virsh import VirshError

SECONDS = 10


class Node:
    def __init__(self, pair, side, nodes):
        """side: whose virsh is called; nodes: all sides on which the pair has a node now."""
        self.pair, self.side, self.nodes = pair, side, nodes
        self.host = pair.host(side)
        self.virsh = self.host.virsh
        self.memory = {}            # what a verb's "before" wants its "effect" to know

    def other_uri(self):
        return next(host.uri for side, host in self.pair.rack.hosts.items() if side != self.side)

    def until(self, condition, why, seconds=SECONDS):
        """"" when it comes true in time, else why."""
        trouble = ""

        def comes():
            nonlocal trouble
            try:
                trouble = ""
                return condition()
            except (Failed, VirshError) as error:
                trouble = str(error)
                return False

        if within(seconds, comes, step=0.1):
            return ""
        return trouble or (why() if callable(why) else why)

    # ------------------------------------------------------------------- guest --
    def interrupts(self, name):
        """The guest's count of them."""
        text = guest.command(self.pair, f"grep -E '^ *{name}:|{name}$' /proc/interrupts", 10)
        return sum(int(number) for line in text.splitlines() for number in re.findall(r"^\s*\S+:\s+(\d+)", line))

    def boots(self):
        """A mark that changes with each boot; unknown while the guest is down."""
        return guest.command(self.pair, "cat /proc/sys/kernel/random/boot_id", 3).strip()

    def came_up_again(self, before, seconds=120):
        """"" when the guest has booted since boots() said BEFORE; a node that has ended will not boot it."""
        def ended():
            return self.pair.look(self.side)["state"] in ("shut off", "crashed")
        problem = self.until(lambda: ended() or self.boots() != before, "the guest has not come up again", seconds)
        return f"the node has ended: {self.virsh.state(self.pair.name)}" if ended() else problem

    def icounts(self):
        return {side: self.pair.query(side)["icount"] for side in self.nodes}

    def guest_stands(self):
        """"" when no node executes anything."""
        before = self.icounts()
        time.sleep(0.3)             # a guest that runs executes its timer in that time
        after = self.icounts()
        return "" if before == after else f"the guest runs: {before} then {after} instructions"

    def guest_runs(self):
        before = self.icounts()
        return self.until(lambda: all(after > before[side] for side, after in self.icounts().items()),
                          lambda: f"the guest stands: {before} then {self.icounts()} instructions")

    # ------------------------------------------------------------------- state --
    def told(self):
        """What libvirt and FT say of each node, and which process it is: the ground truth of "nothing has changed"."""
        told = {}
        for side in self.nodes:
            look = self.pair.look(side)
            word = self.pair.virsh(side).try_("domstate", "--reason", self.pair.name).text
            try:
                pid = self.host.qemu_pid(self.pair.name) if side == self.side else self.pair.host(side).qemu_pid(self.pair.name)
            except (OSError, RuntimeError):
                pid = 0
            told[side] = (word, look["role"], look["state"], pid)
        return told
