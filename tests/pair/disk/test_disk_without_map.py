# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a drive of which nobody knows the holes is read whole, and nobody starves meanwhile; a guest that starts with it does not wait.

Method: LUKS has no block status; with cache=none,aio=native each read of a hole of its file ends inside its submission, and is decrypted in
the main loop. A guest that runs gets its secondary: it is pinged, and both monitors are asked, until the images agree. Then a pair that
starts together: the guest runs while the drives are still compared.
"""

from ftpair import images
from ftpair.drives import Drive, Drives
from ftpair.node import BUILD
from ftpair.sparse import GIB, MIB
from ftpair.succession import Succession
from ftpair.waiting import wait_until
from ftpair.watch import Watch, answers

BYTES, OPTIONS = 4 * GIB, ",cache=none,aio=native,key-secret=key"
NEW = (BUILD / "qemu-img", "create", "-q", "-f", "luks", "--object", "secret,id=key,data=x", "-o", "key-secret=key,iter-time=10")
KEY = ("-object", "secret,id=key,data=x")


def luks(drives, side, number):
    """A format without block status: every hole of its file is read, in the submit, and decrypted."""
    if side == "a":
        images.need(*NEW, drives.image("a", number), BYTES)
    else:
        images.need("cp", "--sparse=always", drives.image("a", number), drives.image("b", number))


def drives():
    return Drives(Drive(), Drive(("luks", "luks"), make=luks, options=OPTIONS), arguments=KEY)


def test_disk_without_map(case):
    with Succession.of(case, "attach", drives=drives(), alone=True) as pair:
        slow(case, pair)
    with Succession.of(case, "start", drives=drives()) as pair:
        early(case, pair)


def slow(case, pair):
    pair.start_alone()
    pair.spawn()
    steps = set()
    with Watch(pair, (pair.primary, pair.secondary)) as watch:
        watch.until(lambda w: w.first_ns, 10)
        watch.begin()
        pair.begin_attach()

        def protected(w):
            told = w.told.get("primary", {})
            if told.get("attach-step", "none") != "none" and told["attach-left"]:
                steps.add(told["attach-step"])
            return w.state(pair.primary) == "protected"

        case.expect("protected", watch.until(protected, 120), pair.told())
        answers(case, "no_block_status", watch)
    case.expect("query-ft told that it compares", "comparing-drives" in steps, steps)
    pair.stay_protected(1)


def early(case, pair):
    pair.start(captures=())
    wait_until("the guest runs", lambda: pair.primary.qmp.command("query-status")["running"], 20, step=0.02, told=pair.told)
    query = pair.primary.query()
    case.expect("the guest runs while its drives are compared", query["state"] == "syncing" and query["disks"][1]["copy-left"] > 0,
                f"{query['state']}, {query['disks'][1]['copy-left'] / MIB:.0f} MiB left")
    pair.wait_protected(120)
    pair.wait_guest()
    pair.stay_protected(1)
