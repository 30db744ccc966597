# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a node that comes back with its old image is brought up to date while
the guest runs and commits, and can take over.

Method: the primary is killed; its side gets a new secondary with the image that
the dead one has left, which lacks what was committed since. It is attached, the
survivor is killed, and the same once more. Only what differs is sent. After an
orderly end both images are identical, clean, and hold every acknowledged INCR.
"""

import time

import pytest
from ftpair import disk, verdict
from ftpair.drives import local
from ftpair.images import MIB
from ftpair.succession import Succession

WORK_SECONDS = 2
SENT_MAX = 64 * MIB             # RAM apart, of a drive of 128 MiB


@pytest.mark.setup(kind=Succession, drives=local())
def test_disk_respawn(case, pair):
    pair.start(captures=()).wait_up()
    pair.start_long_incr()
    for number in range(2):
        time.sleep(WORK_SECONDS)
        pair.fail_over()
        time.sleep(WORK_SECONDS)
        pair.spawn()
        attach = pair.attach()
        copied = pair.primary.query()["disks"][0]["copied-bytes"]
        case.figure(f"attach_{number}_pause_ms", attach.pause_ns / 1e6)
        case.figure(f"attach_{number}_copied_mib", copied / MIB)
        case.expect("only what differs is sent", 0 < copied < SENT_MAX, copied)
        pair.stay_protected(WORK_SECONDS)
    result = pair.incr.finish()
    case.judge(*verdict.replies(result))
    pair.power_off()
    case.judge(disk.equal(pair), disk.clean(pair, "a"), disk.clean(pair, "b"),
               disk.commits(pair, "a", result), disk.commits(pair, "b", result))
