# SPDX-License-Identifier: GPL-2.0-or-later
"""What libvirt tells of a domain on one host while a test runs: QEMU's events and the domain's life cycle."""

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from ftpair.pair import Failed

READY_SECONDS = 20


@dataclass(frozen=True)
class Event:
    name: str                   # as QEMU spells it; "lifecycle": libvirt's
    data: dict = field(hash=False)
    real_ns: int                # QEMU's own time stamp, CLOCK_REALTIME; 0: libvirt's have none


class Events:
    """Listens from its creation on, in a process of its own; libvirtd's end ends it."""

    def __init__(self, uri, domain):
        self.all = []
        self._news = threading.Condition()
        self._process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "ftvirt.listen", uri, domain],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                         cwd=Path(__file__).resolve().parent.parent)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        if not self.wait(lambda event: event.name == "ready", READY_SECONDS):
            self.stop()
            raise Failed(f"no events from {uri} within {READY_SECONDS} s")

    def _read(self):
        for line in self._process.stdout:
            with self._news:
                self.all.append(Event(**json.loads(line)))
                self._news.notify_all()

    def wait(self, condition, seconds):
        """The first event that meets it; None when none came in that time."""
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                found = next((event for event in self.all if condition(event)), None)
                left = deadline - time.monotonic()
                if found or left <= 0:
                    return found
                self._news.wait(left)

    def states(self):
        """FT's words, in turn."""
        return [event.data["state"] for event in self.all if event.name == "FT_STATE_CHANGE"]

    def life(self):
        """libvirt's words, in turn."""
        return [event.data["event"] for event in self.all if event.name == "lifecycle"]

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._thread.join()
