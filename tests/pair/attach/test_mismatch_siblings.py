# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: what no list of differences names is found as well: whatever a guest can see of two machines is compared.

Method: one primary, one secondary after another with one thing changed, each attached; both sides must name it and the
primary's guest run on. The last one is equal and becomes the pair's second node. What may differ is pair/mismatch_harmless' affair.
"""

from pathlib import Path

from ftpair.hosts import LOG_IP
from ftpair.node import BUILD, LOG_PORT, Node, secondary_words
from ftpair.succession import Succession

OTHER = BUILD / "siblings"
ROM = Path("/usr/lib/ipxe/qemu/pxe-virtio.rom")
# A host whose CPU has neither: its libm takes other versions of sin and cos, which differ in one value of some 2500.
OLD_CPU = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F"}

# (what differs, arguments of the secondary, words that must be named, its environment)
CASES = [
    ("a feature of the CPU, taken away", ["-cpu", "qemu64,-cx16"], "cpu feature cx16"),
    ("a feature of the CPU, added", ["-cpu", "qemu64,+sse4.1"], "cpu feature sse4-1"),
    ("how a lost tick is caught up", ["-rtc", "driftfix=slew"], "lost_tick_policy"),
    ("the boot order", ["-boot", "order=n"], "machine.boot"),
    ("the boot menu", ["-boot", "menu=on"], "machine.boot"),
    ("SMBIOS strings from a file", ["-smbios", f"type=11,path={OTHER}/text"], "fw_cfg etc/smbios"),
    ("an ACPI table", ["-acpitable", f"data={OTHER}/table"], "fw_cfg acpi_tables"),
    ("a ROM for the firmware", ["-option-rom", str(ROM)], "fw_cfg"),
    ("the NIC's ROM", ["-global", f"virtio-net-pci.romfile={ROM}"], "romfile"),
    ("a property by -global", ["-global", "virtio-net-pci.rx_queue_size=512"], "rx_queue_size"),
    ("what a NIC offers", ["-global", "virtio-net-pci.mrg_rxbuf=off"], "mrg_rxbuf"),
    ("the number of the NIC's queues' vectors", ["-global", "virtio-net-pci.vectors=2"], "vectors"),
    ("room for memory", ["-m", "256,slots=2,maxmem=1G"], "machine.memory"),
    ("room for CPUs", ["-smp", "1,maxcpus=2"], "machine.smp"),
    ("the largest firmware", ["-machine", "max-fw-size=4M"], "machine.max-fw-size"),
    ("the interval timer", ["-machine", "pit=off"], "machine.pit"),
    ("what a watchdog does", ["-action", "watchdog=none"], "-action watchdog"),
    ("the name of the RAM", ["-object", "memory-backend-ram,id=other,size=256M", "-machine", "memory-backend=other"], "memory"),
    ("the host's libm and CPU", [], "libm sin, cos and tan", OLD_CPU),
]


def make_others():
    OTHER.mkdir(exist_ok=True)
    (OTHER / "text").write_text("of the other host")
    (OTHER / "table").write_bytes(b"of the other host")


def test_mismatch_siblings(case):
    make_others()
    with Succession.of(case, alone=True) as pair:
        pair.primary.start().connect()
        for number, (what, arguments, words, *environment) in enumerate(CASES):
            node = Node(f"secondary-{number}", pair.hosts.nodes["b"], pair.folder, secondary_words(f"file:{pair.arbiter_folder}", pair.timeout_ms),
                        str(pair.uuid), arguments=arguments, environment=environment[0] if environment else None)
            try:
                named(case, pair, node.start().connect(), what, words)
            finally:
                node.stop()
        pair.wait_guest()
        pair.spawn()
        pair.attach()


def named(case, pair, node, what, words):
    pair.primary.qmp.command("ft-attach", peer=f"{LOG_IP['b']}:{LOG_PORT}")
    there = pair.wait_state(pair.primary, "exposed", 15)["reason"]
    here = pair.wait_state(node, "waiting", 5)["reason"]
    for side, said in (("primary", there), ("secondary", here), ("secondary's stderr", node.errors())):
        case.expect(f"{what}: the {side} names it", words.lower() in said.lower() and "differ" in said, said)
    case.expect(f"{what}: the guest runs on", pair.primary.qmp.command("query-status")["running"])
