# SPDX-License-Identifier: GPL-2.0-or-later
"""A process that gets only a share of one core, for a while."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

PERIOD_US = 100_000
# A process beside it, with the same share or not: the longest time in seconds that one wait of 20 ms took.
PROBE = '''
import sys, threading, time
longest, over = 0, threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
while not over.is_set():
    begin = time.monotonic()
    time.sleep(0.02)
    longest = max(longest, time.monotonic() - begin)
print(longest)
'''
V2, V1 = Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/cpu")


class Starved:
    """with Starved(pid, 0.5): all threads of it together have half a core.

    By the CPU controller of a cgroup, as systemd's CPUQuota= does; where none can be made, by stopping and continuing
    the process in the same rhythm, which is harder on it: then it gets nothing for half of each 100 ms, whatever it needs.
    """

    def __init__(self, pid, share):
        self._pid, self._share = pid, share
        self._folder, self._over, self._probes = None, threading.Event(), []
        self._thread = threading.Thread(target=self._stop_and_go, daemon=True)
        self.how = ""

    def __enter__(self):
        quota = int(PERIOD_US * self._share)
        for root, files in ((V2, {"cpu.max": f"{quota} {PERIOD_US}"}), (V1, {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": str(quota)})):
            try:
                self._folder = root / f"ft-starved-{os.getpid()}-{self._pid}"
                self._folder.mkdir()
                for name, value in files.items():
                    with open(self._folder / name, "r+", encoding="ascii") as file:
                        file.write(value)
                (self._folder / "cgroup.procs").write_text(str(self._pid))
                self.how = "cgroup"
                self._probes = [subprocess.Popen([sys.executable, "-c", PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                                for _ in range(2)]
                (self._folder / "cgroup.procs").write_text(str(self._probes[0].pid))
                return self
            except OSError:
                self._remove()
        self.how = "SIGSTOP"
        self._thread.start()
        return self

    def throttled(self):
        """(how often it was held, for how long in seconds), or None."""
        try:
            words = (self._folder / "cpu.stat").read_text().split()
        except (OSError, TypeError):
            return None
        stat = dict(zip(words[::2], map(int, words[1::2])))
        return stat.get("nr_throttled", 0), stat.get("throttled_time", 1000 * stat.get("throttled_usec", 0)) / 1e9

    def longest_wait(self):
        """How long a process was kept from running, in seconds: (with this share, without); asked once, at the end."""
        probes, self._probes = self._probes, []
        return tuple(float(probe.communicate(timeout=30)[0]) for probe in probes) or (0.0, 0.0)

    def __exit__(self, *_):
        self._over.set()
        for probe in self._probes:
            probe.kill()
            probe.wait()
        if self._thread.is_alive():
            self._thread.join()
        self._remove()

    def _remove(self):
        if self._folder and self._folder.exists():
            try:
                (self._folder.parent / "cgroup.procs").write_text(str(self._pid))
            except OSError:
                pass                    # the process has ended
            try:
                self._folder.rmdir()
            except OSError:
                pass
        self._folder = None

    def _stop_and_go(self):
        period = PERIOD_US / 1e6
        try:
            while not self._over.is_set():
                os.kill(self._pid, signal.SIGSTOP)
                time.sleep(period * (1 - self._share))
                os.kill(self._pid, signal.SIGCONT)
                time.sleep(period * self._share)
        except ProcessLookupError:
            pass
