# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a primary that dies costs nobody a command: the guest goes on, and the agents bring redundancy back.
Method: three hosts with an agent each. kill -9 of the primary's QEMU, a few times in turn (scripts/soak --libvirt does it 20 times);
then a whole host loses its power, so that only the third one is left. One client on one connection through all of it.
"""

import random
import time

from ftpair import verdict

from ftvirt import failovers
from ftvirt.ftctl import Agents

KILLS = 3


def test_kill(rack, pair, note):
    chance = random.Random(16)
    with Agents(rack) as agents:
        pair.start_incr()
        for number in range(1, KILLS + 1):
            cycle = failovers.live_through(pair, agents, number, chance)
            pair.say(cycle.line())
            note(f"{verdict.ms(cycle.gap[0]):.0f} ms gap, protected after {cycle.reprotect_s:.1f} s")
            assert cycle.gap[0] > 0
        agents.check()
        pair.finish_incr()


def test_host_dies(rack, pair, note):
    """With all its processes and links: a new secondary can only be on the third host. It comes back and is used again."""
    def power_cut(side):
        moment = time.monotonic_ns()
        rack.network.unplug(side)
        rack.hosts[side].switch_off()
        return moment

    with Agents(rack) as agents:
        pair.start_incr()
        cycle = failovers.live_through(pair, agents, 1, random.Random(1), strike=power_cut)
        pair.say(cycle.line())
        assert cycle.third, f"protected on host-{cycle.secondary}"
        note(f"{verdict.ms(cycle.gap[0]):.0f} ms gap, protected on the third host after {cycle.reprotect_s:.1f} s")
        host = rack.hosts[cycle.dead]
        rack.network.plug(cycle.dead)
        host.switch_on()
        agents.start(host)
        # Both other nodes in turn: the host that was dead is used again.
        cycle = failovers.live_through(pair, agents, 2, random.Random(2))
        pair.say(cycle.line())
        pair.finish_incr()
    assert host.virsh.try_("dominfo", pair.name).ok, "the host has forgotten the domain"
