# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: no acknowledged commit is lost when the primary dies, nor when the
survivor dies after it.

Method: redis keeps its data on a drive, durable before each reply. INCR in a
closed loop; kill -9 of the primary; the client goes on with the secondary on
its connection, every reply the last plus one. Then kill -9 of the survivor too:
its image holds each acknowledged INCR, once, and its file system comes back as
after any power cut.
"""

import signal
import time

from ftpair import disk, verdict

WORK_SECONDS = 3


def run(case):
    with disk.DiskSuccession.of(case) as pair:
        pair.start(captures=()).wait_up()
        pair.start_long_incr()
        time.sleep(WORK_SECONDS)
        pair.fail_over()
        time.sleep(WORK_SECONDS)
        result = pair.incr.finish()
        case.judge(*verdict.replies(result))
        drive = pair.primary.query()["disks"][0]
        case.expect("the guest wrote and flushed", drive["writes"] > 0 and drive["flushes"] > 0, drive)
        pair.primary.signal(signal.SIGKILL)
        pair.primary.wait_exit(10)
        case.judge(disk.commits(pair, "b", result))
