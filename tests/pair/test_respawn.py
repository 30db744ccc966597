# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: scripts/respawn makes a survivor protected again, by itself.

Method: kill -9 of the primary. scripts/respawn gets only the survivor's monitor
and an address: it must find the command line, start a secondary in the dead
node's place and attach it. The survivor is killed too: INCR goes on with the
respawned node, exactly, on the one connection from the beginning.
"""

import json
import re
import shlex
import subprocess
import time

from ftpair import netns, verdict
from ftpair.adopted import AdoptedNode
from ftpair.case import Skip
from ftpair.hosts import LOG_IP
from ftpair.node import LOG_PORT, ROOT
from ftpair.pair import Failed
from ftpair.qmp import QmpError
from ftpair.secondary_line import own_name
from ftpair.succession import Succession

WORK_SECONDS = 2


def run(case):
    with Succession.of(case) as pair:
        pair.start(captures=()).wait_up()
        need_command(pair.primary)
        pair.start_long_incr()
        time.sleep(WORK_SECONDS)
        pair.fail_over()
        respawn(case, pair)
        pair.stay_protected(WORK_SECONDS)
        pair.fail_over()
        time.sleep(WORK_SECONDS)
        case.judge(*verdict.replies(pair.incr.finish()))


def need_command(node):
    try:
        node.qmp.command("query-ft-command-line")
    except QmpError as error:
        raise Skip(str(error))


def respawn(case, pair):
    """The tool, as an operator would call it; the node it has started becomes the pair's."""
    side, survivor = pair.free_side(), pair.primary
    pair.retire(pair.sides[side])
    tool = [str(ROOT / "scripts" / "respawn"), "--qmp", f"{survivor.name}.qmp", "--chdir", str(pair.folder),
            "--listen", f"{LOG_IP[side]}:{LOG_PORT}", "--on", shlex.join(netns.inside(pair.hosts.nodes[side], []))]
    # One client at a time may talk to a monitor of QEMU.
    survivor.qmp.close()
    line = shlex.split(subprocess.run([*tool, "--print"], cwd=pair.folder, capture_output=True, text=True,
                                      check=True).stdout)
    done = subprocess.run([*tool, "--json", "respawn.json"], cwd=pair.folder, capture_output=True, text=True,
                          timeout=180)
    survivor.connect()
    for text in done.stdout.splitlines():
        case.say(f"scripts/respawn: {text}")
    pid = re.search(r"pid (\d+)", done.stdout)
    if done.returncode or not pid:
        raise Failed(f"scripts/respawn: {done.stderr.strip() or done.returncode}; {pair.told()}")
    node = AdoptedNode(own_name(survivor.name), pair.hosts.nodes[side], pair.folder, line, int(pid[1]))
    pair.sides[side] = pair.secondary = node.connect()
    for name, value in json.loads((pair.folder / "respawn.json").read_text())["figures"].items():
        case.figure(name, value)

