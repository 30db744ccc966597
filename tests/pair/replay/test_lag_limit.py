# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a lag of seconds is told as what it is, and an ft-lag-limit of seconds acts.

Method: an ft-lag-limit of 40 s, so that the guest is slowed from a lag of 2 s on, and an
ft-timeout that is longer than the test. The secondary stands still (SIGSTOP) while the guest
computes: lag-ns follows the clock, and slowed-ns grows. After SIGCONT the lag goes away, the
digests agree, and both are still a pair.
"""

import signal
import time

import pytest
from ftpair import digest, guest
from ftpair.succession import Succession
from ftpair.waiting import within

LIMIT_MS, TIMEOUT_MS = 40_000, 60_000
EARLY_SECONDS, LATE_SECONDS = 0.6, 6.0
LOAD = "(while :; do :; done) >/dev/null 2>&1 </dev/null & sleep 0.5"


@pytest.mark.setup(kind=Succession, machine=(f"ft-lag-limit={LIMIT_MS}",), timeout_ms=TIMEOUT_MS)
def test_lag_limit(case, pair):
    pair.start(captures=()).wait_up()
    guest.command(pair, LOAD)
    begin = time.monotonic()
    pair.secondary.signal(signal.SIGSTOP)
    early = look(pair, begin, EARLY_SECONDS)
    late = look(pair, begin, LATE_SECONDS)
    pair.secondary.signal(signal.SIGCONT)
    case.expect("the lag is told", abs((late[1] - early[1]) / (late[0] - early[0]) - 1) < 0.05,
                [f"{lag:.2f} s after {s:.2f} s" for s, lag, _ in (early, late)])
    case.expect("slowed above a 20th of the limit", late[2] - early[2] > 1e9, f"{(late[2] - early[2]) / 1e9:.2f} s")
    caught_up(case, pair)
    digest.compared(pair, 60)
    pair.stay_protected(1)


def look(pair, begin, seconds):
    """(seconds since the begin, lag in s, slowed-ns)."""
    time.sleep(begin + seconds - time.monotonic())
    query = pair.primary.query()
    return time.monotonic() - begin, query["lag-ns"] / 1e9, query["slowed-ns"]


def caught_up(case, pair, seconds=30):
    within(seconds, lambda: pair.primary.query()["lag-ns"] <= 2.2e9)
    lag = pair.primary.query()["lag-ns"] / 1e9
    case.expect("the lag goes away until nobody is slowed", lag <= 2.2, f"{lag:.2f} s")
