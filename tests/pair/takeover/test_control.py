# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: without protection the same kill breaks what the other tests check.

Method: one QEMU with ft off, the demo's clients, kill -9: the client's
connection must be found broken and the download incomplete. The same run
before the kill shows that hosts, clients and capture work at all.
"""

import time

import pytest
from ftpair import verdict
from ftpair.pair import expected_sha256


@pytest.mark.setup(ft=False)
def test_control(case, pair):
    pair.start(captures=("a", "b")).wait_up()
    pair.start_incr()
    pair.start_download()
    time.sleep(1)
    frames = len(pair.capture("a").out())
    case.expect("clients work and the capture sees it", frames > 100, f"{frames} frames")
    fault = pair.inject("kill")
    # Nobody answers: without a reset the client would wait for its limit.
    pair.incr.wait_for(lambda p: False, 2)
    live = fault + 10**9
    gone = {"replies": 1, "broken": None, "last_ns": 0} | pair.incr.progress
    check = verdict.answers_after({**gone, "broken": None}, live)
    case.expect("found broken: the client's replies end", not check.ok, check.detail)
    got = pair.download.progress
    whole = verdict.download({"broken": None, "sha256": "", "first_ns": 0, **got},
                             expected_sha256(), fault, live)
    case.expect("found broken: the download", len(verdict.failures(whole)) == 3,
                f"{got.get('bytes')} bytes")
