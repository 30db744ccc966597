# SPDX-License-Identifier: GPL-2.0-or-later
"""Starting a secondary for a primary that runs alone, and attaching it; shared by scripts/respawn, test-restart-secondary
and test-failover.

Everything goes through monitors (QMP sockets in the file system) and one command prefix for the other host.
"""
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "tests", "pair"))

from ftpair.qmp import Qmp, QmpError                                 # noqa: E402
from ftpair.secondary_line import Unusable, secondary_line           # noqa: E402

START = time.monotonic()
LOOK_SECONDS, SHOW_SECONDS = 0.05, 0.5
LINE_SECONDS_MIN = 0.5          # a QEMU that refuses its command line has ended by then
PLACE_SECONDS = 5               # how long a tap and a port may stay taken after "quit"
STATE_SECONDS = 10
ENDED = ("failed", "fenced", "waiting")     # a node that can be ended and nobody misses it


class Failed(Exception):
    """The guest is not protected; the text says why."""


def add_options(parser, qmp):
    """qmp: what stands behind --qmp."""
    parser.add_argument("--qmp", required=True, metavar="PATH", help=f"{qmp}: a QMP socket in the file system")
    parser.add_argument("--listen", required=True, metavar="HOST:PORT", help="where the new secondary waits for the primary")
    parser.add_argument("--on", default="", metavar="PREFIX",
                        help="what to start it with: 'ssh node-b', 'ip netns exec b', 'sudo -u vm' (default: nothing)")
    parser.add_argument("--peer", metavar="HOST:PORT", help="how the primary reaches it, if not by the address of --listen")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="changes",
                        help="ID.PROPERTY=VALUE, machine.PROPERTY=VALUE or OPTION=VALUE; an empty VALUE removes; may be repeated")
    parser.add_argument("--chdir", metavar="DIR", help="the folder in which it is started (with ssh: there)")
    parser.add_argument("--log", metavar="FILE", default="respawn.log", help="what the secondary says goes there (default respawn.log)")
    parser.add_argument("--seconds", type=float, default=120, help="give up after so long (default 120)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")


def say(text):
    print(f"[{time.monotonic() - START:7.2f} s] {text}", flush=True)


def since(moment):
    return round(time.monotonic() - moment, 3)


def run(parser, work):
    """work(options) -> figures; the exit status of the script."""
    options = parser.parse_args()
    if any("=" not in change for change in options.changes):
        parser.error("--set wants KEY=VALUE")
    try:
        figures = work(options)
    except (Failed, Unusable, QmpError, OSError) as why:
        sys.exit(f"{parser.prog}: {why}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump({"figures": figures, "meta": {"command": shlex.join(sys.argv)}}, out, indent=2)
    return 0


# ------------------------------------------------------------------------ nodes --
def monitor(path, seconds=STATE_SECONDS):
    return Qmp(Path(path), seconds=seconds)


def wait_state(node, wanted, meanwhile, seconds=STATE_SECONDS):
    """Until the node is in the state; another one than the two is a failure."""
    deadline = time.monotonic() + seconds
    while (info := node.command("query-ft"))["state"] != wanted:
        if info["state"] not in meanwhile or time.monotonic() > deadline:
            raise Failed(f"the {info['role']} is {info['state']}, not {wanted}: {info['reason'] or 'no reason given'}")
        time.sleep(LOOK_SECONDS)
    return info


def need(path, node, role, state):
    info = node.command("query-ft")
    if (info["role"], info["state"]) != (role, state):
        raise Failed(f"{path} is a {info['role']} and {info['state']}, not a {role} and {state}")


def quit_node(path):
    """A node that is of no use any more gives its host's tap and port back. One that is gone already is as good."""
    try:
        node = monitor(path, 1)
    except (QmpError, OSError):
        return say(f"{path}: nobody there any more")
    state = node.command("query-ft")["state"]
    if state not in ENDED:
        raise Failed(f"{path} is {state}: that is not a node to end")
    node.command("quit")
    node.wait_event(lambda event: False, STATE_SECONDS)      # until its monitor closes
    node.close()
    return say(f"{path}: was {state}, ended")


# -------------------------------------------------------------------- secondary --
def line_for(primary, options):
    answer = primary.command("query-ft-command-line")
    return secondary_line(answer["arguments"], options.listen, dict(c.split("=", 1) for c in options.changes))


def start(line, options):
    """The secondary's process, or the ssh that holds it; it outlives this tool."""
    prefix = shlex.split(options.on)
    if prefix and os.path.basename(prefix[0]) == "ssh":
        there = f"cd {shlex.quote(options.chdir)} && " if options.chdir else ""
        command, folder = [*prefix, f"{there}exec {shlex.join(line)}"], None
    else:
        command, folder = [*prefix, *line], options.chdir
    with open(options.log, "ab") as log:
        return subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def start_in_place(line, options, patience):
    """Tries again for so long: the node before may not have let go of everything."""
    deadline = time.monotonic() + patience
    say(f"starting a secondary at {options.listen}{' with ' + options.on if options.on else ''}")
    while True:
        process = start(line, options)
        time.sleep(LINE_SECONDS_MIN)
        try:
            check_runs(process, line, options)
            say(f"it runs: pid {process.pid}")
            return process
        except Failed:
            if time.monotonic() > deadline:
                raise


def last_words(options):
    return Path(options.log).read_text(errors="replace").strip()[-500:] or "it said nothing"


def check_runs(process, line, options):
    # -daemonize: the process that was started ends well, and QEMU goes on.
    if process.poll() not in (None, 0) or (process.poll() == 0 and "-daemonize" not in line):
        raise Failed(f"the secondary ended with status {process.returncode}: {last_words(options)}")


def attach(primary, process, line, options):
    """ft-attach, with progress; the primary itself waits some seconds for somebody to listen."""
    deadline = time.monotonic() + options.seconds
    shown = 0
    primary.command("ft-attach", peer=options.peer or options.listen)
    while True:
        check_runs(process, line, options)
        info = primary.command("query-ft")
        if info["state"] == "protected":
            return info
        if info["state"] != "syncing":
            raise Failed(f"the primary is {info['state']}: {info['reason']}")
        if time.monotonic() > deadline:
            raise Failed(f"not protected after {options.seconds:g} s: {info['reason']}")
        if time.monotonic() > shown + SHOW_SECONDS:
            shown = time.monotonic()
            say(f"{info['reason']}: {info['attach-bytes'] / 2**20:.1f} MiB sent")
        time.sleep(LOOK_SECONDS)


def protect(primary, options, patience=0):
    """Starts a secondary for an exposed primary and attaches it; the figures."""
    line = line_for(primary, options)
    process = start_in_place(line, options, patience)
    info = attach(primary, process, line, options)
    say(f"protected: {info['attach-bytes'] / 2**20:.1f} MiB sent, the guest stood still for {info['attach-pause-ns'] / 1e6:.1f} ms")
    return {"attach_bytes": info["attach-bytes"], "attach_pause_ms": info["attach-pause-ns"] / 1e6}
