# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bench: what a client notices of kill -9 of the primary, many times in a row.

The soak's own cycle (ftpair/death.py): one INCR stream on one connection; each
time the survivor is given a fresh secondary. No other load. First with a network
that delivers the guest's packets to both nodes, then, fewer times, with a switch
that learns, where a request that was under way waits for the client's TCP.
"""

import random
import time

from ftpair import soaking, verdict
from ftpair.death import Cycle, protect, strike
from ftpair.distribution import median, percentile
from ftpair.incidents import Incidents
from ftpair.load import Load
from ftpair.succession import Succession

QUIET_SECONDS = (0.5, 1.5)
# What the soak calls an incident and the benchmark only a bad figure.
LATE = ("takeover within", "the client's gap at most")


def run(options, say):
    """(figures, [gap in ms with both], checks)."""
    figures, gaps, checks = series(options, say, "gap", options.kills, flood=True)
    figures["attach_pause_ms_p50"] = figures.pop("gap_attach_pause_ms_p50")
    if options.learning_kills:
        more, _, more_checks = series(options, say, "gap_learning", options.learning_kills, flood=False)
        figures, checks = {**figures, **more}, checks + more_checks
    return figures, gaps, checks


def series(options, say, name, kills, flood):
    """(figures, [gap in ms], checks) of so many kills of one guest."""
    pair = Succession(f"bench-{name}", timeout_ms=options.timeout_ms, say=lambda text: None, keep=options.keep, flood=flood)
    incidents, load, cycles = Incidents(pair.folder, say), Load(pair), []
    chance = random.Random(1)

    def work():
        say(f"{name}: booting a protected pair")
        pair.start(captures=("b",)).wait_up()
        pair.start_long_incr()
        for number in range(1, kills + 1):
            cycle = Cycle(number, "kill")
            time.sleep(chance.uniform(*QUIET_SECONDS))
            strike(pair, cycle, incidents)
            pair.promote()
            protect(pair, cycle, incidents)
            cycles.append(cycle)
            say(f"{name}: " + cycle.line(kills))

    def more_checks():
        incidents.all = [i for i in incidents.all if not i.text.startswith(LATE)]
        return [verdict.Check(f"{name}: {kills} failovers", len(cycles) == kills, f"{len(cycles)}")]

    client, checks = soaking.run(pair, incidents, load, work, more_checks)
    return of_cycles(name, cycles, client), [verdict.ms(c.gap[0]) for c in cycles], checks


def of_cycles(name, cycles, client):
    gaps = [verdict.ms(c.gap[0]) for c in cycles]
    since = lambda moment: median([verdict.ms(moment(c.story) - c.story.fault_ns) for c in cycles])
    figures = {"ms_p50": median(gaps), "ms_p99": percentile(gaps, 0.99), "ms_max": max(gaps, default=None),
               "detect_ms_p50": since(lambda s: s.detected_ns), "golive_ms_p50": since(lambda s: s.live_ns),
               "packets_given": sum(c.given for c in cycles), "kills": len(cycles), "replies": client["replies"],
               "lost": client["lost"], "doubled": client["doubled"],
               "attach_pause_ms_p50": median([verdict.ms(c.attach.pause_ns) for c in cycles if c.attach])}
    return {f"{name}_{key}": value for key, value in figures.items()}
