# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a node that may make no thread more, and open no file, loses no guest by that: it takes over, and says what keeps it from the rest.

Method: both nodes run as a user of their own (-run-with user=). The secondary gets a limit that it has already reached (RLIMIT_NPROC
and RLIMIT_NOFILE, as TasksMax= and a leak of descriptors do it) and its primary is killed: it wins the epoch, goes live, the client
goes on. The survivor is asked for an attach, and so is a waiting secondary that has reached its limit: both live on and say it. With
the limit gone the attach succeeds, at once also with a secondary that finds out late that the last one has failed (fault
late-end). The same with a limit for files' sizes: the console is cut, the guest is not.
"""

import itertools
import os
import resource
from pathlib import Path

from ftpair import guest
from ftpair.case import Skip, faulty_qemu
from ftpair.netns import INSIDE
from ftpair.netns import run as run_command
from ftpair.pair import Failed
from ftpair.succession import Succession
from ftpair.waiting import wait_until

USER = 54321
# What the primary that wants one, and the secondary that wants one, make the reason.
LIMITS = {"threads": (resource.RLIMIT_NPROC, "no thread", "no thread"),
          "descriptors": (resource.RLIMIT_NOFILE, "oo many open files", "may it open files")}
NAMES = {resource.RLIMIT_NPROC: "Max processes", resource.RLIMIT_NOFILE: "Max open files", resource.RLIMIT_FSIZE: "Max file size"}
OPTIONS = {resource.RLIMIT_NPROC: "--nproc", resource.RLIMIT_NOFILE: "--nofile", resource.RLIMIT_FSIZE: "--fsize"}


def test_no_threads(case):
    if os.environ.get(INSIDE):
        raise Skip("there are no other users in a user namespace")
    more = {"arguments": ("-run-with", f"user={USER}:{USER}"), "parameters": "ft.file=0"}
    with Succession.of(case, primary=more, secondary=more) as pair:
        os.chown(pair.arbiter_folder, USER, USER)
        pair.start(captures=()).wait_up()
        pair.start_long_incr()
        for what, (limit, *words) in LIMITS.items():
            survives(case, pair, what, limit, *words)
        small = [(node, limited(node, resource.RLIMIT_FSIZE)) for node in (pair.primary, pair.secondary)]
        guest.command(pair, "dmesg > /dev/ttyS0; cat /proc/kallsyms | head -500 > /dev/ttyS0")
        pair.fail_over()
        case.expect("sizes of files: the guest goes on, its console stands", small and len(pair.primary.console()) <= 1)
        pair.incr.finish()


def limited(node, limit):
    """Sets the limit so that the node gets none more; the one it had."""
    before = limit_of(node, limit)
    # Any more: of descriptors the lowest number that is free is the next one.
    used = set(map(int, os.listdir(f"/proc/{node.pid}/fd")))
    value = next(n for n in itertools.count() if n not in used) if limit == resource.RLIMIT_NOFILE else 1
    set_limit(node, limit, value)
    return before


def limit_of(node, limit):
    """The soft one, as /proc shows it: to ask for it takes the same right as to set it."""
    lines = Path(f"/proc/{node.pid}/limits").read_text().splitlines()
    word = next(line for line in lines if line.startswith(NAMES[limit]))[len("Max realtime timeout      "):].split()[0]
    return resource.RLIM_INFINITY if word == "unlimited" else int(word)


def set_limit(node, limit, value):
    """As the node's user: to do it to others takes a right that a container's root may not have."""
    run_command(["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "prlimit", f"--pid={node.pid}",
                 f"{OPTIONS[limit]}={'unlimited' if value == resource.RLIM_INFINITY else value}:"])


def survives(case, pair, what, limit, words, words_of_other):
    before = limited(pair.secondary, limit)
    pair.fail_over()
    case.say(f"{what}: the survivor answers without any")
    pair.spawn(qemu=faulty_qemu(), environment={"FT_FAULT": "late-end"})
    limited(pair.primary, limit)        # what its lost connection had is free again
    reason = attach_fails(pair)
    case.expect(f"{what}: the survivor says what its attach wants", words in reason, reason)
    set_limit(pair.primary, limit, before)
    limited(pair.secondary, limit)
    reason = attach_fails(pair)
    case.expect(f"{what}: a secondary without them lives on", pair.secondary.alive() and pair.secondary.state() == "waiting",
                f"{reason} | {pair.secondary.errors()}")
    case.expect(f"{what}: and the primary is told", words_of_other in reason, reason)
    set_limit(pair.secondary, limit, before)
    pair.attach()
    pair.goes_on()


def attach_fails(pair, seconds=30):
    pair.begin_attach()
    wait_until("the attach at its end", lambda: pair.primary.state() != "syncing", seconds, told=pair.told)
    said = pair.primary.query()
    if said["state"] != "exposed":
        raise Failed(f"an attach without limits left: {said['state']} {said['reason']}")
    return said["reason"]
