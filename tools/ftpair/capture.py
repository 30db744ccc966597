# SPDX-License-Identifier: GPL-2.0-or-later
"""What crosses a tap, with the kernel's own time stamps.

Frames that QEMU writes into its tap arrive on the interface: the capture
calls them "out" (of the guest). Frames the host sends to the guest leave the
interface: "in" (to the guest). The socket is made and bound before start()
returns, so nothing after that is missed; frames the kernel had to drop for
lack of room are counted, and a capture that dropped is no proof of silence.
"""

import socket
import struct
import threading
import time
from dataclasses import dataclass

from . import netns

SOL_PACKET, PACKET_IGNORE_OUTGOING, PACKET_STATISTICS = 263, 23, 6
SO_TIMESTAMPNS = 35
PACKET_OUTGOING = 4
ETH_P_ALL, ETH_P_ARP, ETH_P_RARP = 3, 0x0806, 0x8035
HEAD_BYTES = 80
FRAMES_MAX = 500_000


@dataclass(frozen=True)
class Frame:
    real_ns: int            # CLOCK_REALTIME, by the kernel
    out: bool               # written by QEMU
    length: int
    head: bytes             # the first bytes: Ethernet, IP, TCP

    @property
    def ethertype(self):
        return int.from_bytes(self.head[12:14], "big")

    def tcp(self):
        """(source port, destination port, sequence, payload bytes), or None."""
        h = self.head
        if self.ethertype != 0x0800 or len(h) < 54 or h[23] != 6:
            return None
        ip_len = (h[14] & 15) * 4
        total = int.from_bytes(h[16:18], "big")
        t = 14 + ip_len
        source, target, sequence = struct.unpack(">HHI", h[t:t + 8])
        return source, target, sequence, total - ip_len - (h[t + 12] >> 4) * 4

    def __str__(self):
        mac = self.head[6:12].hex(":")
        return f"{'out' if self.out else 'in'} {self.length} bytes from {mac} type {self.ethertype:#06x}"


class Capture:
    def __init__(self, namespace, interface="tap0", only_out=True):
        self.frames = []
        self.overflowed = 0
        self._stop = False
        self._socket = netns.socket_in(namespace, socket.AF_PACKET, socket.SOCK_RAW, 0)
        netns.grow_buffer(self._socket, 32 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        if only_out:
            self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self._socket.bind((interface, ETH_P_ALL))
        self._socket.settimeout(0.1)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self):
        while not self._stop:
            try:
                data, ancillary, _, address = self._socket.recvmsg(
                    HEAD_BYTES, 64, socket.MSG_TRUNC)
            except TimeoutError:
                continue
            except OSError:      # the link went down: the capture goes on
                if self._stop:
                    return
                time.sleep(0.01)
                continue
            self._keep(data, ancillary, address)

    def _keep(self, data, ancillary, address):
        real_ns = time.time_ns()
        for level, kind, value in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("qq", value[:16])
                real_ns = seconds * 10**9 + nanoseconds
        if len(self.frames) >= FRAMES_MAX:
            self.overflowed += 1
            return
        length = struct.unpack(">H", data[16:18])[0] + 14 if data[12:14] == b"\x08\0" else len(data)
        self.frames.append(Frame(real_ns, address[2] != PACKET_OUTGOING, length, data))

    def dropped(self):
        """Frames the kernel or our own bound lost since the last call."""
        packed = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        return struct.unpack("II", packed)[1] + self.overflowed

    def out(self, since_ns=0, until_ns=1 << 63):
        """Frames QEMU wrote in [since, until), times of CLOCK_REALTIME."""
        return [f for f in list(self.frames) if f.out and since_ns <= f.real_ns < until_ns]

    def stop(self):
        if not self._stop:
            self._stop = True
            self._thread.join()
            self._lost = self.dropped()
            self._socket.close()
        return self._lost
