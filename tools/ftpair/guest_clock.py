# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's clock against the host's, asked over the network.

redis answers TIME with the guest's CLOCK_REALTIME. The host's clock is read
before and after, so the time of the round trip bounds the error of a sample;
of several the one with the shortest round trip is taken.
"""

import socket
import time
from dataclasses import dataclass

from . import netns
from .distribution import slope
from .hosts import GUEST_IP
from .pair import Failed

BURST = 30                      # samples from which the best is taken
NEAR, PLUS_NS = 2.0, 10**6      # a good sample has at most so many times the shortest round trip and 1 ms


@dataclass(frozen=True)
class Sample:
    host_ns: int                # CLOCK_MONOTONIC, half way
    real_ns: int                # the host's CLOCK_REALTIME, half way
    guest_ns: int
    rtt_ns: int


class GuestClock:
    def __init__(self, pair):
        self._socket = netns.socket_in(pair.hosts.client, socket.AF_INET, socket.SOCK_STREAM)
        self._socket.settimeout(20)
        self._socket.connect((GUEST_IP, 6379))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def close(self):
        self._file.close()
        self._socket.close()

    def sample(self):
        before, real = time.monotonic_ns(), time.time_ns()
        self._socket.sendall(b"*1\r\n$4\r\nTIME\r\n")
        lines = [self._file.readline() for _ in range(5)]
        after = time.monotonic_ns()
        if lines[0] != b"*2\r\n":
            raise Failed(f"redis answers TIME with {lines[0]!r}")
        half = (after - before) // 2
        return Sample(before + half, real + half, int(lines[2]) * 10**9 + int(lines[4]) * 1000, after - before)

    def burst(self, count=BURST):
        return [self.sample() for _ in range(count)]

    def error_ms(self):
        """How far the guest's clock is ahead of the host's CLOCK_REALTIME."""
        return off_ms(best(self.burst()))

    def watch(self, seconds, period, tell=lambda text: None):
        """A burst, single samples, a burst; all samples."""
        begin = time.monotonic()
        samples, told = self.burst(), begin
        while time.monotonic() < begin + seconds:
            time.sleep(period)
            samples.append(self.sample())
            if time.monotonic() > told + 5:
                told = time.monotonic()
                tell(f"{told - begin:.0f} s: the guest's clock has run {offsets_ms(good(samples))[-1][1]:+.1f} ms ahead")
        return samples + self.burst()


def off_ms(sample):
    return (sample.guest_ns - sample.real_ns) / 1e6


def best(samples):
    return min(samples, key=lambda s: s.rtt_ns)


def good(samples):
    """Without those that waited too long to tell anything."""
    limit = NEAR * best(samples).rtt_ns + PLUS_NS
    return [s for s in samples if s.rtt_ns <= limit]


def drift_ppm(samples, burst=BURST):
    """(drift of the guest's clock, bound of its error), from the best of the first and of the last samples."""
    first, last = best(samples[:burst]), best(samples[-burst:])
    span = last.host_ns - first.host_ns
    drift = (last.guest_ns - first.guest_ns - span) / span
    return drift * 1e6, (first.rtt_ns + last.rtt_ns) / 2 / span * 1e6


def offsets_ms(samples):
    """[(seconds since the first sample, how far the guest's clock has run ahead since then in ms)]."""
    first = samples[0]
    return [((s.host_ns - first.host_ns) / 1e9, (s.guest_ns - first.guest_ns - (s.host_ns - first.host_ns)) / 1e6)
            for s in samples]


def fitted_ppm(samples):
    """Least squares through the samples with a short round trip: the drift of all of the time, not of its ends."""
    line = slope(offsets_ms(good(samples)))
    return None if line is None else line * 1000


def wander_ms(samples):
    """How far the clock was ever from where it began, at least: what the round trip may account for does not count."""
    return max(max(0.0, abs(offset) - s.rtt_ns / 2e6) for (_, offset), s in zip(offsets_ms(samples), samples))


def steps_back(samples):
    """How often the guest's clock has shown less than before."""
    return sum(b.guest_ns < a.guest_ns for a, b in zip(samples, samples[1:]))
