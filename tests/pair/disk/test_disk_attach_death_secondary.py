# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: wherever in an attach that copies drives the secondary dies, the guest goes
on at the primary, and a later attach makes the half-written images equal.

Method: one guest that commits to a drive and writes random data to a second one;
the secondary's images are empty. Secondaries kill themselves at each step of the
attach (fault die-at-STEP), one after another, with the images that the one before
has left. Then one lives; the guest powers itself off and the images are identical.
"""

import time

from ftpair import disk, guest, verdict
from ftpair.case import faulty_qemu
from ftpair.drives import local, zeros
from ftpair.pair import Failed
from ftpair.succession import Succession

STEPS = ("handshake", "disk-copy", "ram-pass", "state-sent", "state-loaded", "first-frame", "first-ack")
DIE_SECONDS = 30
LOAD = ("while [ ! -e /run/stop ]; do dd if=/dev/urandom of=/dev/vdb bs=64k count=128 seek=$((n % 8 * 128)) oflag=direct conv=notrunc; "
        "n=$((n + 1)); sleep 0.3; done")


def test_disk_attach_death_secondary(case):
    qemu = faulty_qemu()
    with Succession.of(case, drives=local(2, formats=("raw", "qcow2")), alone=True) as pair:
        for number in range(2):
            zeros(pair.drives, "b", number)
        pair.start_alone()
        pair.start_long_incr()
        guest.command(pair, f"({LOAD}) >/dev/null 2>&1 </dev/null & sleep 1")
        for step in STEPS:
            dies(case, pair, qemu, step)
        pair.spawn()
        pair.attach()
        pair.stay_protected(1)
        result = pair.incr.finish()
        case.judge(*verdict.replies(result))
        guest.command(pair, "touch /run/stop; while pidof dd; do sleep 0.1; done")
        pair.power_off()
        case.judge(disk.equal(pair), disk.clean(pair, "b"), disk.commits(pair, "b", result))


def dies(case, pair, qemu, step):
    node = pair.spawn(qemu=qemu, environment={"FT_FAULT": f"die-at-{step}"})
    pair.begin_attach()
    if node.wait_exit(DIE_SECONDS) is None:
        raise Failed(f"{step}: the secondary does not die; {pair.told()}")
    said = pair.wait_state(pair.primary, "exposed", 10)
    case.expect(f"{step}: the guest goes on", pair.wait_replies_after(time.monotonic_ns()), said["reason"])
