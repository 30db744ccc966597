# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: when the nodes lose each other and both live, exactly one goes on.

Method: the log link is cut in the switch (both keep their carrier), the
arbiter is a file both can reach. One node must become exposed and serve both
clients on their old connections, the other be fenced and emit nothing more.
"""

from ftpair import failover


def test_link_cut(case):
    story = failover.Failover("link")
    with case.pair() as pair:
        pair.start().wait_up()
        failover.run(pair, story)
        case.figure("winner", story.survivor)
        case.figure("gap_ms", story.gap_ms)
        case.judge(*story.checks)
