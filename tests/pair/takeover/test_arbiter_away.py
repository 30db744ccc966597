# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: while the arbiter cannot be asked nobody outputs; when it is back, one
node goes on and nothing is lost.

Method: the arbiter's folder is moved away, the primary killed. For two
seconds the secondary must be undecided and silent; then the folder returns.
"""

import time

from ftpair import verdict
from ftpair.pair import Failed

AWAY_SECONDS = 2.0


def test_arbiter_away(case, pair):
    pair.start().wait_up()
    pair.start_incr()
    time.sleep(1)
    elsewhere = pair.arbiter_folder.with_name("arbiter-elsewhere")
    pair.arbiter_folder.rename(elsewhere)
    pair.inject("kill")
    time.sleep(AWAY_SECONDS)
    answer = pair.secondary.query()
    case.expect("undecided while the arbiter is away", answer["state"] == "going-live",
                f"{answer['state']}: {answer['reason']}")
    case.judge(verdict.silent(pair.capture("b"), "silent while the arbiter is away"))
    elsewhere.rename(pair.arbiter_folder)
    pair.wait_state(pair.secondary, "exposed", 5)
    if not pair.wait_replies_after(time.monotonic_ns()):
        raise Failed(f"no replies: {pair.incr.result or pair.incr.progress}")
    case.judge(*verdict.replies(pair.incr.finish()))
