# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's trace file: "tid@seconds.microseconds:name key=value ...".

QEMU writes it with -trace (its "log" back end) and -msg timestamp=on; the
times are CLOCK_REALTIME, as those of a capture.
"""

import re
from dataclasses import dataclass, field

LINE = re.compile(r"^\d+@(\d+)\.(\d{6}):(\w+) (.*)$")


@dataclass(frozen=True)
class Point:
    real_ns: int
    name: str
    fields: dict = field(hash=False)


def arguments(names, file_name):
    words = ["-msg", "timestamp=on", "-D", file_name]
    for name in names:
        words += ["-trace", f"enable={name}"]
    return words


def read(path):
    points = []
    for line in path.read_text(errors="replace").splitlines():
        match = LINE.match(line)
        if match:
            fields = dict(w.split("=", 1) for w in match[4].split() if "=" in w)
            points.append(Point(int(match[1]) * 10**9 + int(match[2]) * 1000, match[3], fields))
    return points
