# SPDX-License-Identifier: GPL-2.0-or-later
"""ftctl for a pair without libvirt, called as an operator would."""

import json
import os
import re
import subprocess
from pathlib import Path

from . import netns
from .adopted import AdoptedNode
from .hosts import LOG_IP
from .node import BUILD, LOG_PORT
from .pair import Failed

SECONDS = 180
HOSTS_FILE = "hosts.json"
PID = re.compile(r"pid (\d+)")


def ftctl_path():
    return Path(os.environ.get("FT_FTCTL") or BUILD / "ftctl").absolute()


def command(pair, verb, *more, monitors=None):
    """The tool's command line, and the hosts file that it reads; monitors: {side: socket} that are not a node's own."""
    hosts = [{"name": side, "log": f"{LOG_IP[side]}:{LOG_PORT}", "qmp": (monitors or {}).get(side, f"{node.name}.qmp"),
              "start": netns.inside(pair.hosts.nodes[side], []), "output": "ftctl-nodes.log"} for side, node in pair.sides.items()]
    (pair.folder / HOSTS_FILE).write_text(json.dumps({"name": "guest", "hosts": hosts}, indent=1))
    return [str(ftctl_path()), verb, "--hosts", HOSTS_FILE, *more]


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


def run(case, pair, verb, side, *more, changes_hands=False):
    """It must end well; the secondary that it started there. changes_hands: for the one that was the secondary before."""
    place = pair.sides[side].name
    done = call(pair, command(pair, verb, *more, "--json"))
    if done.returncode:
        raise Failed(f"ftctl {verb}: {done.stderr.strip() or done.returncode}; {pair.told()}")
    told = json.loads(done.stdout)
    for step in told["steps"]:
        case.say(f"ftctl {verb}: [{step['seconds']:.2f} s] {step['text']}")
    for name, value in told.items():
        if name.endswith("seconds"):
            case.figure(f"{verb.replace('-', '_')}_{name}", round(value, 3))
    pids = [PID.search(step["text"]) for step in told["steps"]]
    if changes_hands:
        pair.promote()
    return adopt(pair, side, int(next(pid for pid in pids if pid)[1]), place)


def adopt(pair, side, pid, place):
    """A node that the tool has started on that side; place: whose monitor's name it has got."""
    node = AdoptedNode(place, pair.hosts.nodes[side], pair.folder, pid)
    pair.sides[side] = pair.secondary = node.connect()
    return node
