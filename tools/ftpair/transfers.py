# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTP transfers without end, in one direction, each checked by its sha256.

Run in the client's namespace, as clients.py is:

    python3 -m ftpair.transfers get HOST PORT PATH SHA256 BYTES_PER_SECOND
    python3 -m ftpair.transfers post HOST PORT PATH BYTES BYTES_PER_SECOND
"""

import hashlib
import os
import sys
import time

from .client_process import ClientProcess
from .clients import PROGRESS_NS, DownloadClient, connect, now_ns, stop_asked, tell

CHUNK = 32768


class Stopped(Exception):
    """The harness wants no more; what is under way does not count."""


class Transfers(ClientProcess):
    module = "ftpair.transfers"


class Count:
    """How the transfers went so far; tells it now and then, and hears "stop"."""

    def __init__(self):
        self.transfers = self.bytes = self.failed = 0
        self.failure = None
        self._told = 0

    def add(self, size):
        self.bytes += size
        if now_ns() - self._told > PROGRESS_NS:
            self._told = now_ns()
            tell(self.record())
            if stop_asked():
                raise Stopped

    def ended(self, problem):
        self.transfers += 1
        if problem:
            self.failed += 1
            self.failure = self.failure or problem
            time.sleep(0.5)

    def record(self, **more):
        return {"transfers": self.transfers, "bytes": self.bytes, "failed": self.failed,
                "broken": self.failure, **more}


def get(count, host, port, path, sha256, rate):
    got = [0]

    def progress(client):
        count.add(client.bytes - got[0])
        got[0] = client.bytes

    client = DownloadClient(connect(host, port, 256 * 1024), path, float(rate), progress).run()
    if client["broken"]:
        return client["broken"]
    return "" if client["sha256"] == sha256 else f"{path}: its sha256 is {client['sha256']}"


def post(count, host, port, path, size, rate):
    body = os.urandom(int(size))
    sock = connect(host, port)
    sock.sendall(f"POST {path} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode())
    due = time.monotonic()
    for at in range(0, len(body), CHUNK):
        sock.sendall(body[at:at + CHUNK])
        count.add(min(CHUNK, len(body) - at))
        due = max(due, time.monotonic() - 0.05) + CHUNK / float(rate)
        time.sleep(max(0.0, due - time.monotonic()))
    answer = sock.makefile("rb").read().decode(errors="replace")
    right = hashlib.sha256(body).hexdigest() in answer
    return "" if right else f"{path} answered {answer.splitlines()[-1:]} to {len(body)} bytes"


def main(kind, *arguments):
    count = Count()
    try:
        while True:
            try:
                problem = {"get": get, "post": post}[kind](count, *arguments)
            except OSError as error:
                problem = f"{type(error).__name__}: {error}"
            count.ended(problem)
            count.add(0)
    except Stopped:
        tell(count.record(done=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
