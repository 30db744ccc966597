# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of clients.py as a process in the client's namespace."""

import json
import subprocess
import sys
import threading
import time

from . import netns
from .delay import PACKAGE_PARENT


class ClientProcess:
    module = "ftpair.clients"

    def __init__(self, namespace, *args):
        argv = [sys.executable, "-m", self.module, *map(str, args)]
        self.what = args[0]
        self.progress = {}
        self.result = None
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *netns.inside(namespace, argv)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PACKAGE_PARENT, text=True)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self._process.stdout:
            record = json.loads(line)
            with self._news:
                if record.get("done"):
                    self.result = record
                self.progress = record
                self.heard(record)
                self._news.notify_all()
        with self._news:
            if self.result is None:
                self.result = {"done": True, "broken": "the client process died", "replies": 0,
                               "lost": 0, "doubled": 0, "errors": 0, "gaps": []}
            self._news.notify_all()

    def heard(self, record):
        """Called with each record in turn; for a client that must not miss one."""

    def wait_for(self, condition, seconds):
        """Waits until condition(progress) or the end; True if the condition came."""
        deadline = time.monotonic() + seconds
        with self._news:
            while not condition(self.progress):
                left = deadline - time.monotonic()
                if self.result is not None or left <= 0:
                    return bool(self.progress) and condition(self.progress)
                self._news.wait(left)
        return True

    def finish(self, seconds=25):
        """Its result; a client that can be stopped is told to."""
        if self.what != "download":
            self._close_stdin()
        with self._news:
            self._news.wait_for(lambda: self.result is not None, seconds)
        self.stop()
        return self.result

    def _close_stdin(self):
        try:
            self._process.stdin.close()
        except OSError:
            pass

    def stop(self):
        if self._process.poll() is None:
            try:
                self._process.wait(0.5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._close_stdin()
        self._thread.join()
