# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands in the guest, by its web server: /cgi-bin/run.

Each call is a TCP connection of its own from the client's namespace.
"""

import base64
import shutil
import socket
import subprocess
import time
import urllib.parse

from . import netns, verdict
from .hosts import GUEST_IP
from .node import ROOT
from .pair import Failed

GOES_ON_SECONDS = 1.0           # how long the clients work on after a takeover
ORDER_SECONDS = 2.0             # how long order() listens for an answer that may have been lost
PROGRAMS = ROOT / "tests" / "guest"
# No C library, nothing around it: less than a kilobyte.
BARE = ("-Os", "-static", "-nostdlib", "-fno-pie", "-no-pie", "-fno-asynchronous-unwind-tables",
        "-Wl,--build-id=none,-n,-z,noseparate-code,-s")


class NoAnswer(Failed):
    """The connection has ended, or nothing has come in time."""


def command(pair, line, seconds=20):
    """Runs it in the guest's shell; what it printed. Any other end is a failure."""
    text = _get(pair, f"/cgi-bin/run?{urllib.parse.quote(line)}", seconds)
    said, _, status = text.rstrip("\n").rpartition("exit ")
    if status != "0":
        raise Failed(f"the guest's {line!r} ended with {status or 'nothing'}: {said}")
    return said


def install(pair, name):
    """Compiles tests/guest/NAME/NAME.c, a program without a C library, to /tmp/NAME of the guest."""
    program = pair.folder / name
    subprocess.run([shutil.which("gcc") or "cc", *BARE, PROGRAMS / name / f"{name}.c", "-o", program], check=True)
    text = base64.b64encode(program.read_bytes()).decode()
    command(pair, f"echo {text} | base64 -d >/tmp/{name} && chmod +x /tmp/{name}")


def order(pair, line):
    """Runs it a moment later: for what ends the guest. Its answer may be lost with the guest, so nobody counts on that."""
    background = urllib.parse.quote(f"(sleep 0.2; {line}) >/dev/null 2>&1 </dev/null &")
    try:
        _get(pair, f"/cgi-bin/run?{background}", ORDER_SECONDS)
    except NoAnswer:
        pair.say(f"no answer to {line!r}: the guest has ended before it")


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
            raise NoAnswer(f"the guest's web server: {error}") from error
    if not answer:
        raise NoAnswer("the guest's web server has closed the connection without an answer")
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
