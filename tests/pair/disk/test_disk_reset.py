# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a drive that is reset with requests in flight loses none of them to a
deadlock, and the nodes stay equal.

Method: a second drive that answers late is used by several processes without a
pause; meanwhile the guest reboots, then the driver is unbound and bound again
with the load on. A trace tells that both nodes drained with requests in flight.
The pair stays protected in one epoch, digests agree, block queries are answered.
Then the guest reboots once more and the primary is killed in that moment: the
survivor's guest comes up and the drive works.
"""

from ftpair.busy_drives import TRACE, resets
from ftpair.disk_load import slow_drives
from ftpair.drives import local
from ftpair.succession import Succession


def test_disk_reset(case):
    resets(case, lambda tag: Succession.of(case, tag, drives=local(2, words=slow_drives()), arguments=TRACE))
