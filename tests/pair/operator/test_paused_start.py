# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: -S on both sides and a "cont" before the first attach are ordinary;
so libvirt starts every machine.

Method: both nodes start with -S; "cont" is sent at once. The guest boots, the
pair becomes protected, the client works.
"""

import time

import pytest
from ftpair import verdict


@pytest.mark.setup(primary={"arguments": ["-S"]}, secondary={"arguments": ["-S"]})
def test_paused_start(case, pair):
    pair.start()
    pair.primary.qmp.command("cont")
    pair.wait_up()
    pair.start_incr()
    time.sleep(1)
    case.judge(*verdict.replies(pair.incr.finish()))
    case.expect("the primary runs", pair.primary.qmp.command("query-status")["running"])
