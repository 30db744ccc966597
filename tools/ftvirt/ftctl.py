# SPDX-License-Identifier: GPL-2.0-or-later
"""ftctl as an operator calls it, and its agents, one on each host."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from ftpair.node import BUILD
from ftpair.pair import Failed

SECONDS = 120


def ftctl_path():
    return Path(os.environ.get("FT_FTCTL") or BUILD / "ftctl").absolute()


@dataclass(frozen=True)
class Told:
    status: int | None          # None: it did not end in time
    out: str
    errors: str
    seconds: float

    @property
    def ok(self):
        return self.status == 0

    @property
    def json(self):
        return json.loads(self.out)

    def __str__(self):
        ended = "no end" if self.status is None else f"status {self.status}"
        return f"{ended} after {self.seconds:.1f} s: {' '.join((self.out + ' ' + self.errors).split())}"


class Ftctl:
    """Called on a host, where qemu:///system is that host's libvirtd."""

    def __init__(self, host):
        self._host = host

    def try_(self, *words, seconds=SECONDS, stdin=None):
        begin = time.monotonic()
        process = subprocess.Popen(self._host.inside([ftctl_path(), *words]), stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, errors = process.communicate(stdin, timeout=seconds)
            status = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            out, errors = process.communicate()
            status = None
        return Told(status, out.strip(), errors.strip(), time.monotonic() - begin)

    def __call__(self, *words, seconds=SECONDS, stdin=None):
        told = self.try_(*words, seconds=seconds, stdin=stdin)
        if not told.ok:
            raise Failed(f"ftctl {' '.join(map(str, words))} on {self._host.name}: {told}")
        return told


class Agents:
    """Context manager: "ftctl agent" on each host that is on, its log in the host's folder."""

    def __init__(self, rack, sides=None):
        self._hosts = [host for side, host in rack.hosts.items() if side in (sides or rack.hosts) and host.is_on]
        self._running = {}

    def __enter__(self):
        for host in self._hosts:
            self.start(host)
        return self

    def __exit__(self, *why):
        for host in list(self._running):
            self.stop(host)

    def log(self, host):
        return host.folder / "agent.log"

    def start(self, host):
        with self.log(host).open("ab") as log:
            self._running[host] = host.popen([ftctl_path(), "agent"], stdout=log, stderr=log)

    def stop(self, host):
        process = self._running.pop(host)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def check(self):
        """All of them are still there."""
        for host, process in self._running.items():
            if host.is_on and process.poll() is not None:
                raise Failed(f"the agent on {host.name} ended with status {process.returncode}: {self.told()}")

    def told(self, lines=6):
        """Their last words."""
        return "\n".join(f"{host.name}: {line}" for host in self._hosts if self.log(host).exists()
                         for line in self.log(host).read_text(errors="replace").splitlines()[-lines:])
