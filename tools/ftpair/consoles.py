# SPDX-License-Identifier: GPL-2.0-or-later
"""Readers of a guest's consoles: programs on the host that read when told to, and otherwise let their pipe fill up."""

import fcntl
import os
import select
import socket
import time

from . import netns

FIONREAD = 0x541B


class Reader:
    """One end of a socket, pty or FIFO that a character device of the guest writes to."""

    def __init__(self, fd, keep=None):
        self._fd, self._keep = fd, keep
        os.set_blocking(fd, False)

    @staticmethod
    def of_socket(path):
        sock = socket.socket(socket.AF_UNIX)
        folder = os.open(path.parent, os.O_PATH)    # a socket's path may be too long
        try:
            sock.connect(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)
        return Reader(sock.fileno(), sock)

    @staticmethod
    def of_tcp(namespace, port):
        sock = netns.socket_in(namespace, socket.AF_INET, socket.SOCK_STREAM)
        sock.connect(("127.0.0.1", port))
        return Reader(sock.fileno(), sock)

    @staticmethod
    def of_pty(node, chardev):
        name = next(c["filename"] for c in node.qmp.command("query-chardev") if c["label"] == chardev)
        return Reader(os.open(name.removeprefix("pty:"), os.O_RDWR | os.O_NOCTTY))

    @staticmethod
    def of_new_fifo(path):
        """Made for a back end of kind "pipe", which has not started yet: as small as a pipe can be, and full."""
        for way in ("in", "out"):
            os.mkfifo(f"{path}.{way}")
        fd = os.open(f"{path}.out", os.O_RDWR | os.O_NONBLOCK)
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, 4096)
        os.write(fd, bytes(4096))
        return Reader(fd)

    def is_full(self):
        """Something waits here, and no more of it than a tenth of a second ago: the guest writes all the time."""
        before = self._waiting()
        time.sleep(0.1)
        return before == self._waiting() > 0

    def _waiting(self):
        count = bytearray(4)
        fcntl.ioctl(self._fd, FIONREAD, count)
        return int.from_bytes(count, "little")

    def read(self, seconds):
        """All that is there, and what comes until nothing has come for so long."""
        data, last = b"", time.monotonic()
        while time.monotonic() - last < seconds:
            if not select.select([self._fd], [], [], seconds)[0]:
                break
            chunk = os.read(self._fd, 65536)
            if chunk:
                data, last = data + chunk, time.monotonic()
            else:
                time.sleep(0.01)    # a pty without anything is at its end, until there is something
        return data

    def send(self, data):
        """Types it; what finds no room waits, as a terminal would."""
        while data:
            select.select([], [self._fd], [], 10)
            data = data[os.write(self._fd, data):]

    def send_break(self):
        """What a telnet client sends for it."""
        self._keep.send(b"\xff\xf3")

    def close(self):
        if self._keep:
            self._keep.close()
        else:
            os.close(self._fd)
