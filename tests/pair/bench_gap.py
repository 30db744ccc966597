# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bench: what a client notices of kill -9 of the primary, many times in a row.

The soak's own cycle (soak_failovers): one INCR stream on one connection; each
time the survivor is given a fresh secondary. No other load.
"""

import random
import time

from ftpair import soaking, verdict
from ftpair.distribution import median, percentile
from ftpair.incidents import Incidents
from ftpair.load import Load
from ftpair.succession import Succession
from soak_failovers import Cycle, protect, strike

QUIET_SECONDS = (0.5, 1.5)
# What the soak calls an incident and the benchmark only a bad figure.
LATE = ("takeover within", "the client's gap at most")


def run(options, say):
    """(figures, [gap in ms], checks)."""
    pair = Succession("bench-gap", timeout_ms=options.timeout_ms, say=lambda text: None, keep=options.keep)
    incidents, load, cycles = Incidents(pair.folder, say), Load(pair), []
    chance = random.Random(1)

    def work():
        say("gap: booting a protected pair")
        pair.start(captures=("b",)).wait_up()
        pair.start_long_incr()
        for number in range(1, options.kills + 1):
            cycle = Cycle(number, "kill")
            time.sleep(chance.uniform(*QUIET_SECONDS))
            strike(pair, cycle, incidents)
            pair.promote()
            protect(pair, cycle, incidents)
            cycles.append(cycle)
            say("gap: " + cycle.line(options.kills))

    def more_checks():
        incidents.all = [i for i in incidents.all if not i.text.startswith(LATE)]
        return [verdict.Check(f"gap: {options.kills} failovers", len(cycles) == options.kills, f"{len(cycles)}")]

    client, checks = soaking.run(pair, incidents, load, work, more_checks)
    return of_cycles(cycles, client), [verdict.ms(c.gap[0]) for c in cycles], checks


def of_cycles(cycles, client):
    gaps = [verdict.ms(c.gap[0]) for c in cycles]
    since = lambda moment: median([verdict.ms(moment(c.story) - c.story.fault_ns) for c in cycles])
    return {"gap_ms_p50": median(gaps), "gap_ms_p99": percentile(gaps, 0.99), "gap_ms_max": max(gaps, default=None),
            "gap_detect_ms_p50": since(lambda s: s.detected_ns), "gap_golive_ms_p50": since(lambda s: s.live_ns),
            "gap_kills": len(cycles), "gap_replies": client["replies"], "gap_lost": client["lost"],
            "gap_doubled": client["doubled"], "attach_pause_ms_p50": median([verdict.ms(c.attach.pause_ns) for c in cycles if c.attach])}
