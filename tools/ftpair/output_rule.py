# SPDX-License-Identifier: GPL-2.0-or-later
"""The output rule, measured: no packet leaves before its frame is acked.

Seen in two ways. From outside: on the primary's tap no answer follows its
request sooner than the log link's delay. From both sides: the k-th frame on
the tap is the k-th packet that QEMU held (they leave in order), and the trace
holds an ack of that packet's frame that is older than the frame on the tap.
"""

import time

from . import trace, verdict
from .verdict import MS, Check

DELAY_MS = 50
TRACES = ("ft_output_hold", "ft_output_release", "ft_ack_received")
TRACE_FILE = "primary.trace"
SETTLE_SECONDS, MEASURE_SECONDS = 0.5, 3.0


def node_arguments():
    return trace.arguments(TRACES, TRACE_FILE)


def incr_for(pair, seconds):
    pair.start_incr()
    time.sleep(seconds)
    return pair.incr.finish()


def measure(pair):
    """The checks, for a pair that is up and has node_arguments()."""
    near = incr_for(pair, 1.5)
    pair.hosts.delay_log(DELAY_MS)
    time.sleep(SETTLE_SECONDS)
    capture = pair.capture("a", only_out=False)
    far = incr_for(pair, MEASURE_SECONDS)
    time.sleep(0.2)
    frames = list(capture.frames)
    grown_ms = verdict.ms(far["wait_p50_ns"] - near["wait_p50_ns"])
    pair.hosts.delay_log(0)
    return [
        *verdict.replies(far),
        Check(f"client's round trip grows by about {DELAY_MS} ms",
              DELAY_MS * 0.9 <= grown_ms <= DELAY_MS * 1.8, f"by {grown_ms:.1f} ms"),
        answers_wait(frames),
        *acks_first(pair),
    ]


def answers_wait(frames, port=6379):
    """Each answer of redis on the tap is DELAY_MS younger than its request."""
    asked, waits = None, []
    for frame in sorted(frames, key=lambda f: f.real_ns):
        tcp = frame.tcp()
        if not tcp or not tcp[3]:
            continue
        if not frame.out and tcp[1] == port:
            asked = asked or frame.real_ns      # TCP may send a request again
        elif frame.out and tcp[0] == port and asked:
            waits.append(frame.real_ns - asked)
            asked = None
    least = min(waits, default=0)
    return Check("no answer on the tap before the link's delay is over",
                 len(waits) > 10 and least >= DELAY_MS * MS,
                 f"{len(waits)} answers, the earliest after {verdict.ms(least):.2f} ms")


def acks_first(pair):
    """The whole run: capture of what left against the trace of hold and ack."""
    points = trace.read(pair.folder / TRACE_FILE)
    held = [p for p in points if p.name == "ft_output_hold"]
    acks = [(p.real_ns, int(p.fields["received"])) for p in points if p.name == "ft_ack_received"]
    left = pair.capture("a").out()
    early, compared = early_frames(left, held, acks)
    return [
        Check("capture and trace are whole", compared > 100 and len(left) <= len(held)
              and not pair.capture("a").dropped(),
              f"{len(left)} frames left, {len(held)} packets held, {len(acks)} acks"),
        Check("no frame on the tap before its ack", not early,
              f"{len(early)} of {compared} too early"
              + (f", first: frame {early[0]}" if early else "")),
    ]


def early_frames(left, held, acks):
    """Numbers of the frames that left before an ack of their log frame came."""
    early, next_ack, best_seq, compared = [], 0, -1, 0
    first_ack = {}                  # log frame -> when it was known to be acked
    wanted = sorted({int(p.fields["seq"]) for p in held})
    position = 0
    while next_ack < len(acks):
        when, seq = acks[next_ack]
        next_ack += 1
        best_seq = max(best_seq, seq)
        while position < len(wanted) and wanted[position] <= best_seq:
            first_ack[wanted[position]] = when
            position += 1
    for number, (frame, packet) in enumerate(zip(left, held)):
        compared += 1
        acked = first_ack.get(int(packet.fields["seq"]))
        if acked is None or frame.real_ns < acked:
            early.append(number)
    return early, compared
