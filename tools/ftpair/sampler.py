# SPDX-License-Identifier: GPL-2.0-or-later
"""How a protected pair is doing, once a second, as rows of a CSV file."""

import csv
import re
import statistics
import time

COLUMNS = ("seconds", "lag_ms", "lag_instructions", "rss_primary_mib", "rss_secondary_mib",
           "incr_per_second", "log_mbit", "held_packets", "digests_equal")


def rss_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) / 1024


class Sampler:
    def __init__(self, pair, path, rows):
        self._pair, self._rows = pair, rows
        self._file = path.open("w", newline="")
        self._csv = csv.writer(self._file)
        self._csv.writerow(COLUMNS)
        self._file.flush()
        self._begin = self._last = time.monotonic()
        self._replies = pair.incr.progress["replies"]
        self._log_bytes = pair.primary.query()["log-bytes"]

    def take(self):
        """One row, of now and of the time since the one before."""
        pair, now = self._pair, time.monotonic()
        primary, secondary = pair.primary.query(), pair.secondary.query()
        replies = pair.incr.progress.get("replies", self._replies)
        past = now - self._last
        row = dict(zip(COLUMNS, (
            round(now - self._begin, 2), primary["lag-ns"] / 1e6, primary["lag-instructions"],
            round(rss_mib(pair.primary.pid), 2), round(rss_mib(pair.secondary.pid), 2),
            round((replies - self._replies) / past, 1),
            round((primary["log-bytes"] - self._log_bytes) * 8 / past / 1e6, 3),
            primary["held-packets"], secondary.get("digests", 0))))
        self._last, self._replies, self._log_bytes = now, replies, primary["log-bytes"]
        self._rows.append(row)
        self._csv.writerow(row.values())
        self._file.flush()
        return row


def quarters(rows, column):
    """(median of the second quarter, median of the last): is there growth?"""
    n = len(rows)
    middle = lambda part: statistics.median(row[column] for row in part)
    return middle(rows[n // 4:n // 2]), middle(rows[3 * n // 4:])
