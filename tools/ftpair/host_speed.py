# SPDX-License-Identifier: GPL-2.0-or-later
"""How fast the host itself is, again and again while a benchmark runs.

A virtual host whose CPUs are lent to others at times tells nobody: neither busy
nor stolen time shows it. So a walk through memory, the same each time, is timed by
the CPU time of its own thread, on each CPU in turn, when nothing of the benchmark
runs. That its speed changes is the host's doing.
"""

import os
import random
import time
from functools import cached_property

from .distribution import percentile

PLACES = 1 << 18                # more than a core's own caches hold
SECONDS = 0.015                 # of CPU time, for each CPU


class HostSpeed:
    def __init__(self):
        self.samples = []       # steps for each second of CPU time, one for each CPU and sample()

    @cached_property
    def _walk(self):
        return one_cycle(PLACES)

    def sample(self):
        """Takes SECONDS for each CPU that this thread may use."""
        cpus = os.sched_getaffinity(0)
        try:
            for cpu in sorted(cpus):
                os.sched_setaffinity(0, {cpu})
                self.samples.append(steps_per_second(self._walk, SECONDS))
        finally:
            os.sched_setaffinity(0, cpus)

    def figures(self):
        """Of the fastest sample: the slowest tenth, and the middle. Nothing without samples."""
        if not self.samples:
            return {}
        fastest = max(self.samples)
        return {"host_speed_p10": percentile(self.samples, 0.1) / fastest, "host_speed_p50": percentile(self.samples, 0.5) / fastest}


def one_cycle(places):
    """A permutation that is a single cycle (Sattolo), the same each time."""
    chance, walk = random.Random(1), list(range(places))
    for i in range(places - 1, 0, -1):
        j = chance.randrange(i)
        walk[i], walk[j] = walk[j], walk[i]
    return walk


def steps_per_second(walk, seconds):
    at, steps, begin = 0, 0, time.thread_time()
    while True:
        for _ in range(2000):
            at = walk[at]
        steps += 2000
        spent = time.thread_time() - begin
        if spent >= seconds:
            return steps / spent
