# SPDX-License-Identifier: GPL-2.0-or-later
"""What must hold, as checks with a name, an answer and the figure behind it."""

from dataclasses import dataclass

MS = 1_000_000


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    detail: str

    def __str__(self):
        return f"{'ok  ' if self.ok else 'FAIL'} {self.name}: {self.detail}"


def ms(nanoseconds):
    return nanoseconds / MS


def replies(result):
    """The closed loop lost nothing, doubled nothing, kept its connection."""
    bad = result["lost"] or result["doubled"] or result["errors"] or not result["replies"]
    return [
        Check("every reply is the last plus one", not bad,
              f"{result['replies']} replies, {result['lost']} lost, {result['doubled']} doubled, "
              f"{result['errors']} errors"),
        Check("the client's connection unbroken", result["broken"] is None, result["broken"] or "open"),
    ]


def answers_after(result, moment_ns, name="replies after the failover"):
    return Check(name, result.get("last_ns", 0) > moment_ns and result["broken"] is None,
                 f"last one {ms(result.get('last_ns', 0) - moment_ns):.0f} ms after the fault")


def download(result, sha256, fault_ns, recovered_ns):
    """The file came whole, on one connection, and was under way in the failover."""
    whole = result.get("broken") is None and result.get("bytes") == result.get("length")
    spans = result.get("first_ns", 0) < fault_ns and result.get("last_ns", 0) > recovered_ns
    return [
        Check("download complete", whole, result.get("broken")
              or f"{result['bytes']} of {result['length']} bytes"),
        Check("download's sha256", result.get("sha256") == sha256,
              "right" if result.get("sha256") == sha256 else f"{result.get('sha256')}"),
        Check("download spans the failover", spans,
              f"from {ms(result.get('first_ns', 0) - fault_ns):.0f} ms "
              f"to {ms(result.get('last_ns', 0) - fault_ns):+.0f} ms around the fault"),
    ]


def longest_gap(result):
    """(length, begin, end) in ns of the longest time without a reply."""
    return tuple(result["gaps"][0]) if result.get("gaps") else (0, 0, 0)


def gap_around(result, since_ns, until_ns):
    """The longest gap that touches the time; a busy host makes others elsewhere."""
    return next((tuple(g) for g in result.get("gaps", ()) if g[2] >= since_ns and g[1] <= until_ns),
                (0, 0, 0))


def gap(result, limit_ms, fault_ns):
    length, begin, _ = longest_gap(result)
    return Check(f"longest gap at most {limit_ms} ms", 0 < length <= limit_ms * MS,
                 f"{ms(length):.1f} ms, beginning {ms(begin - fault_ns):+.1f} ms from the fault")


def silent(capture, name, since_ns=0, until_ns=1 << 63):
    """No frame left the tap; a capture that lost frames proves nothing."""
    frames = capture.out(since_ns, until_ns)
    lost = capture.dropped()
    if lost:
        return Check(name, False, f"the capture itself lost {lost} frames")
    return Check(name, not frames,
                 "0 frames" if not frames else f"{len(frames)} frames, first: {frames[0]}")


def failures(checks):
    return [c for c in checks if not c.ok]
