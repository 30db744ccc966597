# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bench: every workload on every machine, round by round.

In a round the machines that are alone are booted together and take turns at
each workload, all but one of them stopped; then the protected pair, which
cannot be stopped, does the same workloads. The next round begins with the
pair. So what a busy host does to the figures hits all of them.
"""

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field

from ftpair import digest, machine, workloads
from ftpair.host_speed import HostSpeed
from ftpair.observer import Observer
from ftpair.pair import Failed
from ftpair.qmp import QmpError
from ftpair.ticks import Worker

PROTECTED, BOUND = "protected", "bound"
TROUBLE = (Failed, QmpError, RuntimeError, OSError)


@dataclass
class Rounds:
    """{machine: {workload: {round: ...}}}; the machine "bound" is plain beside a second one that works too."""
    results: dict = field(default_factory=dict)
    observed: dict = field(default_factory=dict)        # {workload: {round: Observation}}
    digests: int = 0
    problems: list = field(default_factory=list)
    speed: HostSpeed = field(default_factory=HostSpeed)     # sampled before each measurement
    beside: object = None                               # the same of the pair of --beside

    def put(self, name, workload, number, result):
        self.results.setdefault(name, {}).setdefault(workload.name, {})[number] = result

    def rates(self, name, workload):
        return {n: r.rate for n, r in self.results.get(name, {}).get(workload, {}).items()}

    def waits_us(self, name, workload):
        return [w for r in self.results.get(name, {}).get(workload, {}).values() for w in r.waits_us]


def run(options, say, speed):
    chosen = [w for w in workloads.ALL if not options.only or w.name in options.only]
    rounds = Rounds(speed=speed)
    for number in range(1, options.rounds + 1):
        blocks = [alone_block, protected_block]
        for block in blocks if number % 2 else reversed(blocks):
            try:
                block(rounds, number, chosen, options, say)
            except TROUBLE as why:
                note(rounds, f"round {number}, {block.__name__}: {why}", say)
    rounds.problems += different_results(rounds, chosen)
    return rounds


def note(rounds, text, say):
    rounds.problems.append(text)
    say(f"FAILED {text}")


def different_results(rounds, chosen):
    """The guest has computed the same everywhere, or something is very wrong."""
    problems = []
    for workload in chosen:
        seen = {line for by_name in rounds.results.values() for r in by_name.get(workload.name, {}).values() for line in r.lines}
        if len(seen) > 1:
            problems.append(f"{workload.name}: machines have different results: {sorted(seen)}")
    return problems


# ----------------------------------------------------------------------- alone --
def alone_block(rounds, number, chosen, options, say):
    with ExitStack() as stack:
        pairs = {name: stack.enter_context(machine.alone(name, number, quiet, options.keep)) for name in machine.alone_options()
                 if name != machine.EXPOSED or options.only or not options.quick}
        say(f"round {number}: booting {', '.join(pairs)}")
        for pair in pairs.values():
            pair.start(captures=())
        for pair in pairs.values():
            pair.wait_guest()
            machine.prepare(pair)
            machine.pause(pair)
        for at, workload in enumerate(chosen):
            names = list(pairs)
            turn = (at + number) % len(names)
            for name in names[turn:] + names[:turn]:
                if name != "beside" and (name != machine.EXPOSED or workload.inside):
                    one_alone(rounds, number, workload, name, pairs[name], options, say)
            bound(rounds, number, workload, pairs, options, say)


def quiet(text):
    pass


def one_alone(rounds, number, workload, name, pair, options, say):
    rounds.speed.sample()
    machine.resume(pair)
    try:
        keep(rounds, number, workload, name, workload.measure(pair, options.seconds), say)
    except TROUBLE as why:
        note(rounds, f"round {number}, {name}: {why}", say)
    finally:
        machine.pause(pair)


def keep(rounds, number, workload, name, result, say, more=""):
    rounds.put(name, workload, number, result)
    say(f"round {number}  {workload.name:8} {name:10} {result.rate:14.2f} {workload.unit}{more}")


def bound(rounds, number, workload, pairs, options, say):
    """Two machines without FT share the host as two nodes do: what the host itself costs.

    The second one does the same if the guest does it by itself; a second client
    would be one more than a pair has, so beside those workloads it does what is most
    like it (Workload.beside).
    """
    plain, second = pairs["plain"], pairs.get("ftoff") or pairs["beside"]
    rounds.speed.sample()
    machine.resume(plain)
    machine.resume(second)
    worker = thread = None
    ended = threading.Event()
    try:
        worker = Worker(second, workload.beside)
        worker.run(lambda ticks: len(ticks.times) >= 1)
        thread = threading.Thread(target=drain, args=(worker, ended), daemon=True)
        thread.start()
        result = workload.measure(plain, options.seconds)
        keep(rounds, number, workload, BOUND, result, say)
    except TROUBLE as why:
        note(rounds, f"round {number}, bound: {why}", say)
    finally:
        ended.set()
        if thread:
            thread.join()
        if worker:
            worker.close()
        machine.pause(plain)
        machine.pause(second)


def drain(worker, ended):
    """Reads the second machine's lines; what goes wrong there only makes the bound higher."""
    try:
        worker.run(lambda ticks: ended.is_set())
    except TROUBLE:
        pass


# ------------------------------------------------------------------- protected --
def protected_block(rounds, number, chosen, options, say):
    pairs = [(rounds, options.machine, "the protected pair")]
    if options.beside:
        rounds.beside = rounds.beside or Rounds(speed=rounds.speed)
        pairs.append((rounds.beside, [*options.machine, options.beside], f"a pair with {options.beside}"))
    for into, words, what in pairs if number % 2 else reversed(pairs):
        say(f"round {number}: booting {what}")
        one_pair(into, number, chosen, options, words, say)
    if options.beside:
        rounds.problems += rounds.beside.problems
        rounds.beside.problems = []


def one_pair(rounds, number, chosen, options, words, say):
    with machine.protected(number, quiet, options.timeout_ms, words, options.keep, options.network) as pair:
        pair.start(captures=()).wait_up()
        machine.prepare(pair)
        for workload in chosen:
            one_protected(rounds, number, workload, pair, options, say)


def one_protected(rounds, number, workload, pair, options, say, name=PROTECTED):
    """Failed when the pair is not protected afterwards, or a digest differs. name: of one of several pairs."""
    rounds.speed.sample()
    with Observer(pair) as seen:
        result = workload.measure(pair, options.seconds)
    rounds.observed.setdefault(workload.name if name == PROTECTED else (name, workload.name), {})[number] = seen
    keep(rounds, number, workload, name, result, say, f"   lag {seen.lag_ms(0.5) or 0:.1f} ms, log {seen.log_mbit:.2f} Mbit/s")
    digest.compared(pair, 60)
    rounds.digests += 1
    pair.wait_protected(1)
