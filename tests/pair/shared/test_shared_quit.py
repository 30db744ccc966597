# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a node that uses a shared image can be ended while requests are in flight.

Method: as disk_quit, with ft-disk=shared: the secondary keeps requests whose
completion never comes, the primary holds writes whose acknowledgement never comes.
"""

import pytest
from ftpair.busy_drives import end_both
from ftpair.drives import shared_slow
from ftpair.succession import Succession


@pytest.mark.setup(kind=Succession, drives=shared_slow())
def test_shared_quit(case, pair):
    end_both(case, pair)
