# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: wherever in an attach that copies drives the primary dies, the secondary
takes over only with whole images; else it waits, and the next attach completes them.

Method: as pair/attach_death_primary, with a drive that redis commits to and one
that differs at the nodes. Before the state was sent: one secondary for all dying
primaries, each of which switches the guest on from the image that the last one has
left; the last of them protects its guest and dies: the secondary takes over. From
there on: the secondary takes over, INCR goes on, and its image has every commit.
"""

import os

from ftpair import disk, guest, images, verdict
from ftpair.case import faulty_qemu
from ftpair.drives import local
from ftpair.dying import die, next_primary, waits_again
from ftpair.images import MIB
from ftpair.pair import Failed
from ftpair.succession import Succession

TOO_EARLY = ("handshake", "disk-copy", "ram-pass", "cut")
IN_TIME = ("state-sent", "state-loaded", "first-frame", "first-ack")
DIFFERENT = 16 * MIB


def test_disk_attach_death_primary(case):
    qemu = faulty_qemu()
    forgets(case, qemu)
    for step in IN_TIME:
        saves(case, qemu, step)


def start(case, tag, **options):
    pair = Succession.of(case, tag, drives=local(2, size_mib=64), alone=True, **options)
    with pair.drives.image("a", 1).open("r+b") as file:
        file.write(os.urandom(DIFFERENT))
    images.make_file_system(pair.drives.image("b"), pair.drives[0].size_mib)
    return pair


def forgets(case, qemu):
    with start(case, "early") as pair:
        pair.secondary.start().connect()
        for step in TOO_EARLY:
            next_primary(pair, qemu, step)
            die(pair, step)
            case.expect(f"{step}: the secondary waits again and says why", waits_again(pair.secondary),
                        pair.secondary.query()["reason"])
        next_primary(pair)
        pair.wait_guest()
        pair.start_long_incr()
        pair.attach()
        pair.stay_protected(1)
        pair.inject("kill")
        survives(case, pair, "after four broken loads")


def saves(case, qemu, step):
    with start(case, step, primary={"qemu": qemu, "environment": {"FT_FAULT": f"die-at-{step}"}}) as pair:
        pair.start_alone()
        pair.start_long_incr()
        pair.secondary.start().connect()
        die(pair, step)
        survives(case, pair, step)


def survives(case, pair, what):
    """The guest goes on with the secondary and its image, until it powers itself off."""
    live = pair.wait_state(pair.secondary, ("exposed", "failed", "waiting", "fenced"), 15)
    case.expect(f"{what}: the secondary takes over", live["state"] == "exposed", f"{live['state']}: {live['reason']}")
    pair.promote()
    pair.goes_on()
    result = pair.incr.finish()
    case.judge(*verdict.replies(result))
    same = guest.command(pair, f"head -c {DIFFERENT} /dev/vdb | sha256sum").split()[0]
    guest.order(pair, "ft-stop")
    if pair.primary.wait_exit(30) is None:
        raise Failed(f"{what}: the guest has powered off, the survivor has not ended; {pair.told()}")
    first = images.need("sh", "-c", f"head -c {DIFFERENT} {pair.drives.image('a', 1)} | sha256sum").split()[0]
    case.expect(f"{what}: the copied drive is the primary's", same == first, f"{same} {first}")
    case.judge(disk.clean(pair, "b"), disk.commits(pair, "b", result))
