# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: what a node will need later is tried at its start, as the user and in the root that it has then.

Method: QEMU gives up its user or its root (-run-with) behind its start: a digest folder, a log file, a shell for ft-respawn or an arbiter
that it cannot reach then ends it at once, with a sentence, and so does an image that a secondary could not open for writing when its
primary comes; what it can reach does not. A pair whose images belong to its user comes up protected, takes over and goes on writing. An
arbiter's folder that becomes read-only is an arbiter that is away: the survivor says so and goes on when it can.
"""

import os

from ftpair import guest, verdict
from ftpair.case import Skip
from ftpair.netns import INSIDE
from ftpair.netns import run as run_command
from ftpair.succession import Succession
from ftpair.trial import refused, start
from ftpair.waiting import wait_until

USER = 54321
AS_USER = f"-run-with user={USER}:{USER}"


def test_promises(case):
    if os.environ.get(INSIDE):
        raise Skip("there are no other users in a user namespace")
    with case.pair() as pair:
        refusals(case, pair)
    more = {"parameters": "ft.file=0"}
    words = {side: {**more, "arguments": [*AS_USER.split(), "-drive", f"if=none,id=d0,file={side}.raw,format=raw,cache=none",
                                          "-device", "virtio-blk-pci,drive=d0"]} for side in "ab"}
    with Succession.of(case, "images", primary=words["a"], secondary=words["b"]) as pair:
        for side in "ab":
            (pair.folder / f"{side}.raw").write_bytes(bytes(1 << 20))
            (pair.folder / f"{side}.raw").chmod(0o600)
            os.chown(pair.folder / f"{side}.raw", USER, USER)
        os.chown(pair.arbiter_folder, USER, USER)
        pair.start(captures=()).wait_up()
        pair.start_long_incr()
        closed_images(case, pair)
        case.judge(*verdict.replies(pair.incr.finish()))


def refusals(case, pair):
    namespace, folder = pair.hosts.nodes["a"], pair.folder
    for name, owner in (("closed", 0), ("open", USER), ("root", 0)):
        (folder / name).mkdir(mode=0o700)
        os.chown(folder / name, owner, owner)
    os.chown(pair.arbiter_folder, USER, USER)
    good = f"ft=primary,ft-arbiter=file:{pair.arbiter_folder}"
    (folder / "image").write_bytes(bytes(1 << 20))
    (folder / "image").chmod(0o600)
    image = f"-drive if=none,id=d0,file={folder}/image,format=raw -device virtio-blk-pci,drive=d0"
    waits = f"ft=secondary,ft-listen=127.0.0.1:7000,ft-arbiter=file:{pair.arbiter_folder}"
    for what, words, arguments, word in (
            ("a secondary's image closed to its user", waits, f"{AS_USER} {image}", "image"),
            ("a secondary's image outside of its root", waits.replace(f"file:{pair.arbiter_folder}", "none"),
             f"-run-with chroot={folder}/root {image}", "cannot use it"),
            ("a digest folder closed to its user", f"{good},ft-digest-dir={folder}/closed", AS_USER, "ft-digest-dir="),
            ("a log file closed to its user", f"{good},ft-log-file={folder}/closed/log", AS_USER, "ft-log-file="),
            ("an arbiter outside of its root", good, f"-run-with chroot={folder}/root", "ft-arbiter="),
            ("a shell outside of its root", "ft=primary,ft-arbiter=none,ft-respawn=true", f"-run-with chroot={folder}/root", "/bin/sh")):
        case.judge(refused(what, word, *start(namespace, words, arguments, 10)))
    status, said = start(namespace, f"{good},ft-digest-dir={folder}/open,ft-log-file={folder}/open/log", AS_USER, 2)
    case.expect("what its user can reach is taken", status is None, said or "runs")
    os.chown(folder / "image", USER, USER)
    status, said = start(namespace, waits, f"{AS_USER} {image}", 2)
    case.expect("a secondary whose image is its user's starts", status is None, said or "runs")
    status, said = start(namespace, "ft=primary,ft-arbiter=none", f"{AS_USER},chroot={folder}/root", 2)
    case.expect("a root with nothing in it is enough", status is None, said or "runs")


def closed_images(case, pair):
    write(pair, 1)
    folder = str(pair.arbiter_folder)
    run_command(["mount", "--bind", folder, folder])
    try:
        run_command(["mount", "-o", "remount,bind,ro", folder])
        pair.inject("kill")
        pair.wait_state(pair.secondary, "going-live", 10)
        reason = lambda: pair.secondary.query()["reason"]
        wait_until("a reason that names a read-only arbiter", lambda: "ead-only" in reason(), 10, told=reason)
        case.expect("it waits for its arbiter", pair.secondary.state() == "going-live", reason())
        run_command(["mount", "-o", "remount,bind,rw", folder])
        pair.wait_state(pair.secondary, "exposed", 10)
    finally:
        run_command(["umount", folder])
    pair.promote()
    pair.goes_on()
    write(pair, 2)
    case.expect("the survivor's image has both", (pair.folder / "b.raw").read_bytes()[:1024] == b"\1" * 512 + b"\2" * 512)


def write(pair, number):
    guest.command(pair, f"printf '\\{number:03o}%.0s' $(seq 512) | dd of=/dev/vda bs=512 seek={number - 1} oflag=direct conv=notrunc")
