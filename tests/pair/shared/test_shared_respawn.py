# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: the survivor of a pair with one image gets a new secondary, again and
again; nothing is copied, nothing is lost.

Method: as disk_respawn, with ft-disk=shared. The new secondary opens the image
without writing to it while the survivor commits; the next kill hands it over.
"""

import time

from ftpair import disk, verdict
from ftpair.drives import shared
from ftpair.succession import Succession

WORK_SECONDS = 2
ROUNDS = 3


def test_shared_respawn(case):
    for image_format in ("raw", "qcow2"):
        with Succession.of(case, image_format, drives=shared(image_format=image_format)) as pair:
            succeed(case, pair)


def succeed(case, pair):
    pair.start(captures=()).wait_up()
    pair.start_long_incr()
    for _ in range(ROUNDS):
        time.sleep(WORK_SECONDS)
        pair.fail_over()
        time.sleep(WORK_SECONDS)
        pair.spawn()
        attach = pair.attach()
        copied = pair.primary.query()["disks"][0]["copied-bytes"]
        case.expect("nothing is copied", copied == 0, f"{copied} bytes, cut {attach.pause_ns / 1e6:.1f} ms")
        pair.stay_protected(WORK_SECONDS)
    result = pair.incr.finish()
    case.judge(*verdict.replies(result))
    pair.power_off()
    case.judge(disk.clean(pair, "a"), disk.commits(pair, "a", result))
