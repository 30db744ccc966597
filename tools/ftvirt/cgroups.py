# SPDX-License-Identifier: GPL-2.0-or-later
"""A part of the cgroup tree for one host.

Two libvirtds would else both put their guests into machine/qemu-1-guest1 and
remove each other's. Whatever controllers this machine has, a group of the
host's name is made below our own one in each hierarchy; the host then sees it
as the root (a cgroup namespace, and a mount of that part alone).
"""

import os
import re
from pathlib import Path


def hierarchies():
    """(mount point, our own group in it), for each hierarchy that we may use."""
    own = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        own[controllers] = path.lstrip("/")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options = line.split()[:4]
        if kind not in ("cgroup", "cgroup2"):
            continue
        words = set(options.split(","))
        key = "" if kind == "cgroup2" else next(
            (name for name in own if name and set(name.split(",")) <= words), None)
        if key in own and os.access(Path(where) / own[key] / "cgroup.procs", os.W_OK):
            yield Path(where), own[key]


def make(name):
    """{mount point: the group made below it}."""
    made = {}
    for mount, own in hierarchies():
        parent = mount / own
        group = parent / name
        try:
            group.mkdir(exist_ok=True)
            # In an old cpuset nobody can run before it has CPUs and memory.
            for knob in ("cpuset.cpus", "cpuset.mems"):
                if (group / knob).exists() and (parent / knob).read_text().strip() and not (group / knob).read_text().strip():
                    (group / knob).write_text((parent / knob).read_text())
        except OSError:
            continue            # a hierarchy that is not ours to change: the host does without
        made[mount] = group
    return made


# What a process is in when its cgroup namespace is made, is the namespace's root: so it joins first.
JOIN = r"""while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift; exec "$@" """


def joined(groups, argv):
    """The command line that enters the groups and then becomes argv."""
    return ["sh", "-c", JOIN, "sh", *(str(group / "cgroup.procs") for group in groups), "--", *argv]


def leaves(groups):
    """Where the host's processes are. In version 2 no process may be in a group that hands out controllers."""
    return [group / "init" if (group / "cgroup.controllers").exists() else group for group in groups]


def settle(groups, pids):
    """Puts the first processes there, once the root of the host's groups is fixed."""
    for group in leaves(groups):
        group.mkdir(exist_ok=True)
        for pid in pids:
            (group / "cgroup.procs").write_text(str(pid))


def remove(groups):
    """After the last process in them has ended."""
    for top in groups:
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass


def remove_dead(prefix):
    """Those that a killed run left behind: PREFIX<pid>-..., pid gone."""
    for mount, own in hierarchies():
        for group in (mount / own).glob(f"{prefix}*-*"):
            match = re.fullmatch(re.escape(prefix) + r"(\d+)-.*", group.name)
            if match and not os.path.exists(f"/proc/{match[1]}"):
                remove([group])
