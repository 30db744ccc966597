# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: no acknowledged commit is lost when the primary dies, nor when the
survivor dies after it.

Method: redis keeps its data on a drive, durable before each reply. INCR in a
closed loop; kill -9 of the primary; the client goes on with the secondary on
its connection, every reply the last plus one. Then kill -9 of the survivor too:
its image holds each acknowledged INCR, once, and its file system comes back as
after any power cut.
"""

import time

import pytest
from ftpair import disk
from ftpair.drives import local
from ftpair.succession import Succession

WORK_SECONDS = 3


@pytest.mark.setup(kind=Succession, drives=local())
def test_disk_kill(case, pair):
    pair.start(captures=()).wait_up()
    pair.start_long_incr()
    time.sleep(WORK_SECONDS)
    pair.fail_over()
    time.sleep(WORK_SECONDS)
    disk.last_node_dies(case, pair)
