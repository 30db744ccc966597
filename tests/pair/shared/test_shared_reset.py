# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a guest that resets a shared drive with requests in flight or held loses
none of them to a deadlock, and the nodes stay equal.

Method: as disk_reset, with ft-disk=shared and a drive that the host throttles.
"""

from ftpair.busy_drives import TRACE, resets
from ftpair.shared_disk import SharedDisk


def test_shared_reset(case):
    resets(case, lambda tag: SharedDisk.slow(case, tag, more=TRACE))
