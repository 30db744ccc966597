# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: nobody comes between a protected pair by opening one of its channels once more.

Method: a proxy tells the primary's own HELLO. With that, so with the right VM, machine and timeout, a stranger
opens a log, a heartbeat and a witness channel at the secondary, of a session that there is not and of the pair's own, and
hangs up without a word, as a primary that dies. Each is refused, heartbeat and witness by the session that waits for none; the pair
stays protected and its client is answered.
"""

from dataclasses import replace

import pytest
from ftpair import verdict, wire
from ftpair.proxy import PROXY_PORT, Proxy
from ftpair.stranger import answer_to

CHANNELS = {"log": (wire.CHANNEL_LOG, None), "heartbeat": (wire.CHANNEL_HEARTBEAT, "session"),
            "witness": (wire.CHANNEL_WITNESS, "session")}


@pytest.mark.setup(peer_port=PROXY_PORT, timeout_ms=2000)
def test_hostile_channels(case, pair):
    proxy, hellos = Proxy(pair.hosts.nodes["b"]), []
    try:
        proxy.arm(lambda m, raw: hellos.append(m) if m.type == wire.HELLO else None)
        pair.start().wait_up()
        pair.start_incr()
        seen = sorted(wire.Hello.unpack(m.body).channel for m in hellos)
        case.expect("the primary opens each channel once", seen == [1, 2, 3], seen)
        for session in (hellos[0].session ^ 1, hellos[0].session):
            for name, (channel, word) in CHANNELS.items():
                stranger(case, pair, f"{name} of {'the' if session == hellos[0].session else 'no'} session",
                         opening(hellos[0], channel, session), word)
        case.judge(*verdict.replies(pair.incr.finish()))
    finally:
        proxy.close()


def opening(hello, channel, session):
    body = replace(wire.Hello.unpack(hello.body), channel=channel).pack()
    return replace(hello, session=session, body=body).pack()


def stranger(case, pair, name, data, word):
    said = answer_to(pair, data)
    case.expect(f"{name}: refused", said and (word is None or word in said.lower()), said)
    pair.wait_protected(1)
