# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: kill -9 of the primary costs the clients a moment, and nothing else.

Method: the demo's run once: INCR in a closed loop and a download across the
kill; every reply is the last plus one, the file's sum is right, both
connections stay, the gap is short, the secondary was silent until then.
"""

from ftpair import failover


def test_kill(case):
    story = failover.Failover("kill")
    with case.pair() as pair:
        pair.start().wait_up()
        failover.run(pair, story)
        case.figure("gap_ms", story.gap_ms)
        case.judge(*story.checks)
