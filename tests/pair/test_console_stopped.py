# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a reader of a console that stops reading stops nobody: the guest answers, the monitor answers, the pair stays a pair.

Method: four character devices, each with its own kind of back end (unix socket, pty, FIFO, a file on a full disk) on both nodes. The guest
writes to all of them, and nobody reads: bytes are dropped and counted, while the guest answers a ping every 10 ms and the monitor
is asked again and again. Then somebody reads, and gets what was kept; what is written from then on arrives. Digests of both nodes are
equal. A break on the console reaches both guests by the log. Then the same with a client that hangs up while it is full, and on the
exposed survivor of a kill. FT_READER_SECONDS: how long nobody reads each time.
"""

import os
import time

from ftpair import digest, guest
from ftpair.consoles import Reader
from ftpair.hosts import GUEST_IP
from ftpair.pair import Failed
from ftpair.pings import Pings

STOPPED_S = float(os.environ.get("FT_READER_SECONDS", "5"))
# Far above what a busy host of these tests does to a guest, far below what a stopped reader did: for ever.
GAP_MS_MAX, ANSWER_MS_MAX = 1500, 1500
# The isa ports by their place; the pci one is asked for.
PORTS = {"socket": "/dev/ttyS1", "full": "/dev/ttyS2"}
PCI_PORT = "for t in /sys/class/tty/ttyS*; do case $(readlink -f $t/device) in */0000:*) echo ${t##*/};; esac; done"


def devices(name):
    """isa-serial on a socket and on a full disk, pci-serial on a pty; debugcon on a FIFO, for what the firmware says."""
    return ["-chardev", f"socket,id=socket,path={name}.console,server=on,wait=off,telnet=on", "-device", "isa-serial,chardev=socket",
            "-chardev", "pty,id=pty", "-device", "pci-serial,chardev=pty",
            "-chardev", "file,id=full,path=/dev/full", "-device", "isa-serial,chardev=full",
            "-chardev", f"pipe,id=fifo,path={name}.fifo", "-device", "isa-debugcon,iobase=0x402,chardev=fifo"]


def run(case):
    more = [{"arguments": devices(name), "parameters": "ft.file=0 8250.nr_uarts=8"} for name in ("primary", "secondary")]
    with case.pair(primary=more[0], secondary=more[1]) as pair:
        fifos = [Reader.of_new_fifo(pair.folder / f"{name}.fifo") for name in ("primary", "secondary")]
        pair.start().wait_up()
        PORTS["pty"] = f"/dev/{guest.command(pair, PCI_PORT).strip()}"
        nobody_reads(case, pair, pair.primary, "protected")
        kept = len(fifos[0].read(0.5))
        case.expect("the firmware found its FIFO full, and its reader finds what it said", kept > 5000, f"{kept} bytes")
        hangs_up(case, pair)
        breaks(case, pair)
        case.expect("digests are equal", digest.compared(pair) > 0)
        pair.inject("kill")
        pair.wait_state(pair.secondary, "exposed", 10)
        nobody_reads(case, pair, pair.secondary, "exposed")


def readers_of(pair, node):
    return {"socket": Reader.of_socket(pair.folder / f"{node.name}.console"),
            "pty": Reader.of_pty(node, "pty")}


def flood(pair):
    for port in PORTS.values():
        guest.command(pair, f"stty -F {port} raw -echo; (yes 0123456789 >{port} 2>/dev/null </dev/null &)")


def quiet(pair):
    guest.command(pair, "killall -9 yes; true")


def nobody_reads(case, pair, node, what):
    readers = readers_of(pair, node)
    flood(pair)
    deadline = time.monotonic() + 30
    while not all(r.is_full() for r in readers.values()):
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not full: {[name for name, r in readers.items() if not r.is_full()]}")
    before = node.query()["console-dropped-bytes"]
    gap_ms, answer_ms = look(pair, node, STOPPED_S)
    answer = node.query()
    case.figure(f"gap_ms_{what}", round(gap_ms))
    case.figure(f"qmp_ms_{what}", round(answer_ms))
    case.expect(f"{what}: the guest answers all the time", gap_ms < GAP_MS_MAX, f"longest gap {gap_ms:.0f} ms")
    case.expect(f"{what}: so does the monitor", answer_ms < ANSWER_MS_MAX, f"longest answer {answer_ms:.0f} ms")
    case.expect(f"{what}: what nobody takes is counted", answer["console-dropped-bytes"] > before,
                f"{answer['console-dropped-bytes'] - before} bytes")
    quiet(pair)
    for name, reader in readers.items():
        kept = len(reader.read(0.5))
        case.expect(f"{what}: the {name}'s reader finds what was kept", kept >= 4096, f"{kept} bytes")
    for name in ("socket", "pty"):
        guest.command(pair, f"echo later >{PORTS[name]}")
        said = readers[name].read(0.5)
        case.expect(f"{what}: and the {name}'s what comes then", b"later" in said, f"{len(said)} bytes: {said[-20:]}")
    states = [n.state() for n in (pair.primary, pair.secondary) if n.alive()]
    case.expect(f"{what}: nobody was dropped", set(states) == {what}, states)
    for reader in readers.values():
        reader.close()


def look(pair, node, seconds):
    """(longest gap between answers to pings, longest answer of the monitor), in ms."""
    pings = Pings(pair.hosts.client, GUEST_IP)
    end = time.monotonic() + seconds
    asked, last, gap, slowest = 0.0, time.monotonic(), 0.0, 0.0
    known = 0
    while (now := time.monotonic()) < end:
        pings.send(1)
        pings.hear(0.01)
        if len(pings.answers) > known:
            known, last = len(pings.answers), time.monotonic()
        gap = max(gap, time.monotonic() - last)
        if now - asked > 0.5:
            asked = now
            node.query(seconds=30)
            slowest = max(slowest, time.monotonic() - now)
    pings.close()
    return gap * 1000, slowest * 1000


def hangs_up(case, pair):
    """A client that goes while its queue is full leaves nothing for the next one."""
    path = pair.folder / "primary.console"
    first = Reader.of_socket(path)
    guest.command(pair, f"(yes first >{PORTS['socket']} 2>/dev/null </dev/null &)")
    while not first.is_full():
        pass
    first.close()
    quiet(pair)
    second = Reader.of_socket(path)
    guest.command(pair, f"echo second >{PORTS['socket']}")
    said = second.read(0.5)
    case.expect("a client that comes after one that was full", b"second" in said and len(said) < 70000, f"{len(said)} bytes")
    second.close()


def breaks(case, pair):
    """The guest's driver counts those that come to a port somebody has open."""
    guest.command(pair, f"(cat {PORTS['socket']} >/dev/null 2>&1 &)")
    reader = Reader.of_socket(pair.folder / "primary.console")
    deadline = time.monotonic() + 20
    while "brk:" not in guest.command(pair, "cat /proc/tty/driver/serial"):
        if time.monotonic() > deadline:
            raise Failed("no break has come to the guest in 20 s")
        reader.send_break()
    case.expect("a break has come to the guest", True)
    reader.close()
