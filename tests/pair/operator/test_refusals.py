# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: what cannot be protected is refused at start, by name.

Method: the smallest protected command line, which must start; then the same
with one thing more, which must end QEMU with a sentence that names it. Devices
are tried on both machine types. Of docs/REASONS.md each sentence that names this
test has been said by then.
"""

import importlib.machinery
import os
import re

from ftpair import netns, trial
from ftpair.hosts import LOG_IP
from ftpair.images import empty_image
from ftpair.node import BUILD, ROOT, qemu_path
from ftpair.trial import start
from ftpair.verdict import Check

# (what, -machine words instead of the good ones or None, arguments, word in the refusal)
NIC = "-netdev user,id=n1 -device"
REFUSED = [
    ("two CPUs", None, "-smp 2", "-smp 2:"),
    ("two CPUs by their sockets", None, "-smp sockets=2", "-smp 2:"),
    ("a peer without a role", "ft-peer=10.99.0.2:7000", "", "ft-peer= is given without ft="),
    ("snapshot mode", None, "-snapshot", "snapshot"),
    ("iothread", None, "-object iothread,id=io1", "iothread"),
    ("KVM", None, "-accel kvm", "-accel kvm: kvm cannot be protected"),
    ("KVM after tcg", None, "-accel tcg -accel kvm", "-accel kvm: kvm cannot be protected"),
    ("KVM as -enable-kvm", None, "-enable-kvm", "accel=kvm cannot be protected"),
    ("KVM, or else tcg", "ft=primary,ft-arbiter=none,accel=kvm:tcg", "", "accel=kvm:tcg cannot be protected"),
    ("own icount", None, "-icount shift=1", "-icount"),
    ("incoming migration", None, "-incoming defer", "-incoming"),
    ("no arbiter", "ft=primary,ft-peer=10.99.0.2:7000", "", "ft-arbiter"),
    ("arbiter's folder by a relative path", "ft=primary,ft-arbiter=file:here", "", "absolute path"),
    ("arbiter's folder is a file", "ft=primary,ft-arbiter=file:/etc/passwd", "", "not a directory"),
    ("S3", None, "-global ICH9-LPC.disable_s3=0", "disable_s3=0"),
    ("a second CPU as a device", None,
     "-smp 1,maxcpus=2,sockets=2,cores=1,threads=1 -device qemu64-x86_64-cpu,socket-id=1,core-id=0,thread-id=0", "more than one CPU"),
    ("a line of the host", None, "-chardev serial,id=c1,path=/dev/ptmx -device isa-serial,chardev=c1", "chardev 'c1'"),
    ("65 netdevs", None, " ".join(f"-netdev hubport,id=n{n},hubid=0" for n in range(65)), "65 netdevs"),
    ("65 drives", None, " ".join(f"-blockdev null-co,node-name=d{n},read-zeroes=on -device virtio-blk-pci,drive=d{n},"
                                 f"addr={4 + n // 8:#x}.{n % 8},multifunction=on" for n in range(65)), "65 drives"),
    ("unknown arbiter", "ft=primary,ft-arbiter=magic", "", "ft-arbiter"),
    ("arbiter's folder missing", "ft=primary,ft-arbiter=file:/nowhere/at/all", "", "ft-arbiter"),
    ("unknown role", "ft=both,ft-arbiter=none", "", "ft=both"),
    ("timeout too short", "ft=primary,ft-arbiter=none,ft-timeout=1", "", "ft-timeout"),
    ("peer without a port", "ft=primary,ft-arbiter=none,ft-peer=somewhere", "", "ft-peer"),
    ("secondary that listens nowhere", "ft=secondary,ft-arbiter=none", "", "ft-listen"),
    ("secondary with two CPUs", "ft=secondary,ft-arbiter=none,ft-listen=10.99.0.1:7000",
     "-smp 2", "-smp 2:"),
]
DRIVE = "-blockdev null-co,node-name=d0,read-zeroes=on -device virtio-blk-pci,drive=d0"
LIMITED = "-drive if=none,id=d0,driver=null-co,throttling.iops-total=9 -device virtio-blk-pci,drive=d0"
SHARED = "ft=primary,ft-arbiter=none,ft-disk=shared"
IMAGE = BUILD / "refusals.image"


def on_image(words):
    return f"-drive if=none,id=d0,file={IMAGE},{words} -device virtio-blk-pci,drive=d0"


# A drive that FT protects, but not in this way; the refusal names the drive.
DRIVES = [
    ("werror=stop", None, f"{DRIVE},werror=stop", "drive 'd0': werror=stop"),
    ("werror=enospc", None, f"{DRIVE},werror=enospc", "drive 'd0': werror=enospc"),
    ("rerror=stop", None, f"{DRIVE},rerror=stop", "drive 'd0': rerror=stop"),
    ("a drive without a word of its device", None, "-drive if=ide,id=d0,driver=null-co,read-zeroes=on", "device 'ide-hd"),
    ("I/O limits", None, LIMITED, "drive 'd0': I/O limits"),
    ("unknown ft-disk", "ft=primary,ft-arbiter=none,ft-disk=both", DRIVE, "ft-disk=both"),
    ("unknown ft-disk-reads", f"{SHARED},ft-disk-reads=both", DRIVE, "ft-disk-reads=both"),
    ("reads of the disk, images apart", "ft=primary,ft-arbiter=none,ft-disk-reads=disk", DRIVE, "ft-disk-reads=disk"),
    ("shared without an image", SHARED, DRIVE, "drive 'd0': ft-disk=shared needs an image in a file"),
    ("shared through the page cache", SHARED, on_image("cache=writeback,format=raw"), "cache.direct=on"),
    ("shared without locks", SHARED, on_image("cache=none,format=raw,file.locking=off"), "locking=on"),
    ("shared with a weak lock", SHARED, on_image("cache=none,format=raw") + ",share-rw=on", "share-rw=on"),
    ("qcow2 read by the secondary", f"{SHARED},ft-disk-reads=disk", on_image("cache=none,format=qcow2"),
     "ft-disk-reads=disk needs a raw image"),
]
# (device, its -device line, what it needs beside it); the refusal names the device.
DISK = "-blockdev null-co,node-name=d0,read-zeroes=on"
NET = "-netdev user,id=n1"
DEVICES = [
    ("e1000", "e1000,netdev=n1", NET),
    ("e1000e", "e1000e,netdev=n1", NET),
    ("rtl8139", "rtl8139,netdev=n1", NET),
    ("igb", "igb,netdev=n1", NET),
    ("VGA", "VGA", ""),
    ("cirrus-vga", "cirrus-vga", ""),
    ("bochs-display", "bochs-display", ""),
    ("virtio-gpu-pci", "virtio-gpu-pci", ""),
    ("qemu-xhci", "qemu-xhci", ""),
    ("usb-ehci", "usb-ehci", ""),
    ("piix3-usb-uhci", "piix3-usb-uhci", ""),
    ("ide-hd", "ide-hd,drive=d0", DISK),
    ("ide-cd", "ide-cd", ""),
    ("ide-hd", "ide-hd,drive=d0,bus=ahci1.0", f"{DISK} -device ich9-ahci,id=ahci1"),
    ("virtio-scsi", "virtio-scsi-pci", ""),
    ("virtio-scsi", "scsi-hd,drive=d0,bus=s0.0", f"{DISK} -device virtio-scsi-pci,id=s0"),
    ("lsi53c895a", "lsi53c895a", ""),
    ("megasas", "megasas", ""),
    ("nvme", "nvme,serial=1,drive=d0", DISK),
    ("floppy", "floppy,bus=fdc.0,drive=d0", f"{DISK} -device isa-fdc,id=fdc,iobase=0x370"),
    ("virtio-balloon", "virtio-balloon-pci", ""),
    ("virtio-serial", "virtio-serial-pci", ""),
    ("virtio-keyboard", "virtio-keyboard-pci", ""),
    ("ich9-intel-hda", "ich9-intel-hda", ""),
    ("AC97", "AC97,audiodev=a0", "-audiodev none,id=a0"),
    ("i6300esb", "i6300esb", ""),
    ("edu", "edu", ""),
    ("ivshmem", "ivshmem-plain,memdev=m0",
     "-object memory-backend-ram,id=m0,size=1M,share=on"),
]
# (-object line, what it needs beside it); the refusal names the object's type and id. What these read or let out is in no log.
OBJECTS = [
    ("rng-random,id=o1,filename=/dev/urandom", ""),
    ("rng-egd,id=o1,chardev=c1", "-chardev null,id=c1"),
    ("memory-backend-file,id=o1,size=1M,share=on,mem-path=/dev/shm", ""),
    ("filter-mirror,id=o1,netdev=n1,outdev=c1", f"{NET} -chardev null,id=c1"),
    ("filter-buffer,id=o1,netdev=n1,interval=1000", NET),
    ("can-bus,id=o1", ""),
    ("tls-cipher-suites,id=o1,priority=NORMAL", ""),
]
# Their siblings that QEMU, libvirt or a drive needs.
GOOD_OBJECTS = ("-object rng-builtin,id=o1 -device virtio-rng-pci,rng=o1 -object secret,id=o2,data=words -object throttle-group,id=o3 "
                "-object memory-backend-file,id=o4,size=1M,share=off,mem-path=/dev/shm -action watchdog=reset")
WATCHDOG = [(f"watchdog action {action}", None, f"-action watchdog={action}", f"watchdog={action}")
            for action in ("pause", "shutdown", "poweroff")]
SAID = []
VHOST = ("vhost", None, "-netdev tap,id=n1,ifname=tap0,script=no,downscript=no,vhost=on "
         "-device virtio-net-pci,netdev=n1", "vhost")


def test_refusals(case):
    empty_image(IMAGE, 8, "qcow2")
    with case.pair() as pair:
        namespace = pair.hosts.nodes["a"]
        good = f"ft=primary,ft-arbiter=file:{pair.arbiter_folder},ft-peer={LOG_IP['b']}:7000"
        wrong = [*REFUSED, *DRIVES, *WATCHDOG]
        if os.access("/dev/vhost-net", os.R_OK | os.W_OK):
            wrong.append(VHOST)
        if not os.environ.get(netns.INSIDE):    # there are no other users in a user namespace
            wrong.append(("an arbiter's folder closed to the user that QEMU becomes", None, "-run-with user=nobody", "ft-arbiter"))
        answers = [(what, word, *start(namespace, words or good, arguments, 10))
                   for what, words, arguments, word in wrong]
        case.judge(*(refused(*answer) for answer in answers))
        for board in ("q35", "pc"):
            status, said = start(namespace, good, "", 2, board)
            case.expect(f"{board}: the good command line starts", status is None, said or "runs")
            status, said = start(namespace, good, DRIVE, 2, board)
            case.expect(f"{board}: the same with a drive starts", status is None, said or "runs")
            case.judge(*devices(namespace, good, board))
        for more in ("", "-accel tcg"):
            status, said = start(namespace, good, more, 2, qemu=named_kvm(pair.folder))
            case.expect(f"named qemu-kvm, with '{more}': it starts with tcg", status is None, said or "runs")
        case.judge(*objects(namespace, good))
        status, said = start(namespace, good, "-netdev user,id=n1 -device virtio-net-pci,netdev=n1", 5)
        case.expect("user networking is taken with a warning", status is None, said)
        SAID.append(said)
        status, said = start(namespace, good, GOOD_OBJECTS, 2)
        case.expect("objects that stay on the host's side are taken", status is None, said or "runs")
        case.judge(*sentences())


def sentences():
    """Each sentence that the table promises to be said here."""
    loader = importlib.machinery.SourceFileLoader("reasons", str(ROOT / "scripts/reasons"))
    everything = " ".join(" ".join(SAID).split())
    said = {text: bool(re.search(".*?".join(map(re.escape, text.split("*"))), everything))
            for text, _, tests in loader.load_module().rows() if "refusals" in tests}
    return [Check(f"a refusal says: {text}", ok, "yes" if ok else "none does") for text, ok in said.items()]


def named_kvm(folder):
    """A QEMU whose name ends with kvm takes KVM, where there is one, unless it is told what to take."""
    path = folder / "qemu-kvm"
    if not path.exists():
        path.symlink_to(qemu_path().resolve())
    return path


def refused(what, word, status, said):
    """What was said is looked at once more at the end."""
    SAID.append(said)
    return trial.refused(what, word, status, said)


def devices(namespace, words, board):
    return [refused(f"{name} on {board}", f"device '{name}",
                    *start(namespace, words, f"{needs} -device {line}", 10, board))
            for name, line, needs in DEVICES]


def objects(namespace, words):
    answers = []
    for line, needs in OBJECTS:
        kind = line.split(",", maxsplit=1)[0]
        answers.append(refused(f"-object {kind}", f"{kind} 'o1' cannot be protected",
                               *start(namespace, words, f"{needs} -object {line}", 10)))
    return answers
