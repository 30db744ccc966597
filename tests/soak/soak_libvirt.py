# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/soak --libvirt --failovers N: one TCP connection through N deaths of the primary's QEMU, on three hosts with libvirt.

Nobody types a command between the first "ftctl start" and the end: the agents start every new secondary.
"""

import random

from ftpair import soaking, verdict
from ftpair.figures import middle
from ftpair.incidents import Incidents
from ftpair.pair import Failed
from ftpair.verdict import Check
from ftvirt import failovers, rack
from ftvirt.ftctl import Agents
from ftvirt.host import HostError
from ftvirt.pair import DomainPair
from ftvirt.virsh import VirshError


def run(options, say):
    """(figures, checks, work folder), as the other soaks."""
    problem = rack.no_root() or rack.missing()
    if problem:
        raise Failed(problem)
    chance = random.Random(options.seed)
    racked = rack.Rack("soak", say=say, keep=options.keep)
    cycles, client, incidents, pair = [], soaking.NO_CLIENT, None, None
    try:
        racked.build()
        incidents = Incidents(racked.folder, say)
        pair = DomainPair(racked, options=f"ft-timeout={options.timeout_ms}", memory=options.memory or 256)
        pair.define()
        pair.protect()
        with Agents(racked) as agents:
            pair.start_incr()
            for number in range(1, options.failovers + 1):
                cycles.append(failovers.live_through(pair, agents, number, chance))
                print(f"{cycles[-1].line()}  of {options.failovers}", flush=True)
            agents.check()
    except (Failed, VirshError, HostError, RuntimeError, OSError) as error:
        if incidents is None:
            raise Failed(str(error)) from error
        incidents.note("the end", f"{error}; {pair.told() if pair else ''}\n{pair.evidence() if pair else ''}")
    finally:
        if pair and pair.incr:
            client, pair.incr = pair.incr.finish(), None
        checks = judged(options, cycles, client, incidents)
        racked.keep = options.keep or bool(verdict.failures(checks))
        racked.close()
    return summary(cycles, client, incidents), checks, racked.folder


def judged(options, cycles, client, incidents):
    return [*verdict.replies(client),
            Check(f"{options.failovers} failovers", len(cycles) == options.failovers, f"{len(cycles)}"),
            Check("nothing diverged", not incidents or not incidents.diverged, f"{incidents.diverged if incidents else 0} times"),
            Check("no incident", not incidents or not incidents.all, f"{len(incidents.all) if incidents else 0}")]


def summary(cycles, client, incidents):
    gaps = [verdict.ms(cycle.gap[0]) for cycle in cycles]
    return {"failovers": len(cycles), **soaking.common_figures(client, incidents),
            "gap_ms_p50": middle(gaps), "gap_ms_max": soaking.most(gaps),
            "golive_ms_p50": middle([verdict.ms(cycle.live_ns - cycle.fault_ns) for cycle in cycles]),
            "reprotect_s_p50": middle([cycle.reprotect_s for cycle in cycles]),
            "reprotect_s_max": soaking.most([cycle.reprotect_s for cycle in cycles]),
            "third_host": sum(cycle.third for cycle in cycles),
            "digests": sum(cycle.digests for cycle in cycles)}
