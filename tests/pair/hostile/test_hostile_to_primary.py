# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: whatever its secondary sends, the primary lives, names the fault and
its guest runs on.

Method: a Python secondary answers the handshake wrongly, or first behaves
well until the primary relies on it and then lies: acks of frames that were
never sent, wrong epoch, wrong session, messages that only a primary sends,
noise. Each time the primary must end up exposed with its guest running.
"""

import os
import time

import pytest
from ftpair import verdict, wire
from ftpair.fake import FakeSecondary
from ftpair.pair import Failed

PATIENT_MS = 5000               # Python is a slow secondary, not a silent one
FUTURE = wire.ACK_BODY.pack(1 << 40, 0, 0)


def hello_of(peer, **changes):
    peer.send(wire.HELLO, wire.Hello(**{"role": wire.SECONDARY, **changes}).pack())


LIES = [
    ("hello", "noise", lambda p: p.sock.sendall(os.urandom(256)), "magic"),
    ("hello", "wrong version", lambda p: p.send(wire.HELLO, wire.Hello().pack(),
                                                version_min=9, version_max=9), "version"),
    ("hello", "oversized", lambda p: p.send(wire.HELLO, b"", body_len=1 << 30), "body_len"),
    ("hello", "wrong sum", lambda p: p.send(wire.HELLO, wire.Hello().pack(), body_sum=5), "body_sum"),
    ("hello", "another VM", lambda p: hello_of(p, uuid=os.urandom(16)), "uuid"),
    ("hello", "another primary", lambda p: hello_of(p, role=wire.PRIMARY), "role"),
    ("hello", "wrong machine", lambda p: p.send(wire.REFUSE, b"machine: no such thing here"),
     "machine"),
    ("hello", "hangs up", lambda p: p.sock.close(), None),
    ("protected", "noise", lambda p: p.sock.sendall(os.urandom(256)), "magic"),
    ("protected", "ack of the future", lambda p: p.send(wire.ACK, FUTURE, 1 << 40), "received_seq"),
    ("protected", "wrong epoch", lambda p: p.send(
        wire.ACK, wire.ACK_BODY.pack(p.acked, 0, 0), p.acked, epoch=p.epoch + 7), "epoch"),
    ("protected", "wrong session", lambda p: p.send(
        wire.ACK, wire.ACK_BODY.pack(p.acked, 0, 0), p.acked, session=p.session ^ 1), "session"),
    ("protected", "log from a secondary", lambda p: p.send(
        wire.LOG, b"\1\1", 1, epoch=p.epoch), None),
    ("protected", "short ack", lambda p: p.send(wire.ACK, b"1234"), "body_len"),
    ("protected", "oversized", lambda p: p.send(wire.ACK, b"", body_len=1 << 30), "body_len"),
    ("protected", "zeros of no drive", lambda p: p.send(wire.DISK_ZEROS, bytes([1, *bytes(7)]), 99), "no drive 99"),
    ("protected", "short zeros", lambda p: p.send(wire.DISK_ZEROS, b"1234"), "body_len"),
    ("protected", "cut in a message", lambda p: (p.sock.sendall(wire.MAGIC), p.sock.close()), None),
]


@pytest.mark.setup(timeout_ms=PATIENT_MS)
def test_hostile_to_primary(case, pair):
    fake = FakeSecondary(pair.hosts.nodes["b"])
    try:
        for number, (moment, name, lie, word) in enumerate(LIES):
            said = told(pair, fake, moment, lie, first=number == 0)
            case.expect(f"{moment}, {name}: names {word or 'something'}",
                        said if word is None else word in said.lower(), said)
    finally:
        fake.close()
    pair.wait_guest()
    pair.start_incr()
    time.sleep(1)
    case.judge(*verdict.replies(pair.incr.finish()))


def told(pair, fake, moment, lie, first):
    """What the primary says of the lie, once it is exposed again."""
    before = len(pair.primary.errors()) if not first else 0
    fake.plan(moment, lie)
    if first:
        pair.primary.start().connect()
    else:
        pair.primary.qmp.command("ft-attach")
    if not fake.lied.wait(20):
        raise Failed(f"the primary did not come to the point; it is {pair.primary.query()}")
    time.sleep(0.1)
    answer = pair.wait_state(pair.primary, "exposed", 5)
    if not pair.primary.qmp.command("query-status")["running"]:
        raise Failed("exposed, but the guest does not run")
    return " | ".join([answer["reason"], fake.said, pair.primary.errors()[before:]])
