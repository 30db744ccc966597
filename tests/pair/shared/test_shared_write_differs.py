# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a secondary whose guest writes something else to a shared drive than the
primary's is found at that write, and never goes live.

Method: the fault flip-write changes a bit of what the secondary's guest writes.
"""

from ftpair import guest
from ftpair.case import faulty_qemu
from ftpair.drives import shared
from ftpair.succession import Succession


def test_shared_write_differs(case):
    flips = {"qemu": faulty_qemu(), "environment": {"FT_FAULT": "flip-write"}}
    with Succession.of(case, drives=shared(2), secondary=flips) as pair:
        pair.start(captures=())
        failed = pair.wait_state(pair.secondary, "failed", 60)
        case.expect("the secondary has found it, and names the drive",
                    any(f"drive 'd{n}': output: other bytes" in failed["reason"] for n in range(2)), failed["reason"])
        exposed = pair.wait_state(pair.primary, "exposed", 20)
        case.expect("the primary goes on", "output: other bytes" in exposed["reason"], exposed["reason"])
        pair.wait_guest()
        case.expect("the guest can write", "ok" in guest.command(pair, "echo ok >/data/ok; sync; cat /data/ok"), "")
