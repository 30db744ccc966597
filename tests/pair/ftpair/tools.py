# SPDX-License-Identifier: GPL-2.0-or-later
"""The operator's tools (scripts/respawn and its like), called as an operator would."""

import json
import re
import shlex
import subprocess

from . import netns
from .adopted import AdoptedNode
from .hosts import LOG_IP
from .node import LOG_PORT, ROOT
from .pair import Failed
from .secondary_line import own_name

SECONDS = 180
PID = re.compile(r"pid (\d+)")


def command(pair, script, side, *more):
    """The tool's command line for the primary and a new secondary on that side."""
    return [str(ROOT / "scripts" / script), "--qmp", f"{pair.primary.name}.qmp", "--chdir", str(pair.folder),
            "--listen", f"{LOG_IP[side]}:{LOG_PORT}",
            "--on", shlex.join(netns.inside(pair.hosts.nodes[side], [])), *more]


def call(pair, words):
    """One client at a time may talk to a monitor of QEMU, so ours make way meanwhile."""
    nodes = [node for node in {pair.primary, pair.secondary} if node.alive()]
    for node in nodes:
        node.qmp.close()
    try:
        return subprocess.run(words, cwd=pair.folder, capture_output=True, text=True, timeout=SECONDS)
    finally:
        for node in nodes:
            if node.alive():
                node.connect()


def run(case, pair, script, side, *more, changes_hands=False):
    """It must end well; the secondary that it started. changes_hands: for the one that was the secondary before."""
    done = call(pair, command(pair, script, side, *more, "--json", f"{script}.json"))
    for text in done.stdout.splitlines():
        case.say(f"scripts/{script}: {text}")
    if done.returncode or not PID.search(done.stdout):
        raise Failed(f"scripts/{script}: {done.stderr.strip() or done.returncode}; {pair.told()}")
    figures = json.loads((pair.folder / f"{script}.json").read_text())["figures"]
    for name, value in figures.items():
        case.figure(f"{script.replace('-', '_')}_{name}", value)
    if changes_hands:
        pair.promote()
    return adopt(pair, side, int(PID.search(done.stdout)[1]))


def adopt(pair, side, pid):
    """A node that a tool has started, on that side, for the present primary."""
    node = AdoptedNode(own_name(pair.primary.name), pair.hosts.nodes[side], pair.folder, pid)
    pair.sides[side] = pair.secondary = node.connect()
    return node
