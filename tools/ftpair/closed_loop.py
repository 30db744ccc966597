# SPDX-License-Identifier: GPL-2.0-or-later
"""Many connections, on each one request after the other, and every reply judged.

Run in the client's namespace, as clients.py is:

    python3 -m ftpair.closed_loop redis|http HOST PORT PORTS CONNECTIONS SECONDS

The connections are spread over so many ports from the first one on.

redis: INCR of a key for each connection; a reply must be the last plus one.
http: GET of a small page, a connection for each; a reply must be whole and
equal to the first. The result has the time of each request in microseconds.
"""

import collections
import errno
import selectors
import socket
import sys
import time

from .client_process import ClientProcess
from .clients import STALL_SECONDS, tell

now_ns = time.monotonic_ns
WARM_SECONDS = 0.3
REPLIES_MIN, PATIENCE_NS = 20, 20 * 10**9       # on a host so busy that the time brings fewer
PAGE = b"GET /index.html HTTP/1.0\r\n\r\n"


class ClosedLoop(ClientProcess):
    module = "ftpair.closed_loop"


class RedisTalk:
    """One connection for good."""
    lasting = True

    def __init__(self, number, shared):
        key = b"bench:%d:%d" % (now_ns(), number)
        self.request = b"*2\r\n$4\r\nINCR\r\n$%d\r\n%s\r\n" % (len(key), key)
        self._value = 0

    def judge(self, data):
        """None: more is to come. Else "" or what is wrong."""
        if not data.endswith(b"\r\n"):
            return None
        self._value += 1
        return "" if data == b":%d\r\n" % self._value else f"{data[:60]!r} instead of {self._value}"

    def ended(self, data):
        return "closed by the guest"


class HttpTalk:
    """A connection for each request; the guest ends it."""
    lasting = False
    request = PAGE

    def __init__(self, number, shared):
        self._shared = shared

    def judge(self, data):
        return None

    def ended(self, data):
        head, _, body = data.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            return f"answer {data[:60]!r}"
        # Also its length: an empty first page would make all empty ones right.
        first = self._shared.setdefault("body", body)
        return "" if body and body == first and b"Content-Length: %d\r\n" % len(body) in head + b"\r\n" else "another page"


class Connection:
    def __init__(self, loop, talk, address):
        self._loop, self._talk, self._address = loop, talk, address
        self._socket, self._data, self._sent_ns = None, b"", 0
        self.open()

    def open(self):
        self._sent_ns = now_ns()
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        error = self._socket.connect_ex(self._address)
        if error not in (0, errno.EINPROGRESS):
            raise OSError(error, "connect")
        self._loop.selector.register(self._socket, selectors.EVENT_WRITE, self.connected)

    def connected(self):
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, "connect")
        self._loop.selector.modify(self._socket, selectors.EVENT_READ, self.heard)
        self.send(now_ns() if self._talk.lasting else self._sent_ns)

    def send(self, begin_ns):
        self._sent_ns, self._data = begin_ns, b""
        self._socket.sendall(self._talk.request)

    def heard(self):
        chunk = self._socket.recv(65536)
        self._data += chunk
        verdict = self._talk.judge(self._data) if chunk else self._talk.ended(self._data)
        if verdict is None:
            return
        now = now_ns()
        self._loop.count(verdict, self._sent_ns, now)
        if self._talk.lasting:
            if not chunk:
                raise OSError(errno.ECONNRESET, "closed by the guest")
            self.send(now)
        else:
            self.close()
            self.open()

    def close(self):
        self._loop.selector.unregister(self._socket)
        self._socket.close()


class Loop:
    """All connections; runs for so long and counts."""

    def __init__(self, kind, host, ports, connections):
        self.selector = selectors.DefaultSelector()
        self.waits, self.problems = [], collections.Counter()
        self._begin_ns = 0
        talk, shared = {"redis": RedisTalk, "http": HttpTalk}[kind], {}
        self._connections = [Connection(self, talk(n, shared), (host, ports[n % len(ports)])) for n in range(connections)]

    def count(self, problem, sent, replied):
        if problem:
            self.problems[problem] += 1
        if replied >= self._begin_ns:
            self.waits.append((replied - sent) // 1000)

    def run(self, seconds):
        self._begin_ns = now_ns() + int(WARM_SECONDS * 1e9)
        until = self._begin_ns + int(seconds * 1e9)
        while (now := now_ns()) < until or (len(self.waits) < REPLIES_MIN and now < until + PATIENCE_NS):
            ready = self.selector.select(STALL_SECONDS)
            if not ready:
                self.problems[f"no reply for {STALL_SECONDS} s"] += 1
                break
            for key, _ in ready:
                key.data()
        return (now_ns() - self._begin_ns) / 1e9


def main(kind, host, port, ports, connections, seconds):
    loop, took, broken = None, 0, None
    try:
        loop = Loop(kind, host, range(int(port), int(port) + int(ports)), int(connections))
        took = loop.run(float(seconds))
    except OSError as error:
        broken = f"{type(error).__name__}: {error}"
    problems = dict(loop.problems) if loop else {}
    tell({"done": True, "replies": len(loop.waits) if loop else 0, "seconds": took, "broken": broken,
          "problems": problems, "waits_us": loop.waits if loop else []})


if __name__ == "__main__":
    main(*sys.argv[1:])
