# SPDX-License-Identifier: GPL-2.0-or-later
"""A switch that learns addresses apart for each VLAN, made of packet sockets.

A Linux bridge does this with vlan_filtering, but some kernels (this project's CI among
them) are built without it; such a bridge learns one address for all VLANs. This one
looks at the outer tag alone, as switches do. It never forgets and never snoops.
"""

import selectors
import signal
import struct
import subprocess
import sys
from pathlib import Path

from . import netns
from .delay import FRAME_MAX, open_end

SOL_PACKET, PACKET_AUXDATA = 263, 8
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 1 << 4, 1 << 6
VNET_HEADER, ADDRESSES = 10, 12
NEEDS_CHECKSUM = 1


class VlanSwitch:
    """Takes these interfaces of the namespace out of their bridge; ready when the constructor returns."""

    def __init__(self, namespace, interfaces):
        netns.batch(namespace, [f"link set {name} nomaster" for name in interfaces])
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *netns.inside(namespace, [sys.executable, "-m", "ftpair.vlan_switch", *interfaces])],
            stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parent.parent, text=True)
        if self._process.stdout.readline().strip() != "ready":
            self.stop()
            raise RuntimeError("the switch did not start")

    def stop(self):
        self._process.terminate()
        self._process.wait()


def receive(port):
    """(the frame with its outer tag, its virtio header); the kernel hands the tag over beside it."""
    data, beside, _, _ = port.recvmsg(FRAME_MAX, 64)
    header, frame = bytearray(data[:VNET_HEADER]), data[VNET_HEADER:]
    for level, kind, value in beside:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", value)
            if status & TP_STATUS_VLAN_VALID:
                tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else 0x8100
                frame = frame[:ADDRESSES] + struct.pack(">HH", tpid, tci) + frame[ADDRESSES:]
                if header[0] & NEEDS_CHECKSUM:
                    struct.pack_into("H", header, 6, struct.unpack_from("H", header, 6)[0] + 4)
    return frame, bytes(header)


def vlan(frame):
    kind, tci = struct.unpack(">HH", frame[ADDRESSES:ADDRESSES + 4])
    return tci & 0xFFF if kind in (0x8100, 0x88A8) else 0


def forward(port, ports, learned):
    try:
        frame, header = receive(port)
    except OSError:                 # nothing there, or a cable was cut
        return
    if len(frame) < ADDRESSES + 4:
        return
    number = vlan(frame)
    learned[number, frame[6:12]] = port
    to = learned.get((number, frame[:6])) if not frame[0] & 1 else None
    for other in [to] if to else ports:
        if other is not port:
            try:
                other.send(header + frame)
            except OSError:         # a full or cut link loses frames, as links do
                pass


def main(names):
    ports = [open_end(name) for name in names]
    poll, learned = selectors.DefaultSelector(), {}
    for port in ports:
        port.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        poll.register(port, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in poll.select():
            forward(key.fileobj, ports, learned)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    main(sys.argv[1:])
