# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a secondary that answers heartbeats but does not come on with its load
does not keep the primary in an attach for ever.

Method: one guest under INCR; a secondary that never answers a MARK (fault
mark-never), then one that receives the whole state and never loads it
(load-never). Each time the primary gives the attach up, says why and the guest
goes on; the secondary does not go live; the attach after it succeeds.
"""

import time

from ftpair import verdict
from ftpair.case import faulty_qemu
from ftpair.hosts import LOG_IP
from ftpair.node import LOG_PORT, Node, secondary_words
from ftpair.succession import Succession

FAULTS = ("mark-never", "load-never")
GIVE_UP_SECONDS = 30


def test_attach_stands_still(case):
    qemu = faulty_qemu()
    with Succession.of(case, alone=True) as pair:
        pair.start_alone()
        pair.start_long_incr()
        for fault in FAULTS:
            gives_up(case, pair, qemu, fault)
        pair.spawn()
        pair.attach()
        pair.stay_protected(2)
        case.judge(*verdict.replies(pair.incr.finish()))


def gives_up(case, pair, qemu, fault):
    node = Node(f"secondary-{fault}", pair.hosts.nodes["b"], pair.folder,
                secondary_words(f"file:{pair.arbiter_folder}", pair.timeout_ms), str(pair.uuid), qemu=qemu,
                environment={"FT_FAULT": fault})
    try:
        node.start().connect()
        pair.primary.qmp.command("ft-attach", peer=f"{LOG_IP['b']}:{LOG_PORT}")
        pair.wait_state(pair.primary, "syncing", 5)
        said = pair.wait_state(pair.primary, "exposed", GIVE_UP_SECONDS)
        case.expect(f"{fault}: the primary says why", "does not load" in said["reason"], said["reason"])
        case.expect(f"{fault}: the guest goes on", pair.wait_replies_after(time.monotonic_ns()), said["reason"])
        ended = node.query()
        case.expect(f"{fault}: the secondary does not go live", ended["state"] != "exposed", ended["reason"])
    finally:
        node.stop()
