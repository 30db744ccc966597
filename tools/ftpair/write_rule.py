# SPDX-License-Identifier: GPL-2.0-or-later
"""The output rule of a shared image, measured: no write is there before its ack.

Seen in two ways. From outside: somebody who reads the image past the host's cache,
again and again, sees no block of the guest sooner than the log link's delay after
the guest has submitted it. From inside: QEMU's trace has an acknowledgement of the
write's frame before the write goes to the image.
"""

import mmap
import os
import threading
import time

from . import guest, trace
from .verdict import MS, Check

DELAY_MS = 50
TRACES = ("ft_disk_submit", "ft_disk_go", "ft_ack_received")
TRACE_FILE = "primary.trace"
BLOCK, BLOCKS = 4096, 20
WRITE = f"dd if=/dev/urandom of=/dev/vdb bs={BLOCK} count=1 seek=$n oflag=direct conv=notrunc"


def node_arguments():
    return trace.arguments(TRACES, TRACE_FILE)


class Watcher(threading.Thread):
    """When each block of the image was first seen to be no zeros any more (CLOCK_REALTIME, ns)."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.seen, self.looks, self._ended = {}, 0, threading.Event()
        self._file = os.open(path, os.O_RDONLY | os.O_DIRECT)
        self._buffer = mmap.mmap(-1, BLOCK * BLOCKS)

    def run(self):
        while not self._ended.is_set():
            os.preadv(self._file, [self._buffer], 0)
            now = time.time_ns()
            self.looks += 1
            for number in range(BLOCKS):
                if number not in self.seen and any(self._buffer[number * BLOCK:(number + 1) * BLOCK]):
                    self.seen[number] = now
            time.sleep(0.0005)

    def stop(self):
        self._ended.set()
        self.join()
        os.close(self._file)


def measure(pair, zeros_until):
    """The checks, for a pair that is up and has node_arguments() and a second drive of zeros."""
    pair.hosts.delay_log(DELAY_MS)
    time.sleep(0.5)
    watcher = Watcher(zeros_until)
    watcher.start()
    guest.command(pair, f"for n in $(seq 0 {BLOCKS - 1}); do {WRITE} || exit 1; done", 60)
    watcher.stop()
    pair.hosts.delay_log(0)
    points = trace.read(pair.folder / TRACE_FILE)
    writes = {int(p.fields["request"]): p for p in points if p.name == "ft_disk_submit"
              and p.fields["drive"] == "d1" and p.fields["op"] == "write"}
    return [not_seen_early(watcher, writes), acks_first(points, writes)]


def not_seen_early(watcher, writes):
    submitted = {int(p.fields["offset"]) // BLOCK: p.real_ns for p in writes.values()}
    waits = [seen - submitted[number] for number, seen in watcher.seen.items() if number in submitted]
    least = min(waits, default=0)
    return Check("no write on the image before the link's delay is over",
                 len(waits) == BLOCKS and least >= DELAY_MS * MS,
                 f"{len(waits)} writes seen in {watcher.looks} looks, the earliest after {least / MS:.2f} ms")


def acks_first(points, writes):
    acked, early, compared = 0, [], 0
    for point in points:
        if point.name == "ft_ack_received":
            acked = max(acked, int(point.fields["received"]))
        elif point.name == "ft_disk_go" and point.fields["drive"] == "d1" and int(point.fields["request"]) in writes:
            compared += 1
            if int(point.fields["seq"]) > acked:
                early.append(int(point.fields["request"]))
    return Check("no write goes to the image before its ack", compared >= BLOCKS and not early,
                 f"{len(early)} of {compared} too early")
