# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a guest that runs alone under load is protected later, unnoticed.

Method: the primary starts without a peer and runs exposed; INCR works. A fresh
secondary with the primary's own command line is attached; the pair stays
protected and its replay moves on. Then kill -9 of the primary: INCR goes on
with the secondary, each reply the last plus one, on one connection.
"""

import time

import pytest
from ftpair import verdict
from ftpair.succession import Succession

PROTECTED_SECONDS, AFTER_SECONDS = 5, 2


@pytest.mark.setup(kind=Succession, alone=True)
def test_attach_running(case, pair):
    pair.start_alone()
    pair.start_long_incr()
    time.sleep(1)
    pair.spawn()
    attach = pair.attach()
    gap = pair.attach_gap(attach)[0]
    case.figure("attach_seconds", round(attach.seconds, 3))
    case.figure("attach_pause_ms", round(verdict.ms(attach.pause_ns), 2))
    case.figure("attach_gap_ms", round(verdict.ms(gap), 2))
    case.say(f"attached in {attach.seconds:.2f} s, {attach.bytes >> 20} MiB; the guest stood still for "
             f"{verdict.ms(attach.pause_ns):.1f} ms, the client waited {verdict.ms(gap):.1f} ms")
    pair.stay_protected(PROTECTED_SECONDS)
    case.judge(verdict.silent(pair.capture("b"), "secondary silent until then"))
    pair.drop_capture("b")
    pair.fail_over()
    time.sleep(AFTER_SECONDS)
    case.judge(*verdict.replies(pair.incr.finish()))
