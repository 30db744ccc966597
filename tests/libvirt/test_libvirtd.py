# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: libvirtd may be killed and started again at any time: it finds its domains as they are, and no pair notices.
Method: in each state of a node, kill -9 of libvirtd on one host, on the other and on both. Afterwards: the same word of libvirt, the
same state of FT, the same QEMU process, and the client's one connection goes on.
"""

import pytest

from ftpair.node import LOG_PORT
from ftvirt import domain as domains

HOSTS = ("first", "second", "both")


def restarted(pair, sides):
    for side in sides:
        pair.host(side).end_libvirtd()
    for side in sides:
        pair.host(side).start_libvirtd()


def seen(pair, sides):
    """What a restart may not change."""
    return {side: (pair.virsh(side).state(pair.name), pair.query(side)["role"], pair.query(side)["state"], pair.host(side).qemu_pid(pair.name))
            for side in sides}


def survive(pair, sides, note):
    """Kills libvirtd on each of the two hosts and on both."""
    before = seen(pair, sides)
    for killed in ([sides[0]], [sides[1]], list(sides)):
        restarted(pair, killed)
        assert seen(pair, sides) == before, f"after kill -9 of libvirtd on {killed}"
        if pair.incr:
            pair.goes_on()
    note(", ".join(f"{words[1]} {words[2]}: {words[0]}" for words in before.values()))


def test_protected(pair, note):
    sides = pair.protect()
    pair.start_incr()
    survive(pair, sides, note)
    pair.compare_digests(*sides)
    pair.finish_incr()


def test_exposed(pair, note):
    primary, secondary = pair.protect()
    pair.start_incr()
    pair.virsh(secondary)("destroy", pair.name)
    pair.wait_state(primary, "exposed", 10)
    before = seen(pair, [primary])
    restarted(pair, [primary])
    assert seen(pair, [primary]) == before
    pair.goes_on()
    # It is as good as before: it can be protected again.
    pair.protect()
    pair.finish_incr()
    note(before[primary][0])


def test_fenced(pair, note):
    """The old primary after a planned failover."""
    primary, secondary = pair.protect()
    pair.start_incr()
    pair.virsh(primary).qmp(pair.name, "ft-failover")
    pair.wait_state(secondary, "exposed", 20)
    pair.wait_state(primary, "fenced", 20)
    survive(pair, (primary, secondary), note)
    pair.protect()
    pair.finish_incr()


def test_failed(pair, note):
    """The secondary that an operator has detached."""
    primary, secondary = pair.protect()
    pair.start_incr()
    pair.virsh(primary).qmp(pair.name, "ft-detach")
    pair.wait_state(primary, "exposed", 20)
    pair.wait_state(secondary, "failed", 20)
    survive(pair, (primary, secondary), note)
    pair.protect()
    pair.finish_incr()


def test_waiting(pair, note):
    """A secondary that nobody has attached yet, as autostart makes it; then it is used."""
    primary, secondary = pair.protect()
    pair.virsh(secondary)("destroy", pair.name)
    pair.wait_state(primary, "exposed", 10)
    pair.virsh(secondary)("start", pair.name)
    pair.wait_state(secondary, "waiting", 10)
    survive(pair, (primary, secondary), note)
    pair.virsh(primary).qmp(pair.name, "ft-attach", peer=domains.log_address(secondary))
    pair.wait_protected(primary, secondary)
    pair.compare_digests(primary, secondary)


@pytest.mark.parametrize("which", HOSTS)
def test_syncing(pair, note, which):
    """libvirtd dies while the state is being sent: the attach ends as if it had lived."""
    primary, secondary = pair.protect()
    pair.start_incr()
    pair.virsh(secondary)("destroy", pair.name)
    pair.wait_state(primary, "exposed", 10)
    xml = pair.virsh(primary)("dumpxml", "--migratable", pair.name)
    pair.create(secondary, domains.words("secondary", pair.options, ft_listen=f"0.0.0.0:{LOG_PORT}"), xml)
    pair.virsh(primary).qmp(pair.name, "ft-attach", peer=domains.log_address(secondary))
    state = pair.query(primary)["state"]
    restarted(pair, {"first": [primary], "second": [secondary], "both": [primary, secondary]}[which])
    note(f"{state} just before the kill")
    pair.wait_protected(primary, secondary)
    assert pair.virsh(primary).state(pair.name).startswith("running"), pair.virsh(primary).state(pair.name)
    assert pair.virsh(secondary).state(pair.name).startswith("running"), pair.virsh(secondary).state(pair.name)
    pair.goes_on()
    pair.compare_digests(primary, secondary)
    pair.finish_incr()
