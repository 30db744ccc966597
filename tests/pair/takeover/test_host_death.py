# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a host that dies without a word is replaced within the timeout + 250 ms.

Method: all links of node a go down and then the primary is killed, so that no
FIN and no RST can leave; the secondary must notice by silence alone.
"""

from ftpair import failover


def test_host_death(case):
    story = failover.Failover("host")
    with case.pair() as pair:
        pair.start().wait_up()
        failover.run(pair, story)
        case.figure("gap_ms", story.gap_ms)
        case.judge(*story.checks)
