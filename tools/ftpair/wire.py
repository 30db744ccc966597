# SPDX-License-Identifier: GPL-2.0-or-later
"""The wire protocol, spoken by someone who may not be polite.

Written from accel/ft/PROTOCOL.md, apart from the C++ code. Every field of a
header can be overridden; the sums are right unless they are what is wrong.
"""

import os
import socket
import struct
from dataclasses import dataclass

from .xxh3 import xxh3_64

HEADER = struct.Struct("<4sBBBBQQQQIIQQ")
HELLO_FIXED = struct.Struct("<BBHI16s16sQ")
ACK_BODY = struct.Struct("<QQQ")
MAGIC, VERSION = b"FTLK", 1
(HELLO, REFUSE, STATE, DEVICES, READY, LOG, ACK, HANDOVER, LIVE, GOODBYE, PING,
 PONG, RELEASED, MARK, DISK, DISK_SUMS, LOG_ZSTD, DISK_ZEROS) = range(1, 19)
CHANNEL_LOG, CHANNEL_HEARTBEAT, CHANNEL_WITNESS = 1, 2, 3
PRIMARY, SECONDARY = 1, 2
BODY_MAX = 16 << 20


@dataclass
class Message:
    type: int
    body: bytes = b""
    epoch: int = 0
    session: int = 0
    seq: int = 0
    seq_last: int = 0

    def pack(self, magic=MAGIC, version_min=VERSION, version_max=VERSION, reserved=0, reserved2=0,
             body_len=None, body_sum=None, header_sum=None):
        body_len = len(self.body) if body_len is None else body_len
        body_sum = xxh3_64(self.body) if body_sum is None else body_sum
        fields = (magic, version_min, version_max, self.type, reserved, self.epoch, self.session,
                  self.seq, self.seq_last, body_len, reserved2, body_sum)
        if header_sum is None:
            header_sum = xxh3_64(HEADER.pack(*fields, 0)[:56])
        return HEADER.pack(*fields, header_sum) + self.body


@dataclass
class Hello:
    channel: int = CHANNEL_LOG
    role: int = PRIMARY
    uuid: bytes = bytes(16)
    node: bytes = b""
    timeout_ns: int = 500_000_000
    fingerprint: bytes = b""
    reserved: int = 0
    fingerprint_len: int = -1

    def pack(self):
        length = len(self.fingerprint) if self.fingerprint_len < 0 else self.fingerprint_len
        return HELLO_FIXED.pack(self.channel, self.role, self.reserved, length, self.uuid,
                                self.node or os.urandom(16), self.timeout_ns) + self.fingerprint

    @staticmethod
    def unpack(body):
        channel, role, reserved, length, uuid, node, timeout_ns = HELLO_FIXED.unpack_from(body)
        return Hello(channel, role, uuid, node, timeout_ns, body[HELLO_FIXED.size:], reserved, length)


def read_exactly(sock, size):
    """The bytes, or None when the peer closed before all of them came."""
    data = bytearray()
    while len(data) < size:
        try:
            chunk = sock.recv(size - len(data))
        except ConnectionError:
            return None
        if not chunk:
            return None
        data += chunk
    return bytes(data)


def read_raw(sock):
    """(Message, its bytes), or (None, b"") at the end of the stream."""
    head = read_exactly(sock, HEADER.size)
    if head is None:
        return None, b""
    (_, _, _, kind, _, epoch, session, seq, seq_last, body_len, _, _, _) = HEADER.unpack(head)
    if body_len > BODY_MAX:
        raise ValueError(f"body_len {body_len}")
    body = read_exactly(sock, body_len)
    if body is None:
        return None, b""
    return Message(kind, body, epoch, session, seq, seq_last), head + body


def read(sock):
    return read_raw(sock)[0]


def drain_text(sock, seconds=1.0):
    """What a node says before it hangs up: the reasons of REFUSE and GOODBYE."""
    said = []
    sock.settimeout(seconds)
    try:
        while message := read(sock):
            if message.type in (REFUSE, GOODBYE):
                said.append(message.body.decode(errors="replace"))
    except (TimeoutError, ValueError, socket.timeout):
        pass
    return "; ".join(said)
