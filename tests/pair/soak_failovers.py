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

from ftpair import failover, root_disk, soaking, verdict
from ftpair.figures import middle
from ftpair.incidents import Incidents
from ftpair.load import Load
from ftpair.pair import Failed
from ftpair.soaking import common_figures, most, part
from ftpair.succession import Succession, silent_until_live

FAULTS = ("kill", "stop")
# A hung process keeps the lock of the one image, and the takeover waits for that: rightly (pair/shared_*).
FAULTS_SHARED = ("kill",)
QUIET_SECONDS = (1.0, 3.0)      # from protected to the fault
WOKEN_SECONDS = 1.0             # how long a woken old primary is watched
TRIES = 3


class Cycle:
    """One death and the way back to protected."""

    def __init__(self, number, fault):
        self.number, self.where = number, f"cycle {number} ({fault})"
        self.story = failover.Failover(fault)
        self.gap = (0, 0, 0)
        self.given = 0              # packets that the guest got at go-live
        self.attach = None
        self.attach_gap_ns = self.reprotect_ns = 0

    def line(self, total):
        s = self.story
        since = lambda moment: verdict.ms(moment - s.fault_ns)
        text = (f"cycle {self.number:3d}/{total} {s.fault:4} to {s.survivor}  gap "
                f"{verdict.ms(self.gap[0]):6.1f} ms  noticed {since(s.detected_ns):6.1f}  "
                f"live {since(s.live_ns):6.1f}  given {self.given}")
        if not self.attach:
            return text + "  (not protected again)"
        a = self.attach
        return text + (f"  protected again in {self.reprotect_ns / 1e9:5.2f} s  attach {a.seconds:5.2f} s "
                       f"{a.bytes / 2**20:6.1f} MiB  pause {verdict.ms(a.pause_ns):6.1f} ms "
                       f"gap {verdict.ms(self.attach_gap_ns):6.1f} ms")


def run(options, say):
    """(figures, checks, work folder)."""
    chance = random.Random(options.seed)
    if options.disk:
        pair = root_disk.RootSuccession("soak-failovers", mode=options.disk, drives=2, **soaking.pair_options(options, say))
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


def strike(pair, cycle, incidents):
    """The fault, until the client works with the survivor."""
    story = cycle.story
    story.survivor = pair.side_of(pair.secondary)
    story.real_offset_ns = time.time_ns() - time.monotonic_ns()
    story.fault_ns = pair.inject(story.fault)
    failover.observe(pair, story)
    pair.incr.wait_past(story.live_ns + 10**9, 10)
    cycle.gap = pair.incr.gap_around(story.fault_ns, story.live_ns)
    cycle.given = pair.secondary.query()["early-given-packets"]
    limit = failover.gap_limit_ms(story.fault, pair.timeout_ms)
    incidents.note_failed(cycle.where, [
        failover.takeover(story, pair.timeout_ms),
        verdict.Check(f"the client's gap at most {limit} ms", 0 < cycle.gap[0] <= limit * verdict.MS,
                      f"{verdict.ms(cycle.gap[0]):.1f} ms"),
        silent_until_live(pair, story, failover.CLOCKS_NS)])
    pair.drop_capture(story.survivor)


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


def protect(pair, cycle, incidents):
    """A fresh secondary, attached; timed from its start."""
    for attempt in range(1, TRIES + 1):
        begin = time.monotonic_ns()
        try:
            pair.spawn()
            cycle.attach = pair.attach()
            cycle.reprotect_ns = cycle.attach.protected_ns - begin
            return
        except (Failed, RuntimeError) as why:
            incidents.note(cycle.where, f"attempt {attempt} to protect it again: {why}")
            pair.retire(pair.secondary)
            pair.wait_state(pair.primary, "exposed", 10)
    raise Failed(f"not protected again after {TRIES} attempts")


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
