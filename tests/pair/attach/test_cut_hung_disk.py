# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a drive of the primary's host that hangs when the cut comes ends the attach, not the guest.

Method: an exposed primary whose guest reads a drive past its cache, so that requests are always under way; the fault "hang-disk" leaves
them without an answer for 20 s, in which ft-attach copies memory and comes to the cut. It ends with a sentence that names the drive; a
ping every 10 ms and the monitor see no gap. When the drive answers again the same attach succeeds.

The same where the guest's requests are answered and the copy's own are not: the guest writes to a drive without a pause, so the cut has
something of it to read, and the fault "hang-copy" keeps the first such read for 20 s. The attach ends and says how much was not read; the
next one, at once, succeeds while that read is still under way.
"""

import contextlib
import re
import time

from ftpair import guest
from ftpair.answering import Looking
from ftpair.case import faulty_qemu
from ftpair.drives import local
from ftpair.qmp import QmpError
from ftpair.succession import Succession
from ftpair.waiting import within

READ = "(while :; do dd if=/dev/vdb of=/dev/null bs=64k iflag=direct; done) >/dev/null 2>&1 </dev/null &"
# Three at a time, so that one of them has always written since the copy has last looked.
WRITE = ("(for n in 0 1 2; do (while :; do dd if=/dev/urandom of=/dev/vdb bs=64k count=64 seek=$((n * 512)) oflag=direct conv=notrunc; "
         "done) & done) >/dev/null 2>&1 </dev/null")
GAP_MS_MAX = 1500               # the cut waits 400 ms; and a busy host
COPY_GAP_MS_MAX = 500
LOOK_S = 10.0


def test_cut_hung_disk(case):
    guests_requests(case)
    copys_reads(case)


def guests_requests(case):
    first = {"qemu": faulty_qemu(), "environment": {"FT_FAULT": "hang-disk"}}
    with Succession.of(case, drives=local(2), primary=first) as pair:
        pair.start(captures=()).wait_up()
        pair.secondary.stop()
        pair.wait_state(pair.primary, "exposed", 20)
        guest.command(pair, READ)
        pair.spawn(qemu=faulty_qemu())
        with contextlib.suppress(QmpError):
            pair.primary.qmp.command("x-ft-digest", full=False)
        begun = time.monotonic()
        reason = ends(case, pair, begun + 18, GAP_MS_MAX)
        case.expect("the attach ends and says why", "the cut: drive 'd" in reason and "has not answered for 400 ms" in reason, reason)
        time.sleep(max(0, begun + 21 - time.monotonic()))
        succeeds(pair)


def copys_reads(case):
    first = {"qemu": faulty_qemu(), "environment": {"FT_FAULT": "hang-copy"}}
    with Succession.of(case, "copy", drives=local(2), alone=True, primary=first) as pair:
        pair.start_alone()
        guest.command(pair, WRITE)
        pair.spawn(qemu=faulty_qemu())
        reason = ends(case, pair, time.monotonic() + 18, COPY_GAP_MS_MAX, "copy_")
        figures = re.search(r"the cut: the last (\d+) KiB of the drives were not read within 400 ms", reason)
        case.expect("the attach ends and says how much is left", figures and int(figures[1]) > 0, reason)
        succeeds(pair)


def ends(case, pair, until, gap_ms_max, name=""):
    """The reason of an attach that ends in its cut; guest and monitor answer all the time."""
    looking = Looking(pair, [pair.primary], LOOK_S)
    pair.begin_attach()
    answer = wait_end(pair, until)
    seen = looking.end()
    case.figure(f"{name}gap_ms", round(seen.gap_ms))
    case.expect("the guest answers all the time", seen.gap_ms < gap_ms_max, f"{seen.gap_ms:.0f} ms: {answer['reason']}")
    case.expect("so does the monitor", seen.qmp_ms < gap_ms_max, f"{seen.qmp_ms:.0f} ms")
    return answer["reason"]


def succeeds(pair):
    pair.spawn(qemu=faulty_qemu())
    pair.attach()
    pair.stay_protected(1)


def wait_end(pair, until):
    """The answer of the primary when it is exposed again, behind the attach."""
    ended = lambda answer: answer["state"] == "exposed" and "attach failed" in answer["reason"]
    within(until - time.monotonic(), lambda: ended(pair.primary.query()))
    return pair.primary.query()
