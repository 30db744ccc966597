# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's monitor: commands, and events with the moment they came.

A reader thread keeps every event. When QEMU is stopped or gone, a command
times out or raises; it never hangs the harness.
"""

import json
import os
import socket
import threading
import time
from dataclasses import dataclass, field


class QmpError(Exception):
    pass


@dataclass(frozen=True)
class Event:
    name: str
    data: dict = field(hash=False)
    real_ns: int            # QEMU's own time stamp, CLOCK_REALTIME

    def __str__(self):
        return f"{self.name} {json.dumps(self.data)}"


class Qmp:
    def __init__(self, path, alive=lambda: True, seconds=10.0):
        self.events = []
        self._answers = {}
        self._next = 0
        self._closed = None
        self._news = threading.Condition()
        self._send_lock = threading.Lock()
        self._socket = self._connect(path, alive, seconds)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self.command("qmp_capabilities")

    @staticmethod
    def _connect(path, alive, seconds):
        # The socket is reached through its folder: a path may be longer than
        # the 107 bytes that a socket address holds.
        folder = os.open(path.parent, os.O_PATH)
        deadline = time.monotonic() + seconds
        try:
            while True:
                sock = socket.socket(socket.AF_UNIX)
                try:
                    sock.connect(f"/proc/self/fd/{folder}/{path.name}")
                    return sock
                except OSError:
                    sock.close()
                    if not alive() or time.monotonic() > deadline:
                        raise QmpError(f"no monitor at {path}")
                    time.sleep(0.02)
        finally:
            os.close(folder)

    def _read(self):
        reason = "closed"
        try:
            for line in self._socket.makefile("rb"):
                self._take(json.loads(line))
        except (OSError, ValueError) as error:
            reason = str(error)
        with self._news:
            self._closed = reason
            self._news.notify_all()

    def _take(self, message):
        with self._news:
            if "event" in message:
                stamp = message["timestamp"]
                real_ns = stamp["seconds"] * 10**9 + stamp["microseconds"] * 1000
                self.events.append(Event(message["event"], message.get("data", {}), real_ns))
            elif "id" in message:
                self._answers[message["id"]] = message
            self._news.notify_all()

    def send(self, name, /, **arguments):
        """Sends without waiting; returns the id to wait for."""
        request = {"execute": name}
        if arguments:
            request["arguments"] = {k.replace("_", "-"): v for k, v in arguments.items()}
        try:
            with self._send_lock:
                self._next += 1
                request["id"] = self._next
                self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise QmpError(f"{name}: {error}") from error
        return request["id"]

    def command(self, name, /, seconds=10.0, **arguments):
        ident = self.send(name, **arguments)
        with self._news:
            self._news.wait_for(lambda: ident in self._answers or self._closed, seconds)
            answer = self._answers.pop(ident, None)
        if answer is None:
            raise QmpError(f"{name}: no answer ({self._closed or f'{seconds} s'})")
        if "error" in answer:
            raise QmpError(f"{name}: {answer['error']['desc']}")
        return answer["return"]

    def wait_event(self, condition, seconds):
        """The first event, past or to come, that meets the condition; or None."""
        deadline = time.monotonic() + seconds
        seen = 0
        with self._news:
            while True:
                for event in self.events[seen:]:
                    if condition(event):
                        return event
                seen = len(self.events)
                left = deadline - time.monotonic()
                if left <= 0 or self._closed:
                    return None
                self._news.wait(left)

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._thread.join(1)
        self._socket.close()


def refusal(node, command, arguments):
    """What the monitor says to a command that it should refuse."""
    try:
        return f"(accepted: {node.qmp.command(command, **arguments)})"
    except QmpError as error:
        return str(error)
