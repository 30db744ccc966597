# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: both nodes write the same to their images.

Method: redis commits to a drive, raw and qcow2, on a protected pair; then the
guest powers itself off, and both nodes with it. The images hold the same bytes,
a clean file system, and each acknowledged INCR once.
"""

import time

from ftpair import disk, verdict
from ftpair.drives import local
from ftpair.succession import Succession

WORK_SECONDS = 3


def test_disk_equal(case):
    for image_format in ("raw", "qcow2"):
        with Succession.of(case, image_format, drives=local(formats=(image_format, image_format))) as pair:
            pair.start(captures=()).wait_up()
            pair.start_long_incr()
            time.sleep(WORK_SECONDS)
            pair.stay_protected(1)
            result = pair.incr.finish()
            case.judge(*verdict.replies(result))
            pair.power_off()
            case.judge(disk.equal(pair), disk.clean(pair, "a"), disk.clean(pair, "b"),
                       disk.commits(pair, "a", result), disk.commits(pair, "b", result))
