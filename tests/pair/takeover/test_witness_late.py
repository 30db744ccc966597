# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a witness connection that was never served is no sign of death: the pair stays protected, its client sees nothing.

Method: a man in the middle keeps the primary's third connection (the witness) from the secondary until the primary has given it up
and hung up, as on a secondary that gets no CPU for 5 s; then he delivers both, the HELLO and the end. A second pair's witness is
closed by him as soon as the secondary has answered. Either time the secondary has served and closed the connection when the test
looks. That it does notice a death by its witness is pair/witness' affair.
"""

import socket
import threading
import time

from ftpair import netns, verdict, wire
from ftpair.hosts import LOG_IP
from ftpair.node import LOG_PORT
from ftpair.pair import Failed
from ftpair.proxy import PROXY_PORT, Proxy

# The man in the middle is slow, above all when he copies memory.
PATIENT_MS = 5000
GIVES_UP_S = 60


class WitnessKeeper(Proxy):
    """wait_for_primary: the secondary hears of the witness only when the primary has hung up."""

    def __init__(self, namespace, wait_for_primary):
        self._wait_for_primary = wait_for_primary
        self.judged = threading.Event()
        super().__init__(namespace)

    def _join(self, near):
        channel = near.recv(wire.HEADER.size + 1, socket.MSG_PEEK | socket.MSG_WAITALL)[wire.HEADER.size:]
        if channel != bytes([wire.CHANNEL_WITNESS]):
            super()._join(near)
            return
        _, hello = wire.read_raw(near)
        if self._wait_for_primary:
            near.recv(1)
            near.close()
        with netns.socket_in(self._namespace, socket.AF_INET, socket.SOCK_STREAM) as far:
            far.connect((LOG_IP["b"], LOG_PORT))
            far.sendall(hello)
            if self._wait_for_primary:
                far.shutdown(socket.SHUT_WR)
            answer, _ = wire.read_raw(far)
            if not self._wait_for_primary:
                far.shutdown(socket.SHUT_WR)
            if answer and answer.type == wire.HELLO and far.recv(1) == b"":
                self.judged.set()
        near.close()


def test_witness_late(case):
    for tag, wait_for_primary in (("late", True), ("early", False)):
        with case.pair(tag, peer_port=PROXY_PORT, timeout_ms=PATIENT_MS) as pair:
            one(case, pair, tag, wait_for_primary)


def one(case, pair, tag, wait_for_primary):
    keeper = WitnessKeeper(pair.hosts.nodes["b"], wait_for_primary)
    try:
        pair.start().wait_protected()
        if not keeper.judged.wait(GIVES_UP_S):
            raise Failed(f"{tag}: the secondary has not served the witness")
        still_protected(case, pair, tag)
        pair.wait_guest()
        pair.start_incr()
        pair.wait_replies_after(time.monotonic_ns(), count=200)
        still_protected(case, pair, f"{tag}, under load")
        case.judge(*verdict.replies(pair.incr.finish()))
    finally:
        keeper.close()


def still_protected(case, pair, when):
    # A secondary that takes over says so within a fifth of a second; here nothing is to come, so there is no event to wait for.
    time.sleep(1)
    states = [(n["state"], n["reason"]) for n in (pair.primary.query(), pair.secondary.query())]
    case.expect(f"{when}: both stay protected", all(state == "protected" for state, _ in states), states)
