# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: what a peer says of a drive's chunks is believed only if it fits the drive; else the attach ends with the field's name.

Method: a man in the middle of an attach changes one DISK_ZEROS or DISK_SUMS: another place, too many chunks, none, a drive that is not there.
The primary's guest runs on, the secondary waits again. Then an attach that nobody disturbs; the images are the same.
"""

import struct
from dataclasses import replace

import pytest
from ftpair import disk, sparse, wire
from ftpair.drives import local
from ftpair.hosts import LOG_IP
from ftpair.proxy import PROXY_PORT, Proxy
from ftpair.sparse import MIB
from ftpair.succession import Succession

SIZE_MIB = 64


def chunks(count):
    return struct.pack("<Q", count)


# (who, its message, what becomes of it, what is said then)
DAMAGE = {
    "zeros elsewhere": (False, wire.DISK_ZEROS, lambda m: replace(m, seq_last=m.seq_last + 1), "disk_zeros: first chunk"),
    "zeros behind the end": (False, wire.DISK_ZEROS, lambda m: replace(m, body=chunks(2**63)), "the drive has"),
    "no zeros": (False, wire.DISK_ZEROS, lambda m: replace(m, body=chunks(0)), "disk_zeros, chunks: 0"),
    "zeros of no drive": (False, wire.DISK_ZEROS, lambda m: replace(m, seq=2**63), "disk_zeros: there is no drive"),
    "sums elsewhere": (False, wire.DISK_SUMS, lambda m: replace(m, seq_last=2**64 - 1), "disk_sums: first chunk"),
    "sums of no drive": (False, wire.DISK_SUMS, lambda m: replace(m, seq=99), "of drive 99"),
    "to zero too much": (True, wire.DISK_ZEROS, lambda m: replace(m, body=chunks(257)), "disk_zeros, chunks: 257 > max 256"),
    "to zero behind the end": (True, wire.DISK_ZEROS, lambda m: replace(m, seq_last=2**64 - 1), "the drive has"),
    "to zero no drive": (True, wire.DISK_ZEROS, lambda m: replace(m, seq=64), "disk_zeros: there is no drive 64"),
}


@pytest.mark.setup(kind=Succession, drives=local(2, size_mib=SIZE_MIB), alone=True)
def test_hostile_drives(case, pair):
    sparse.make(pair.drives.image("a", 1), SIZE_MIB * MIB, [(0, MIB, 1)])
    sparse.make(pair.drives.image("b", 1), SIZE_MIB * MIB, [(0, MIB, 1), (32 * MIB, MIB, 2)])
    pair.start_alone()
    pair.secondary.start().connect()
    proxy = Proxy(pair.hosts.nodes["b"])
    try:
        for name, (from_primary, kind, damage, word) in DAMAGE.items():
            proxy.arm(lambda m, raw: damage(m).pack() if m.type == kind else None, from_primary)
            said = disturbed(pair)
            case.expect(f"{name}: said", proxy.done.is_set() and word in said, said)
    finally:
        proxy.close()
    pair.attach()
    pair.stay_protected(1)
    pair.power_off()
    case.judge(disk.equal(pair))


def disturbed(pair):
    """What both nodes say of an attach that comes to nothing."""
    before = [len(node.errors()) for node in (pair.primary, pair.secondary)]
    pair.primary.qmp.command("ft-attach", peer=f"{LOG_IP['b']}:{PROXY_PORT}")
    told = pair.wait_state(pair.primary, "exposed", 20)["reason"]
    waits = pair.wait_state(pair.secondary, "waiting", 20)["reason"]
    errors = [node.errors()[length:] for node, length in zip((pair.primary, pair.secondary), before)]
    return " | ".join([told, waits, *errors])
