# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bench: what a drive's size costs at the start and at an attach. Three drives with holes, one that is full; cache=none,aio=native.

Boot: from the start of the primary's process until the guest answers a ping, its secondary waiting, against this build with ft=off and
the same icount. Attach: ft-attach of a guest that runs alone until the pair is protected; the guest is pinged every 10 ms. The images of
both nodes are equal, and with their holes hold the same MiB at the beginning and at the end.
"""

import time

from ftpair import disk, machine, sparse
from ftpair.sparse import GIB, MIB, TIB
from ftpair.succession import Succession
from ftpair.watch import Watch
from bench_rounds import TROUBLE

SIZES = {"1g": GIB, "64g": 64 * GIB, "1t": TIB, "8gfull": 8 * GIB}
BOOT_SECONDS, ATTACH_SECONDS, SETTLE_SECONDS = 180, 900, 2
WORD = "if=none,id=d0,file={},format=raw,cache=none,aio=native"
DEVICE = ("-device", "virtio-blk-pci,drive=d0,id=disk0")


class Attached(Succession):
    """A pair whose guest has one drive of that size, with an image on each side."""

    def __init__(self, name, size, options, **more):
        words = {side: {"arguments": ["-drive", WORD.format(self.image_name(side)), *DEVICE, *more.pop("arguments", ())],
                        "machine": more.get("words", ())} for side in "ab"}
        more.pop("words", None)
        super().__init__(f"bench-attach-{name}-{size}", timeout_ms=options.timeout_ms, keep=options.keep, primary=words["a"],
                         secondary=words["b"], **more)
        for side in "ab":
            self.make_image(side, size)

    def image_name(self, side):
        return f"{side}.raw"

    def make_image(self, side, size):
        path, other, length = self.folder / self.image_name(side), self.folder / self.image_name("a"), SIZES[size]
        if side == "b" and not self.ft:
            return
        if side == "b":
            disk.need("cp", "--sparse=auto" if size.endswith("full") else "--sparse=always", other, path)
        elif size.endswith("full"):
            sparse.fill(path, length)
        else:
            sparse.make(path, length, [(0, MIB, 1), (length - MIB, MIB, 2)])

    def changes_for(self, side):
        return {"d0.file": self.image_name(side)}


def run(options, say):
    """(figures, problems)."""
    figures, problems = {}, []
    for size in SIZES:
        for work in (boot, attach):
            try:
                figures.update(work(size, options, say))
            except TROUBLE as why:
                problems.append(f"attach, {work.__name__} {size}: {why}")
                say(f"FAILED {problems[-1]}")
    try:
        figures.update(plain(options, say))
    except TROUBLE as why:
        problems.append(f"attach, plain: {why}")
    return {**figures, **worst(figures)}, problems


def worst(figures):
    boots = [value for name, value in figures.items() if name.startswith("boot_s.")]
    gaps = [value for name, value in figures.items() if name.startswith("attach_gap_ms.")]
    plain_s = figures.get("boot_plain_s")
    return {"boot_over_plain_s": max(boots) - plain_s if boots and plain_s else None, "attach_gap_ms_max": max(gaps, default=None)}


def first_answer(pair):
    """Seconds from the start of the primary's process until the guest's first answer."""
    with Watch(pair) as watch:
        begin_ns = time.monotonic_ns()
        pair.primary.start()
        if not watch.until(lambda w: w.first_ns, BOOT_SECONDS):
            raise RuntimeError(f"the guest does not answer: {pair.primary.errors()}")
        pair.primary.connect()
        return (watch.first_ns - begin_ns) / 1e9


def plain(options, say):
    with Attached("plain", "1g", options, ft=False, words=("ft=off",), arguments=machine.ICOUNT) as pair:
        seconds = first_answer(pair)
    say(f"attach: a plain guest answers after {seconds:.2f} s")
    return {"boot_plain_s": seconds}


def boot(size, options, say):
    with Attached("boot", size, options) as pair:
        pair.secondary.start().connect()
        seconds = first_answer(pair)
        state = pair.primary.state()
    say(f"attach: {size}: the guest answers after {seconds:.2f} s, {state}")
    return {f"boot_s.{size}": seconds}


def gave_up(watch, pair):
    told = watch.told.get(pair.primary.name, {})
    return told.get("state") == "exposed" and told["reason"].startswith("attach failed")


def attach(size, options, say):
    with Attached("running", size, options, alone=True) as pair:
        pair.start_alone()
        pair.spawn()
        time.sleep(SETTLE_SECONDS)
        with Watch(pair, (pair.primary, pair.secondary)) as watch:
            watch.until(lambda w: w.first_ns, 10)
            watch.begin()
            begin = time.monotonic()
            pair.begin_attach()
            done = watch.until(lambda w: w.state(pair.primary) == "protected" or gave_up(w, pair), ATTACH_SECONDS)
            seconds = time.monotonic() - begin
        if not done or pair.primary.state() != "protected":
            raise RuntimeError(f"not protected after {seconds:.0f} s: {pair.told()}")
    say(f"attach: {size}: protected after {seconds:.2f} s, longest gap {watch.gap_ms:.0f} ms, slowest answer of a monitor "
        f"{1000 * watch.slowest_s:.0f} ms")
    return {f"attach_s.{size}": seconds, f"attach_gap_ms.{size}": watch.gap_ms, f"attach_answer_ms.{size}": 1000 * watch.slowest_s}
