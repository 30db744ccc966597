#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark behind scripts/bench: what protection costs, measured side by side."""

import argparse
import os
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import bench_attach                                       # noqa: E402
import bench_chrony                                       # noqa: E402
import bench_clock                                        # noqa: E402
import bench_disk                                         # noqa: E402
import bench_figures                                      # noqa: E402
import bench_gap                                          # noqa: E402
import bench_half                                         # noqa: E402
import bench_plots                                        # noqa: E402
import bench_replay                                       # noqa: E402
import bench_rounds                                       # noqa: E402
from ftpair import disk_workloads, figures, goals, machine, netns, process_cpu, root_disk, workloads    # noqa: E402
from ftpair.distribution import rounded                   # noqa: E402
from ftpair.host_speed import HostSpeed                   # noqa: E402
from ftpair.hosts import network_option                   # noqa: E402
from ftpair.node import ROOT, qemu_path                   # noqa: E402

STAGES = ("idle", "clock", "chrony", "replay", "half", "gap", "attach")
DISK = ["disk", *(w.name for w in disk_workloads.ALL)]
NAMES = [w.name for w in workloads.ALL] + list(STAGES) + DISK
# rounds, then seconds: of a workload, of idleness, of a clock, of a phase of chrony, how far behind, how long to catch up, of a phase with
# half a core (in a quick run only with --only); kills, and
# kills behind a switch that learns
FULL = {"rounds": 3, "seconds": 2.5, "idle_seconds": 20, "clock_seconds": 60, "chrony_seconds": 25, "behind_seconds": 5,
        "catch_up_seconds": 10, "half_seconds": 10, "kills": 50, "learning_kills": 16}
QUICK = {"rounds": 1, "seconds": 1.0, "idle_seconds": 5, "clock_seconds": 6, "chrony_seconds": 5, "behind_seconds": 2,
         "catch_up_seconds": 3, "half_seconds": 6, "kills": 5, "learning_kills": 0}
SILENCE_SECONDS = 2.5
DOCUMENT = ROOT / "docs" / "BENCHMARKS.md"


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs each workload on a guest that is alone (upstream's TCG, upstream's icount, this build with\n"
        "ft=off; for work inside the guest also a primary without a secondary) and on a protected pair, in turn, and says\n"
        "what protection costs. docs/BENCHMARKS.md tells what each figure means. Exits 0 if every check held\n"
        "(digests equal, no reply lost, no connection broken); a figure that does not reach its goal is reported and fails nothing.\n\n"
        f"WORKLOAD: {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="everything shorter; drives, and a primary without a secondary, only "
                        "with --only: less than 5 minutes")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"default {FULL['rounds']}, with --quick {QUICK['rounds']}")
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="WORKLOAD", help="these workloads and nothing else")
    parser.add_argument("--kills", type=int, metavar="N", help=f"of gap; default {FULL['kills']}, with --quick {QUICK['kills']}")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--plots", metavar="DIR", help="draw PNG files there")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables there; into a file that has the marks of "
                        "docs/BENCHMARKS.md they are pasted between them")
    parser.add_argument("--timeout-ms", type=int, default=500, metavar="MS", help="ft-timeout; more on a busy host (default 500)")
    parser.add_argument("--machine", action="append", default=[], metavar="WORD", help="one more word for the pair's -machine, "
                        "for example ft-compress=zstd, to see what an option costs")
    parser.add_argument("--beside", metavar="WORD", help="a second protected pair with this word more, in each round, and a table "
                        "of both: what an option costs (ft-compress=zstd)")
    network_option(parser, "learning")
    parser.add_argument("--keep", action="store_true", help="keep work folders")
    options = parser.parse_args()
    for name, value in (QUICK if options.quick else FULL).items():
        if getattr(options, name, None) is None:
            setattr(options, name, value)
    return options


class Progress:
    """Lines with the time; says what is still going on when nothing else does."""

    def __init__(self):
        self._begin = self._last = time.monotonic()
        self._text = "beginning"
        threading.Thread(target=self._remind, daemon=True).start()

    def __call__(self, text):
        self._text, self._last = text, time.monotonic()
        print(f"  {self._last - self._begin:7.1f} s  {text}", flush=True)

    def _remind(self):
        while True:
            time.sleep(SILENCE_SECONDS / 5)
            if time.monotonic() > self._last + SILENCE_SECONDS:
                self._last = time.monotonic()
                print(f"  {self._last - self._begin:7.1f} s  ... after: {self._text[:80]}", flush=True)


def others_busy_percent(seconds=2.0):
    """How much of the host's CPU time others use; nothing of ours runs yet."""
    busy, begin = process_cpu.machine_busy_seconds(), time.monotonic()
    time.sleep(seconds)
    return 100 * (process_cpu.machine_busy_seconds() - busy) / (time.monotonic() - begin) / os.cpu_count()


class Run:
    """All stages; what they measured and what went wrong."""

    def __init__(self, options, say):
        self.options, self.say = options, say
        self.figures, self.problems = {}, []
        self.rounds, self.speed = bench_rounds.Rounds(), HostSpeed()
        self.each, self.clock, self.chrony, self.replay, self.half, self.gaps = {}, {}, [], {}, {}, []

    def wants(self, *names):
        return not self.options.only or any(n in self.options.only for n in names)

    def measure(self):
        if self.wants(*(w.name for w in workloads.ALL)):
            self.stage(self.measure_rounds)
        if self.wants("idle", "clock"):
            self.stage(self.measure_clock)
        if self.wants("chrony"):
            self.stage(self.measure_chrony)
        if self.wants("replay"):
            self.stage(self.measure_replay)
        if self.wants("half") and (self.options.only or not self.options.quick):
            self.stage(self.measure_half)
        if self.wants("gap"):
            self.stage(self.measure_gap)
        if self.wants("attach") and (self.options.only or not self.options.quick):
            self.stage(self.measure_attach)
        if self.wants(*DISK) and (self.options.only or not self.options.quick):
            self.stage(self.measure_disk)

    def stage(self, work):
        """One that fails does not take the others with it."""
        try:
            work()
        except bench_rounds.TROUBLE as why:
            self.problems.append(f"{work.__name__}: {why}")
            self.say(f"FAILED {self.problems[-1]}")

    def measure_rounds(self):
        self.rounds = bench_rounds.run(self.options, self.say, self.speed)
        more, self.each = bench_figures.of_rounds(self.rounds)
        self.figures.update(more)
        self.problems += self.rounds.problems

    def measure_clock(self):
        more, self.clock = bench_clock.run(self.options, self.say)
        self.figures.update(more)

    def measure_chrony(self):
        more, self.chrony = bench_chrony.run(self.options, self.say)
        self.figures.update(more)

    def measure_replay(self):
        more, self.replay = bench_replay.run(self.options, self.say)
        self.figures.update(more)

    def measure_half(self):
        more, self.half = bench_half.run(self.options, self.say)
        self.figures.update(more)

    def measure_gap(self):
        more, self.gaps, checks = bench_gap.run(self.options, self.say)
        self.figures.update(more)
        self.problems += [str(check) for check in checks if not check.ok]

    def measure_attach(self):
        more, problems = bench_attach.run(self.options, self.say)
        self.figures.update(more)
        self.problems += problems

    def measure_disk(self):
        more, each, problems = bench_disk.run(self.options, self.say, self.speed)
        self.figures.update(more)
        self.each.update(each)
        self.problems += problems


def meta(options, run, others):
    return {**figures.meta(" ".join(["scripts/bench", *sys.argv[1:]])), "rounds": options.rounds, "pristine": bool(machine.pristine_qemu()),
            "others_busy_percent": round(others, 1), "problems": run.problems,
            "each_round": {k: [rounded(v) for v in vs] for k, vs in run.each.items()},
            "threads": bench_figures.threads(run.rounds)}


def show(run):
    print()
    for sentence in goals.sentences(run.figures):
        print(f"  {sentence}")
    print()
    for sentence in goals.host_speed(run.figures):
        print(f"  {sentence}")
    for line in goals.beside_table(run.figures):
        print(f"  {line}")
    for problem in run.problems:
        print(f"  FAILED {problem}")
    print(f"  {'every check held' if not run.problems else f'{len(run.problems)} checks FAILED'}", flush=True)


def write(options, run, about):
    if options.json:
        figures.write(options.json, run.figures, about)
    if options.markdown:
        write_markdown(Path(options.markdown), "\n".join(goals.markdown(run.figures, about)))
    if options.plots:
        for path in bench_plots.draw(run, Path(options.plots)):
            run.say(f"plot: {path}")


def write_markdown(path, tables):
    text = path.read_text() if path.exists() else ""
    path.write_text(goals.paste(text, tables) if goals.BEGIN in text else tables + "\n")


def can_run(options):
    try:
        netns.enter_privileges()
    except netns.NoPrivilege as missing:
        return str(missing)
    if not os.access(qemu_path(), os.X_OK):
        return f"no {qemu_path()}: run scripts/build"
    if options.only != ["attach"] and not machine.INITRD.exists():
        return f"no {machine.INITRD}: run scripts/guest --bench"
    if any(name in DISK for name in options.only or (() if options.quick else DISK)) and root_disk.missing():
        return root_disk.missing()
    return bench_plots.missing() if options.plots else ""


def main():
    options = arguments()
    missing = can_run(options)
    if missing:
        sys.exit(f"scripts/bench: {missing}")
    say = Progress()
    if not machine.pristine_qemu():
        say("no build/pristine (scripts/build --pristine): this build with ft=off is the yardstick, there is no ratio.ftoff")
    others = others_busy_percent()
    say(f"other processes use {others:.0f} % of this host's CPU time" + ("; the figures will be noisy" if others > 5 else ""))
    run = Run(options, say)
    run.measure()
    run.figures.update(run.speed.figures())
    run.figures = {name: rounded(value) for name, value in sorted(run.figures.items()) if value is not None}
    write(options, run, meta(options, run, others))
    show(run)
    return 1 if run.problems else 0


if __name__ == "__main__":
    sys.exit(main())
