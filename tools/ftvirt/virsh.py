# SPDX-License-Identifier: GPL-2.0-or-later
"""virsh against one host, as an operator calls it, each call with a time limit."""

import json
import subprocess
import time
from dataclasses import dataclass

SECONDS = 30


class VirshError(Exception):
    """It ended with a failure; the text is virsh's own sentence."""


class Hung(VirshError):
    """It did not end in the time it had."""


@dataclass(frozen=True)
class Done:
    status: int | None          # None: it did not end in time
    text: str                   # what it printed, of both kinds
    seconds: float

    @property
    def ok(self):
        return self.status == 0


class Virsh:
    def __init__(self, uri):
        self.uri = uri

    def try_(self, *words, seconds=SECONDS, stdin=None):
        """Runs it and says how it went, whatever that was."""
        begin = time.monotonic()
        argv = ["virsh", "-q", "-c", self.uri, *map(str, words)]
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *argv], stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        try:
            text, _ = process.communicate(stdin, timeout=seconds)
            status = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            text, _ = process.communicate()
            status = None
        return Done(status, text.strip(), time.monotonic() - begin)

    def __call__(self, *words, seconds=SECONDS, stdin=None):
        """What it printed; VirshError when it failed."""
        done = self.try_(*words, seconds=seconds, stdin=stdin)
        if done.status is None:
            raise Hung(f"virsh {' '.join(map(str, words))}: no end after {seconds} s: {done.text}")
        if not done.ok:
            raise VirshError(f"virsh {' '.join(map(str, words))}: {done.text}")
        return done.text

    def qmp(self, domain, command, seconds=SECONDS, **arguments):
        message = {"execute": command, **({"arguments": arguments} if arguments else {})}
        answer = json.loads(self("qemu-monitor-command", domain, json.dumps(message), seconds=seconds))
        if "error" in answer:
            raise VirshError(f"{command}: {answer['error']['desc']}")
        return answer["return"]

    def state(self, domain):
        """libvirt's word for it, with the reason: "running (booted)"."""
        return self("domstate", "--reason", domain)

    def pid_states(self):
        """{name of each domain: libvirt's word for its state}."""
        lines = [line.split(None, 2) for line in self("list", "--all").splitlines() if line.strip()]
        return {name: state for _, name, state in lines}
