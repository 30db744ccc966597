# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a drive of a TiB costs what it holds, not what it could hold: the guest boots at once, guest and monitors answer while the
images are compared, and the images are the same in the end.

Method: three drives of a TiB and a bit (no multiple of a chunk): raw with cache=none,aio=native, raw on one node and qcow2 on the other,
and one that is read-only; with a little data at the
beginning, in the middle and at the far end. The secondary's images hold stale data where the primary's have holes, holes where the
primary's have data, zeros that are written where they are not. Once both start together, once a
guest that runs gets its secondary later, and writes and discards meanwhile. Images are compared by their maps.
"""

import os

from ftpair import guest, images, sparse
from ftpair.drives import Drive, Drives
from ftpair.node import BUILD
from ftpair.sparse import GIB, MIB, TIB
from ftpair.succession import Succession
from ftpair.watch import ANSWER_S_MAX, Watch, answers

SIZE = TIB + 3 * 512
OURS = [(0, 65536, 1), (200 * GIB, 4 * MIB, 0), (512 * GIB + 3 * MIB + 512, 3 * MIB, 2), (700 * GIB, MIB, 3), (SIZE - 5 * 512, 5 * 512, 4)]
THEIRS = [(0, 65536, 1), (100 * GIB + 512, 8 * MIB, 5), (512 * GIB + 3 * MIB + 512, 3 * MIB, 2), (700 * GIB, MIB, 6), (900 * GIB, 512, 7)]
# The same data, allocated elsewhere.
ALIKE = [[(0, MIB, 8), (300 * GIB, 4 * MIB, 0)], [(0, MIB, 8), (600 * GIB, 4 * MIB, 0)]]
PIECES = {("a", 1): OURS, ("b", 1): THEIRS, ("a", 2): OURS, ("b", 2): THEIRS, ("a", 3): ALIKE[0], ("b", 3): ALIKE[1]}
OPTIONS = {1: ",cache=none,aio=native,discard=unmap", 2: ",discard=unmap", 3: ",cache=none,aio=native,read-only=on"}
# What the guest does while its images are compared: new data in a hole, a hole in data, the same at the far end.
MEANWHILE = ("dd if=/dev/urandom of=/dev/vdb bs=64k count=16 seek=30000 oflag=direct conv=notrunc; blkdiscard -o 751619276800 -l 524288 /dev/vdb; "
             "dd if=/dev/urandom of=/dev/vdb bs=512 count=2 seek=2147483648 oflag=direct conv=notrunc; blkdiscard -o 549758959616 -l 65536 /dev/vdb")


def holes(drives, side, number):
    raw = sparse.make(drives.folder / "new.raw", SIZE, PIECES[side, number])
    images.convert(raw, "raw", drives.image(side, number), drives.format(side, number))
    raw.unlink()


def drives():
    """The usual one with redis' data, and three of a TiB. The second is qcow2 on b."""
    return Drives(Drive(), *(Drive(("raw", "qcow2" if number == 2 else "raw"), make=holes, options=options) for number, options in OPTIONS.items()))


def test_disk_sparse(case):
    with Succession.of(case, "start", drives=drives()) as pair:
        start(case, pair)
    with Succession.of(case, "attach", drives=drives(), alone=True) as pair:
        attach(case, pair)


def equal(case, pair):
    """Their maps are compared, and what they hold; a hole is as good as zeros."""
    made = pair.drives
    said = [images.run(BUILD / "qemu-img", "compare", "-f", made.format("a", n), "-F", made.format("b", n), made.image("a", n), made.image("b", n))
            for n in range(made.count)]
    case.expect("the images are the same", all(status == 0 for status, _ in said), "; ".join(text.strip() for _, text in said))
    used = [os.stat(made.image(side, n)).st_blocks * 512 for side in "ab" for n in range(1, made.count)]
    case.expect("and are full of holes", max(used) < GIB, f"{max(used) / MIB:.1f} MiB")


def start(case, pair):
    pair.start(captures=())
    with Watch(pair, (pair.primary, pair.secondary)) as watch:
        both = lambda w: all(w.state(node) == "protected" for node in (pair.primary, pair.secondary))
        case.expect("protected", watch.until(both, 60), pair.told())
        case.expect("start: the monitors answer", watch.slowest_s < ANSWER_S_MAX, f"{1000 * watch.slowest_s:.0f} ms")
    pair.wait_guest()
    copied = [d["copied-bytes"] for d in pair.primary.query()["disks"]]
    case.expect("what differs was sent, and no hole", all(0 < c < 64 * MIB for c in copied[1:3]) and copied[3] == 0, copied)
    pair.start_long_incr()
    pair.stay_protected(1)
    pair.incr.finish()
    pair.power_off()
    equal(case, pair)


def attach(case, pair):
    pair.start_alone()
    pair.spawn()
    with Watch(pair, (pair.primary, pair.secondary)) as watch:
        watch.until(lambda w: w.first_ns, 10)
        guest.command(pair, f"({MEANWHILE}) >/dev/null 2>&1 </dev/null &")
        watch.begin()
        pair.begin_attach()
        case.expect("protected", watch.until(lambda w: w.state(pair.primary) == "protected", 60), pair.told())
        answers(case, "attach", watch)
    guest.command(pair, f"while pidof dd; do sleep 0.1; done; {MEANWHILE}")
    pair.stay_protected(1)
    pair.power_off()
    equal(case, pair)
