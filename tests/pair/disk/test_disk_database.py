# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: no commit that a database has acknowledged is lost when the primary dies,
nor when the survivor dies after it.

Method: Debian on a drive with PostgreSQL; a client commits in a closed loop and
numbers its rows. kill -9 of the primary: the client goes on with the secondary on
its connection, and the database there has every row. Then kill -9 of the survivor
too: its image, with which the machine is switched on alone as after a power cut,
has every row, once. The image that the first primary has left has not: a check
that could not tell the two apart would be none.
"""

import signal
import time

from ftpair import root_disk, verdict
from ftpair.case import Skip

WORK_SECONDS = 2


def test_disk_database(case):
    if root_disk.missing():
        raise Skip(root_disk.missing())
    with root_disk.RootSuccession.of(case, drives=root_disk.root_drives()) as pair:
        pair.start(captures=()).wait_up()
        pair.start_commits()
        time.sleep(WORK_SECONDS)
        pair.fail_over()
        case.judge(pair.check_commits())
        time.sleep(WORK_SECONDS)
        result = pair.incr.finish()
        case.judge(*verdict.replies(result))
        pair.primary.signal(signal.SIGKILL)
        pair.primary.wait_exit(10)
        case.judge(pair.commits_in("b", result["value"])[1])
        left = pair.commits_in("a", result["value"])[1]
        case.expect("the first primary's image is found to lack some", not left.ok, left.detail)
