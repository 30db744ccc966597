# SPDX-License-Identifier: GPL-2.0-or-later
"""A wire that takes its time, made of two packet sockets.

tc netem would do this, but many kernels (this project's CI among them) are
built without it. The relay forwards raw frames between two interfaces after
a fixed delay, in order, and no more bytes a second than it is told; what
waits for that has bounded room, as in a switch. PACKET_VNET_HDR carries
segmentation and checksum offload through, so the frames may be larger than
the MTU, as on any veth.
"""

import collections
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from . import netns

SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 15, 23
PACKAGE_PARENT = Path(__file__).resolve().parent.parent
ETH_P_ALL = 3
FRAME_MAX = 128 * 1024
QUEUE_MAX = 65536           # frames on the wire in one direction; more are lost
WAIT_MAX = 0.1              # seconds a frame may wait for a rate; it is lost if it had to wait longer


class DelayedWire:
    """A relay process in the namespace; ready when the constructor returns."""

    def __init__(self, namespace, left, right, left_to_right_ms, right_to_left_ms):
        argv = [sys.executable, "-m", "ftpair.delay", left, right,
                str(left_to_right_ms), str(right_to_left_ms)]
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *netns.inside(namespace, argv)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PACKAGE_PARENT, text=True)
        if self._process.stdout.readline().strip() != "ready":
            self.stop()
            raise RuntimeError("the delayed wire did not start")

    def limit(self, bytes_per_second):
        """From now on each direction carries so much; 0: as much as comes."""
        self._process.stdin.write(f"{bytes_per_second}\n")
        self._process.stdin.flush()

    def stand_still(self, still):
        """Carries nothing until it is told otherwise."""
        self._process.send_signal(signal.SIGSTOP if still else signal.SIGCONT)

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


def open_end(interface):
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    end.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    netns.grow_buffer(end, 64 << 20)
    end.bind((interface, ETH_P_ALL))
    end.setblocking(False)
    return end


class Direction:
    """Frames that came in at source and leave at target when they are due."""

    def __init__(self, source, target, delay):
        self.source, self._target, self._delay = source, target, delay
        self._queue = collections.deque()
        self._free_at = 0.0
        self.rate = 0

    def take(self):
        for _ in range(64):
            try:
                frame = self.source.recv(FRAME_MAX)
            except OSError:      # nothing more, or ENETDOWN once, when a test cuts the link
                return
            now = time.monotonic()
            begin = max(now, self._free_at)
            if len(self._queue) < QUEUE_MAX and begin - now <= WAIT_MAX:
                self._free_at = begin + (len(frame) / self.rate if self.rate else 0)
                self._queue.append((self._free_at + self._delay, frame))

    def due(self):
        return self._queue[0][0] if self._queue else None

    def deliver(self):
        now = time.monotonic()
        while self._queue and self._queue[0][0] <= now:
            send(self._target, self._queue.popleft()[1])


def relay(left, right, left_to_right_ms, right_to_left_ms):
    ways = {left: Direction(left, right, left_to_right_ms / 1e3), right: Direction(right, left, right_to_left_ms / 1e3)}
    poll = selectors.DefaultSelector()
    for end in (*ways, sys.stdin):
        poll.register(end, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        due = [way.due() for way in ways.values() if way.due() is not None]
        for key, _ in poll.select(max(0.0, min(due) - time.monotonic()) if due else None):
            if key.fileobj in ways:
                ways[key.fileobj].take()
            elif not (line := sys.stdin.readline()):
                return
            else:
                for way in ways.values():
                    way.rate = int(line)
        for way in ways.values():
            way.deliver()


def send(end, frame):
    try:
        end.send(frame)
    except OSError:              # a full or cut link loses frames, as links do
        pass


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    relay(open_end(sys.argv[1]), open_end(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
