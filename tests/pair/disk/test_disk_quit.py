# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a node can be ended while disk requests are in flight.

Method: a second drive is read and written without a pause. "quit" on the
secondary, whose requests wait for events that will not come: it ends, the
primary runs on. "stop", block queries and "cont" on the primary, exposed now;
what would change its drives for a later secondary is refused all the same. The
guest has lost no request. "quit" on the primary: it ends.
"""

import pytest
from ftpair.busy_drives import end_both
from ftpair.disk_load import slow_drives
from ftpair.drives import local
from ftpair.succession import Succession


@pytest.mark.setup(kind=Succession, drives=local(2, words=slow_drives()))
def test_disk_quit(case, pair):
    end_both(case, pair)
