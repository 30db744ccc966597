# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a planned failover with disk requests in flight loses none of them.

Method: redis commits to one drive, another one answers late and is used without
a pause. ft-failover on the primary: it waits for its requests before it hands
over; the client goes on with the secondary, the drives work there.
"""

import pytest
from ftpair.busy_drives import hand_over
from ftpair.disk_load import slow_drives
from ftpair.drives import local
from ftpair.succession import Succession


@pytest.mark.setup(kind=Succession, drives=local(2, words=slow_drives()))
def test_disk_handover(case, pair):
    hand_over(case, pair)
