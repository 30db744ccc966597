# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: with one image for both nodes no acknowledged commit is lost when the
primary dies, nor when the survivor dies after it.

Method: as disk_kill, with ft-disk=shared, raw and qcow2, reads from the log and
from the disk. Before the kill the image is open on the primary alone, afterwards
on the survivor; the digests agree.
"""

import time

from ftpair import disk
from ftpair.shared_disk import SharedDisk

WORK_SECONDS = 3
KINDS = (("raw", "log"), ("raw", "disk"), ("qcow2", "log"))


def run(case):
    for image_format, reads in KINDS:
        with SharedDisk.of(case, f"{image_format}-{reads}", image_format=image_format, reads=reads) as pair:
            killed_twice(case, pair)


def killed_twice(case, pair):
    pair.start(captures=()).wait_up()
    case.expect("open on the primary alone", (pair.open_images(pair.primary), pair.open_images(pair.secondary))
                == ([True], [False]), "")
    pair.start_long_incr()
    time.sleep(WORK_SECONDS)
    case.expect("digests agree", pair.secondary.query()["digests"] > 0, pair.secondary.query()["digests"])
    pair.fail_over()
    case.expect("open on the survivor", pair.open_images(pair.primary) == [True], "")
    time.sleep(WORK_SECONDS)
    disk.last_node_dies(case, pair)
