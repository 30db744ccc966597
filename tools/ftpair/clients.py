# SPDX-License-Identifier: GPL-2.0-or-later
"""The clients: what the outside world sees of the guest.

Run as a script inside the client's namespace, so that the harness's own work
does not disturb the times measured:

    python3 -m ftpair.clients incr HOST PORT KEY
    python3 -m ftpair.clients download HOST PORT PATH BYTES_PER_SECOND

A line of JSON on stdout tells the progress about ten times a second; the
last line (with "done": true) is the result. A line on stdin, or its end,
stops the client. Times are CLOCK_MONOTONIC in nanoseconds.
"""

import hashlib
import json
import select
import socket
import sys
import time

now_ns = time.monotonic_ns
PROGRESS_NS = 100_000_000
GAPS_MAX = 500              # longest gaps that the result keeps
STALL_SECONDS = 20.0        # no answer for so long: the connection is broken


def stop_asked():
    return bool(select.select([sys.stdin], [], [], 0)[0])


def tell(record):
    print(json.dumps(record), flush=True)


class IncrClient:
    """INCR in a closed loop on one connection; each reply is the last plus one.

    A reply that is smaller than expected means that an acknowledged increment
    is gone (lost); a bigger one, or a second reply to one request, that the
    guest saw a request twice (doubled).
    """

    def __init__(self, sock, key="ft"):
        self._socket = sock
        self._request = b"*2\r\n$4\r\nINCR\r\n$%d\r\n%s\r\n" % (len(key), key.encode())
        self._left = b""
        self.replies = self.lost = self.doubled = self.errors = 0
        self.value = None
        self.broken = None
        self.times = []         # (sent, replied)

    def step(self):
        """One request and its reply. False when the connection is broken."""
        sent = now_ns()
        try:
            self._socket.sendall(self._request)
            line = self._read_line()
        except OSError as error:
            self.broken = f"{type(error).__name__}: {error}"
            return False
        if line is None:
            self.broken = "closed by the guest"
            return False
        self._judge(line, sent, now_ns())
        return True

    def _read_line(self):
        while b"\r\n" not in self._left:
            data = self._socket.recv(4096)
            if not data:
                return None
            self._left += data
        line, _, self._left = self._left.partition(b"\r\n")
        while b"\r\n" in self._left:        # an answer nobody asked for
            self.doubled += 1
            _, _, self._left = self._left.partition(b"\r\n")
        return line

    def _judge(self, line, sent, replied):
        self.times.append((sent, replied))
        try:
            if line[:1] != b":":
                raise ValueError
            value = int(line[1:])
        except ValueError:
            self.errors += 1
            return
        self.replies += 1
        if self.value is not None:
            expected = self.value + 1
            self.lost += max(0, expected - value)
            self.doubled += max(0, value - expected)
        self.value = value

    def gaps(self):
        """(length, begin, end) between replies that follow each other, longest first."""
        replied = [r for _, r in self.times]
        return sorted(((b - a, a, b) for a, b in zip(replied, replied[1:])), reverse=True)

    def result(self):
        waits = sorted(r - s for s, r in self.times)
        pick = lambda q: waits[min(len(waits) - 1, int(len(waits) * q))] if waits else 0
        return {"done": True, "replies": self.replies, "lost": self.lost, "doubled": self.doubled,
                "errors": self.errors, "broken": self.broken, "value": self.value,
                "first_ns": self.times[0][0] if self.times else 0,
                "last_ns": self.times[-1][1] if self.times else 0,
                "gaps": self.gaps()[:GAPS_MAX], "wait_p50_ns": pick(0.5), "wait_p99_ns": pick(0.99)}


def pace(sock, length, rate, take):
    """Reads length bytes at most at the rate; take(chunk) is called for each.

    It does not catch up after a stall: the download shall still be going on
    when the secondary is live.
    """
    due, got = time.monotonic(), 0
    while got < length:
        chunk = sock.recv(min(65536, length - got))
        if not chunk:
            return
        got += len(chunk)
        take(chunk)
        if rate:
            due = max(due, time.monotonic() - 0.05) + len(chunk) / rate
            time.sleep(max(0.0, due - time.monotonic()))


class DownloadClient:
    """One HTTP GET; the sum of all bytes, and the longest wait for the next ones."""

    def __init__(self, sock, path, rate, on_progress=None):
        self._socket, self._path, self._rate = sock, path, rate
        self._on_progress = on_progress or (lambda client: None)
        self._sum = hashlib.sha256()
        self.bytes = self.length = 0
        self.longest_stall = (0, 0, 0)
        self.first_ns = self.last_ns = 0
        self.broken = None

    def run(self):
        try:
            self._socket.sendall(f"GET {self._path} HTTP/1.0\r\n\r\n".encode())
            body = self._read_head()
            self.first_ns = self.last_ns = now_ns()
            self._take(body)
            pace(self._socket, self.length - self.bytes, self._rate, self._take)
            if self.bytes != self.length:
                self.broken = f"closed by the guest after {self.bytes} of {self.length} bytes"
        except (OSError, ValueError) as error:
            self.broken = f"{type(error).__name__}: {error}"
        return self.result()

    def _read_head(self):
        head = b""
        while b"\r\n\r\n" not in head:
            data = self._socket.recv(4096)
            if not data:
                raise ValueError("no HTTP answer")
            head += data
        head, _, body = head.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise ValueError(head.split(b"\r\n")[0].decode(errors="replace"))
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                self.length = int(line.split(b":")[1])
        return body

    def _take(self, chunk):
        now = now_ns()
        self.longest_stall = max(self.longest_stall, (now - self.last_ns, self.last_ns, now))
        self.last_ns = now
        self.bytes += len(chunk)
        self._sum.update(chunk)
        self._on_progress(self)

    def result(self):
        return {"done": True, "bytes": self.bytes, "length": self.length, "broken": self.broken,
                "sha256": self._sum.hexdigest(), "first_ns": self.first_ns,
                "last_ns": self.last_ns, "longest_stall": self.longest_stall}


def connect(host, port, buffer=None):
    sock = socket.socket()
    if buffer:                  # a small window keeps the transfer paced end to end
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.settimeout(STALL_SECONDS)
    sock.connect((host, int(port)))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def main_incr(host, port, key):
    client = IncrClient(connect(host, port), key)
    told = 0
    while client.step():
        now = now_ns()
        if now - told > PROGRESS_NS:
            told = now
            tell({"replies": client.replies, "value": client.value, "last_ns": now})
            if stop_asked():
                break
    tell(client.result())


def main_download(host, port, path, rate):
    told = [0]

    def progress(client):
        if client.last_ns - told[0] > PROGRESS_NS:
            told[0] = client.last_ns
            tell({"bytes": client.bytes, "length": client.length, "last_ns": client.last_ns})

    sock = connect(host, port, 256 * 1024)
    tell(DownloadClient(sock, path, float(rate), progress).run())


if __name__ == "__main__":
    try:
        {"incr": main_incr, "download": main_download}[sys.argv[1]](*sys.argv[2:])
    except OSError as refusal:
        tell({"done": True, "broken": f"connect: {refusal}", "replies": 0, "lost": 0, "doubled": 0,
              "errors": 0, "gaps": [], "bytes": 0, "length": 0, "sha256": "", "first_ns": 0,
              "last_ns": 0, "value": None, "longest_stall": [0, 0, 0]})
