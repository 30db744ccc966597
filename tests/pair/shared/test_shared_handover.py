# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a planned failover with one image for both nodes: the old primary lets go
of it in time, the new one opens it, no request is lost.

Method: as disk_handover, with ft-disk=shared; the slow drive is one whose requests
are throttled by the host. Afterwards the old primary has its images closed.
"""

import pytest
from ftpair.busy_drives import hand_over
from ftpair.drives import open_images, shared_slow
from ftpair.succession import Succession


@pytest.mark.setup(kind=Succession, drives=shared_slow())
def test_shared_handover(case, pair):
    old, new = pair.primary, pair.secondary
    hand_over(case, pair)
    case.expect("the old primary has closed its images", open_images(old) == [False, False], "")
    case.expect("the new one has them open", open_images(new) == [True, True], "")
