# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: whatever a stranger sends to a waiting secondary, it names the fault
and waits on; a real primary can attach afterwards.

Method: a Python peer on node a sends each malformed, truncated, oversized,
wrong-version and wrong-machine opening; the secondary lives, stays "waiting",
and its refusal, console or query-ft names the field. Half a header is left
hanging open all the while. Then the real primary comes and is protected.
"""

import os

from ftpair import wire
from ftpair.pair import Failed
from ftpair.stranger import answer_to, connect


def openings(uuid):
    """(name, bytes, word that the answer has to hold or None)."""
    mine = wire.Hello(uuid=uuid, fingerprint=b"machine=none\n")

    def hello(**changes):
        return wire.Message(wire.HELLO, wire.Hello(**{**vars(mine), **changes}).pack())

    good = hello()
    cut = good.pack()
    return [
        ("noise", os.urandom(4096), "magic"),
        ("wrong version", good.pack(version_min=9, version_max=9), "version"),
        ("unknown type", wire.Message(99, b"").pack(), "type"),
        ("reserved byte", good.pack(reserved=1), "reserved"),
        ("reserved word", good.pack(reserved2=7), "reserved2"),
        ("oversized", good.pack(body_len=0x7FFFFFFF), "body_len"),
        ("wrong header sum", good.pack(header_sum=1), "header_sum"),
        ("wrong body sum", good.pack(body_sum=1), "body_sum"),
        ("truncated header", cut[:40], None),
        ("truncated body", cut[:80], None),
        ("no hello", wire.Message(wire.PING, bytes(16)).pack(), "hello"),
        ("log before hello", wire.Message(wire.LOG, b"\1\1", seq=1, seq_last=1).pack(), "hello"),
        ("unknown channel", hello(channel=4).pack(), "channel"),
        ("unknown role", hello(role=7).pack(), "role"),
        ("another secondary", hello(role=wire.SECONDARY).pack(), "role"),
        ("no timeout", hello(timeout_ns=0).pack(), "timeout"),
        ("other timeout", hello(timeout_ns=123_000_000).pack(), "timeout"),
        ("fingerprint length", hello(fingerprint_len=5).pack(), "fingerprint_len"),
        ("another VM", hello(uuid=os.urandom(16)).pack(), "uuid"),
        ("wrong machine", good.pack(), "machine"),
    ]


def test_hostile_to_secondary(case, pair):
    pair.secondary.start().connect()
    hanging = connect(pair)
    hanging.sendall(b"FTLK\1\1")
    for name, data, word in openings(pair.uuid.bytes):
        said = answer_to(pair, data)
        if not pair.secondary.alive():
            raise Failed(f"{name}: the secondary ended: {pair.secondary.errors()}")
        state = pair.wait_state(pair.secondary, "waiting", 3)["state"]
        case.expect(f"{name}: names {word or 'nothing in particular'}",
                    word is None or word in said.lower(), f"{state}; {said}")
    pair.primary.start().connect()
    pair.wait_protected()
    hanging.close()
    pair.wait_protected(3)
