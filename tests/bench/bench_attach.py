# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bench: what a drive's size costs at the start and at an attach. Three drives with holes, one that is full; cache=none,aio=native.

Boot: from the start of the primary's process until the guest answers a ping, its secondary waiting, against this build with ft=off and
the same icount. Attach: ft-attach of a guest that runs alone until the pair is protected; the guest is pinged every 10 ms. The images of
both nodes are equal, and with their holes hold the same MiB at the beginning and at the end.
"""

import os
import shutil
import time
from contextlib import contextmanager

from ftpair import machine, sparse
from ftpair.distribution import median
from ftpair.drives import Drive, Drives
from ftpair.node import BUILD
from ftpair.sparse import GIB, MIB, TIB
from ftpair.succession import Succession
from ftpair.watch import Watch
from bench_rounds import TROUBLE

SIZES = {"1g": GIB, "64g": 64 * GIB, "1t": TIB, "8gfull": 8 * GIB}
BOOT_SECONDS, ATTACH_SECONDS, SETTLE_SECONDS = 180, 900, 2


def pair_with(name, size, images, options, **more):
    """A pair whose guest has one drive, with an image on each side that was made before."""
    link = lambda drives, side, number: os.link(images / drives.name(side, number), drives.image(side, number))
    drives = Drives(Drive(make=link, options=",cache=none,aio=native"), parameters="")
    return Succession(f"bench-attach-{name}-{size}", drives=drives, timeout_ms=options.timeout_ms, keep=options.keep, **more)


@contextmanager
def made(size, say):
    """A folder with the images of both nodes. A guest that only boots does not change them."""
    folder, length = BUILD / "runs" / f"bench-attach-{os.getpid()}", SIZES[size]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    say(f"attach: {size}: making two images")
    try:
        for side in "ab":
            if size.endswith("full"):
                sparse.fill(folder / f"{side}0.raw", length)
            else:
                sparse.make(folder / f"{side}0.raw", length, [(0, MIB, 1), (length - MIB, MIB, 2)])
        yield folder
    finally:
        shutil.rmtree(folder)


def run(options, say):
    """(figures, problems)."""
    figures, problems = {}, []
    for size in SIZES:
        with made(size, say) as images:
            for work in (plain, boot, attach):
                try:
                    figures.update(work(size, images, options, say))
                except TROUBLE as why:
                    problems.append(f"attach, {work.__name__} {size}: {why}")
                    say(f"FAILED {problems[-1]}")
    return {**figures, **worst(figures)}, problems


def worst(figures):
    """A boot is compared with the plain one of a moment before: the host may be slower later."""
    of = lambda name: {size: figures[f"{name}.{size}"] for size in SIZES if f"{name}.{size}" in figures}
    plains, boots = of("boot_plain_s"), of("boot_s")
    return {"boot_plain_s": median(list(plains.values())), "attach_gap_ms_max": max(of("attach_gap_ms").values(), default=None),
            "boot_over_plain_s": max((boots[size] - plains[size] for size in boots if size in plains), default=None)}


def first_answer(pair):
    """Seconds from the start of the primary's process until the guest's first answer."""
    with Watch(pair) as watch:
        begin_ns = time.monotonic_ns()
        pair.primary.start()
        if not watch.until(lambda w: w.first_ns, BOOT_SECONDS):
            raise RuntimeError(f"the guest does not answer: {pair.primary.errors()}")
        pair.primary.connect()
        return (watch.first_ns - begin_ns) / 1e9


def plain(size, images, options, say):
    with pair_with("plain", size, images, options, ft=False, primary={"machine": ("ft=off",), "arguments": machine.ICOUNT}) as pair:
        seconds = first_answer(pair)
    say(f"attach: {size}: a plain guest answers after {seconds:.2f} s")
    return {f"boot_plain_s.{size}": seconds}


def boot(size, images, options, say):
    with pair_with("boot", size, images, options) as pair:
        pair.secondary.start().connect()
        seconds = first_answer(pair)
        state = pair.primary.state()
    say(f"attach: {size}: the guest answers after {seconds:.2f} s, {state}")
    return {f"boot_s.{size}": seconds}


def gave_up(watch, pair):
    told = watch.told.get(pair.primary.name, {})
    return told.get("state") == "exposed" and told["reason"].startswith("attach failed")


def attach(size, images, options, say):
    with pair_with("running", size, images, options, alone=True) as pair:
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
