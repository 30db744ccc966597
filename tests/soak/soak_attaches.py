# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/soak --attaches N: a guest under full load is protected N times.

It starts without a peer. A round: a fresh secondary, ft-attach, the pair is
watched for a while and digests of both nodes are compared; then the secondary
is killed or detached in turn, and the guest must go on alone.
"""

import signal
import time

from ftpair import soaking, verdict
from ftpair.figures import middle
from ftpair.incidents import Incidents
from ftpair.load import Load
from ftpair.pair import Failed
from ftpair.soaking import common_figures, most, part
from ftpair.succession import Succession

ENDS = ("kill", "detach")
LOOK_SECONDS = 0.5
LATE_SECONDS = 10               # for the last digest to be compared
ALONE_SECONDS = 1.0             # between two rounds


class Round:
    def __init__(self, number):
        self.number, self.where = number, f"round {number}"
        self.end = ENDS[(number - 1) % len(ENDS)]
        self.attach = None
        self.gap_ns = self.stall_ns = 0
        self.digests = 0

    def line(self, total):
        head = f"round {self.number:3d}/{total}"
        if not self.attach:
            return f"{head}  not protected"
        a = self.attach
        return (f"{head}  attach {a.seconds:6.2f} s {a.bytes / 2**20:7.1f} MiB  pause "
                f"{verdict.ms(a.pause_ns):6.1f} ms  gap {verdict.ms(self.gap_ns):6.1f} ms  longest while "
                f"attaching {verdict.ms(self.stall_ns):6.1f} ms  digests equal {self.digests}  {self.end}")


def run(options, say):
    """(figures, checks, work folder)."""
    # ft-digest=0: only the digests that are asked for, so that they can be counted.
    pair = Succession("soak-attaches", alone=True, machine=["ft-digest=0"], **soaking.pair_options(options, say))
    incidents, load, rounds = Incidents(pair.folder, say), Load(pair), []

    def work():
        pair.start_alone()
        pair.start_long_incr()
        load.start()
        for number in range(1, options.attaches + 1):
            rounds.append(Round(number))
            live_through(pair, rounds[-1], options, incidents)
            print(rounds[-1].line(options.attaches), flush=True)
        incidents.note_failed("the load", load.finish())

    client, checks = soaking.run(pair, incidents, load, work, lambda: [verdict.Check(
        f"{options.attaches} attaches", len(attached(rounds)) == options.attaches, f"{len(attached(rounds))}")])
    return summary(rounds, incidents, client), checks, pair.folder


# ------------------------------------------------------------------- one round --
def live_through(pair, this, options, incidents):
    """An attach that fails or a pair that breaks is an incident; the next round tries again."""
    pair.spawn()
    try:
        this.attach = pair.attach()
        this.gap_ns, this.stall_ns = pair.attach_gap(this.attach)[0], pair.attach_stall(this.attach)[0]
        this.digests = watch(pair, options.seconds, options.digests)
        if this.digests < options.digests:
            incidents.note(this.where, f"{this.digests} of {options.digests} digests compared and equal")
        end(pair, this.end)
    except Failed as why:
        incidents.note(this.where, why)
        pair.retire(pair.secondary)
        pair.wait_state(pair.primary, "exposed", 10)
    check_alone(pair)


def watch(pair, seconds, digests):
    """Both stay protected for so long; how many digests the secondary found equal."""
    begin, asked = time.monotonic(), 0
    before = pair.secondary.query().get("digests", 0)
    while time.monotonic() < begin + seconds:
        if asked < digests and time.monotonic() >= begin + seconds * asked / digests:
            asked += 1
            pair.ask_digest()
        problem = pair.follows()
        if problem:
            raise Failed(problem)
        time.sleep(LOOK_SECONDS)
    deadline = time.monotonic() + LATE_SECONDS
    while True:
        compared = pair.secondary.query().get("digests", 0) - before
        if compared >= asked or time.monotonic() > deadline:
            return compared
        time.sleep(0.1)


def end(pair, how):
    if how == "kill":
        pair.secondary.signal(signal.SIGKILL)
    else:
        pair.primary.qmp.command("ft-detach")
    pair.wait_state(pair.primary, "exposed", 10)
    pair.retire(pair.secondary)


def check_alone(pair):
    """The guest goes on, exposed."""
    pair.goes_on()
    time.sleep(ALONE_SECONDS)


# --------------------------------------------------------------- the whole soak --
def attached(rounds):
    return [r for r in rounds if r.attach]


def summary(rounds, incidents, client):
    good = attached(rounds)
    ms = lambda pick: [verdict.ms(pick(r)) for r in good]
    pauses, gaps, stalls = ms(lambda r: r.attach.pause_ns), ms(lambda r: r.gap_ns), ms(lambda r: r.stall_ns)
    return {
        "attaches": len(good), **common_figures(client, incidents),
        "digests_equal": sum(r.digests for r in good),
        "attach_pause_ms_p50": middle(pauses), "attach_pause_ms_max": most(pauses),
        "attach_gap_ms_p50": middle(gaps), "attach_gap_ms_p99": part(gaps, 0.99),
        "attach_gap_ms_max": most(gaps), "attach_stall_ms_max": most(stalls),
        "attach_s_p50": middle([r.attach.seconds for r in good]),
        "attach_bytes_p50": middle([r.attach.bytes for r in good]),
    }
