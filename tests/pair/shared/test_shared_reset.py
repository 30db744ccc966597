# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a guest that resets a shared drive with requests in flight or held loses
none of them to a deadlock, and the nodes stay equal.

Method: as disk_reset, with ft-disk=shared and a drive that the host throttles.
"""

from ftpair.busy_drives import TRACE, resets
from ftpair.drives import shared_slow
from ftpair.succession import Succession


def test_shared_reset(case):
    resets(case, lambda tag: Succession.of(case, tag, drives=shared_slow(), arguments=TRACE))
