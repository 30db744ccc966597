# SPDX-License-Identifier: GPL-2.0-or-later
"""One failover from power-on to the verdict: the demo's run, shared by tests.

The pair starts, the guest boots, two clients work, a fault hits the primary,
the clients go on with the secondary. What happened is kept in a Failover:
moments (CLOCK_MONOTONIC, ns), the clients' results and the checks.
"""

import time
from dataclasses import dataclass, field

from . import split, verdict
from .capture import ETH_P_ARP, ETH_P_RARP
from .pair import Failed, expected_sha256

# How long the client may wait. Where nobody hangs up, the takeover itself is
# judged (timeout + TAKEOVER_MS); the client's TCP has doubled its timer twice
# by then, and may need until 1.4 s after its lost segment to send it again.
GAP_MEDIAN_MS, GAP_MAX_MS = 250, 1000
# A kill is noticed when the kernel closes the dead process's sockets, which it
# does after it has freed the memory; on a busy host that takes a while.
TAKEOVER_MS = {"kill": GAP_MAX_MS, "stop": 500, "host": 250, "link": 500}
RETRANSMISSION_MS = 1400
CLOCKS_NS = 1_000_000           # how far CLOCK_REALTIME may wander in a run
BEFORE_SECONDS, AFTER_SECONDS = 3.0, 3.0


@dataclass
class Failover:
    fault: str
    loop: str = "INCR on redis"     # what the client does in a closed loop
    fault_ns: int = 0               # just before it was injected
    real_offset_ns: int = 0         # CLOCK_REALTIME = CLOCK_MONOTONIC + this
    protected_ns: int = 0
    working_ns: int = 0
    detected_ns: int = 0
    arbiter_ns: int = 0
    live_ns: int = 0
    packet_ns: int = 0
    packet_name: str = ""
    reason: str = ""
    survivor: str = "b"             # the side that goes on
    ends: dict = field(default_factory=dict)    # link: how each side came to rest
    incr: dict = field(default_factory=dict)
    download: dict = field(default_factory=dict)
    checks: list = field(default_factory=list)
    query_before: dict = field(default_factory=dict)
    query_after: dict = field(default_factory=dict)

    @property
    def ok(self):
        return bool(self.checks) and not verdict.failures(self.checks)

    @property
    def gap_ms(self):
        """The longest gap the client saw in the whole run, whatever made it."""
        return verdict.ms(verdict.longest_gap(self.incr)[0])

    @property
    def failover_gap(self):
        """(length, begin, end) of the gap that the failover made."""
        return verdict.gap_around(self.incr, self.fault_ns, self.live_ns)


def gap_limit_ms(fault, timeout_ms):
    if fault == "kill":
        return GAP_MAX_MS
    return timeout_ms + TAKEOVER_MS[fault] + RETRANSMISSION_MS


def takeover(story, timeout_ms):
    limit = TAKEOVER_MS[story.fault] + (0 if story.fault == "kill" else timeout_ms)
    took = verdict.ms(story.live_ns - story.fault_ns)
    return verdict.Check(f"takeover within {limit} ms", 0 < took <= limit, f"{took:.1f} ms")


def run(pair, story, before=BEFORE_SECONDS, after=AFTER_SECONDS, then=None):
    """Takes a started pair through the fault of the story, and judges it.

    then: called while the clients work with the survivor, before they stop.
    When it raises, the story holds what was seen until then, the clients'
    results included: a failover that failed has lost and doubled counts too.
    """
    story.protected_ns = time.monotonic_ns()
    if story.fault == "link":
        pair.capture("a")               # it may be the loser, or the survivor
    try:
        work(pair, story, before)
        story.real_offset_ns = time.time_ns() - time.monotonic_ns()
        story.fault_ns = pair.inject(story.fault)
        pair.say(f"fault injected: {story.fault}")
        observe(pair, story)
        if then:
            then()
        time.sleep(after)
        finish(pair, story)
    except BaseException:
        story.incr = pair.incr.finish(2) if pair.incr else {}
        raise
    judge(pair, story)
    return story


def work(pair, story, seconds):
    pair.start_incr()
    pair.start_download()
    story.working_ns = time.monotonic_ns()
    pair.say(f"clients working; fault in {seconds:.0f} s")
    if not pair.incr.wait_for(lambda p: p.get("last_ns", 0) > story.working_ns + seconds * 1e9,
                              seconds + 20):
        raise Failed(f"the client stalled before the fault: {pair.incr.progress}")
    story.query_before = pair.secondary.query()


def observe(pair, story):
    """The survivor's own account of the failover, from its events."""
    since = story.fault_ns + story.real_offset_ns
    if story.fault == "link":
        story.ends = split.settle(pair, since)
        story.survivor = split.winner_of(story.ends)
        if not story.survivor:
            raise Failed(f"not exactly one went on: {story.ends}")
    node = pair.node(story.survivor)
    going = pair.state_event(node, ("going-live", *split.SETTLED), since)
    if going is None:
        raise Failed(f"the {node.name} noticed nothing; it is {node.query()}")
    live = pair.state_event(node, split.SETTLED, since)
    if live is None or live.data["state"] != "exposed":
        raise Failed(f"the {node.name} did not go on: {live or node.query()}")
    pair.say(f"the {node.name} is live")
    if not pair.wait_replies_after(live.real_ns - story.real_offset_ns):
        raise Failed(f"no replies after go-live: {pair.incr.result or pair.incr.progress}; "
                     f"{node.name}: {node.query()}")
    moments(story, going, live, node.query())
    first_packet(pair, story)


def moments(story, going, live, query):
    """QEMU's own monotonic stamps where it has them, else its events' times."""
    story.reason = going.data.get("reason", "")
    story.detected_ns = query.get("takeover-detected-ns") or going.real_ns - story.real_offset_ns
    story.arbiter_ns = query.get("takeover-decided-ns", 0)
    story.live_ns = query.get("takeover-live-ns") or live.real_ns - story.real_offset_ns


def first_packet(pair, story):
    """The first frame that the survivor emitted after the fault."""
    since = story.live_ns if story.survivor == "a" else story.fault_ns
    frames = pair.capture(story.survivor).out(since + story.real_offset_ns)
    if frames:
        story.packet_ns = frames[0].real_ns - story.real_offset_ns
        story.packet_name = {ETH_P_RARP: "RARP announcement", ETH_P_ARP: "ARP"}.get(
            frames[0].ethertype, "guest packet")


def finish(pair, story):
    story.incr = pair.incr.finish()
    story.download = pair.download.finish(40)
    story.query_after = pair.node(story.survivor).query()


def silent_before_live(pair, story):
    quiet_until = story.live_ns + story.real_offset_ns - CLOCKS_NS
    return verdict.silent(pair.capture("b"), "secondary silent before it went live",
                          until_ns=quiet_until if story.survivor == "b" else 1 << 63)


def judge(pair, story):
    recovered = story.live_ns
    timeout = pair.timeout_ms
    story.checks = [
        *verdict.replies(story.incr),
        verdict.answers_after(story.incr, recovered),
        *verdict.download(story.download, expected_sha256(), story.fault_ns, recovered),
        takeover(story, timeout),
        verdict.gap(story.incr, gap_limit_ms(story.fault, timeout), story.fault_ns),
        silent_before_live(pair, story),
        verdict.Check("the survivor answered", story.packet_ns > story.fault_ns,
                      f"first frame of node {story.survivor}: {story.packet_name or 'none'}"),
        *(split.checks(pair, story.ends) if story.ends else []),
    ]
