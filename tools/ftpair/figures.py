# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of many runs, with what is needed to compare them later."""

import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import time

from .node import GUEST, ROOT, qemu_path


def first_line(argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT)
        return (done.stdout.strip().splitlines() or [""])[0]
    except OSError:
        return ""


def cpu_name():
    try:
        with open("/proc/cpuinfo") as info:
            for line in info:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


def guest_packages():
    """The guest's own versions: kernel and redis."""
    try:
        names = [line.split()[-1] for line in (GUEST / "packages").read_text().splitlines()]
    except OSError:
        return []
    return [n for n in names if "linux-image" in n or "redis-server" in n]


def meta(command=None):
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "command": command or shlex.join(sys.argv),
        "commit": first_line(["git", "rev-parse", "HEAD"]),
        "qemu": first_line([str(qemu_path()), "--version"]),
        "guest": guest_packages(),
        "kernel": platform.release(),
        "cpu": cpu_name(),
        "cpus": os.cpu_count(),
    }


def middle(values):
    return round(statistics.median(values), 2) if values else None


def of_failovers(stories, runs):
    """Sums and medians; only runs that came to a verdict have a gap."""
    good = [s for s in stories if s.ok]
    gaps = [s.gap_ms for s in stories if s.checks]
    since = lambda name: [(getattr(s, name) - s.fault_ns) / 1e6 for s in stories if s.checks and getattr(s, name)]
    return {
        "runs": runs,
        "failed": runs - len(good),
        "lost": sum(s.incr.get("lost", 0) for s in stories),
        "doubled": sum(s.incr.get("doubled", 0) for s in stories),
        "gap_ms_p50": middle(gaps),
        "gap_ms_max": round(max(gaps), 2) if gaps else None,
        "failover_gap_ms_p50": middle([s.failover_gap[0] / 1e6 for s in stories if s.checks]),
        "detect_ms_p50": middle(since("detected_ns")),
        "golive_ms_p50": middle(since("live_ns")),
        "replies": sum(s.incr.get("replies", 0) for s in stories),
    }


def write(path, figures, meta_data):
    with open(path, "w") as out:
        json.dump({"figures": figures, "meta": meta_data}, out, indent=2)
        out.write("\n")
