# SPDX-License-Identifier: GPL-2.0-or-later
"""A workload in the guest that prints a line for each unit of work.

The lines come over one TCP connection, and their arrival is timed by the
client's clock: the guest's own clock is one of the things that are measured.
"""

import socket
import time
import urllib.parse
from dataclasses import dataclass, field

from . import guest, netns
from .hosts import GUEST_IP
from .pair import Failed

UNITS_MIN = 3                   # the first one warms up
SILENCE_SECONDS = 60


@dataclass
class Ticks:
    times: list = field(default_factory=list)       # seconds, CLOCK_MONOTONIC
    lines: set = field(default_factory=set)

    def take(self, line, now):
        self.times.append(now)
        self.lines.add(line)

    @property
    def rate(self):
        """Units per second. The first line only starts the clock."""
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])

    def enough(self, seconds):
        return len(self.times) >= UNITS_MIN and self.times[-1] - self.times[0] >= seconds


class Worker:
    """ft-bench NAME in the guest, from start() to close()."""

    def __init__(self, pair, name):
        self._pair, self.name = pair, name
        self.ticks = Ticks()
        self._socket = netns.socket_in(pair.hosts.client, socket.AF_INET, socket.SOCK_STREAM)
        self._left = b""
        try:
            self._socket.settimeout(SILENCE_SECONDS)
            self._socket.connect((GUEST_IP, 80))
            self._socket.sendall(f"GET /cgi-bin/run?{urllib.parse.quote(f'ft-bench {name}')} HTTP/1.0\r\n\r\n".encode())
            while self._line():         # the head ends with an empty line
                pass
        except OSError as error:
            self._socket.close()
            raise Failed(f"{name}: {type(error).__name__}: {error}") from error

    def _line(self):
        while b"\n" not in self._left:
            data = self._socket.recv(65536)
            if not data:
                raise Failed(f"{self.name} ended in the guest: {self._left.decode(errors='replace')}")
            self._left += data
        line, _, self._left = self._left.partition(b"\n")
        return line.strip().decode(errors="replace")

    def run(self, until):
        """Takes lines until until(ticks) says that it is enough."""
        try:
            while not until(self.ticks):
                line = self._line()
                if line.startswith("exit "):
                    raise Failed(f"{self.name} ended in the guest: {line}; {self.ticks.lines}")
                self.ticks.take(line, time.monotonic())
        except OSError as error:
            raise Failed(f"{self.name}: {type(error).__name__}: {error} after {len(self.ticks.times)} units") from error
        if len(self.ticks.lines) > 1:
            raise Failed(f"{self.name}: units have different results: {sorted(self.ticks.lines)[:3]}")
        return self.ticks

    def close(self):
        """The workload ends at its next line; waits for that."""
        self._socket.close()
        guest.command(self._pair, "ft-bench wait", SILENCE_SECONDS)


def measure(pair, name, seconds):
    worker = Worker(pair, name)
    try:
        return worker.run(lambda ticks: ticks.enough(seconds))
    finally:
        worker.close()
