# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a machine with many devices is protected: its description has room for them.

Method: 32 NICs and 32 drives behind PCI bridges, on both nodes; the pair comes up protected, its guest sees them all, and digests are equal.
"""

from ftpair import digest, guest

COUNT = 32


def devices():
    bridges = [f"pci-bridge,id=b{n},chassis_nr={n + 1},bus=pcie.0,addr={0x10 + n:#x}" for n in range(3)]
    words = [word for bridge in bridges for word in ("-device", bridge)]
    for n in range(COUNT):
        place = f"bus=b{n // 24},addr={1 + n % 24:#x}"
        words += ["-netdev", f"tap,id=many{n},ifname=many{n},script=no,downscript=no",
                  "-device", f"virtio-net-pci,netdev=many{n},mac=52:54:00:88:00:{n:02x},romfile=,{place}"]
    for n in range(COUNT):
        bus = f"bus=b2,addr={1 + n:#x}" if n < 30 else f"bus=b1,addr={20 + n - 30:#x}"
        words += ["-blockdev", f"null-co,node-name=d{n},size=1048576,read-zeroes=on", "-device", f"virtio-blk-pci,drive=d{n},{bus}"]
    return words


def test_many_devices(case):
    more = {"arguments": devices(), "parameters": "ft.file=0"}
    with case.pair(primary=more, secondary=more) as pair:
        pair.start().wait_up()
        seen = guest.command(pair, "ls /sys/bus/virtio/devices | wc -l").strip()
        case.expect("the guest sees all devices", int(seen) >= 2 * COUNT + 1, f"{seen} of virtio")
        case.expect("digests are equal", digest.compared(pair) > 0)
