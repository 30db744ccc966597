# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a node that uses a shared image can be ended while requests are in flight.

Method: as disk_quit, with ft-disk=shared: the secondary keeps requests whose
completion never comes, the primary holds writes whose acknowledgement never comes.
"""

from ftpair.busy_drives import end_both
from ftpair.drives import shared_slow
from ftpair.succession import Succession


def test_shared_quit(case):
    with Succession.of(case, drives=shared_slow()) as pair:
        end_both(case, pair)
