# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: what ftctl convert writes starts, and what ftctl check passes QEMU takes.

Method: each domain that virt-install wrote (tools/ftctl/domain/test/data) is
converted, defined by a real libvirtd and started: a waiting secondary. What
libvirt has made of it is checked again: nothing that it added is refused.
"""

import subprocess

import pytest

from ftpair.node import BUILD, ROOT
from ftvirt.ftctl import Ftctl
from ftvirt.virsh import VirshError

DATA = ROOT / "tools/ftctl/domain/test/data"
GOLDENS = sorted(path.stem for path in DATA.glob("*.xml"))
EMULATOR = "/mnt/qemu/qemu-system-x86_64"
IMAGES = "/var/lib/libvirt/images"
PAIR = ("--emulator", EMULATOR, "--arbiter", "file:/mnt/ft", "--host", "a,qemu:///system,10.99.0.1:7000",
        "--host", "b,qemu+ssh://host-b/system,10.99.0.2:7000")


@pytest.fixture
def host(rack):
    """A host with a bridge and the images that the domains name."""
    one = rack.hosts["b"]
    one.call(["sh", "-c", "ip link show br0 >/dev/null 2>&1 || { ip link add br0 type bridge && ip link set br0 up; }"])
    for name in ("guest1", "second"):
        image = one.folder / f"{IMAGES.lstrip('/')}/{name}.qcow2"
        subprocess.run([BUILD / "qemu-img", "create", "-q", "-f", "qcow2", image, "64M"], check=True)
    yield one
    one.virsh.try_("destroy", "guest1")
    one.virsh.try_("undefine", "guest1", "--nvram")


@pytest.mark.parametrize("options", ["", "ft-disk=shared"])
@pytest.mark.parametrize("name", GOLDENS)
def test_starts(host, name, options, note):
    if name == "nat":
        pytest.skip("needs libvirt's network 'default', which the hosts here have not")
    ftctl = Ftctl(host)
    text = (DATA / f"{name}.xml").read_text()
    before = ftctl.try_("check", "--json", stdin=text)
    assert before.status == 1 and before.json["refused"] > 0, before
    xml = ftctl("convert", *PAIR, *(["--options", options] if options else []), stdin=text).out
    host.virsh("define", "/dev/stdin", stdin=xml)
    assert ftctl("check", "guest1", "--emulator", EMULATOR, "--json").json["refused"] == 0
    if options:
        # convert leaves the owner of a shared image to the operator; libvirt must not touch it.
        host.call(["sh", "-c", f"chown root:root {IMAGES}/*.qcow2 && chmod 666 {IMAGES}/*.qcow2"])
    host.virsh("start", "guest1")
    if options:
        owners = host.call(["sh", "-c", f"stat -c %U {IMAGES}/*.qcow2"]).stdout.split()
        assert set(owners) == {"root"}, "libvirt has given a shared image another owner"
    state = host.virsh.qmp("guest1", "query-ft")
    note(f"{before.json['refused']} refused before; {state['role']} {state['state']}")
    assert (state["role"], state["state"]) == ("secondary", "waiting"), state


@pytest.mark.parametrize("name", ["default", "uefi", "pc", "many"])
def test_as_written_it_does_not_start(host, name):
    """The other way round: with this QEMU alone, and nothing else put right, the domain is refused."""
    text = (DATA / f"{name}.xml").read_text().replace("/usr/bin/qemu-system-x86_64", EMULATOR).replace('type="kvm"', 'type="qemu"', 1)
    with pytest.raises(VirshError):
        host.virsh("define", "/dev/stdin", stdin=text)
        host.virsh("start", "guest1")
