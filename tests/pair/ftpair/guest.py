# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands in the guest, by its web server: /cgi-bin/run.

Each call is a TCP connection of its own from the client's namespace.
"""

import socket
import time
import urllib.parse

from . import netns, verdict
from .hosts import GUEST_IP
from .pair import Failed

GOES_ON_SECONDS = 1.0           # how long the clients work on after a takeover


def command(pair, line, seconds=20):
    """Runs it in the guest's shell; what it printed. Any other end is a failure."""
    text = _get(pair, f"/cgi-bin/run?{urllib.parse.quote(line)}", seconds)
    said, _, status = text.rstrip("\n").rpartition("exit ")
    if status != "0":
        raise Failed(f"the guest's {line!r} ended with {status or 'nothing'}: {said}")
    return said


def order(pair, line):
    """Runs it a moment later: for what ends the guest, and so the answer."""
    command(pair, f"(sleep 0.2; {line}) >/dev/null 2>&1 </dev/null &")


def post(pair, body, seconds=60):
    """Posts it; the sha256 that the guest has made of it."""
    head = f"POST /cgi-bin/upload HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    return _ask(pair, head.encode() + body, seconds).split()[0]


def _get(pair, path, seconds):
    return _ask(pair, f"GET {path} HTTP/1.0\r\n\r\n".encode(), seconds)


def _ask(pair, request, seconds):
    with netns.socket_in(pair.hosts.client, socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(seconds)
        try:
            sock.connect((GUEST_IP, 80))
            sock.sendall(request)
            answer = b""
            while chunk := sock.recv(65536):
                answer += chunk
        except OSError as error:
            raise Failed(f"the guest's web server: {error}") from error
    head, _, body = answer.decode(errors="replace").partition("\r\n\r\n")
    if " 200 " not in head.splitlines()[0]:
        raise Failed(f"the guest's web server: {head}")
    return body


def kill_primary(case, pair):
    """kill -9; the INCR client must go on, on its connection, with the secondary."""
    pair.inject("kill")
    pair.wait_state(pair.secondary, "exposed", 10)
    if not pair.wait_replies_after(time.monotonic_ns()):
        raise Failed(f"no replies: {pair.incr.result or pair.incr.progress}")
    time.sleep(GOES_ON_SECONDS)
    case.judge(*verdict.replies(pair.incr.finish()))
