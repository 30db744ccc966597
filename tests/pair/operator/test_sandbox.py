# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a pair lives in the sandbox that libvirt gives its QEMUs, and what cannot be done there is said, once.

Method: both nodes with libvirt's -sandbox line and an ft-respawn command. Each
thread of both is filtered (/proc says so). Then kill -9 of the primary, a new
secondary, kill -9 again: the second survivor was attached, has loaded the state and
taken over, all in the sandbox; one client's INCR goes on exactly. The primary says
that it has no witness, both say that ft-respawn is not run; it is not, and no node
dies of trying.
"""

import time
from pathlib import Path

from ftpair import verdict
from ftpair.succession import Succession

SANDBOX = ("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")
RESPAWN = "touch respawned"
NO_WITNESS = "no witness connection"
NO_RESPAWN = f"ft-respawn={RESPAWN} will not be run"
WORK_SECONDS = 1


def test_sandbox(case):
    more = {"arguments": SANDBOX, "machine": [f"ft-respawn={RESPAWN}"]}
    with Succession.of(case, primary=more, secondary=more) as pair:
        pair.start(captures=()).wait_up()
        pair.start_long_incr()
        nodes = [pair.primary, pair.secondary]
        filtered(case, *nodes)
        time.sleep(WORK_SECONDS)
        pair.fail_over()
        nodes.append(pair.spawn())
        pair.attach()
        filtered(case, pair.primary, pair.secondary)
        pair.stay_protected(WORK_SECONDS)
        pair.fail_over()
        time.sleep(WORK_SECONDS)
        case.judge(*verdict.replies(pair.incr.finish()))
        said_once(case, nodes[0], NO_WITNESS)
        said_once(case, nodes[1], NO_WITNESS)
        for node in nodes:
            said_once(case, node, NO_RESPAWN)
        case.expect("ft-respawn was not run", not (pair.folder / "respawned").exists())


def filtered(case, *nodes):
    """Every thread of the nodes has a seccomp filter."""
    for node in nodes:
        modes = {thread.name: mode(thread) for thread in Path(f"/proc/{node.pid}/task").iterdir()}
        case.expect(f"{node.name}: every thread is filtered", modes and set(modes.values()) == {"2"}, modes)


def mode(thread):
    lines = (thread / "status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("Seccomp:"))


def said_once(case, node, words):
    count = node.errors().count(words)
    case.expect(f"{node.name} says once: {words}", count == 1, count)
