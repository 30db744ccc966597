# SPDX-License-Identifier: GPL-2.0-or-later
"""What a failed test has to say of itself, cut out of its log: a few lines for the end of a long run.

Only the end of a run's output may be kept (CI keeps 150 lines), so the reason must stand there again.
"""

import os
import re

LINES_MAX, WIDTH = 6, 240
# What comes behind the reason in the log of tests/pair/run.
PAIR_END = re.compile(r"^    (work folder|once more): ")
PAIR_RESULT = re.compile(r"^\S+\s+FAIL\s+[\d.]+ s\s+(.*)$")


def reason(log):
    """The failed expectations with their figures; of an exception, or where nothing is known better, the last lines."""
    if not log or not os.path.exists(log):
        return []
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = [line.rstrip() for line in file if line.strip()]
    return next(filter(None, (find(lines) for find in (of_pair, of_gtest, of_pytest))), lines[-LINES_MAX:])


def of_pair(lines):
    """tests/pair/run: behind the result stands why, in one line, or in many when it was an exception."""
    for number, line in enumerate(lines):
        if match := PAIR_RESULT.match(line):
            rest = lines[number + 1:]
            end = next((n for n, text in enumerate(rest) if PAIR_END.match(text)), len(rest))
            return folded([match[1], *rest[:end]])
    return []


def of_gtest(lines):
    """GoogleTest: "file:line: Failure", then what was expected and what came."""
    said = []
    for number, line in enumerate(lines):
        if line.endswith(": Failure"):
            said += [text for text in lines[number:number + 5] if not text.startswith("[")]
    return said[:LINES_MAX]


def of_pytest(lines):
    """pytest marks what went wrong with an E; assertions of the tests have their figures there."""
    return folded([line for line in lines if re.match(r"^E\s", line)][:LINES_MAX])


def folded(lines):
    """Long lines in pieces; of too many the last, where an exception has its text."""
    pieces = [line[at:at + WIDTH] for line in lines for at in range(0, len(line), WIDTH)]
    return pieces[-LINES_MAX:]
