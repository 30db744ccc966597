#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The demo behind scripts/demo --libvirt: a libvirt domain outlives its primary's QEMU, and is protected again by itself."""

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from ftpair import figures, verdict             # noqa: E402
from ftpair.pair import Failed                  # noqa: E402
from ftvirt import failovers                    # noqa: E402
from ftvirt import rack as racks                # noqa: E402
from ftvirt.ftctl import Agents                 # noqa: E402
from ftvirt.host import HostError               # noqa: E402
from ftvirt.pair import DomainPair              # noqa: E402
from ftvirt.virsh import VirshError             # noqa: E402

BEFORE_SECONDS = AFTER_SECONDS = 2.0
TROUBLE = (Failed, VirshError, HostError, RuntimeError, OSError)


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/demo --libvirt",
        description="Two hosts in namespaces, a real libvirtd on each, libvirt's own defaults. ftctl defines and starts a protected domain, "
        "a client works, the primary's QEMU gets kill -9, the other host goes on, the agents protect it again. Exits 0 only if every check held.")
    parser.add_argument("--libvirt", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="so many failovers in turn, to and fro (default 1)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--keep", action="store_true", help="keep the hosts' files and logs")
    return parser.parse_args()


def say_since(start):
    def say(text):
        print(f"  {time.monotonic() - start:7.2f} s   {text}", flush=True)
    return say


def shown(pair, *words, stdin=None, typed=None):
    """Runs ftctl on the first host, and shows the command and what it says, as a terminal would."""
    print(f"\n  host-a# {typed or ' '.join(['ftctl', *words])}", flush=True)
    told = pair.ftctl("a")(*words, stdin=stdin)
    for line in told.out.splitlines():
        print(f"    {line}", flush=True)


def power_on(pair, say):
    """From nothing to a protected guest whose client works."""
    host = pair.host("a")
    version = host.virsh("version").splitlines()[1].split(":")[1].strip()
    say(f"{version}, default qemu.conf, on {' and '.join(h.name for h in pair.rack.hosts.values())}")
    pair.make_drives()
    shown(pair, "define", "-", stdin=pair.xml, typed=f"ftctl define {pair.name}.xml")
    shown(pair, "start", pair.name)
    shown(pair, "status", pair.name)
    print(flush=True)
    user = host.call(["ps", "-o", "user=", "-C", pair.rack.qemu.name]).stdout.strip()
    say(f"QEMU runs as {user}; the guest boots, protected from its first instruction")
    pair.wait_guest()
    say("guest ready")


def one_failover(pair, agents, number, say):
    """Kill, takeover, protected again; the story as lines from the fault on."""
    say("the client works: INCR on redis in a closed loop, on one connection")
    pair.incr.wait_past(time.monotonic_ns() + int(BEFORE_SECONDS * 1e9), 30)
    cycle = failovers.live_through(pair, agents, number, random.Random(number))
    pair.incr.wait_past(cycle.protected_ns + int(AFTER_SECONDS * 1e9), 30)
    told = [
        (cycle.fault_ns, f"kill -9 of the primary's QEMU on host-{cycle.dead}"),
        (cycle.noticed_ns, f"host-{cycle.survivor} notices ({cycle.reason})"),
        (cycle.live_ns, f"the arbiter has given this epoch to host-{cycle.survivor}: it is live, it is the machine now"),
        (cycle.gap[2], f"the client has its next reply, on the same connection, {verdict.ms(cycle.gap[0]):.1f} ms after the last one"),
        (cycle.protected_ns, f"host-{cycle.survivor}'s agent has started and attached a new secondary on host-{cycle.secondary}: protected again"),
    ]
    print()
    for when, text in sorted(told):
        print(f"  {verdict.ms(when - cycle.fault_ns):+12.1f} ms  {text}")
    print(flush=True)
    return cycle


def main():
    options = arguments()
    problem = racks.no_root() or racks.missing()
    if problem:
        sys.exit(f"scripts/demo --libvirt: {problem}")
    say = say_since(time.monotonic())
    rack = racks.Rack("demo", sides=("a", "b"), say=say, keep=options.keep)
    pair, cycles, client = None, [], {}
    try:
        rack.build()
        pair = DomainPair(rack)
        power_on(pair, say)
        with Agents(rack) as agents:
            pair.start_incr()
            for number in range(1, options.runs + 1):
                cycles.append(one_failover(pair, agents, number, say))
            shown(pair, "status", pair.name)
        client = pair.incr.finish()
        checks = verdict.replies(client)
    except TROUBLE as error:
        rack.keep = True
        checks = [verdict.Check("the run ends in order", False, f"{error}; {pair.told() if pair else ''}; hosts' files: {rack.folder}")]
    finally:
        if pair:
            pair.stop_clients()
        rack.close()
    print()
    for check in checks:
        print(f"  {check}")
    return summary(options, cycles, client, checks)


def summary(options, cycles, client, checks):
    failed = len(verdict.failures(checks))
    gaps = [verdict.ms(cycle.gap[0]) for cycle in cycles]
    again = figures.middle([cycle.reprotect_s for cycle in cycles])
    print(f"{len(cycles)} failovers, {client.get('replies', 0)} replies: {client.get('lost', 0)} lost, {client.get('doubled', 0)} doubled; "
          f"the client's gap: median {figures.middle(gaps)} ms; protected again after {again} s")
    if options.json:
        figures.write(options.json, {"runs": len(cycles), "failed": failed, "replies": client.get("replies", 0), "lost": client.get("lost", 0),
                                     "doubled": client.get("doubled", 0), "gap_ms_p50": figures.middle(gaps),
                                     "gap_ms_max": round(max(gaps), 2) if gaps else None, "reprotect_s_p50": again},
                      figures.meta(" ".join(["scripts/demo", *sys.argv[1:]])))
    return 1 if failed or len(cycles) != options.runs else 0


if __name__ == "__main__":
    sys.exit(main())
