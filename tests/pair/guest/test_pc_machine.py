# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: the machine type pc is protected as q35 is.

Method: test_kill's run on -machine pc: boot, clients, kill -9, takeover.
"""

from ftpair import failover


def test_pc_machine(case):
    story = failover.Failover("kill")
    board = {"board": "pc"}
    with case.pair(primary=board, secondary=board) as pair:
        pair.start().wait_up()
        failover.run(pair, story)
        case.figure("gap_ms", story.gap_ms)
        case.judge(*story.checks)
