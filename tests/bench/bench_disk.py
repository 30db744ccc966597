# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bench: drives. A guest that lives on a drive (scripts/guest --disk), alone and on a pair in each mode of ft-disk.

A round is as one of bench_rounds: two machines that are alone take turns at each
workload, first one at a time, then each beside the other one; then each pair does
the same. The next round begins with the pairs. fio has a drive of its own, raw and
written once.
"""

import threading
from collections import Counter
from contextlib import ExitStack, contextmanager

from bench_rounds import BOUND, TROUBLE, Rounds, keep, note, one_protected
from ftpair import disk_workloads, guest, machine
from ftpair.distribution import median, percentile, percentile_of_bins, ratios
from ftpair.root_disk import RootSuccession, root_drives

DRIVE_MIB = 128
FILL = f"dd if=/dev/zero of=/dev/vdb bs=1M count={DRIVE_MIB} oflag=direct 2>/dev/null"
WARM_SECONDS = 1                # of each program, or the first machine would pay for its translation alone
# The second machine of a workload whose client is outside makes its writes durable one by one, as the database does: two nodes of
# one host share its disk, too.
BUSY = "(while :; do ft-fio flush /dev/vdb 5; done) >/dev/null 2>&1 </dev/null & echo $! >/run/busy"
IDLE = "kill $(cat /run/busy); killall fio"
LOCAL, SHARED, SHARED_READS = "local", "shared", "shared_reads_disk"
# {pair: (its mode, more for -machine, its workloads or None for all)}
PAIRS = {LOCAL: ("local", (), None), SHARED: ("shared", (), None), SHARED_READS: ("shared", ("ft-disk-reads=disk",), ("fio",))}
# Machines that are alone: with the host's page cache, and past it, as an image must be used that two hosts share.
PLAIN, DIRECT = "plain", "direct"
YARDSTICK = {LOCAL: PLAIN, SHARED: DIRECT, SHARED_READS: DIRECT}
NOT_BUILT = "ft-disk=shared"        # in the refusal of a QEMU without it


def run(options, say, speed):
    """(figures, {ratio: one for each round}, problems)."""
    chosen = [w for w in disk_workloads.ALL if not options.only or "disk" in options.only or w.name in options.only]
    rounds, pairs = Rounds(speed=speed), list(PAIRS)
    for number in range(1, options.rounds + 1):
        names = [PLAIN, *pairs]
        for name in names if number % 2 else reversed(names):
            try:
                if name == PLAIN:
                    alone_block(rounds, number, chosen, {YARDSTICK[p] for p in pairs}, options, say)
                else:
                    pair_block(name, rounds, number, chosen, options, say)
            except TROUBLE as why:
                if name != LOCAL and NOT_BUILT in str(why):
                    say(f"there are no figures of {name}: {str(why)[-160:]}")
                    pairs = [p for p in pairs if p != name]
                else:
                    note(rounds, f"round {number}, {name}: {why}", say)
    figures, each = of_rounds(rounds, [w.name for w in chosen])
    return figures, each, rounds.problems


# ----------------------------------------------------------------------- alone --
def alone(name, tag, options):
    """As machine.alone("plain"): upstream's QEMU if it was built."""
    pristine = machine.pristine_qemu()
    direct = name == DIRECT
    drives = root_drives(formats=("raw" if direct else "qcow2", "raw"), cache="none" if direct else "", empty=1, size_mib=DRIVE_MIB)
    return RootSuccession(f"bench-disk-{name}-{tag}", ft=False, drives=drives, arguments=machine.PLAIN, machine=() if pristine else ("ft=off",),
                          primary={"qemu": pristine} if pristine else None, keep=options.keep)


def alone_block(rounds, number, chosen, wanted, options, say):
    """A machine without protection that does not come up is tried again: none of this project's code runs in it."""
    for last in (False, True):
        with ExitStack() as stack:
            pairs = {name: stack.enter_context(alone(name, number, options)) for name in (PLAIN, DIRECT)}
            say(f"round {number}: booting {' and '.join(pairs)}, which live on drives")
            try:
                boot_alone(pairs, chosen)
            except TROUBLE as why:
                if last:
                    raise
                say(f"round {number}: {why}; once more")
                continue
            measure_alone(rounds, number, chosen, wanted, pairs, options, say)
            return


def boot_alone(pairs, chosen):
    for pair in pairs.values():
        pair.start(captures=())
    for pair in pairs.values():
        pair.wait_guest()
        prepare(pair, chosen)
        machine.pause(pair)


def measure_alone(rounds, number, chosen, wanted, pairs, options, say):
    for workload in chosen:
        for name in sorted(wanted, reverse=number % 2):
            second = pairs[DIRECT if name == PLAIN else PLAIN]
            rounds.speed.sample()
            machine.resume(pairs[name])
            one_alone(rounds, number, workload, name, pairs[name], options, say)
            machine.resume(second)
            with busy(workload, second, options):
                one_alone(rounds, number, workload, f"{BOUND} {name}", pairs[name], options, say)
            machine.pause(second)
            machine.pause(pairs[name])


def prepare(pair, chosen):
    guest.command(pair, FILL, 60)
    for workload in chosen:
        if not workload.name.endswith("1"):
            workload.measure(pair, WARM_SECONDS)


def one_alone(rounds, number, workload, name, pair, options, say):
    """A second try for a machine without protection: see alone_block."""
    for last in (False, True):
        try:
            return keep(rounds, number, workload, name, workload.measure(pair, options.seconds), say)
        except TROUBLE as why:
            if last:
                note(rounds, f"round {number}, {name}: {why}", say)
            else:
                say(f"round {number}, {name}: {why}; once more")


@contextmanager
def busy(workload, pair, options):
    """The second machine does the same without end, or keeps its disk busy."""
    if not workload.inside:
        guest.command(pair, BUSY)
        yield
        guest.command(pair, IDLE)
        return
    ended = threading.Event()
    thread = threading.Thread(target=again, args=(workload, pair, options.seconds + 2, ended), daemon=True)
    thread.start()
    yield
    ended.set()
    thread.join()


def again(workload, pair, seconds, ended):
    """What goes wrong there only makes the bound higher."""
    try:
        while not ended.is_set():
            workload.measure(pair, seconds)
    except TROUBLE:
        pass


# ------------------------------------------------------------------- protected --
def pair_block(name, rounds, number, chosen, options, say):
    mode, words, only = PAIRS[name]
    formats = None if mode == "shared" else ("qcow2", "raw")
    drives = root_drives(mode, formats=formats, empty=1, size_mib=DRIVE_MIB)
    with RootSuccession(f"bench-disk-{name}-{number}", drives=drives, machine=(*words, *options.machine), arguments=("-name", "debug-threads=on"),
                        timeout_ms=options.timeout_ms, keep=options.keep) as pair:
        say(f"round {number}: booting the pair, {name.replace('_', ' ')}")
        pair.start(captures=()).wait_up()
        prepare(pair, chosen)
        for workload in chosen:
            if not only or workload.name in only:
                one_protected(rounds, number, workload, pair, options, say, name)


# --------------------------------------------------------------------- figures --
def of_rounds(rounds, names):
    """KIND.WORKLOAD_PAIR; "alone" is the pair's yardstick."""
    figures, each = {}, {}
    for name in names:
        for pair, yardstick in YARDSTICK.items():
            rates = {m: rounds.rates(m, name) for m in (pair, yardstick, f"{BOUND} {yardstick}")}
            if rates[pair]:
                of_rates(figures, each, f"{name}_{pair}", *rates.values())
                of_observations(figures, list(rounds.observed.get((pair, name), {}).values()), f"{name}_{pair}")
                of_waits(figures, rounds, name, pair, yardstick)
    return {k: v for k, v in figures.items() if v is not None}, each


def of_rates(figures, each, key, protected, alone_, bound):
    figures[f"rate.{key}"], figures[f"rate_alone.{key}"] = median(protected.values()), median(alone_.values())
    for kind, above, below in (("ratio", protected, alone_), ("ratio_bound", protected, bound), ("bound", bound, alone_)):
        each[f"{kind}.{key}"] = ratios(above, below)
        figures[f"{kind}.{key}"] = median(each[f"{kind}.{key}"])


def of_observations(figures, seen, key):
    if not seen:
        return
    figures[f"log_mbit.{key}"] = median([s.log_mbit for s in seen])
    figures[f"lag_ms_p99.{key}"] = percentile_of_bins(sum((s.lags_ms for s in seen), Counter()), 0.99)
    figures[f"ack_rtt_ms.{key}"] = median([s.ack_rtt_ms for s in seen])
    for node in ("primary", "secondary"):
        figures[f"cpu_{node}.{key}"] = median([s.cpu_percent(node) for s in seen])


def of_waits(figures, rounds, name, pair, yardstick):
    """Of one transaction: alone, protected, and what protection adds beside one round trip of the log."""
    key = f"{name}_{pair}"
    for part, share in (("p50", 0.5), ("p99", 0.99)):
        alone_, protected = (rounds.waits_us(m, name) for m in (yardstick, pair))
        if alone_ and protected:
            figures[f"commit_alone_ms_{part}.{key}"] = percentile(alone_, share) / 1000
            figures[f"commit_ms_{part}.{key}"] = percentile(protected, share) / 1000
            if f"ack_rtt_ms.{key}" in figures:
                figures[f"commit_over_rtt_ms_{part}.{key}"] = (
                    figures[f"commit_ms_{part}.{key}"] - figures[f"commit_alone_ms_{part}.{key}"] - figures[f"ack_rtt_ms.{key}"])
