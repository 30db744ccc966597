# SPDX-License-Identifier: GPL-2.0-or-later
"""A secondary that is no QEMU: it takes the state, acks the log, and lies on order.

It listens where the primary looks for its secondary. lie(peer) is called once
for each log connection, at the moment asked for:
  "hello"      instead of the answer to the primary's HELLO
  "protected"  once the primary relies on it
"""

import threading

from . import netns, wire
from .hosts import LOG_IP
from .node import LOG_PORT


class FakeSecondary:
    def __init__(self, namespace):
        self.moment, self.lie = "hello", lambda peer: None
        self.said = ""              # what the primary answered to the last lie
        self.lied = threading.Event()
        self._listener = netns.Listener(namespace, (LOG_IP["b"], LOG_PORT),
                                        lambda sock: Connection(self, sock).run())

    def plan(self, moment, lie):
        self.moment, self.lie, self.said = moment, lie, ""
        self.lied.clear()

    def close(self):
        self._listener.close()


class Connection:
    """One connection of the primary: its log or its heartbeat."""

    def __init__(self, owner, sock):
        self.owner, self.sock = owner, sock
        self.epoch = self.session = self.acked = 0

    def send(self, kind, body=b"", seq=0, **overrides):
        epoch = overrides.pop("epoch", self.epoch)
        session = overrides.pop("session", self.session)
        message = wire.Message(kind, body, epoch, session, seq)
        self.sock.sendall(message.pack(**overrides))

    def run(self):
        try:
            self._run()
        except (OSError, ValueError):
            pass
        finally:
            self.sock.close()

    def _run(self):
        first = wire.read(self.sock)
        if first is None or first.type != wire.HELLO:
            return
        self.epoch, self.session = first.epoch, first.session
        hello = wire.Hello.unpack(first.body)
        is_log = hello.channel == wire.CHANNEL_LOG
        if is_log and self.owner.moment == "hello":
            self._lie()
            return
        self.send(wire.HELLO, wire.Hello(hello.channel, wire.SECONDARY, hello.uuid, b"",
                                         hello.timeout_ns, hello.fingerprint).pack())
        while message := wire.read(self.sock):
            self.epoch = max(self.epoch, message.epoch)
            if self._answer(message):
                return

    def _answer(self, message):
        if message.type == wire.PING:
            self.send(wire.PONG, message.body)
        elif message.type == wire.MARK:
            self.send(wire.MARK)
        elif message.type == wire.DEVICES:
            self.send(wire.READY)
        elif message.type == wire.LOG:
            self.acked = message.seq_last
            self.send(wire.ACK, wire.ACK_BODY.pack(self.acked, self.acked, 0), self.acked)
            if self.owner.moment == "protected" and not self.owner.lied.is_set():
                self._lie()
                return True
        return False

    def _lie(self):
        try:
            self.owner.lie(self)
            self.owner.said = wire.drain_text(self.sock, 1.0)
        finally:
            self.owner.lied.set()
