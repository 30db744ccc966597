# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a planned failover hands the guest over with no loss at all.

Method: ft-failover on the primary while both clients work, and digests asked for
in the midst of it (nothing may follow a handover in the log); the secondary goes
live, the old primary stops for good and is silent from then on. A request that
reaches the paused primary is lost as on any network: the client's TCP sends it
again after 200 ms, so the gap is judged by the bound of every failover.
"""

import time

from ftpair import failover, verdict
from ftpair.pair import Failed, expected_sha256
from ftpair.qmp import QmpError


def test_ft_failover(case, pair):
    pair.start(captures=("a", "b")).wait_up()
    pair.start_incr()
    pair.start_download()
    time.sleep(2)
    moment = time.monotonic_ns()
    pair.primary.qmp.command("ft-failover")
    case.expect("no digest of a guest that was handed over", not digests(pair.primary))
    live = pair.wait_state(pair.secondary, "exposed", 5)
    stopped = pair.wait_state(pair.primary, "fenced", 5)
    live_ns, live_real = time.monotonic_ns(), time.time_ns()
    case.expect("roles have changed", live["role"] == "primary" and live["epoch"] > 0,
                f"secondary: {live['role']}, epoch {live['epoch']}; primary: {stopped['state']}")
    if not pair.wait_replies_after(live_ns):
        raise Failed(f"no replies: {pair.incr.result or pair.incr.progress}")
    time.sleep(1.5)
    result = pair.incr.finish()
    case.figure("gap_ms", verdict.ms(verdict.longest_gap(result)[0]))
    case.judge(*verdict.replies(result), verdict.gap(result, failover.GAP_MAX_MS, moment),
               *verdict.download(pair.download.finish(40), expected_sha256(), moment, live_ns),
               verdict.silent(pair.capture("a"), "old primary silent afterwards", live_real))


def digests(node, seconds=0.3):
    """How many the node took, asked again and again."""
    taken, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            node.qmp.command("x-ft-digest", full=False)
            taken += 1
        except QmpError:
            pass
    return taken
