# SPDX-License-Identifier: GPL-2.0-or-later
"""A wire that takes its time, made of two packet sockets.

tc netem would do this, but many kernels (this project's CI among them) are
built without it. The relay forwards raw frames between two interfaces after
a fixed delay, in order. PACKET_VNET_HDR carries segmentation and checksum
offload through, so the frames may be larger than the MTU, as on any veth.
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


class DelayedWire:
    """A relay process in the namespace; ready when the constructor returns."""

    def __init__(self, namespace, left, right, left_to_right_ms, right_to_left_ms):
        argv = [sys.executable, "-m", "ftpair.delay", left, right,
                str(left_to_right_ms), str(right_to_left_ms)]
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *netns.inside(namespace, argv)],
            stdout=subprocess.PIPE, cwd=PACKAGE_PARENT, text=True)
        if self._process.stdout.readline().strip() != "ready":
            self.stop()
            raise RuntimeError("the delayed wire did not start")

    def stop(self):
        self._process.terminate()
        self._process.wait()



def open_end(interface):
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    end.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    netns.grow_buffer(end, 64 << 20)
    end.bind((interface, ETH_P_ALL))
    end.setblocking(False)
    return end


def relay(left, right, left_to_right_ms, right_to_left_ms):
    ends = {left: (right, left_to_right_ms / 1e3), right: (left, right_to_left_ms / 1e3)}
    queues = {left: collections.deque(), right: collections.deque()}
    poll = selectors.DefaultSelector()
    for end in ends:
        poll.register(end, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        now = time.monotonic()
        due = [queue[0][0] for queue in queues.values() if queue]
        timeout = max(0.0, min(due) - now) if due else None
        for key, _ in poll.select(timeout):
            take(key.fileobj, queues[key.fileobj], ends[key.fileobj][1])
        now = time.monotonic()
        for source, queue in queues.items():
            while queue and queue[0][0] <= now:
                deliver(ends[source][0], queue.popleft()[1])


def take(end, queue, delay):
    for _ in range(64):
        try:
            frame = end.recv(FRAME_MAX)
        except BlockingIOError:
            return
        except OSError:          # ENETDOWN once, when a test cuts the link
            return
        if len(queue) < QUEUE_MAX:
            queue.append((time.monotonic() + delay, frame))


def deliver(end, frame):
    try:
        end.send(frame)
    except OSError:              # a full or cut link loses frames, as links do
        pass


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    relay(open_end(sys.argv[1]), open_end(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
