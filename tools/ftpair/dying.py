# SPDX-License-Identifier: GPL-2.0-or-later
"""Primaries that kill themselves in an attach (fault die-at-STEP), and the secondary that has seen it."""

from .node import Node, qemu_path
from .pair import Failed
from .waiting import within

DIE_SECONDS = 30


def next_primary(pair, qemu=None, step=None):
    """The guest is switched on once more, in place of the dead one."""
    old = pair.primary
    pair.retire(old)
    node = Node(old.name, old.namespace, pair.folder, [], str(pair.uuid),
                environment={"FT_FAULT": f"die-at-{step}"} if step else None)
    node.argv = [str(qemu or qemu_path()), *old.argv[1:]]
    pair.sides["a"] = pair.primary = node
    node.start().connect()
    pair.wait_state(node, "exposed", 10)


def die(pair, step):
    """The attach that kills the primary."""
    pair.begin_attach()
    if pair.primary.wait_exit(DIE_SECONDS) is None:
        raise Failed(f"{step}: the primary does not die; {pair.told()}")


def waits_again(node, seconds=10):
    """It did before, too; but not with that reason."""
    return within(seconds, lambda: "the last attach" in node.query()["reason"]) and node.state() == "waiting"
