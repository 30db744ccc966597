# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a reader of a console that stops reading stops nobody: the guest answers, the monitor answers, the pair stays a pair.

Method: every character device that is allowed (isa-serial, pci-serial, isa-debugcon), each with another kind of back end (unix and TCP
socket, pty, FIFOs, files on a full disk, a log file that is a FIFO) on both nodes. The guest writes to all of them, and nobody reads: bytes
are dropped and counted, while the guest answers a ping every 10 ms and the monitors are asked again and again; before that the same look
at the same pair with nothing to write, and in the long form a second pair beside it, which say what the host itself does. Then somebody reads, and
gets what was kept; what is written from then on arrives. Digests of both nodes are equal. More than 16 characters typed at once arrive
whole. A break on the console reaches both guests by the log. Then the same with a client that hangs up while it is full, and on the
exposed survivor of a kill. FT_READER_SECONDS: how long nobody reads each time.
"""

import contextlib
import os

from ftpair import digest, guest
from ftpair.answering import Looking, look
from ftpair.consoles import Reader
from ftpair.netns import run as run_command
from ftpair.waiting import wait_until, within

STOPPED_S = float(os.environ.get("FT_READER_SECONDS", "5"))
BESIDE_S = 60                   # from here on a second pair says what the host does
# Far above what a busy host of these tests does to a guest, far below what a stopped reader did: for ever.
GAP_MS_MAX, ANSWER_MS_MAX = 1500, 1500
ISA, PCI = ("socket", "full", "tcp"), ("pty", "fifo", "tmpfs", "logged")
# The isa ports by their place; the pci ones in the order of their slots.
PORTS = {name: f"/dev/ttyS{n + 1}" for n, name in enumerate(ISA)}
PCI_PORTS = "for t in /sys/class/tty/ttyS*; do d=$(readlink -f $t/device); case $d in */0000:*) echo $d ${t##*/};; esac; done | sort | cut -d' ' -f2"
SOCKETS = ("socket", "tcp", "logged")
TCP_PORT = {"primary": 7801, "secondary": 7802}


def devices(name):
    """What the guest can write to, and what is behind it."""
    back_ends = {"socket": f"socket,path={name}.console,server=on,wait=off,telnet=on",
                 "full": "file,path=/dev/full",
                 "tcp": f"socket,host=127.0.0.1,port={TCP_PORT[name]},server=on,wait=off",
                 "pty": "pty",
                 "fifo": f"pipe,path={name}.fifo",
                 "tmpfs": f"file,path=tmpfs/{name}",
                 "logged": f"socket,path={name}.logged,server=on,wait=off,logfile={name}.log.out"}
    words = []
    for what in ISA + PCI:
        kind, _, options = back_ends[what].partition(",")
        words += ["-chardev", f"{kind},id={what}" + (f",{options}" if options else ""),
                  "-device", f"{'isa' if what in ISA else 'pci'}-serial,chardev={what}"]
    return [*words, "-chardev", f"pipe,id=firmware,path={name}.firmware", "-device", "isa-debugcon,iobase=0x402,chardev=firmware"]


def test_console_stopped(case):
    more = [{"arguments": devices(name), "parameters": "ft.file=0 8250.nr_uarts=8"} for name in ("primary", "secondary")]
    with case.pair(primary=more[0], secondary=more[1]) as pair, full_tmpfs(pair.folder / "tmpfs"), beside(case) as other:
        firmware = [Reader.of_new_fifo(pair.folder / f"{name}.firmware") for name in ("primary", "secondary")]
        for name in ("primary", "secondary"):
            Reader.of_new_fifo(pair.folder / f"{name}.fifo")
            Reader.of_new_fifo(pair.folder / f"{name}.log")
        pair.start().wait_up()
        PORTS.update(zip(PCI, (f"/dev/{port}" for port in guest.command(pair, PCI_PORTS).split())))
        case.expect("the guest has all ports", set(PORTS) == set(ISA + PCI), PORTS)
        alone = look(pair, alive(pair), min(STOPPED_S, BESIDE_S))
        case.figure("gap_ms_quiet", round(alone.gap_ms))
        case.figure("qmp_ms_quiet", round(alone.qmp_ms))
        nobody_reads(case, pair, pair.primary, "protected", other)
        kept = len(firmware[0].read(0.5))
        case.expect("the firmware found its FIFO full, and its reader finds what it said", kept > 5000, f"{kept} bytes")
        hangs_up(case, pair)
        typed_at_once(case, pair)
        breaks(case, pair)
        case.expect("digests are equal", digest.compared(pair) > 0)
        pair.inject("kill")
        pair.wait_state(pair.secondary, "exposed", 10)
        nobody_reads(case, pair, pair.secondary, "exposed", other)


@contextlib.contextmanager
def full_tmpfs(folder):
    """Files in it are made, and hold nothing more."""
    folder.mkdir()
    run_command(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)])
    try:
        for name in ("primary", "secondary"):
            (folder / name).touch()
        with contextlib.suppress(OSError):
            (folder / "ballast").write_bytes(bytes(1 << 20))
        yield
    finally:
        run_command(["umount", "-l", str(folder)])


@contextlib.contextmanager
def beside(case):
    """In the long form: a pair to which nothing is done."""
    if STOPPED_S < BESIDE_S:
        yield None
        return
    with case.pair("beside") as pair:
        yield pair.start(captures=()).wait_up()


def alive(pair):
    return [node for node in (pair.primary, pair.secondary) if node.alive()]


def readers_of(pair, node):
    return {"socket": Reader.of_socket(pair.folder / f"{node.name}.console"),
            "logged": Reader.of_socket(pair.folder / f"{node.name}.logged"),
            "tcp": Reader.of_tcp(node.namespace, TCP_PORT[node.name]),
            "pty": Reader.of_pty(node, "pty")}


def flood(pair):
    for port in PORTS.values():
        guest.command(pair, f"stty -F {port} raw -echo; (yes 0123456789 >{port} 2>/dev/null </dev/null &)")


def quiet(pair):
    guest.command(pair, "killall -9 yes; true")


def nobody_reads(case, pair, node, what, other):
    readers = readers_of(pair, node)
    flood(pair)
    wait_until(f"{what}: all consoles full", lambda: all(r.is_full() for r in readers.values()), 60,
               told=lambda: f"not {[name for name, r in readers.items() if not r.is_full()]}")
    before = node.query()["console-dropped-bytes"]
    looking = [Looking(pair, alive(pair), STOPPED_S)] + ([Looking(other, alive(other), STOPPED_S)] if other else [])
    answers = [each.end() for each in looking]
    for name, seen in zip((what, f"{what}_beside"), answers):
        case.figure(f"gap_ms_{name}", round(seen.gap_ms))
        case.figure(f"qmp_ms_{name}", round(seen.qmp_ms))
    case.expect(f"{what}: the guest answers all the time", answers[0].gap_ms < GAP_MS_MAX, f"longest gap {answers[0].gap_ms:.0f} ms")
    case.expect(f"{what}: so does the monitor", answers[0].qmp_ms < ANSWER_MS_MAX, f"longest answer {answers[0].qmp_ms:.0f} ms")
    grown = node.query()["console-dropped-bytes"] - before
    case.expect(f"{what}: what nobody takes is counted", grown > 0, f"{grown} bytes")
    quiet(pair)
    for name, reader in readers.items():
        kept = len(reader.read(0.5))
        case.expect(f"{what}: the {name}'s reader finds what was kept", kept >= 4096, f"{kept} bytes")
    for name in readers:
        guest.command(pair, f"echo later >{PORTS[name]}")
        said = readers[name].read(0.5)
        case.expect(f"{what}: and the {name}'s what comes then", b"later" in said, f"{len(said)} bytes: {said[-20:]}")
    states = [n.state() for n in alive(pair)]
    case.expect(f"{what}: nobody was dropped", set(states) == {what}, states)
    for reader in readers.values():
        reader.close()


def hangs_up(case, pair):
    """A client that goes while its queue is full leaves nothing for the next one."""
    path = pair.folder / "primary.console"
    first = Reader.of_socket(path)
    guest.command(pair, f"(yes first >{PORTS['socket']} 2>/dev/null </dev/null &)")
    wait_until("a console full", first.is_full, 60)
    first.close()
    quiet(pair)
    second = Reader.of_socket(path)
    guest.command(pair, f"echo second >{PORTS['socket']}")
    said = second.read(0.5)
    case.expect("a client that comes after one that was full", b"second" in said and len(said) < 70000, f"{len(said)} bytes")
    second.close()


def typed_at_once(case, pair):
    """The UART has room for 16 characters; the rest waits in the back end until the guest has taken them."""
    line = "".join(chr(ord("a") + n % 26) for n in range(2000))
    port = PORTS["logged"]
    guest.command(pair, f"stty -F {port} raw -echo; (head -c {len(line)} {port} >/tmp/typed 2>/dev/null </dev/null &); "
                        # What comes before it is open is thrown away by the guest's tty.
                        f"until ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q '{port}$'; do sleep 0.1; done")
    reader = Reader.of_socket(pair.folder / "primary.logged")
    reader.send(line.encode())
    typed = lambda: guest.command(pair, "cat /tmp/typed")
    within(20, lambda: len(typed()) >= len(line), step=0.2)
    got = typed()
    case.expect("what is typed at once arrives whole", got.strip() == line, f"{len(got)} of {len(line)} characters")
    reader.close()


def breaks(case, pair):
    """The guest's driver counts those that come to a port somebody has open."""
    guest.command(pair, f"(cat {PORTS['socket']} >/dev/null 2>&1 &)")
    reader = Reader.of_socket(pair.folder / "primary.console")

    def comes():
        reader.send_break()
        return "brk:" in guest.command(pair, "cat /proc/tty/driver/serial")

    wait_until("a break come to the guest", comes, 20)
    case.expect("a break has come to the guest", True)
    reader.close()
