# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody on node a who talks to a secondary that waits, and is nobody's primary."""

import socket
import time

from . import netns, wire
from .hosts import LOG_IP
from .node import LOG_PORT


def connect(pair):
    sock = netns.socket_in(pair.hosts.nodes["a"], socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(5)
    sock.connect((LOG_IP["b"], LOG_PORT))
    return sock


def answer_to(pair, data):
    """All that the secondary said about it, in whatever way."""
    before = len(pair.secondary.errors())
    sock = connect(pair)
    try:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass                            # it hung up in the middle: its right
    said = wire.drain_text(sock)
    sock.close()
    time.sleep(0.1)
    return " | ".join([said, pair.secondary.errors()[before:], pair.secondary.query()["reason"]])
