# SPDX-License-Identifier: GPL-2.0-or-later
"""CPU time of processes and of their threads, from /proc."""

import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def _seconds(path):
    fields = Path(path).read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) / TICK, int(fields[12]) / TICK


def cpu_seconds(pid):
    """User and system time together."""
    return sum(_seconds(f"/proc/{pid}/stat"))


def by_thread(pid):
    """{thread's name: (user s, system s)}; threads of one name are added up."""
    sums = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            user, system = _seconds(task / "stat")
        except OSError:
            continue                    # it has ended meanwhile
        before = sums.get(name, (0.0, 0.0))
        sums[name] = (before[0] + user, before[1] + system)
    return sums


def threads_between(before, after):
    """What each thread has used between two by_thread(), those that used nothing left out."""
    used = {name: tuple(round(a - b, 2) for a, b in zip(times, before.get(name, (0, 0)))) for name, times in after.items()}
    return {name: times for name, times in used.items() if sum(times) > 0}


def machine_busy_seconds():
    """CPU time that all processes and the kernel have used since the host started."""
    fields = [int(f) for f in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) / TICK
