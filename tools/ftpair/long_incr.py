# SPDX-License-Identifier: GPL-2.0-or-later
"""The INCR client for hours: it keeps gaps, not the time of every reply.

Each line of progress carries the gaps (length, begin, end) that ended since
the line before; LongIncr collects them, so that the gap of a moment can be
looked up while the client works on.
"""

import heapq
import sys

from . import verdict
from .client_process import ClientProcess
from .clients import GAPS_MAX, PROGRESS_NS, IncrClient, connect, now_ns, stop_asked, tell

NOTABLE_NS = 1_000_000          # shorter ones are single replies, not gaps
KEPT_MAX = 100_000              # of the newest gaps; a busy guest makes 500 a second


class LongIncrClient(IncrClient):
    def __init__(self, sock, key="ft"):
        super().__init__(sock, key)
        self.new_gaps = []          # since the last line of progress
        self._longest = []          # a heap of the GAPS_MAX longest

    def _judge(self, line, sent, replied):
        super()._judge(line, sent, replied)
        if len(self.times) < 2:
            return
        before = self.times[-2][1]
        gap = (replied - before, before, replied)
        if gap[0] >= NOTABLE_NS:
            self.new_gaps.append(gap)
        if len(self._longest) < GAPS_MAX:
            heapq.heappush(self._longest, gap)
        else:
            heapq.heappushpop(self._longest, gap)
        del self.times[1:-1]        # the first and the last one are enough

    def gaps(self):
        return sorted(self._longest, reverse=True)

    def take_new_gaps(self):
        new, self.new_gaps = self.new_gaps, []
        return new


class LongIncr(ClientProcess):
    module = "ftpair.long_incr"

    def __init__(self, namespace, host, port, key):
        self._gaps = []
        super().__init__(namespace, "incr", host, port, key)

    def heard(self, record):
        if not record.get("done"):
            self._gaps += record["gaps"]
            del self._gaps[:-KEPT_MAX]

    def gap_around(self, since_ns, until_ns):
        """(length, begin, end) of the longest gap that touches the time."""
        with self._news:
            newest_first = sorted((tuple(g) for g in self._gaps if g[2] >= since_ns), reverse=True)
        return verdict.gap_around({"gaps": newest_first}, since_ns, until_ns)

    def wait_past(self, moment_ns, seconds=5):
        """Until the progress covers the moment: gaps that end before it are known then."""
        return self.wait_for(lambda p: p.get("last_ns", 0) > moment_ns, seconds)


def main(host, port, key):
    client = LongIncrClient(connect(host, port), key)
    told = 0
    while client.step():
        now = now_ns()
        if now - told > PROGRESS_NS:
            told = now
            tell({"replies": client.replies, "value": client.value, "last_ns": now,
                  "lost": client.lost, "doubled": client.doubled, "gaps": client.take_new_gaps()})
            if stop_asked():
                break
    tell(client.result())


if __name__ == "__main__":
    try:
        main(*sys.argv[2:])
    except OSError as refusal:
        tell({"done": True, "broken": f"connect: {refusal}", "replies": 0, "lost": 0, "doubled": 0,
              "errors": 0, "gaps": []})
