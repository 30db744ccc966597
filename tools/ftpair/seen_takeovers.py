# SPDX-License-Identifier: GPL-2.0-or-later
"""Takeovers, again and again, as clients see them whose packets the network has to bring to the survivor."""

import os
import socket

from . import netns
from .probes import Silence
from .verdict import Check

TAKEOVERS = int(os.environ.get("FT_TAKEOVERS", "2"))
ANSWER_MS = 1000                # goal of the issue
TIMEOUT_MS = 3000               # a death is seen at once; nothing else shall look like one on a busy host
SETTLED_SECONDS = 15


def taken_over(case, pair, probes):
    """TAKEOVERS times: yields {name: ms from going live to the first answer}, which is judged."""
    for number in range(1, TAKEOVERS + 1):
        if number > 1:
            pair.spawn()
            pair.attach()
        settled(case, pair, probes, f"takeover {number}")
        with Silence(probes):
            live_ns = take_over(pair, number)
        firsts = {probe.name: probe.wait_answer(4 * ANSWER_MS / 1000, live_ns) for probe in probes}
        case.judge(*(answered(f"takeover {number}: {name}", first) for name, first in firsts.items()))
        yield firsts


def answered(what, first_ms):
    return Check(f"{what} answers in time", first_ms is not None and first_ms < ANSWER_MS,
                 "no answer" if first_ms is None else f"{first_ms:.1f} ms")


def client_mac(pair):
    with netns.socket_in(pair.hosts.client, socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("eth0", 0))
        return sock.getsockname()[4].hex(":")


def settled(case, pair, probes, when):
    for probe in probes:
        case.expect(f"{when}: {probe.name} is answered", probe.wait_answer(SETTLED_SECONDS) is not None, pair.told())


def take_over(pair, number):
    """kill -9, or every second time a handover; the moment the survivor went live."""
    if number % 2:
        pair.inject("kill")
    else:
        pair.primary.qmp.command("ft-failover", 30)
    answer = pair.wait_state(pair.secondary, "exposed", 20)
    netns.run(["ip", "-6", "-n", pair.hosts.client, "neigh", "flush", "dev", "eth0"])
    pair.promote()
    return answer["takeover-live-ns"]
