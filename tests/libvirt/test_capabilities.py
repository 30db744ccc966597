# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: libvirt asks this QEMU once what it can do, and keeps the answer, also where /dev/kvm is usable.
Method: virsh domcapabilities again and again; libvirtd logs each QEMU that it starts for probing. The first call may probe; no later
one may. The same across a restart of libvirtd, for which the answer is on disk.
"""

import time

import pytest

from ftvirt.host import kvm_works

CALLS = 5
FILTER = "1:qemu.qemu_process 3:*"
WORDS = "Try to probe capabilities of"


def probes(host):
    log = host.folder / "var/log/libvirt/libvirtd.log"
    return log.read_text(errors="replace").count(WORDS) if log.exists() else 0


def ask(host, rack):
    host.virsh("domcapabilities", "--emulatorbin", f"/mnt/qemu/{rack.qemu.name}", "--virttype", "qemu", seconds=60)


def log_probes(host):
    admin = ["virt-admin", "-c", f"libvirtd:///system?socket={host.run}/libvirt-admin-sock"]
    host.call([*admin, "daemon-log-outputs", "1:file:/var/log/libvirt/libvirtd.log"])
    host.call([*admin, "daemon-log-filters", FILTER])


@pytest.fixture
def kvm_host(rack):
    """A host whose /dev/kvm QEMU's user may use (ftvirt/host.py makes it so)."""
    if not kvm_works():
        pytest.skip("KVM does not work on this machine: the hosts have no /dev/kvm, and libvirt keeps what it has learned in any case")
    return rack.hosts["c"]


def test_probed_once(rack, kvm_host, note):
    host = kvm_host
    log_probes(host)
    ask(host, rack)
    before, begin = probes(host), time.monotonic()
    for _ in range(CALLS):
        ask(host, rack)
    took = (time.monotonic() - begin) / CALLS
    again = probes(host) - before
    host.end_libvirtd()
    host.start_libvirtd()
    log_probes(host)
    before = probes(host)
    ask(host, rack)
    restarted = probes(host) - before
    note(f"{again} probes in {CALLS} calls, {restarted} after a restart; {took:.2f} s a call")
    assert again == 0 and restarted == 0
