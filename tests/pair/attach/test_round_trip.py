# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a link whose round trip is longer than ft-timeout is named, with both numbers.

Method: the log link takes 1200 ms there and back with ft-timeout=1000. From the start: the attach fails and the primary says why. On a
protected pair: its output waits for a lease that no heartbeat can renew in time, and query-ft says so.
"""

import re

from ftpair.waiting import wait_until

TIMEOUT_MS, ONE_WAY_MS = 1000, 600


def test_round_trip(case):
    with case.pair("attach", timeout_ms=TIMEOUT_MS) as pair:
        pair.hosts.delay_log(ONE_WAY_MS, ONE_WAY_MS)
        pair.start()
        names_it(case, "the attach that fails", pair.wait_state(pair.primary, "exposed", 60)["reason"])
    with case.pair("protected", timeout_ms=TIMEOUT_MS) as pair:
        pair.start().wait_up()
        pair.start_incr()
        pair.hosts.delay_log(ONE_WAY_MS, ONE_WAY_MS)
        # The median of the last heartbeats: until it shows the new delay, a few have to come back.
        wait_until("a reason with the new round trip", lambda: round_trip_ms(pair.primary.query()["reason"]) >= TIMEOUT_MS, 30,
                   told=lambda: f"the primary is {pair.primary.state()}: {pair.primary.query()['reason']}")
        names_it(case, f"a primary that is {pair.primary.state()}", pair.primary.query()["reason"])


def round_trip_ms(reason):
    found = re.search(r"round trip is (\d+) ms", reason)
    return int(found[1]) if found else 0


def names_it(case, who, reason):
    case.expect(f"{who} names round trip and ft-timeout",
                "round trip" in reason and "ft-timeout" in reason and f"{TIMEOUT_MS} ms" in reason, reason)
