# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/soak --failovers N: one TCP connection through N deaths of the host.

A cycle: the pair is protected; one to three seconds later its primary is killed
or hung; the secondary goes live; the dead side gets a fresh secondary, which
the survivor attaches. A hung primary is woken first: it must find itself
fenced and say nothing. An attach that fails is an incident and is tried again.
"""

import random
import signal
import time

from ftpair import root_disk, soaking, verdict
from ftpair.death import Cycle, protect, strike
from ftpair.figures import middle
from ftpair.incidents import Incidents
from ftpair.load import Load
from ftpair.pair import Failed
from ftpair.soaking import common_figures, most, part
from ftpair.succession import Succession

FAULTS = ("kill", "stop")
# A hung process keeps the lock of the one image, and the takeover waits for that: rightly (pair/shared_*).
FAULTS_SHARED = ("kill",)
QUIET_SECONDS = (1.0, 3.0)      # from protected to the fault
WOKEN_SECONDS = 1.0             # how long a woken old primary is watched


def run(options, say):
    """(figures, checks, work folder)."""
    chance = random.Random(options.seed)
    if options.disk:
        pair = root_disk.RootSuccession("soak-failovers", drives=root_disk.root_drives(options.disk, empty=1), **soaking.pair_options(options, say))
    else:
        pair = Succession("soak-failovers", **soaking.pair_options(options, say))
    ends, faults = [], FAULTS_SHARED if options.disk == "shared" else FAULTS
    incidents, load, cycles = Incidents(pair.folder, say), Load(pair), []

    def work():
        pair.start(captures=("b",)).wait_up()
        if options.disk:
            pair.start_commits()
            root_disk.start_loads(pair)
        else:
            pair.start_long_incr()
        if options.load:
            load.start()
        for number in range(1, options.failovers + 1):
            cycle = Cycle(number, faults[(number - 1) % len(faults)])
            live_through(pair, cycle, incidents, chance)
            cycles.append(cycle)
            print(cycle.line(options.failovers), flush=True)
        time.sleep(1)
        if options.load:
            incidents.note_failed("the load", load.finish())
        if options.disk:
            ends.append(root_disk.end(pair))

    client, checks = soaking.run(pair, incidents, load, work, lambda: [verdict.Check(
        f"{options.failovers} failovers", len(cycles) == options.failovers, f"{len(cycles)}"),
        *(ends[0].checks if ends else [])])
    return {**summary(cycles, incidents, client), **(ends[0].figures if ends else {})}, checks, pair.folder


# ------------------------------------------------------------------ one cycle --
def live_through(pair, cycle, incidents, chance):
    time.sleep(chance.uniform(*QUIET_SECONDS))
    problem = pair.follows()
    if problem:                 # a fault now would only end the soak
        incidents.note(cycle.where, f"before the fault: {problem}")
        protect(pair, cycle, incidents)
    strike(pair, cycle, incidents)
    hung = pair.primary if cycle.story.fault == "stop" else None
    pair.promote()
    if isinstance(pair, root_disk.RootSuccession):
        incidents.note_failed(cycle.where, [pair.check_commits()])
    if hung:
        wake(pair, hung, cycle, incidents)
    protect(pair, cycle, incidents)
    cycle.attach_gap_ns = pair.attach_gap(cycle.attach)[0]


def wake(pair, node, cycle, incidents):
    """A hung primary comes back too late: fenced, and silent."""
    capture = pair.capture(pair.side_of(node))
    woken = time.time_ns()
    node.signal(signal.SIGCONT)
    try:
        pair.wait_state(node, "fenced", 5)
        time.sleep(WOKEN_SECONDS)
    except Failed as why:
        incidents.note(cycle.where, f"the old primary after SIGCONT: {why}")
    incidents.note_failed(cycle.where, [verdict.silent(capture, "old primary silent after SIGCONT", woken)])


# --------------------------------------------------------------- the whole soak --
def summary(cycles, incidents, client):
    ms = lambda pick, some=cycles: [verdict.ms(pick(c)) for c in some]
    gaps, pauses = ms(lambda c: c.gap[0]), ms(lambda c: c.attach.pause_ns)
    attach_gaps = ms(lambda c: c.attach_gap_ns)
    by_fault = {f"gap_ms_{fault}_p50": middle(ms(lambda c: c.gap[0], [c for c in cycles if c.story.fault == fault]))
                for fault in FAULTS}
    return {
        "failovers": len(cycles), **common_figures(client, incidents),
        "gap_ms_p50": middle(gaps), "gap_ms_p99": part(gaps, 0.99), "gap_ms_max": most(gaps), **by_fault,
        "packets_given": sum(c.given for c in cycles),
        "detect_ms_p50": middle(ms(lambda c: c.story.detected_ns - c.story.fault_ns)),
        "golive_ms_p50": middle(ms(lambda c: c.story.live_ns - c.story.fault_ns)),
        "reprotect_s_p50": middle([c.reprotect_ns / 1e9 for c in cycles]),
        "attach_s_p50": middle([c.attach.seconds for c in cycles]),
        "attach_bytes_p50": middle([c.attach.bytes for c in cycles]),
        "attach_pause_ms_p50": middle(pauses), "attach_pause_ms_max": most(pauses),
        "attach_gap_ms_p50": middle(attach_gaps), "attach_gap_ms_max": most(attach_gaps),
    }
