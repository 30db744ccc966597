# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a guest that ends or restarts itself does so as one: both nodes end, or both go on; nobody takes over.
Method: power-off, reboot and panic from inside the guest, under on_reboot=restart and on_reboot=destroy (libvirt gives QEMU
-action reboot=shutdown for that). The secondary's events may not say that it went live. Times are printed.
"""

import contextlib
import time

import pytest

from ftpair import guest
from ftpair.waiting import wait_until
from ftvirt.node import Node
from ftvirt.pair import DomainPair

PANIC = "echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger"
WORDS = "Kernel panic - not syncing: sysrq triggered crash"


class Watched:
    """Both nodes' events from now on."""

    def __init__(self, pair):
        self.sides = pair.protect()
        self.events = [pair.listen(side) for side in self.sides]

    def when(self, name):
        """When each node said so first (ns)."""
        return [next((event.real_ns for event in events.all if event.name == name), 0) for events in self.events]

    def no_takeover(self):
        told = self.events[1].states()
        assert not {"going-live", "exposed"} & set(told), f"the secondary: {told}"


@contextlib.contextmanager
def both_end(pair, note, seconds=30):
    """The guest has been told to: how long between the two ends, and what both nodes have said."""
    watched = Watched(pair)
    yield watched
    off = {}

    def both_off():
        for side in watched.sides:
            if side not in off and pair.look(side)["state"] in ("shut off", "crashed"):
                off[side] = time.monotonic()
        return len(off) == 2

    wait_until("both domains off", both_off, seconds, step=0, told=pair.told)
    watched.no_takeover()
    for side in watched.sides:
        assert pair.virsh(side).state(pair.name) == "shut off (shutdown)", pair.virsh(side).state(pair.name)
    first, second = watched.when("SHUTDOWN")
    assert first and second, f"SHUTDOWN events: {first}, {second}"
    note(f"the secondary's end {(second - first) / 1e6:+.0f} ms after the primary's, domains off within "
         f"{abs(off[watched.sides[1]] - off[watched.sides[0]]):.2f} s of each other")


def test_poweroff(pair, note):
    with both_end(pair, note):
        guest.order(pair, "poweroff -f")


def test_reboot_inside(pair, note):
    watched = Watched(pair)
    epoch = pair.query(watched.sides[0])["epoch"]
    node = Node(pair, watched.sides[0], list(watched.sides))
    before = node.boots()
    begin = time.monotonic()
    guest.order(pair, "reboot -f")
    problem = node.came_up_again(before)
    assert not problem, problem
    note(f"up again after {time.monotonic() - begin:.1f} s")
    watched.no_takeover()
    resets = [sum(event.name == "RESET" for event in events.all) for events in watched.events]
    assert resets[0] and resets[0] == resets[1], f"resets: {resets}"
    pair.compare_digests(*watched.sides)
    assert pair.query(watched.sides[1])["epoch"] == epoch, "it was not protected all the while"


def test_panic(pair, note):
    """Without panic= the kernel stays in its loop, on both nodes; the operator's reset brings it back."""
    watched = Watched(pair)
    primary, secondary = watched.sides
    told = len(pair.console(primary))
    guest.order(pair, PANIC)
    node = Node(pair, primary, [primary, secondary])
    problem = node.until(lambda: WORDS in pair.console(primary)[told:], "the guest does not panic", 20)
    assert not problem, problem
    pair.compare_digests(primary, secondary)
    watched.no_takeover()
    pair.virsh(primary)("reset", pair.name)
    pair.wait_guest()
    pair.compare_digests(primary, secondary)
    watched.no_takeover()
    note("both stay protected; virsh reset brings the guest back")


def test_panic_reboots(pair, note):
    """With panic=1 the guest resets itself."""
    watched = Watched(pair)
    node = Node(pair, watched.sides[0], list(watched.sides))
    before = node.boots()
    begin = time.monotonic()
    guest.order(pair, f"echo 1 >/proc/sys/kernel/panic; {PANIC}")
    problem = node.came_up_again(before)
    assert not problem, problem
    watched.no_takeover()
    pair.compare_digests(*watched.sides)
    note(f"up again after {time.monotonic() - begin:.1f} s")


@pytest.fixture
def ends_at_reboot(rack, domain):
    """The same guest, with on_reboot=destroy."""
    domain.stop()
    other = DomainPair(rack, on_reboot="destroy", uuid=domain.uuid)
    try:
        other.define()
        other.protect()
        yield other
    finally:
        other.stop()
        domain.define()


def test_on_reboot_destroy(ends_at_reboot, note):
    with both_end(ends_at_reboot, note):
        guest.order(ends_at_reboot, "reboot -f")
