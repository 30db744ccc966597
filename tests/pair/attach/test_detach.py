# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: ft-detach ends protection, and the guest never notices; it can return.

Method: ft-detach on a protected primary while INCR works. The primary goes on
exposed; the secondary ends "failed", does not go live and emits nothing. Then
a fresh secondary is attached and the pair is protected again, on one
connection. A second ft-detach is refused while there is nothing to detach.
"""

import time

import pytest
from ftpair import verdict
from ftpair.qmp import QmpError
from ftpair.succession import Succession

WORK_SECONDS = 2


@pytest.mark.setup(kind=Succession)
def test_detach(case, pair):
    pair.start(captures=("b",)).wait_up()
    pair.start_long_incr()
    time.sleep(WORK_SECONDS)
    pair.primary.qmp.command("ft-detach")
    pair.wait_state(pair.primary, "exposed", 10)
    told = pair.wait_state(pair.secondary, "failed", 5)
    case.expect("the secondary was told", "ended protection" in told["reason"], told["reason"])
    case.expect("a second detach is refused", refused(pair.primary))
    pair.goes_on()
    time.sleep(WORK_SECONDS)
    case.judge(verdict.silent(pair.capture("b"), "the secondary stayed silent"))
    pair.spawn()
    pair.attach()
    pair.stay_protected(WORK_SECONDS)
    case.judge(*verdict.replies(pair.incr.finish()))


def refused(primary):
    try:
        primary.qmp.command("ft-detach")
    except QmpError:
        return True
    return False
