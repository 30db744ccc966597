# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: no packet leaves the primary before the log that leads to it is acked.

Method: 50 ms of delay on the log link. The client's round trip grows by about
that; on the primary's tap no answer follows its request sooner; and no frame
on the tap is older than the ack of its log frame in QEMU's trace.
"""

import pytest
from ftpair import output_rule


@pytest.mark.setup(primary={"arguments": output_rule.node_arguments()})
def test_output_rule(case, pair):
    pair.start(captures=("a", "b")).wait_up()
    case.judge(*output_rule.measure(pair))
    pair.wait_protected(5)
