# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: what cannot be protected is refused at start, by name.

Method: the smallest protected command line, which must start; then the same
with one thing more, which must end QEMU with a sentence that names it.
"""

import os
import subprocess

from ftpair import netns
from ftpair.hosts import LOG_IP
from ftpair.node import qemu_path
from ftpair.verdict import Check

# (what, -machine words instead of the good ones or None, arguments, word in the refusal)
NIC = "-netdev user,id=n1 -device"
REFUSED = [
    ("two CPUs", None, "-smp 2", "CPU"),
    ("snapshot mode", None, "-snapshot", "snapshot"),
    ("USB controller", None, "-device qemu-xhci", "qemu-xhci"),
    ("another NIC model", None, f"{NIC} e1000,netdev=n1", "e1000"),
    ("balloon", None, "-device virtio-balloon-pci", "virtio-balloon"),
    ("sound", None, "-device ich9-intel-hda", "intel-hda"),
    ("iothread", None, "-object iothread,id=io1", "iothread"),
    ("own icount", None, "-icount shift=1", "-icount"),
    ("incoming migration", None, "-incoming defer", "-incoming"),
    ("no arbiter", "ft=primary,ft-peer=10.99.0.2:7000", "", "ft-arbiter"),
    ("unknown arbiter", "ft=primary,ft-arbiter=magic", "", "ft-arbiter"),
    ("arbiter's folder missing", "ft=primary,ft-arbiter=file:/nowhere/at/all", "", "ft-arbiter"),
    ("unknown role", "ft=both,ft-arbiter=none", "", "ft=both"),
    ("timeout too short", "ft=primary,ft-arbiter=none,ft-timeout=1", "", "ft-timeout"),
    ("peer without a port", "ft=primary,ft-arbiter=none,ft-peer=somewhere", "", "ft-peer"),
    ("secondary that listens nowhere", "ft=secondary,ft-arbiter=none", "", "ft-listen"),
    ("secondary with two CPUs", "ft=secondary,ft-arbiter=none,ft-listen=10.99.0.1:7000",
     "-smp 2", "CPU"),
]
VHOST = ("vhost", None, "-netdev tap,id=n1,ifname=tap0,script=no,downscript=no,vhost=on "
         "-device virtio-net-pci,netdev=n1", "vhost")


def start(namespace, words, arguments, seconds):
    """(exit status or None if it runs, what it said)."""
    argv = [str(qemu_path()), "-machine", f"q35,{words}", "-m", "64", "-nodefaults",
            "-no-user-config", "-display", "none", "-vga", "none", "-S", *arguments.split()]
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *netns.inside(namespace, argv)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = process.communicate(timeout=seconds)
        return process.returncode, said.strip()
    except subprocess.TimeoutExpired:
        process.kill()
        return None, process.communicate()[0].strip()


def run(case):
    with case.pair() as pair:
        namespace = pair.hosts.nodes["a"]
        good = f"ft=primary,ft-arbiter=file:{pair.arbiter_folder},ft-peer={LOG_IP['b']}:7000"
        status, said = start(namespace, good, "", 2)
        case.expect("the good command line starts", status is None, said or "runs")
        wrong = list(REFUSED)
        if os.access("/dev/vhost-net", os.R_OK | os.W_OK):
            wrong.append(VHOST)
        answers = [(what, word, *start(namespace, words or good, arguments, 10))
                   for what, words, arguments, word in wrong]
        case.judge(*(Check(f"{what}: refused, naming {word}", status == 1 and word in said,
                           f"status {status}: {said or '(nothing said)'}")
                     for what, word, status, said in answers))
