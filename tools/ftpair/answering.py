# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a guest and the monitors of its nodes leave the outside without an answer."""

import threading
import time
from dataclasses import dataclass

from .hosts import GUEST_IP
from .pings import Pings

PING_S, ASK_S = 0.01, 0.5


@dataclass
class Answers:
    """The longest gap between two answers to pings sent every 10 ms, and the longest answer of a monitor."""
    gap_ms: float
    qmp_ms: float


class Looking:
    """Watches a pair from here until end(): pings by one thread, questions to the monitors by another."""

    def __init__(self, pair, nodes, seconds):
        self._until = time.monotonic() + seconds
        self._gap = self._slowest = 0.0
        self._error = None
        self._threads = [threading.Thread(target=self._guarded, args=(work, what), daemon=True)
                         for work, what in ((self._ping, pair.hosts.client), (self._ask, nodes))]
        for thread in self._threads:
            thread.start()

    def end(self):
        for thread in self._threads:
            thread.join()
        if self._error:
            raise self._error
        return Answers(self._gap * 1000, self._slowest * 1000)

    def _guarded(self, work, what):
        try:
            work(what)
        except Exception as error:      # pylint: disable=broad-except
            self._error = error

    def _ping(self, client):
        pings = Pings(client, GUEST_IP)
        last, known = time.monotonic(), 0
        while time.monotonic() < self._until:
            pings.send(1)
            pings.hear(PING_S)
            now = time.monotonic()
            self._gap = max(self._gap, now - last)
            if len(pings.answers) > known:
                known, last = len(pings.answers), now
        pings.close()

    def _ask(self, nodes):
        while time.monotonic() < self._until:
            for node in nodes:
                begun = time.monotonic()
                node.query(seconds=30)
                self._slowest = max(self._slowest, time.monotonic() - begun)
            time.sleep(ASK_S)


def look(pair, nodes, seconds):
    return Looking(pair, nodes, seconds).end()
