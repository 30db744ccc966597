# SPDX-License-Identifier: GPL-2.0-or-later
"""A QEMU that somebody else started, ftctl say, as a node of the pair."""

import subprocess
from pathlib import Path

from .node import Node
from .waiting import within


class AdoptedProcess:
    """What Node uses of subprocess.Popen, for a process that is not our child."""

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None          # nobody tells us; 0 stands for "ended"

    def poll(self):
        try:
            with open(f"/proc/{self.pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            # Its first thread may be a zombie while others still hold its tap.
            ended = fields[0] == "Z" and int(fields[17]) <= 1
        except OSError:
            ended = True
        if ended:
            self.returncode = 0
        return self.returncode

    def wait(self, seconds=10):
        if not within(seconds, lambda: self.poll() is not None, step=0.02):
            raise subprocess.TimeoutExpired(str(self.pid), seconds)
        return self.returncode


class AdoptedNode(Node):
    """name: its monitor's, without .qmp."""

    def __init__(self, name, namespace, folder, pid):
        super().__init__(name, namespace, folder, [], "")
        self.argv = Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
        self.serial = folder / self.argv[self.argv.index("-serial") + 1].removeprefix("file:")
        self.process = AdoptedProcess(pid)

    def errors(self):
        return "(whoever started it has what it said)"
