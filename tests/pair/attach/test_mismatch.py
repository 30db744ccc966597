# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: two machines that differ are not made a pair; both sides say in what.

Method: a secondary with one thing changed for each case: the primary must run
its guest, exposed, the secondary wait on, and both name the difference. What the guest would find out
only when it boots again (firmware, SMBIOS, command line) counts too.
"""

from pathlib import Path

from ftpair.node import BUILD, GUEST, kernel_command_line
from ftpair.pair import Failed

FIRMWARE = Path("/usr/share/seabios/bios-256k.bin")
OTHER = {"firmware": BUILD / "other-firmware.bin", "initrd": BUILD / "other-initrd.img",
         "kernel": BUILD / "other-vmlinuz"}
NIC = "tap,id=n1,ifname=tap1,script=no,downscript=no"

# (what differs, arguments of the secondary, words of which one must be named, arguments of the primary)
CASES = [
    ("RAM", ["-m", "192"], ("ram",)),
    ("a device", ["-device", "virtio-rng-pci"], ("device",)),
    ("CPU model", ["-cpu", "Nehalem"], ("cpu",)),
    ("another VM", ["-uuid", "12345678-1234-1234-1234-123456789abc"], ("uuid",)),
    ("SMBIOS", ["-smbios", "type=1,serial=other"], ("smbios",)),
    ("the kernel's command line", ["-append", f"{kernel_command_line()} other"], ("machine.append",)),
    ("the initrd", ["-initrd", str(OTHER["initrd"])], ("fw_cfg initrd_data",)),
    ("the kernel", ["-kernel", str(OTHER["kernel"])], ("fw_cfg etc/boot/kernel",)),
    ("a fw_cfg file", ["-fw_cfg", "name=opt/other,string=1"], ("fw_cfg opt/other",)),
    ("a property of the machine", ["-machine", "hpet=off"], ("machine.hpet",)),
    ("what is done at a reboot", ["-action", "reboot=shutdown"], ("-action reboot",)),
    ("the firmware's size", ["-bios", str(OTHER["firmware"])], ("memory pc.bios",)),
    ("what a netdev can do", ["-netdev", f"{NIC},vnet_hdr=off", "-device", "virtio-net-pci,netdev=n1"], ("vnet-hdr",),
     ["-netdev", NIC, "-device", "virtio-net-pci,netdev=n1"]),
]


def make_others():
    """The same with one byte changed, where nothing breaks that the secondary does before it is refused; and a larger firmware."""
    OTHER["firmware"].write_bytes(2 * FIRMWARE.read_bytes())
    for path, of in ((OTHER["initrd"], GUEST / "initrd.img"), (OTHER["kernel"], GUEST / "vmlinuz")):
        data = bytearray(of.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)


def test_mismatch(case):
    make_others()
    for number, (what, arguments, words, *more) in enumerate(CASES):
        primary = {"arguments": more[0]} if more else {}
        with case.pair(str(number), primary=primary, secondary={"arguments": arguments}) as pair:
            pair.start()
            answers = [pair.wait_state(pair.primary, "exposed", 15),
                       pair.wait_state(pair.secondary, "waiting", 5)]
            if not pair.primary.qmp.command("query-status")["running"]:
                raise Failed(f"{what}: the primary's guest does not run")
            for node, answer in zip((pair.primary, pair.secondary), answers):
                said = f"{answer['reason']} | {node.errors()}"
                case.expect(f"{what}: the {node.name} names it",
                            any(w in said.lower() for w in words), said)
            if number == 0:
                pair.wait_guest()
