# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: REP string instructions loop inside a translation block under icount,
and every instruction count is what it is with one iteration per block.

Method: a bare guest (tests/guest/rep) executes them with all sizes, faults,
device accesses, interrupts, traps and self-modifying code in the middle, and
prints the time stamp counter (with icount: the instruction count), registers
and memory. It must print the same with one instruction per block, recorded, and
replayed from that log, with and without one instruction per block. The
processor time of a long REP shows that blocks do loop.
"""

import os
import shutil

from ftpair import bare
from ftpair.pair import Failed
from ftpair.waiting import within

SECONDS = 300                   # for one guest, on a busy host
LOOPS_FASTER = 2                # than one iteration per block; 5 as seen
SECTIONS_MIN, ENTRIES_MIN = 60, 50000


def test_rep(case):
    folder = bare.build(case, "rep")
    for image in ("rep32", "rep64"):
        compare(case, folder, image)
    if not case.keep:
        shutil.rmtree(folder)


def compare(case, folder, image):
    log = f"shift=2,rrfile={image}.log,rr="
    single, alone = guest(folder, image, "single", "shift=2", *bare.ONE)
    runs = {"recorded": guest(folder, image, "recorded", log + "record"),
            "replayed": guest(folder, image, "replayed", log + "replay"),
            "replayed, one instruction per block": guest(folder, image, "replayed-single", log + "replay", *bare.ONE)}
    sections = parse(single)
    entries = sum(len(words) for words in sections.values())
    case.expect(f"{image}: the guest came to its end", "END" in sections and "UNEXPECTED" not in sections
                and len(sections) >= SECTIONS_MIN and entries >= ENTRIES_MIN,
                f"{len(sections)} sections, {entries} figures")
    for name, (text, _) in runs.items():
        case.expect(f"{image}, {name}: as with one instruction per block", text == single,
                    difference(sections, parse(text)))
    faster = alone / max(runs["recorded"][1], 0.01)
    case.figure(f"{image}_loops_faster", round(faster, 1))
    case.expect(f"{image}: REP loops inside a block", faster > LOOPS_FASTER,
                f"{faster:.1f} times faster than one iteration per block")


def guest(folder, image, name, icount, *more):
    """What it printed; QEMU's processor time between the sections "large" and "many"."""
    with bare.Run(folder, image, name, icount, more) as started:
        before = cpu_at(started, "\nlarge\n")
        spent = cpu_at(started, "\nmany\n") - before
        return started.text(SECONDS), spent


def cpu_at(started, word):
    """The processor time that QEMU has used when the word appears."""
    printed = lambda: started.console.exists() and word in started.console.read_text()
    if not within(SECONDS, lambda: printed() or started.process.poll() is not None, step=0.005) or not printed():
        raise Failed(f"{started.console.stem}: no {word.strip()!r} on the console")
    user, system = open(f"/proc/{started.process.pid}/stat").read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def parse(text):
    """{section: its figures}; a section that comes again gets a number."""
    sections, name = {}, None
    for line in text.splitlines():
        words = line.split()
        if words and len(words[0]) == 8 and all(c in "0123456789abcdef" for c in words[0]):
            sections[name] += words
        else:
            name = f"{line} {sum(s.startswith(line) for s in sections)}" if line in sections else line
            sections[name] = []
    return sections


def difference(expected, seen):
    for name, words in expected.items():
        other = seen.get(name, [])
        for index, (a, b) in enumerate(zip(words, other)):
            if a != b:
                return f"section {name!r}, figure {index}: {a}, here {b}"
        if len(words) != len(other):
            return f"section {name!r}: {len(words)} figures, here {len(other)}"
    return "equal"
