# SPDX-License-Identifier: GPL-2.0-or-later
"""virsh console, in a terminal of its own."""

import os
import pty
import select
import subprocess
import time

ESCAPE = b"\x1d"                # what ends virsh console: Ctrl and ]


class Console:
    """Context manager: what is typed into it, and what it shows."""

    def __init__(self, virsh, domain):
        self._argv = ["setpriv", "--pdeathsig", "KILL", "virsh", "-c", virsh.uri, "console", domain]
        self.shown = b""

    def __enter__(self):
        self._terminal, end = pty.openpty()
        # virsh wants its standard input to be the terminal that it controls.
        self._process = subprocess.Popen(self._argv, stdin=end, stdout=end, stderr=end, start_new_session=True)
        os.close(end)
        return self

    def type(self, data):
        os.write(self._terminal, data)

    def wait(self, words, seconds):
        """Whether it has shown them within that time."""
        deadline = time.monotonic() + seconds
        while words not in self.shown:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._terminal], [], [], left)[0]:
                return False
            try:
                self.shown += os.read(self._terminal, 65536)
            except OSError:     # virsh has ended
                return words in self.shown
        return True

    def __exit__(self, *why):
        if self._process.poll() is None:
            self.type(ESCAPE)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        os.close(self._terminal)
