#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The demo behind scripts/demo: a guest outlives its primary, N times in a row."""

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from ftpair import failover, figures, netns, root_disk, timeline, verdict     # noqa: E402
from ftpair.hosts import NETWORKS, network_option         # noqa: E402
from ftpair.node import qemu_path                         # noqa: E402
from ftpair.pair import Failed, Pair                      # noqa: E402
from ftpair.qmp import QmpError                           # noqa: E402

MEDIAN_RUNS_MIN = 5


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Starts a guest with redis and a web server on a protected pair of QEMUs, lets two "
        "clients work, strikes the primary dead and shows what the clients noticed. "
        "Exits 0 only if every check held.")
    parser.add_argument("--runs", type=int, default=1, metavar="N",
                        help="so many failovers, each with fresh processes (default 1)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--fault", choices=("kill", "stop", "host", "link"), default="kill",
                        help="kill: kill -9 of the primary (default). stop: SIGSTOP. host: its links "
                        "go down with it. link: only the log link is cut; either may win")
    parser.add_argument("--disk", choices=("local", "shared"),
                        help="the guest lives on a drive (scripts/guest --disk) and the client commits to its database. "
                        "local: each node has an image of its own; shared: both have one. At the end the survivor's "
                        "image is checked, switched on alone and searched for every commit")
    network_option(parser, "both")
    parser.add_argument("--keep", action="store_true", help="keep the work folders of good runs too")
    parser.add_argument("--secondary-tap-check", action="store_true",
                        help="from the start of the secondary until the fault, also list every frame "
                        "seen on its tap (there must be none)")
    return parser.parse_args()


def say_since(start):
    def say(text):
        print(f"  {time.monotonic() - start:7.2f} s   {text}", flush=True)
    return say


def one_run(number, options):
    """One failover; its story, whether it ended well or not."""
    story = failover.Failover(options.fault, loop="commits to PostgreSQL" if options.disk else "INCR on redis")
    kind, more = Pair, {}
    if options.disk:
        kind, more = root_disk.RootSuccession, {"drives": root_disk.root_drives(options.disk), "timeout_ms": 500}
    pair = kind(f"demo-{options.fault}-{number}", say=say_since(time.monotonic()), keep=options.keep,
                flood=options.network == "both", **more)
    pair.say(f"network: {NETWORKS[options.network]}")
    try:
        with pair:
            pair.start().wait_up()
            failover.run(pair, story)
            if options.disk:
                story.checks += root_disk.after(pair, story)
            if options.secondary_tap_check:
                list_frames(pair, story)
            print()
            timeline.show(story)
            print(flush=True)
            if not story.ok:
                raise Failed("; ".join(c.name for c in story.checks if not c.ok))
    except (Failed, QmpError, RuntimeError, OSError) as error:
        if story.ok:                # what failed came after the story
            story.checks.append(verdict.Check("the run ends in order", False, str(error)))
        print(f"\nrun {number}: FAILED: {error}\n{seen(story)}  work folder: {pair.folder}\n"
              f"  once more: scripts/demo --fault {options.fault} --network {options.network} --keep", flush=True)
    return story


def seen(story):
    """What the client had seen when a run failed."""
    if not story.incr:
        return ""
    r = story.incr
    return (f"  the client: {r['replies']} replies, {r['lost']} lost, {r['doubled']} doubled, "
            f"connection {r['broken'] or 'open'}\n")


def list_frames(pair, story):
    frames = pair.capture("b").out(until_ns=story.fault_ns + story.real_offset_ns)
    print(f"  frames on the secondary's tap before the fault: {len(frames)}")
    for frame in frames[:20]:
        print(f"    {frame}")


def summary(options, stories):
    result = figures.of_failovers(stories, options.runs)
    print(f"{result['runs']} runs, {result['failed']} failed, {result['replies']} replies: "
          f"{result['lost']} lost, {result['doubled']} doubled; network: {options.network}; longest gap of the client: "
          f"median {result['gap_ms_p50']} ms, max {result['gap_ms_max']} ms")
    if options.json:
        figures.write(options.json, result, figures.meta(
            " ".join(["scripts/demo", *sys.argv[1:]])))
    good = not result["failed"]
    # A median of a few runs says nothing; the limit of each run is in its checks.
    if (good and options.fault == "kill" and options.runs >= MEDIAN_RUNS_MIN
            and result["gap_ms_p50"] > failover.GAP_MEDIAN_MS):
        print(f"FAILED: median gap above {failover.GAP_MEDIAN_MS} ms")
        good = False
    return 0 if good else 1


def main():
    options = arguments()
    try:
        netns.enter_privileges()
    except netns.NoPrivilege as missing:
        sys.exit(f"scripts/demo: {missing}")
    if not os.access(qemu_path(), os.X_OK):
        sys.exit(f"scripts/demo: no {qemu_path()}: run scripts/build")
    if options.disk and root_disk.missing():
        sys.exit(f"scripts/demo: {root_disk.missing()}")
    stories = []
    for number in range(1, options.runs + 1):
        if options.runs > 1:
            print(f"run {number} of {options.runs}", flush=True)
        story = one_run(number, options)
        stories.append(story)
        if options.runs > 1:
            print(f"run {number}: {'ok' if story.ok else 'FAILED'}, gap {story.gap_ms:.1f} ms, "
                  f"{story.incr.get('replies', 0)} replies\n", flush=True)
    return summary(options, stories)


if __name__ == "__main__":
    sys.exit(main())
