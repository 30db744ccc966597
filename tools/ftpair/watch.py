# SPDX-License-Identifier: GPL-2.0-or-later
"""Watches a guest and monitors while something goes on: how long did either not answer?

The guest is pinged every 10 ms from outside; each monitor is asked query-ft in turn.
"""

import threading
import time

from . import netns, verdict
from .hosts import GUEST_IP, GUEST_MAC
from .pings import Pings
from .qmp import QmpError

PING_SECONDS, ASK_SECONDS = 0.01, 0.1
# On a host that these tests load; before, the monitor was silent for 20 s and more, and so was the guest.
ANSWER_S_MAX, GAP_MS_MAX = 0.5, 500


def know_guest(pair):
    """The client knows the guest's address: its first ping does not wait for ARP, which asks once a second."""
    netns.batch(pair.hosts.client, [f"neigh replace {GUEST_IP} lladdr {GUEST_MAC} dev eth0"])


class Watch:
    """Longest gap between two answers of the guest, longest answer of each node's monitor."""

    def __init__(self, pair, nodes=()):
        know_guest(pair)
        self._pings = Pings(pair.hosts.client, GUEST_IP)
        self._last_ns = time.monotonic_ns()
        self.gap_ns, self.first_ns, self.slowest, self.told, self.trouble = 0, None, {}, {}, []
        self._ended = threading.Event()
        self._askers = [threading.Thread(target=self._ask, args=(node,), daemon=True) for node in nodes]

    def __enter__(self):
        for asker in self._askers:
            asker.start()
        return self

    def __exit__(self, *why):
        self._ended.set()
        for asker in self._askers:
            asker.join()
        self._pings.close()

    def begin(self):
        """What was before does not count."""
        self._last_ns = time.monotonic_ns()
        self.gap_ns, self.slowest = 0, {}

    def step(self):
        """One ping, and a moment for its answer."""
        answers = self._pings.answers.total()
        self._pings.send(1)
        self._pings.hear(PING_SECONDS)
        now = time.monotonic_ns()
        self.gap_ns = max(self.gap_ns, now - self._last_ns)
        if self._pings.answers.total() > answers:
            self.first_ns = self.first_ns or now
            self._last_ns = now

    def _ask(self, node):
        while not self._ended.wait(ASK_SECONDS):
            before = time.monotonic()
            try:
                self.told[node.name] = node.query(60)
            except QmpError as why:
                self.trouble.append(f"{node.name}: {why}")
                return
            self.slowest[node.name] = max(self.slowest.get(node.name, 0), time.monotonic() - before)

    def until(self, condition, seconds):
        """Steps until the condition holds; False if it does not within so long."""
        until = time.monotonic() + seconds
        while not condition(self):
            if time.monotonic() > until or self.trouble:
                return False
            self.step()
        return True

    def state(self, node):
        return self.told.get(node.name, {}).get("state")

    @property
    def gap_ms(self):
        return verdict.ms(self.gap_ns)

    @property
    def slowest_s(self):
        return max(self.slowest.values(), default=0.0)


def answers(case, what, watch):
    """Guest and monitors have answered all the time while images were compared."""
    case.figure(f"gap_ms_{what}", round(watch.gap_ms))
    case.figure(f"answer_ms_{what}", round(1000 * watch.slowest_s))
    case.expect(f"{what}: the guest answers all the time", watch.gap_ms < GAP_MS_MAX, f"longest gap {watch.gap_ms:.0f} ms")
    case.expect(f"{what}: the monitors do", watch.slowest_s < ANSWER_S_MAX,
                ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in watch.slowest.items()))
