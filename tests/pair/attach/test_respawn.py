# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: ftctl respawn makes a survivor protected again, by itself.

Method: kill -9 of the primary. ftctl gets only a file with the hosts' monitors
and addresses: it must find the survivor and its command line, start a secondary
in the dead node's place and attach it. The survivor is killed too: INCR goes on with the
respawned node, exactly, on the one connection from the beginning.
"""

import shlex
import time

import pytest
from ftpair import tools, verdict
from ftpair.succession import Succession

WORK_SECONDS = 2


@pytest.mark.setup(kind=Succession)
def test_respawn(case, pair):
    pair.start(captures=()).wait_up()
    pair.start_long_incr()
    time.sleep(WORK_SECONDS)
    pair.fail_over()
    respawn(case, pair)
    pair.stay_protected(WORK_SECONDS)
    pair.fail_over()
    time.sleep(WORK_SECONDS)
    case.judge(*verdict.replies(pair.incr.finish()))


def respawn(case, pair):
    side = pair.free_side()
    pair.retire(pair.sides[side])
    printed = tools.call(pair, tools.command(pair, "respawn", "--print"))
    node = tools.run(case, pair, "respawn", side)
    case.expect("it starts what --print shows", shlex.split(printed.stdout) == node.argv, node.argv[0])
