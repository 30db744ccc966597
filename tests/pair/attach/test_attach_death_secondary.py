# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: wherever in an attach the secondary dies, the guest goes on at the primary
and can be attached again.

Method: one guest under INCR; secondaries that kill themselves at each step of the
attach (fault die-at-STEP), one after another; after the last one an attach that
succeeds. Each reply is the last plus one, on one connection.
"""

import time

from ftpair import verdict
from ftpair.case import faulty_qemu
from ftpair.hosts import LOG_IP
from ftpair.node import LOG_PORT, Node, secondary_words
from ftpair.succession import Succession

STEPS = ("handshake", "ram-pass", "state-sent", "state-loaded", "first-frame", "first-ack")
DIE_SECONDS = 30


def test_attach_death_secondary(case):
    qemu = faulty_qemu()
    with Succession.of(case, alone=True) as pair:
        pair.start_alone()
        pair.start_long_incr()
        for step in STEPS:
            dies(case, pair, qemu, step)
        pair.spawn()
        pair.attach()
        pair.stay_protected(2)
        case.judge(*verdict.replies(pair.incr.finish()))


def dies(case, pair, qemu, step):
    node = Node(f"secondary-{step}", pair.hosts.nodes["b"], pair.folder,
                secondary_words(f"file:{pair.arbiter_folder}", pair.timeout_ms), str(pair.uuid), qemu=qemu,
                environment={"FT_FAULT": f"die-at-{step}"})
    try:
        node.start().connect()
        pair.primary.qmp.command("ft-attach", peer=f"{LOG_IP['b']}:{LOG_PORT}")
        case.expect(f"{step}: the secondary dies", node.wait_exit(DIE_SECONDS) is not None)
        said = pair.wait_state(pair.primary, "exposed", 10)
        case.expect(f"{step}: the guest goes on", pair.wait_replies_after(time.monotonic_ns()), said["reason"])
    finally:
        node.stop()
