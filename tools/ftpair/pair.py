# SPDX-License-Identifier: GPL-2.0-or-later
"""A protected pair with its hosts and clients: what every pair test starts from.

Side a holds the first primary, side b the secondary. Use it as a context
manager: whatever happens, processes and namespaces are gone afterwards. The
work folder stays after a failure, or when asked for.
"""

import os
import shutil
import signal
import time
import uuid

from .capture import Capture
from .client_process import ClientProcess
from .failure import Failed
from .hosts import GUEST_IP, Hosts
from .node import BUILD, GUEST, LOG_PORT, READY, Node, primary_words, secondary_words
from .qmp import QmpError
from .waiting import wait_until

KEY = "ft"
BOOT_SECONDS = int(os.environ.get("FT_BOOT_SECONDS", "120"))
DOWNLOAD_RATE = 7_000_000       # bytes/s: 64 MiB in 9.6 s, across any failover


def real_of(monotonic_ns):
    return monotonic_ns + time.time_ns() - time.monotonic_ns()


class Pair:
    def __init__(self, name, *, ft=True, timeout_ms=500, peer_port=LOG_PORT, primary=None,
                 secondary=None, say=lambda text: None, keep=False, flood=False):
        """flood: the network delivers the guest's packets to both nodes.
        primary, secondary: more for that Node (machine, arguments, board and so on)."""
        self.name, self.say, self.keep, self.ft = name, say, keep, ft
        self.timeout_ms = timeout_ms
        self.folder = BUILD / "runs" / f"{name}-{os.getpid()}"
        self.arbiter_folder = self.folder / "arbiter"
        self.hosts = Hosts(flood)
        self.uuid = uuid.uuid4()
        self.captures = {}
        self.incr = self.download = None
        shutil.rmtree(self.folder, ignore_errors=True)
        self.arbiter_folder.mkdir(parents=True)
        arbiter = f"file:{self.arbiter_folder}"
        self.primary = self._node("primary", "a", primary or {},
                                  primary_words(arbiter, timeout_ms, peer_port))
        self.secondary = self._node("secondary", "b", secondary or {},
                                    secondary_words(arbiter, timeout_ms))

    @classmethod
    def of(cls, case, tag="", **options):
        """The pair of a test, or one of several."""
        pair = cls(f"{case.name}{'-' if tag else ''}{tag}", say=case.say, keep=case.keep, **options)
        case.folders.append(pair.folder)
        return pair

    def _node(self, name, side, more, words):
        machine = [*(words if self.ft else []), *more.get("machine", ())]
        rest = {key: value for key, value in more.items() if key != "machine"}
        return Node(name, self.hosts.nodes[side], self.folder, machine, str(self.uuid), **rest)

    def node(self, side):
        return self.primary if side == "a" else self.secondary

    # ------------------------------------------------------------ life cycle --
    def __enter__(self):
        try:
            self.hosts.build()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, kind, error, trace):
        for client in (self.incr, self.download):
            if client:
                client._process.kill()
                client.stop()
        for node in (self.primary, self.secondary):
            node.stop()
        for capture in self.captures.values():
            capture.stop()
        self.hosts.close()
        if kind is None and not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        return False

    def start(self, captures=("b",)):
        """Starts both nodes, captures first, so that no frame is missed.

        Node a carries all the traffic and a capture there costs CPU time that
        the nodes need: only tests that look at it ask for it.
        """
        for side in captures:
            self.capture(side)
        if self.ft:
            self.say("starting the secondary on node b")
            self.secondary.start().connect()
        self.say("starting the primary on node a")
        self.primary.start().connect()
        return self

    def capture(self, side, only_out=True):
        key = side if only_out else side + "-both"
        if key not in self.captures:
            self.captures[key] = Capture(self.hosts.nodes[side], only_out=only_out)
        return self.captures[key]

    def wait_state(self, node, states, seconds):
        """Waits until the node says one of the states; the answer of query-ft."""
        states = (states,) if isinstance(states, str) else states
        answer = {"state": "not asked yet"}

        def comes():
            nonlocal answer
            if not node.alive():
                raise Failed(f"{node.name} ended (status {node.process.returncode}) "
                             f"while waiting for {'/'.join(states)}: {node.errors()}")
            try:
                answer = node.query()
            except QmpError as error:
                answer = {"state": f"({error})"}
            # Nobody attaches again by himself: no use in waiting longer.
            if answer["state"] == "exposed" and "protected" in states and "exposed" not in states and not (
                    answer["reason"].startswith("no secondary")):
                raise Failed(f"the {node.name} runs alone: {answer['reason']}")
            return answer["state"] in states

        wait_until(f"{node.name} {'/'.join(states)}", comes, seconds, step=0.02,
                   told=lambda: f"it is {answer['state']}: {answer.get('reason') or 'no reason given'}")
        return answer

    def wait_protected(self, seconds=60):
        for node in (self.primary, self.secondary):
            self.wait_state(node, "protected", seconds)
        self.say("pair protected")

    def wait_guest(self, seconds=BOOT_SECONDS, boots=1):
        """Until the guest has come up so many times, by the primary's console."""
        def ready():
            if not self.primary.alive():
                raise Failed(f"the primary ended in the guest's boot: {self.primary.errors()}")
            return self.primary.console().count(READY) >= boots

        wait_until("the guest ready", ready, seconds, told=lambda: f"its console ends: {self.primary.console()[-300:]!r}")
        self.say("guest ready")

    def wait_up(self):
        if self.ft:
            self.wait_protected()
        self.wait_guest()
        if self.ft:
            self.wait_protected()
        return self

    # --------------------------------------------------------------- clients --
    def start_incr(self, seconds=15):
        self.incr = ClientProcess(self.hosts.client, "incr", GUEST_IP, 6379, KEY)
        if not self.incr.wait_for(lambda p: p.get("replies", 0) > 10, seconds):
            raise Failed(f"redis does not answer: {self.incr.result or self.incr.progress}")

    def start_download(self, rate=DOWNLOAD_RATE):
        self.download = ClientProcess(self.hosts.client, "download", GUEST_IP, 80,
                                      "/file.bin", rate)
        if not self.download.wait_for(lambda p: p.get("bytes", 0) > 65536, 15):
            raise Failed(f"no download: {self.download.result or self.download.progress}")

    def wait_replies_after(self, monotonic_ns, count=50, seconds=20):
        """True when the INCR client got count replies after the moment."""
        start = []

        def enough(progress):
            if progress.get("last_ns", 0) <= monotonic_ns or "replies" not in progress:
                return False
            if not start:
                start.append(progress["replies"])
            return progress["replies"] >= start[0] + count

        return self.incr.wait_for(enough, seconds)

    # ---------------------------------------------------------------- faults --
    def inject(self, kind):
        """Does it now; returns the moment before (CLOCK_MONOTONIC, ns)."""
        moment = time.monotonic_ns()
        if kind == "kill":
            self.primary.signal(signal.SIGKILL)
        elif kind == "stop":
            self.primary.signal(signal.SIGSTOP)
        elif kind == "host":
            self.hosts.unplug("a")
            self.primary.signal(signal.SIGKILL)
        elif kind == "link":
            self.hosts.cut_log()
        else:
            raise ValueError(kind)
        return moment

    def state_event(self, node, states, since_real_ns=0, seconds=20):
        """The first FT_STATE_CHANGE of the node into one of the states."""
        return node.qmp.wait_event(
            lambda e: e.name == "FT_STATE_CHANGE" and e.data.get("state") in states
            and e.real_ns >= since_real_ns - 1000, seconds)


def expected_sha256():
    return (GUEST / "file.bin.sha256").read_text().split()[0]
