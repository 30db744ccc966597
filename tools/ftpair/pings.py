# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbered ICMP echo requests: datagrams that nobody sends again."""

import collections
import os
import select
import socket
import struct
import time

from . import netns


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


class Pings:
    """One stream of echo requests, by its identifier; counts the answers to each."""

    def __init__(self, namespace, host):
        self._socket = netns.socket_in(namespace, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.connect((host, 0))
        self._id = int.from_bytes(os.urandom(2), "big")
        self.sent = 0
        self.answers = collections.Counter()

    def send(self, count):
        for _ in range(count):
            self.sent += 1
            head = struct.pack(">BBHHH", 8, 0, 0, self._id, self.sent)
            body = b"FT" * 16
            self._socket.send(head[:2] + struct.pack(">H", checksum(head + body)) + head[4:] + body)

    def hear(self, seconds):
        """Takes answers for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and select.select([self._socket], [], [], left)[0]:
            packet = self._socket.recv(2048)
            kind, _, _, number, sequence = struct.unpack(">BBHHH", packet[(packet[0] & 15) * 4:][:8])
            if kind == 0 and number == self._id:
                self.answers[sequence] += 1

    def missing(self):
        return [n for n in range(1, self.sent + 1) if not self.answers[n]]

    def doubled(self):
        return [n for n, times in self.answers.items() if times > 1]

    def close(self):
        self._socket.close()
