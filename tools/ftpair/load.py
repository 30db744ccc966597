# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything at once: transfers both ways, and loads inside the guest.

The INCR stream is the pair's own (pair.incr); this is what goes on beside it.
"""

from . import guest
from .hosts import GUEST_IP
from .pair import Failed, expected_sha256
from .transfers import Transfers
from .verdict import Check

GUEST_LOADS = ("fork", "urandom")
GET_RATE, POST_RATE = 4_000_000, 2_000_000      # bytes/s
POST_BYTES = 1 << 20


class Load:
    """started by start(), ended by finish(); stop() ends it in a hurry."""

    def __init__(self, pair, guest_loads=GUEST_LOADS):
        self._pair = pair
        self._guest_loads = guest_loads
        self.clients = {}

    def start(self):
        client = self._pair.hosts.client
        for name in self._guest_loads:
            guest.command(self._pair, f"ft-load {name}")
        self.clients = {
            "download": Transfers(client, "get", GUEST_IP, 80, "/file.bin", expected_sha256(), GET_RATE),
            "upload": Transfers(client, "post", GUEST_IP, 80, "/cgi-bin/upload", POST_BYTES, POST_RATE)}
        for name, process in self.clients.items():
            if not process.wait_for(lambda p: p.get("bytes", 0) > 0 or p.get("failed"), 20):
                raise Failed(f"no {name}: {process.result or process.progress}")
        self._pair.say(f"load: {', '.join([*self._guest_loads, *self.clients])}")
        return self

    def rounds(self):
        """How far the loads in the guest came: {"fork": 1234, ...}."""
        lines = guest.command(self._pair, "ft-load show").split("\n")
        return {words[0]: int(words[1]) for words in map(str.split, lines) if len(words) == 2}

    def finish(self):
        """Ends it and judges it."""
        rounds = self.rounds()
        results = {name: process.finish() for name, process in self.clients.items()}
        self.clients = {}
        checks = [Check(f"{name}s whole", not r["broken"] and r.get("bytes", 0) > 0,
                        f"{r.get('transfers', 0)} ended, {r.get('bytes', 0) >> 20} MiB; "
                        f"{r['broken'] or 'each sha256 right'}") for name, r in results.items()]
        return checks + [Check(f"the guest's {name} load worked", rounds.get(name, 0) > 0,
                               f"{rounds.get(name, 0)} rounds") for name in self._guest_loads]

    def stop(self):
        for process in self.clients.values():
            process._process.kill()
            process.stop()
        self.clients = {}
