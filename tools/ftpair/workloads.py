# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benchmark lets a guest do, and how fast it was.

"inside": the guest computes, the client only counts (ftpair.ticks). Else the
client takes part, and needs a CPU of its own.
"""

import json
import subprocess
from dataclasses import dataclass, field

from . import guest, machine, ticks
from .closed_loop import ClosedLoop
from .hosts import GUEST_IP
from .pair import Failed


@dataclass
class Result:
    rate: float                     # units, requests or bytes per second
    waits_us: list = field(default_factory=list)
    bytes: int = 0
    lines: set = field(default_factory=set)         # checksums of the units


@dataclass(frozen=True)
class Workload:
    name: str
    inside: bool
    unit: str
    measure: object                 # (pair, seconds) -> Result
    beside: str = "cpu"             # what a second machine does, without a client, that is most like it


def inside(name):
    def measure(pair, seconds):
        seen = ticks.measure(pair, name, seconds)
        return Result(seen.rate, lines=seen.lines)
    return Workload(name, True, "units/s", measure, name)


def closed_loop(name, kind, port, ports, connections, alike="cpu"):
    def measure(pair, seconds):
        client = ClosedLoop(pair.hosts.client, kind, GUEST_IP, port, ports, connections, seconds)
        client.wait_for(lambda p: p.get("done"), seconds + 60)
        result = client.finish(1)
        if result["broken"] or result.get("problems") or not result["replies"]:
            raise Failed(f"{name}: {result['broken'] or result.get('problems') or 'no reply'}, {result['replies']} replies")
        return Result(result["replies"] / result["seconds"], result["waits_us"])
    return Workload(name, False, "requests/s", measure, alike)


def beside(loads, workload, name):
    """The same in a guest whose other programs never wait: what its scheduler makes of the time that it sees."""
    def measure(pair, seconds):
        guest.command(pair, "; ".join(f"ft-load {load}" for load in loads))
        try:
            return workload.measure(pair, seconds)
        finally:
            guest.command(pair, f"ft-load stop {' '.join(loads)}")
    return Workload(name, False, workload.unit, measure, "fork")


def bulk(name, *words):
    """iperf3 for so long; the client's clock counts, and what the receiver has received."""
    def measure(pair, seconds):
        command = machine.tool(pair.hosts.client, "iperf3", "-c", GUEST_IP, "-p", str(machine.IPERF_PORT), "-J", "-i", "0",
                               "-t", str(max(1, round(seconds))), "--connect-timeout", "5000", *words)
        machine.wait_for_servers(pair, [machine.IPERF_PORT])
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
            report = json.loads(done.stdout)
        except (subprocess.TimeoutExpired, ValueError) as error:
            raise Failed(f"{name}: iperf3: {error}") from error
        if done.returncode or report.get("error"):
            raise Failed(f"{name}: iperf3: {report.get('error') or done.stderr.strip() or done.returncode}")
        end = report["end"]
        timed = end["sum_received"] if "-R" in words else end["sum_sent"]
        received = end["sum_received"]["bytes"]
        return Result(received / timed["seconds"], bytes=received)
    return Workload(name, False, "bytes/s", measure)


HTTP = ("http", machine.HTTP_PORT, machine.HTTP_PORTS)
REDIS = ("redis", 6379, 1)
MIXED = beside(("fork", "urandom"), closed_loop("redis1", *REDIS, 1), "mixed")
ALL = (inside("cpu"), inside("string"), inside("fork"), inside("compile"), inside("crypto"),
       closed_loop("redis1", *REDIS, 1), closed_loop("redis50", *REDIS, 50),
       closed_loop("http1", *HTTP, 1, "fork"), closed_loop("http50", *HTTP, 50, "fork"), bulk("tcp_out", "-R"), bulk("tcp_in"), MIXED)
