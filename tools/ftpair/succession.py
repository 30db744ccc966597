# SPDX-License-Identifier: GPL-2.0-or-later
"""A pair whose nodes die and are replaced, again and again, on either side.

"primary" and "secondary" are who is it now; side a or b is the host. A fresh
secondary gets its command line from the primary's own (secondary_line).
"""

import time
from dataclasses import dataclass

from . import guest, verdict
from .hosts import GUEST_IP, LOG_IP
from .long_incr import LongIncr
from .node import LOG_PORT, Node, qemu_path
from .pair import KEY, Failed, Pair
from .qmp import QmpError
from .secondary_line import own_name, secondary_line
from .waiting import within

ATTACH_SECONDS = 60
DRIVES_TIMEOUT_MS = 2000        # no test of drives is about silence
CUT_REASON = "attach under way: secondary loads the state"      # the first event after the cut
MARGIN_NS = 50_000_000          # a gap belongs to a moment when it is that near


@dataclass
class Attach:
    """One ft-attach that ended protected; times are CLOCK_MONOTONIC in ns."""
    begin_ns: int
    cut_ns: int                 # the guest runs again after the cut
    protected_ns: int
    bytes: int
    pause_ns: int

    @property
    def seconds(self):
        return (self.protected_ns - self.begin_ns) / 1e9


class Succession(Pair):
    """alone: the primary starts without a peer and runs exposed. drives: what its guest has (ftpair/drives.py).

    machine, arguments: more for both first nodes; "{side}" in an argument is a or b. primary, secondary: more for one, as for Pair.
    """

    def __init__(self, name, *, alone=False, drives=None, memory_mib=None, machine=(), arguments=(), primary=None, secondary=None, **options):
        self.alone, self.drives = alone, drives
        both = {"machine": machine, "arguments": (*(("-m", str(memory_mib)) if memory_mib else ()), *arguments)}
        if drives:
            options.setdefault("timeout_ms", DRIVES_TIMEOUT_MS)
        super().__init__(name, primary=self._first("a", both, primary or {}), secondary=self._first("b", both, secondary or {}), **options)
        if drives:
            drives.make(self.folder)
        self.sides = {"a": self.primary, "b": self.secondary}
        self.former = []
        self.started = 0

    def _first(self, side, both, own):
        """What the first node on that side has more: with its drives, what both have and what it has alone."""
        made = {**own, "machine": (*both["machine"], *own.get("machine", ())),
                "arguments": [argument.format(side=side) for argument in both["arguments"]] + list(own.get("arguments", ()))}
        if self.drives:
            made["machine"] = (*made["machine"], *self.drives.machine)
            made["arguments"] = self.drives.arguments(side) + made["arguments"]
            made.setdefault("parameters", self.drives.parameters)
        return made

    def _node(self, name, side, more, words):
        if self.alone:
            words = [w for w in words if not w.startswith("ft-peer=")]
        return super()._node(name, side, more, words)

    def __exit__(self, *why):
        for node in self.former:
            node.stop()
        return super().__exit__(*why)

    def start_alone(self):
        self.say("starting the primary on node a, without a peer")
        self.primary.start().connect()
        self.wait_guest()
        self.wait_state(self.primary, "exposed", 5)

    # ------------------------------------------------------------------ sides --
    def node(self, side):
        return self.sides[side]

    def side_of(self, node):
        return next(side for side, other in self.sides.items() if other is node)

    def free_side(self):
        return "b" if self.side_of(self.primary) == "a" else "a"

    def drop_capture(self, side):
        capture = self.captures.pop(side, None)
        if capture:
            capture.stop()

    # ------------------------------------------------------------- succession --
    def promote(self):
        """The secondary went live: it is the primary, the other one is past."""
        self.former.append(self.primary)
        self.primary = self.secondary

    def fail_over(self):
        """kill -9 of the primary, until the client works with the secondary, now primary."""
        self.inject("kill")
        self.wait_state(self.secondary, "exposed", 10)
        self.promote()
        self.goes_on()

    def goes_on(self):
        """The client gets replies from now on, whoever answers."""
        if not self.wait_replies_after(time.monotonic_ns()):
            raise Failed(f"the client gets no replies: {self.incr.result or self.incr.progress}; {self.told()}")

    def retire(self, node):
        """Ends a node of the past for good."""
        node.stop()
        if node not in self.former:
            self.former.append(node)

    def changes_for(self, side):
        """What a secondary on that side has otherwise than its primary's command line."""
        return self.drives.changes_for(side) if self.drives else {}

    def spawn(self, qemu=None, environment=None):
        """A fresh secondary, waiting, on the side that the primary is not on."""
        side = self.free_side()
        self.retire(self.sides[side])
        self.started += 1
        name = own_name(self.primary.name, self.started)
        node = Node(name, self.hosts.nodes[side], self.folder, [], str(self.uuid), environment=environment)
        node.argv = secondary_line([str(qemu or qemu_path()), *self.primary.argv[1:]], f"{LOG_IP[side]}:{LOG_PORT}",
                                   {"name": name, **self.changes_for(side)}, self.started)
        self.sides[side] = self.secondary = node
        self.drop_capture(side)
        self.capture(side)              # before it starts: a secondary emits nothing
        node.start().connect()
        return node

    def begin_attach(self):
        """ft-attach of the secondary that waits; how it ends is the caller's affair."""
        self.primary.qmp.command("ft-attach", peer=f"{LOG_IP[self.side_of(self.secondary)]}:{LOG_PORT}")

    def attach(self, seconds=ATTACH_SECONDS):
        """ft-attach until the pair is protected; an Attach, or Failed says why not."""
        offset = time.time_ns() - time.monotonic_ns()
        begin = time.monotonic_ns()
        self.begin_attach()
        try:
            self.wait_state(self.primary, "protected", seconds)
            self.wait_state(self.secondary, "protected", 10)
        except Failed as why:
            raise Failed(f"attach: {why}; {self.told()}") from why
        query = self.primary.query()
        protected = self.event_ns(self.primary, lambda d: d["state"] == "protected", begin, offset)
        cut = self.event_ns(self.primary, lambda d: d["reason"] == CUT_REASON, begin, offset)
        return Attach(begin, cut or protected, protected, query["attach-bytes"],
                      query["attach-pause-ns"])

    def ask_digest(self):
        """Both nodes compare a digest at one instruction count, a moment later."""
        try:
            self.primary.qmp.command("x-ft-digest", full=True)
        except QmpError as error:
            raise Failed(f"no digest: {error}; {self.told()}") from error

    def event_ns(self, node, condition, since_ns, offset):
        """When FT_STATE_CHANGE first met the condition after the moment; or 0."""
        event = node.qmp.wait_event(
            lambda e: e.name == "FT_STATE_CHANGE" and e.real_ns >= since_ns + offset - 1000
            and condition(e.data), 0)
        return event.real_ns - offset if event else 0

    def power_off(self, seconds=30):
        """The guest, which lives with drives, ends itself in order; both nodes follow it."""
        guest.order(self, "ft-stop")
        for node in (self.primary, self.secondary):
            if node.alive() and node.wait_exit(seconds) is None:
                raise Failed(f"the guest has powered off, {node.name} has not ended; {self.told()}")

    def told(self):
        """What both nodes say of themselves; for the report of a failure."""
        return "; ".join(self.told_by(node) for node in (self.primary, self.secondary))

    def told_by(self, node):
        if node.process is None:
            return f"{node.name} was not started"
        if not node.alive():
            return f"{node.name} ended (status {node.process.returncode}): {node.errors()[-400:]}"
        try:
            q = node.query(3)
        except Exception as error:          # said, not raised: this is a report of something else
            return f"{node.name}: {error}"
        return (f"{node.name} is {q['role']} {q['state']} at {q['icount']}, frame {q['log-frames']}, lag "
                f"{q['lag-instructions']}, held {q['held-packets']}: {q['reason'] or '-'}")

    def follows(self):
        """Why the secondary is not following the primary; "" if it is."""
        first = self.secondary.query()
        if first["state"] != "protected" or self.primary.state() != "protected":
            return self.told()
        moves = within(2, lambda: self.secondary.query()["icount"] != first["icount"])
        return "" if moves else f"the secondary's replay stands still; {self.told()}"

    def stay_protected(self, seconds):
        """Failed as soon as the secondary does not follow."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            problem = self.follows()
            if problem:
                raise Failed(problem)
            time.sleep(0.5)

    # ---------------------------------------------------------------- clients --
    def start_long_incr(self, seconds=20):
        self.incr = LongIncr(self.hosts.client, GUEST_IP, 6379, KEY)
        if not self.incr.wait_for(lambda p: p.get("replies", 0) > 10, seconds):
            raise Failed(f"redis does not answer: {self.incr.result or self.incr.progress}")

    def attach_gap(self, attach):
        """The client's gap (length, begin, end) around the cut."""
        self.incr.wait_past(attach.protected_ns + 3 * MARGIN_NS)
        return self.incr.gap_around(attach.cut_ns - attach.pause_ns - MARGIN_NS,
                                    attach.protected_ns + MARGIN_NS)

    def attach_stall(self, attach):
        """The client's longest gap in the whole attach."""
        return self.incr.gap_around(attach.begin_ns, attach.protected_ns + MARGIN_NS)


def silent_until_live(pair, story, clocks_ns):
    """The secondary's tap carried nothing before it went live."""
    until = story.live_ns + story.real_offset_ns - clocks_ns
    return verdict.silent(pair.capture(story.survivor), "secondary silent before it went live",
                          until_ns=until)
