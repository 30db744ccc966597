# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a damaged log is never executed: the fault is named, one node goes on,
and the client loses nothing.

Method: a man in the middle of the link changes one LOG message of a protected
pair under load: a flipped byte, a wrong epoch, a gap in the numbers, a body
that is no log, an oversized length. Both processes live, exactly one node
serves the client on its old connection, and the secondary names the field.
"""

import time
from dataclasses import replace

from ftpair import split, verdict, wire
from ftpair.pair import Failed
from ftpair.proxy import PROXY_PORT, Proxy

# The man in the middle is slow, above all when he copies memory.
PATIENT_MS = 5000


def flipped(message, raw):
    return raw[:-1] + bytes([raw[-1] ^ 1])


def no_log(message, raw):
    return replace(message, body=b"\xff" * len(message.body)).pack()


# The header of a zstd frame that says that it holds 1 GiB: magic, descriptor (length of 8 bytes, one segment), length.
ZSTD_OF_A_GIB = bytes.fromhex("28b52ffd e0") + (1 << 30).to_bytes(8, "little") + bytes(8)

DAMAGE = {
    "flipped byte": (flipped, "body_sum"),
    "wrong epoch": (lambda m, raw: replace(m, epoch=m.epoch + 1).pack(), "epoch"),
    "gap in seq": (lambda m, raw: replace(m, seq=m.seq + 1, seq_last=m.seq_last + 1).pack(), "seq"),
    "no log at all": (no_log, None),
    "no zstd": (lambda m, raw: replace(m, type=wire.LOG_ZSTD).pack(), "log_zstd"),
    "zstd that promises too much": (lambda m, raw: replace(m, type=wire.LOG_ZSTD, body=ZSTD_OF_A_GIB).pack(), "log_zstd: length"),
    "oversized": (lambda m, raw: m.pack(body_len=1 << 30), "body_len"),
}


def test_hostile_stream(case):
    for number, (name, (damage, word)) in enumerate(DAMAGE.items()):
        with case.pair(str(number), peer_port=PROXY_PORT, timeout_ms=PATIENT_MS) as pair:
            one(case, pair, name, damage, word)


def one(case, pair, name, damage, word):
    proxy = Proxy(pair.hosts.nodes["b"])
    try:
        pair.start().wait_up()
        pair.start_incr()
        time.sleep(0.5)
        armed = time.time_ns()
        proxy.arm(lambda m, raw: damage(m, raw) if m.type == wire.LOG else None)
        if not proxy.done.wait(5):
            raise Failed("no LOG message came by")
        states = {s: e.data["state"] for s, e in split.settle(pair, armed).items()}
        case.expect(f"{name}: exactly one goes on", list(states.values()).count("exposed") == 1,
                    states)
        said = pair.secondary.errors() + " | " + " | ".join(
            e.data.get("reason", "") for e in pair.secondary.qmp.events if e.name == "FT_STATE_CHANGE")
        case.expect(f"{name}: the secondary names {word or 'it'}",
                    word is None or word in said.lower(), said)
        pair.wait_replies_after(time.monotonic_ns())
        time.sleep(0.5)
        case.judge(*verdict.replies(pair.incr.finish()))
    finally:
        proxy.close()
