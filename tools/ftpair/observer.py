# SPDX-License-Identifier: GPL-2.0-or-later
"""What a protected pair does while something is measured on it."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from .distribution import percentile_of_bins
from .process_cpu import by_thread, threads_between
from .qmp import QmpError

PERIOD_SECONDS = 0.25           # query-ft is answered by the main loop; more often is felt: at 0.05 s it cost 2 %


@dataclass
class Observation:
    seconds: float = 0.0
    lag: list = field(default_factory=list)         # (CLOCK_MONOTONIC in s, ms), for plots
    lags_ms: Counter = field(default_factory=Counter)       # {ms: turns of the vCPU that ended with a lag up to that}
    log_bytes: int = 0
    threads: dict = field(default_factory=dict)     # {"primary": {thread: (user s, system s)}, ...}
    hold_ms: dict = field(default_factory=dict)     # since the pair's start
    ack_rtt_ms: float = 0.0
    digest_ms: float = 0.0

    @property
    def log_mbit(self):
        return self.log_bytes * 8 / self.seconds / 1e6

    def lag_ms(self, share):
        return percentile_of_bins(self.lags_ms, share)

    def cpu_percent(self, node):
        return 100 * sum(map(sum, self.threads[node].values())) / self.seconds


def lags_ms(node):
    bins = node.qmp.command("query-ft-histograms")["lag"]
    return Counter({b["upto-ns"] / 1e6: b["count"] for b in bins})


class Observer:
    """A context manager; the observation is complete after it."""

    def __init__(self, pair, period_seconds=PERIOD_SECONDS):
        """period_seconds: of looks at the lag; None: nobody asks the nodes anything, for a guest that shall be idle."""
        self._pair, self._period = pair, period_seconds
        self._stop = threading.Event()
        self.seen = Observation()

    def __enter__(self):
        self._nodes = {"primary": self._pair.primary, "secondary": self._pair.secondary}
        self._cpu = {name: by_thread(node.pid) for name, node in self._nodes.items()}
        self._log_bytes = self._pair.primary.query()["log-bytes"]
        self._lags_ms = lags_ms(self._pair.primary)
        self._begin = time.monotonic()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self.seen

    def _sample(self):
        while self._period and not self._stop.wait(self._period):
            try:
                self.seen.lag.append((time.monotonic(), self._pair.primary.query()["lag-ns"] / 1e6))
            except QmpError:
                return                      # whoever works on the pair notices that it has died

    def __exit__(self, kind, error, trace):
        self.seen.seconds = time.monotonic() - self._begin
        self._stop.set()
        self._thread.join()
        if kind is None:
            self.seen.lags_ms = lags_ms(self._pair.primary) - self._lags_ms
            self._conclude(self._pair.primary.query())

    def _conclude(self, query):
        seen = self.seen
        seen.log_bytes = query["log-bytes"] - self._log_bytes
        seen.threads = {name: threads_between(self._cpu[name], by_thread(node.pid)) for name, node in self._nodes.items()}
        seen.hold_ms = {part: query[f"hold-ns-{part}"] / 1e6 for part in ("p50", "p99", "max")}
        seen.ack_rtt_ms, seen.digest_ms = query["ack-rtt-ns"] / 1e6, query["digest-ns"] / 1e6
