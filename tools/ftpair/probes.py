# SPDX-License-Identifier: GPL-2.0-or-later
"""Questions asked again and again, each with the moments of asking and of its answer.

After a takeover what counts is the first answer to a question that was asked after
the survivor went live: an answer that was on its way before proves nothing about the
network's way to the guest.
"""

import os
import socket
import struct
import threading
import time

from . import netns
from .pings import checksum
from .waiting import within

EVERY_SECONDS = 0.03
IP_MULTICAST_IF, IPV6_MULTICAST_IF = 32, 17
ETH_P_ALL = 3


class Probe:
    """Asks in a thread until close(). ask(number) sends; hear(data) gives the number."""

    def __init__(self, name, sock):
        self.name = name
        self._socket = sock
        self._socket.settimeout(0.2)
        self._mark = os.urandom(4)
        self.asked, self.answered = {}, {}
        self.asking = True
        self._end = False
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._ask, self._hear)]
        for thread in self._threads:
            thread.start()

    def send(self, body):
        raise NotImplementedError

    def body_of(self, data):
        """What send() was given, of an answer; anything else for what is none."""
        return data

    def _ask(self):
        number = 0
        while not self._end:
            time.sleep(EVERY_SECONDS)
            if not self.asking:
                continue
            number += 1
            self.asked[number] = time.monotonic_ns()
            try:
                self.send(self._mark + struct.pack(">I", number))
            except OSError:             # no way to the guest at the moment
                pass

    def _hear(self):
        while not self._end:
            try:
                data = self._socket.recv(4096)
            except OSError:
                continue
            now = time.monotonic_ns()
            body = self.body_of(data)
            if len(body) >= 8 and body[:4] == self._mark:
                self.answered.setdefault(struct.unpack(">I", body[4:8])[0], now)

    def first_after(self, moment_ns):
        """How long after the moment came the first answer to a question asked after it, in ms; None: none yet."""
        times = [when for number, when in list(self.answered.items()) if self.asked[number] >= moment_ns]
        return (min(times) - moment_ns) / 1e6 if times else None

    def wait_answer(self, seconds, since_ns=None):
        """first_after() as soon as there is one, or None when the time is over."""
        since_ns = since_ns or time.monotonic_ns()
        within(seconds, lambda: self.first_after(since_ns) is not None, step=0.02)
        return self.first_after(since_ns)

    def close(self):
        self._end = True
        for thread in self._threads:
            thread.join()
        self._socket.close()


class Silence:
    """While it lasts nobody asks, and nothing is on its way that a survivor would send: that would teach a switch, too."""

    ANSWERED_SECONDS = 0.3

    def __init__(self, probes):
        self._probes = probes

    def __enter__(self):
        for probe in self._probes[::-1]:        # the first one last: of the last packet nobody says that it has left
            probe.asking = False
            time.sleep(self.ANSWERED_SECONDS / len(self._probes))
        time.sleep(self.ANSWERED_SECONDS)

    def __exit__(self, *why):
        for probe in self._probes:
            probe.asking = True


class Ping(Probe):
    def __init__(self, name, namespace, address):
        sock = netns.socket_in(namespace, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        sock.connect((address, 0))
        super().__init__(name, sock)

    def send(self, body):
        self._socket.send(echo_request(body))

    def body_of(self, data):
        return data[(data[0] & 15) * 4 + 8:]


class Ping6(Probe):
    """The kernel of the client puts the checksum in."""

    def __init__(self, name, namespace, address):
        sock = netns.socket_in(namespace, socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        sock.connect((address, 0))
        super().__init__(name, sock)

    def send(self, body):
        self._socket.send(struct.pack(">BBHHH", 128, 0, 0, 1, 1) + body)

    def body_of(self, data):
        return data[8:] if data[0] == 129 else b""


class Group(Probe):
    """Datagrams to a multicast group; a member sends each back (tests/guest/network/ft-group.c)."""

    def __init__(self, name, namespace, group, port, interface_address, interface_index):
        six = ":" in group
        sock = netns.socket_in(namespace, socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
        if six:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MULTICAST_IF, interface_index)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_IF, socket.inet_aton(interface_address))
        self._target = (group, port)
        super().__init__(name, sock)

    def send(self, body):
        self._socket.sendto(body, self._target)


class TaggedPing(Probe):
    """Echo requests in VLANs, as whole frames: many kernels are built without VLAN devices."""

    def __init__(self, name, namespace, interface, target_mac, vlans, source_ip, target_ip):
        sock = netns.socket_in(namespace, socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.bind((interface, ETH_P_ALL))
        self._target_mac = bytes.fromhex(target_mac.replace(":", ""))
        self._ips = socket.inet_aton(source_ip), socket.inet_aton(target_ip)
        self._tags = b"".join(struct.pack(">HH", 0x88A8 if i + 1 < len(vlans) else 0x8100, vlan) for i, vlan in enumerate(vlans))
        self.mac = sock.getsockname()[4]
        super().__init__(name, sock)

    def send(self, body):
        icmp = echo_request(body)
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(icmp), 0, 0, 64, 1, 0) + b"".join(self._ips)
        head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
        frame = self._target_mac + self.mac + self._tags + b"\x08\0" + head + icmp
        self._socket.send(frame.ljust(60, b"\0"))

    def body_of(self, data):
        """The kernel has taken the outer tag away; an inner one is still there."""
        if data[6:12] != self._target_mac:
            return b""
        at = data.find(b"\x08\0\x45", 12)
        return data[at + 2 + 20 + 8:] if at >= 12 and data[at + 2 + 20] == 0 else b""


def echo_request(body):
    head = struct.pack(">BBHHH", 8, 0, 0, 1, 1)
    return head[:2] + struct.pack(">H", checksum(head + body)) + head[4:] + body
