# SPDX-License-Identifier: GPL-2.0-or-later
"""A pair whose guest lives on a drive: Debian with PostgreSQL, redis and fio (scripts/guest --disk).

Drive 0 is the root file system. The client commits to the database; redis and
/data are on the same file system. An image is judged by e2fsck and by switching
the machine on with it alone, without FT, and asking the database.
"""

import os
import socket

from . import commits, disk, guest, netns, verdict
from .commits import Commits
from .drives import SIZE_MIB, Drive, Drives
from .hosts import GUEST_IP
from .images import need
from .long_incr import LongIncr
from .node import BUILD, GUEST, Node, READY
from .pair import BOOT_SECONDS, KEY, Failed
from .postgres import Postgres, SqlError
from .succession import Succession
from .waiting import wait_until, within

IMAGE = GUEST / "disk.img"
PARAMETERS = "rdinit=/bin/ft-root ft.root=vda"
QUERY_SECONDS = 60
TAIL = 1000                     # commits below the last acknowledged one that are looked at again


def missing():
    """Why there is no such guest; "" if there is one."""
    return "" if IMAGE.exists() else f"no {IMAGE}: run scripts/guest --disk"


def root_drives(mode="local", *, formats=None, cache="", empty=0, size_mib=SIZE_MIB):
    """The root, and so many empty ones behind it, of that size. cache: of -drive."""
    usual = "raw" if mode == "shared" else "qcow2"      # a file that two hosts open has no layers
    # Two hosts have two page caches: an image that both use goes past them.
    cache = cache or ("none" if mode == "shared" else "")
    of_all = {"formats": formats or (usual, usual), "options": f",cache={cache}" if cache else ""}
    return Drives(Drive(make=layer, **of_all), *(Drive(size_mib=size_mib, **of_all) for _ in range(empty)), mode=mode, parameters=PARAMETERS)


def layer(drives, side, number):
    """An image over the one that all tests share; a raw one is a copy of it."""
    if drives.format(side, number) == "raw":
        need("cp", "--sparse=always", "--reflink=auto", IMAGE, drives.image(side, number))
        return
    base = drives.folder / "base.img"
    if not base.exists():
        os.link(IMAGE, base)                # scripts/guest may make another image while we run
    need(BUILD / "qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", drives.image(side, number))


class RootSuccession(Succession):
    """With the clients of its database. drives: of root_drives()."""

    def __init__(self, name, *, drives, **options):
        if missing():
            raise Failed(missing())
        self.redis = None
        self.checked = 0                    # commits up to this one were found after a failover
        super().__init__(name, drives=drives, **options)

    # ---------------------------------------------------------------- clients --
    def start_commits(self, seconds=20):
        self.incr = Commits(self.hosts.client, GUEST_IP)
        if not self.incr.wait_for(lambda p: p.get("replies", 0) > 10, seconds):
            raise Failed(f"the database does not answer: {self.incr.result or self.incr.progress}")

    start_incr = start_commits          # of the demo: its closed loop commits

    def start_redis(self):
        """INCR beside the commits, durable before each reply too."""
        self.redis = LongIncr(self.hosts.client, GUEST_IP, 6379, KEY)

    def __exit__(self, *why):
        if self.redis:
            self.redis._process.kill()
            self.redis.stop()
        return super().__exit__(*why)

    def acknowledged(self):
        """Commits that the client knows of, a moment ago."""
        return self.incr.progress.get("value") or 0

    def found(self, above=0):
        """What the running guest's database has of the commits; a session of its own."""
        return found_by(self, above)

    def check_commits(self):
        """Check: all that were acknowledged before now are there; those of earlier checks are not looked at again."""
        acked, above = self.acknowledged(), max(0, self.checked - TAIL)
        check = self.found(above).check(acked, "the survivor's database")
        self.checked = acked
        return check

    # ----------------------------------------------------------------- images --
    def image_alone(self, side):
        """Switches the machine on with the side's image, without FT and without changing the image; what the database has."""
        layer_over = self.folder / f"{side}.alone.qcow2"
        need(BUILD / "qemu-img", "create", "-q", "-f", "qcow2", "-b", self.drives.image(side), "-F", self.drives.format(side), layer_over)
        node = Node(f"alone-{side}", self.hosts.nodes[side], self.folder, ["ft=off"], str(self.uuid), parameters=PARAMETERS,
                    arguments=["-accel", "tcg,thread=single", "-drive", f"if=none,id=d0,file={layer_over.name},format=qcow2",
                               "-device", "virtio-blk-pci,drive=d0"])
        try:
            node.start().connect()
            wait_ready(node)
            # Nobody announces this machine: the switches think it is where the last one was, until it answers a broadcast.
            netns.batch(self.hosts.client, ["neigh flush dev eth0"])
            return found_by(self, 0)
        finally:
            node.stop()
            layer_over.unlink()

    def commits_in(self, side, acked):
        found = self.image_alone(side)
        return found, found.check(acked, f"{side}'s image, switched on alone", exact=True)


def found_by(pair, above):
    with netns.socket_in(pair.hosts.client, socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(QUERY_SECONDS)
        try:
            sock.connect((GUEST_IP, commits.PORT))
            return commits.found(Postgres(sock), above)
        except (OSError, SqlError) as error:
            raise Failed(f"the database: {error}") from error


def wait_ready(node):
    comes = within(BOOT_SECONDS, lambda: not node.alive() or READY in node.console())
    if not comes or not node.alive():
        raise Failed(f"{node.name} does not come up: {node.errors()}; its console ends {node.console()[-300:]!r}")


def after(pair, story):
    """The demo's checks of the survivor: its database now, and its image when the guest has powered itself off."""
    survivor = pair.node(story.survivor)
    acked = story.incr["value"]
    checks = [found_by(pair, 0).check(acked, "the survivor's database", exact=True)]
    guest.order(pair, "ft-stop")
    if survivor.wait_exit(30) is None:
        raise Failed(f"the guest has powered off, {survivor.name} has not ended: {survivor.errors()}")
    return [*checks, disk.clean(pair, story.survivor), pair.commits_in(story.survivor, acked)[1]]


LOADS = ("disk", "fio")         # of ft-load: both verify what they have written


def start_loads(pair):
    pair.start_redis()
    for load in LOADS:
        guest.command(pair, f"ft-load {load}")


ROUND_SECONDS = 60


def rounds(pair):
    """How far the loads came: {"fio": 12, ...}."""
    lines = guest.command(pair, "ft-load show").splitlines()
    return {words[0]: int(words[1]) for words in map(str.split, lines) if len(words) == 2}


def another_round(pair):
    """Until each load has ended a round more, and so verified what it had written before the last failover."""
    before = rounds(pair)
    further = lambda now: all(now.get(load, 0) > before.get(load, 0) for load in LOADS) and now
    return wait_until(f"a round more of each load than {before}", lambda: further(rounds(pair)), ROUND_SECONDS, told=lambda: rounds(pair))


def end(pair):
    """Ends clients and guest in order, and judges what is on the images."""
    incr, redis = pair.incr.finish(), pair.redis.finish()
    acked, ended = incr["value"] or 0, another_round(pair)
    wrong = sum(int(guest.command(pair, f"cat /run/ft-load/{load}.wrong")) for load in LOADS)
    said = guest.command(pair, "cat /run/ft-load/fio.said 2>/dev/null || true")
    live = pair.found().check(acked, "the database", exact=True)
    pair.power_off()
    sides = pair.drives.sides
    images = {side: pair.commits_in(side, acked) for side in sides}
    incrs = {side: disk.committed(pair, side, "/data/appendonlydir") for side in sides}
    fsck = [disk.clean(pair, side) for side in sides]
    same = [disk.equal(pair)] if pair.drives.mode == "local" else []
    checks = [live, *same, *fsck, *(check for _, check in images.values()), *verdict.replies(redis),
              *(disk.commits_check(side, redis["value"], found) for side, found in incrs.items()),
              verdict.Check("every file and every block read as it was written",
                            wrong == 0, f"{wrong} wrong; rounds: {ended} {said[-300:]}")]
    return disk.End(checks, {
        "commits": acked, "redis_commits": redis["value"],
        "commits_lost": incr["lost"] + max(found.lost(acked) for found, _ in images.values())
        + redis["lost"] + max(0, redis["value"] - min(incrs.values())),
        "commits_doubled": incr["doubled"] + max(found.doubled for found, _ in images.values())
        + redis["doubled"] + max(0, max(incrs.values()) - redis["value"] - 1),
        "fsck_errors": sum(not check.ok for check in fsck), "verify_errors": wrong,
        "images_differ": sum(not check.ok for check in same)})
