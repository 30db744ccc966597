# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bench: lag control, with a secondary that has half a core for a while.

The secondary's threads are bound to one CPU; then a loop that never ends is bound
to it too, and the kernel gives each of them half. The primary has to become as
slow as its secondary, smoothly; and as fast as before when the loop has ended.
"""

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field

from ftpair import digest, machine
from ftpair.distribution import percentile
from ftpair.observer import Observer
from ftpair.pair import Failed
from ftpair.ticks import Worker

PERIOD_SECONDS = 0.02
WARM_SECONDS = 2.0
SETTLE_SECONDS = 2.0            # of a phase: until the lag has found its new place
WORKLOADS = ("cpu", "compile")


@dataclass
class Curve:
    """Moments in seconds since the first phase began."""
    phases: list = field(default_factory=list)      # (name, begin, end)
    lag: list = field(default_factory=list)         # (moment, ms)
    units: list = field(default_factory=list)       # moments

    def lags_in(self, name):
        begin, end = self.phase(name)
        return [ms for t, ms in self.lag if begin + SETTLE_SECONDS <= t < end]

    def rate_in(self, name):
        begin, end = self.phase(name)
        units = [t for t in self.units if begin + SETTLE_SECONDS <= t < end]
        return (len(units) - 1) / (units[-1] - units[0]) if len(units) > 1 else None

    def phase(self, name):
        return next((begin, end) for n, begin, end in self.phases if n == name)


def run(options, say):
    """(figures, {workload: Curve})."""
    if len(os.sched_getaffinity(0)) < 2:
        raise Failed("half a core: this host has no second CPU for the primary")
    figures, curves = {}, {}
    with machine.protected("half", lambda text: None, options.timeout_ms, options.machine, keep=options.keep) as pair:
        say("half: booting a protected pair")
        pair.start(captures=()).wait_up()
        for name in WORKLOADS:
            curves[name] = measure(pair, name, options.half_seconds, say)
            figures.update(of_curve(name, curves[name]))
            digest.compared(pair, 60)
        pair.wait_protected(1)
    return figures, curves


def measure(pair, name, seconds, say):
    curve, worker, cpu = Curve(), Worker(pair, name), max(os.sched_getaffinity(0))
    try:
        worker.run(lambda ticks: ticks.enough(WARM_SECONDS))
        begin = time.monotonic()
        with bound_to(cpu, pair.secondary.pid), Observer(pair, PERIOD_SECONDS) as seen:
            for phase, room in (("whole", contextlib.nullcontext()), ("half", hog(cpu)), ("again", contextlib.nullcontext())):
                say(f"half {name}: {seconds:g} s of {phase}")
                since = time.monotonic()
                with room:
                    worker.run(lambda ticks: time.monotonic() >= since + seconds)
                curve.phases.append((phase, since - begin, time.monotonic() - begin))
    finally:
        worker.close()
    curve.lag = [(t - begin, ms) for t, ms in seen.lag]
    curve.units = [t - begin for t in worker.ticks.times if t >= begin]
    return curve


@contextlib.contextmanager
def bound_to(cpu, pid):
    """All threads of a process on one CPU; afterwards where they may run was what it had been."""
    threads = [int(t) for t in os.listdir(f"/proc/{pid}/task")]
    before = os.sched_getaffinity(pid)
    set_affinity(threads, {cpu})
    try:
        yield
    finally:
        set_affinity(threads, before)


def set_affinity(threads, cpus):
    for thread in threads:
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(thread, cpus)


@contextlib.contextmanager
def hog(cpu):
    process = subprocess.Popen([sys.executable, "-c", f"import os\nos.sched_setaffinity(0, {{{cpu}}})\nwhile True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def of_curve(name, curve):
    """swing: from the 5th to the 95th of a hundred, of what the lag does when it has settled."""
    lags, whole = curve.lags_in("half"), curve.rate_in("whole")
    figures = {f"half_lag_ms_{part}.{name}": percentile(lags, share) for part, share in (("p50", 0.5), ("p99", 0.99))}
    figures[f"half_lag_ms_max.{name}"] = max(lags, default=None)
    figures[f"half_lag_swing_ms.{name}"] = percentile(lags, 0.95) - percentile(lags, 0.05) if lags else None
    for phase in ("half", "again"):
        rate = curve.rate_in(phase)
        figures[f"half_rate_{phase}.{name}"] = rate / whole if rate and whole else None
    return figures
