#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The soak behind scripts/soak: a pair under load for long, in three ways."""

import argparse
import importlib
import os
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from ftpair import figures, netns, root_disk, verdict     # noqa: E402
from ftpair.hosts import network_option                   # noqa: E402
from ftpair.node import BUILD, qemu_path                  # noqa: E402
from ftpair.pair import Failed                            # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/soak", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Keeps a pair busy for long and counts what goes wrong. One of three ways:\n"
        "  --failovers N  the primary dies N times (kill -9 and SIGSTOP in turn; kill -9 alone with --disk shared), each time a fresh\n"
        "                 secondary takes the dead one's place; one INCR stream on one connection\n"
        "  --attaches N   a guest under full load is protected N times, each time by a fresh secondary\n"
        "  --minutes M    one pair under full load; lag and memory are plotted\n"
        "Exits 0 only if every check held. After a failure the work folder stays: stderr of each node,\n"
        "their command lines, and incidents.txt.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--failovers", type=int, metavar="N")
    what.add_argument("--attaches", type=int, metavar="N")
    what.add_argument("--minutes", type=float, metavar="M")
    parser.add_argument("--libvirt", action="store_true", help="--failovers: under a real libvirtd on each of three hosts; kill -9 alone; ftctl's "
                        "agents start every new secondary, nobody types a command in between (ft-timeout 2000 unless --timeout-ms says else)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    network_option(parser, "both")
    parser.add_argument("--memory", type=int, metavar="MIB", help="the guest's RAM (default 256)")
    parser.add_argument("--timeout-ms", type=int, metavar="MS",
                        help="ft-timeout of the nodes; more on a busy host (default 500)")
    parser.add_argument("--seed", type=int, help="of the random moments (default: chosen and shown)")
    parser.add_argument("--disk", choices=("local", "shared"), help="--failovers: the guest lives on a drive (scripts/guest --disk); "
                        "the client commits to its database, redis gets INCR, each durable; files and fio's blocks are written and "
                        "verified beside that. After each failover all commits are looked for; at the end the images are compared "
                        "(local), checked, switched on alone and searched for every commit")
    parser.add_argument("--load", action="store_true", help="--failovers: the full load of the others too")
    parser.add_argument("--seconds", type=float, default=60, metavar="S",
                        help="--attaches: how long each protected pair is watched (default 60)")
    parser.add_argument("--digests", type=int, default=10, metavar="N",
                        help="--attaches: digests compared in that time, all must be equal (default 10)")
    parser.add_argument("--digest-ms", type=int, default=5000, metavar="MS",
                        help="--minutes: a digest so often (default 5000; 0: none)")
    parser.add_argument("--plots", metavar="DIR", default=str(BUILD / "soak"),
                        help="--minutes: samples.csv and PNG files go there (default build/soak). No growth "
                        "means: the last quarter's median RSS of each node is at most 5 %% + 16 MiB above the "
                        "second quarter's, and the median lag at most twice the second quarter's + 5 ms")
    parser.add_argument("--keep", action="store_true", help="keep the work folder of a good run too")
    options = parser.parse_args()
    if options.libvirt and options.failovers is None:
        parser.error("--libvirt goes with --failovers")
    options.timeout_ms = options.timeout_ms or (2000 if options.libvirt else 500)
    return options


def module_of(options):
    """The file that has run() for what is asked for."""
    if options.libvirt:
        return "soak_libvirt"
    return next(f"soak_{way}" for way in ("failovers", "attaches", "minutes") if getattr(options, way) is not None)


def say_since(start):
    def say(text):
        print(f"  {time.monotonic() - start:8.2f} s   {text}", flush=True)
    return say


def show(result, checks, folder):
    print()
    for name, value in result.items():
        print(f"  {name:28} {value}")
    print()
    for check in checks:
        print(f"  {check}")
    if verdict.failures(checks):
        print(f"  work folder: {folder}")


def main():
    options = arguments()
    try:
        netns.enter_privileges()
    except netns.NoPrivilege as missing:
        sys.exit(f"scripts/soak: {missing}")
    if not os.access(qemu_path(), os.X_OK):
        sys.exit(f"scripts/soak: no {qemu_path()}: run scripts/build")
    if options.disk and root_disk.missing():
        sys.exit(f"scripts/soak: {root_disk.missing()}")
    if options.seed is None:
        options.seed = random.randrange(1 << 32)
    print(f"scripts/soak {' '.join(sys.argv[1:])}   seed {options.seed}", flush=True)
    try:
        result, checks, folder = importlib.import_module(module_of(options)).run(options, say_since(time.monotonic()))
    except Failed as why:
        sys.exit(f"scripts/soak: {why}")
    show(result, checks, folder)
    if options.json:
        figures.write(options.json, result, {**figures.meta(" ".join(["scripts/soak", *sys.argv[1:]])),
                                             "seed": options.seed})
    return 1 if verdict.failures(checks) else 0


if __name__ == "__main__":
    sys.exit(main())
