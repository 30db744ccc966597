# SPDX-License-Identifier: GPL-2.0-or-later
"""A man in the middle of the pair's link, message by message.

The primary connects here instead of to the secondary. corrupt(message, raw)
is asked about every message of the log channel from the primary (or from the
secondary) once arm() was called; the first time it answers bytes, they go out in place of raw.
"""

import socket
import threading

from . import netns, wire
from .hosts import LOG_IP
from .node import LOG_PORT

PROXY_PORT = 7001


class Proxy:
    def __init__(self, namespace):
        self._namespace = namespace
        self._corrupt, self._of_primary = None, True
        self.done = threading.Event()
        self._listener = netns.Listener(namespace, (LOG_IP["b"], PROXY_PORT), self._join)

    def arm(self, corrupt, from_primary=True):
        self.done.clear()
        self._of_primary = from_primary
        self._corrupt = corrupt

    def _join(self, near):
        far = netns.socket_in(self._namespace, socket.AF_INET, socket.SOCK_STREAM)
        try:
            far.connect((LOG_IP["b"], LOG_PORT))
        except OSError:
            near.close()
            far.close()
            return
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._carry, args=(far, near, False), daemon=True).start()
        self._carry(near, far, True)

    def _carry(self, source, target, from_primary):
        try:
            while True:
                message, raw = wire.read_raw(source)
                if message is None:
                    break
                target.sendall(self._judge(message, raw) if from_primary == self._of_primary else raw)
        except (OSError, ValueError):
            pass
        for sock in (source, target):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _judge(self, message, raw):
        corrupt = self._corrupt
        changed = corrupt(message, raw) if corrupt else None
        if changed is None:
            return raw
        self._corrupt = None
        self.done.set()
        return changed

    def close(self):
        self._listener.close()
