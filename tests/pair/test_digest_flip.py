# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a difference in memory, in a register or in a device is found by the next
digest and named; the guest goes on, exposed.

Method: a digest each second; the faults flip-ram, flip-cpu and flip-device change
one bit of the secondary just before its second digest. The secondary must end
failed and the reason, on both nodes, name the section; INCR goes on exactly.
"""

import time

from ftpair import verdict
from ftpair.case import faulty_qemu

NAMES = {"flip-ram": "ram pc.ram 0x4000000-", "flip-cpu": "cpu/0", "flip-device": "pcspk/0"}


def run(case):
    for fault, name in NAMES.items():
        flip(case, fault, name)


def flip(case, fault, name):
    with case.pair(fault, primary={"machine": ["ft-digest=1000"]},
                   secondary={"qemu": faulty_qemu(), "environment": {"FT_FAULT": fault}}) as pair:
        pair.start()
        pair.wait_state(pair.primary, "exposed", 90)
        pair.wait_guest()
        pair.start_incr()
        time.sleep(1)
        case.judge(*verdict.replies(pair.incr.finish()))
        reasons = [node.query()["reason"] for node in (pair.primary, pair.secondary)]
        case.expect(f"{fault}: the primary names {name}", name in reasons[0], reasons[0])
        case.expect(f"{fault}: so does the secondary", name in reasons[1], reasons[1])
        case.expect(f"{fault}: the secondary is failed", pair.secondary.state() == "failed")
