# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: an empty image becomes the guest's while the guest writes as fast as it
can, and what it writes meanwhile is not lost.

Method: the primary runs alone; processes in its guest write random data to a
second drive without a pause, others commit to the first one. A secondary with
empty images of another format is attached. The guest powers itself off; the
images hold the same.
"""

import pytest
from ftpair import disk, guest, verdict
from ftpair.drives import local, zeros
from ftpair.images import MIB
from ftpair.succession import Succession

LOAD = ("for n in 1 2 3; do (while [ ! -e /run/stop ]; do "
        "dd if=/dev/urandom of=/dev/vdb bs=64k count=64 seek=$((n * 512)) oflag=direct conv=notrunc; "
        "dd if=/dev/urandom of=/dev/vdb bs=4k count=64 seek=$((n * 3000)) oflag=direct conv=notrunc; done) & done")


@pytest.mark.setup(kind=Succession, drives=local(2, formats=("raw", "qcow2")), alone=True)
def test_disk_copy(case, pair):
    pair.start_alone()
    for number in range(2):
        zeros(pair.drives, "b", number)
    pair.start_long_incr()
    guest.command(pair, f"({LOAD}) >/dev/null 2>&1 </dev/null & sleep 2")
    pair.secondary.start().connect()
    attach = pair.attach(120)
    drives = pair.primary.query()["disks"]
    case.figure("attach_s", attach.seconds)
    case.figure("attach_pause_ms", attach.pause_ns / 1e6)
    case.figure("copied_mib", [d["copied-bytes"] / MIB for d in drives])
    case.expect("both drives were copied", all(d["copied-bytes"] > MIB for d in drives), drives)
    pair.stay_protected(3)
    result = pair.incr.finish()
    case.judge(*verdict.replies(result))
    guest.command(pair, "touch /run/stop; while pidof dd; do sleep 0.1; done")
    pair.power_off()
    case.judge(disk.equal(pair), disk.clean(pair, "b"), disk.commits(pair, "b", result))
