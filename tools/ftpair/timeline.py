# SPDX-License-Identifier: GPL-2.0-or-later
"""The story of a failover, in words for someone who has never seen one.

Times are milliseconds from the fault: what is before it is negative.
"""

from . import verdict

FAULT = {
    "kill": "kill -9 of the primary's QEMU",
    "stop": "SIGSTOP of the primary's QEMU: it hangs, its connections stay open",
    "host": "node a dies: all its links go down, then kill -9; no packet announces it",
    "link": "the log link is cut; both nodes live on",
}


def lines(story):
    """[(ms from the fault, sentence)], in order of time."""
    length, _, end = story.failover_gap
    longest, _, longest_end = verdict.longest_gap(story.incr)
    who = "the secondary" if story.survivor == "b" else "the primary"
    given = story.query_after.get("early-given-packets", 0)
    live = "is live: it is the machine now" if story.survivor == "b" else "goes on alone"
    told = [
        (story.protected_ns, "pair protected: the secondary follows the primary, instruction by "
                             "instruction"),
        (story.working_ns, f"clients working: {story.loop} in a closed loop, and a 64 MiB download"),
        (story.fault_ns, FAULT[story.fault]),
        (story.detected_ns, f"{who} notices ({story.reason or 'no reason given'})"),
        (story.arbiter_ns, f"the arbiter gives this epoch to {who}"),
        (story.live_ns, f"{who} {live}"),
        (story.live_ns if given else 0, f"the guest gets {given} packets that the primary died with"),
        (story.packet_ns, f"first frame from node {story.survivor} ({story.packet_name})"),
        (end, f"the client has its next reply, on the same connection, {verdict.ms(length):.1f} ms "
              f"after the last one"),
        (longest_end if longest > length else 0,
         f"(end of the longest gap, {verdict.ms(longest):.1f} ms: not the failover's; a busy host?)"),
        (story.download.get("last_ns", 0), f"download ends, {story.download.get('bytes', 0) >> 20} "
                                           f"MiB on the same connection"),
        (story.incr.get("last_ns", 0), f"client stops after {story.incr['replies']} replies: "
                                       f"{story.incr['lost']} lost, {story.incr['doubled']} doubled"),
    ]
    return [(verdict.ms(t - story.fault_ns), text) for t, text in sorted(
        (entry for entry in told if entry[0]), key=lambda entry: entry[0])]


def show(story, out=print):
    for when, text in lines(story):
        out(f"  {when:+12.1f} ms  {text}")
    for check in story.checks:
        out(f"  {check}")
