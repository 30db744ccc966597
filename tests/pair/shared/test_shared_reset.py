# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a guest that resets a shared drive with requests in flight or held loses
none of them to a deadlock, and the nodes stay equal.

Method: as disk_reset, with ft-disk=shared and a drive that the host throttles.
"""

from ftpair.shared_disk import SharedDisk

from test_disk_reset import TRACE, resets


def run(case):
    resets(case, lambda tag: SharedDisk.slow(case, tag, more=TRACE))
