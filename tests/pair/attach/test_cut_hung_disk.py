# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a drive of the primary's host that hangs when the cut comes ends the attach, not the guest.

Method: an exposed primary whose guest reads a drive past its cache, so that requests are always under way; the fault "hang-disk" leaves
them without an answer for 20 s, in which ft-attach copies memory and comes to the cut. It ends with a sentence that names the drive; a
ping every 10 ms and the monitor see no gap. When the drive answers again the same attach succeeds.
"""

import contextlib
import time

from ftpair import disk, guest
from ftpair.answering import Looking
from ftpair.case import faulty_qemu
from ftpair.qmp import QmpError

READ = "(while :; do dd if=/dev/vdb of=/dev/null bs=64k iflag=direct; done) >/dev/null 2>&1 </dev/null &"
GAP_MS_MAX = 1500               # the cut waits 400 ms; and a busy host
LOOK_S = 10.0


def test_cut_hung_disk(case):
    first = {"qemu": faulty_qemu(), "environment": {"FT_FAULT": "hang-disk"}}
    with disk.DiskSuccession.of(case, drives=2, first=first) as pair:
        pair.start(captures=()).wait_up()
        pair.secondary.stop()
        pair.wait_state(pair.primary, "exposed", 20)
        guest.command(pair, READ)
        pair.spawn(qemu=faulty_qemu())
        with contextlib.suppress(QmpError):
            pair.primary.qmp.command("x-ft-digest", full=False)
        begun = time.monotonic()
        looking = Looking(pair, [pair.primary], LOOK_S)
        pair.begin_attach()
        answer = wait_end(pair, begun + 18)
        reason = answer["reason"]
        case.expect("the attach ends and says why", "the cut: drive 'd" in reason and "has not answered for 400 ms" in reason, reason)
        seen = looking.end()
        case.figure("gap_ms", round(seen.gap_ms))
        case.expect("the guest answers all the time", seen.gap_ms < GAP_MS_MAX, f"{seen.gap_ms:.0f} ms")
        case.expect("so does the monitor", seen.qmp_ms < GAP_MS_MAX, f"{seen.qmp_ms:.0f} ms")
        time.sleep(max(0, begun + 21 - time.monotonic()))
        pair.spawn(qemu=faulty_qemu())
        pair.attach()
        pair.stay_protected(1)


def wait_end(pair, until):
    """The answer of the primary when it is exposed again, behind the attach."""
    while (answer := pair.primary.query())["state"] != "exposed" or "attach failed" not in answer["reason"]:
        if time.monotonic() > until:
            break
        time.sleep(0.05)
    return answer
