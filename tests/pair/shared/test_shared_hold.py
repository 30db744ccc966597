# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: no write reaches a shared image before the log that leads to it is acked.

Method: 50 ms of delay on the log link; the guest writes blocks one after another.
Somebody who reads the image all the time sees none of them sooner than that after
the guest has submitted it, and QEMU's trace has the ack first.
"""

import pytest
from ftpair import write_rule
from ftpair.drives import shared, zeros
from ftpair.succession import Succession


@pytest.mark.setup(kind=Succession, drives=shared(2, second=zeros), arguments=write_rule.node_arguments())
def test_shared_hold(case, pair):
    pair.start(captures=()).wait_up()
    case.judge(*write_rule.measure(pair, pair.drives.image("a", 1)))
    pair.wait_protected(5)
