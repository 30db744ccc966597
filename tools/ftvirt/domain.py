# SPDX-License-Identifier: GPL-2.0-or-later
"""The protected domain's XML: the test guest of the pair tests, as an operator would write it for libvirt.

The same text is defined on all hosts; its role is a waiting secondary. The
role, and nothing else, is changed for the node that is started as the primary.
"""

import xml.etree.ElementTree as ET

from ftpair.hosts import GUEST_MAC, LOG_IP
from ftpair.node import LOG_PORT, kernel_command_line

NAME = "pair1"
ARBITER = "file:/mnt/ft"
# An image of its own on each host.
DISK, DISK_MIB = "/var/lib/libvirt/images/pair1.qcow2", 16
FT, QEMU = "urn:qemu-ft:pair:1", "http://libvirt.org/schemas/domain/qemu/1.0"
ET.register_namespace("ft", FT)
ET.register_namespace("qemu", QEMU)

XML = """<domain type='qemu' xmlns:qemu='{qemu_ns}'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <metadata>
    <ft:pair xmlns:ft='{ft_ns}' arbiter='{arbiter}' options='{options}'>
{hosts}
    </ft:pair>
  </metadata>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-10.0'>hvm</type>
    <kernel>/mnt/guest/vmlinuz</kernel>
    <initrd>/mnt/guest/initrd.img</initrd>
    <cmdline>{cmdline}</cmdline>
  </os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>{on_reboot}</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/mnt/qemu/{emulator}</emulator>
    <controller type='usb' model='none'/>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none'/>
      <source file='{disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='bridge'>
      <mac address='{mac}'/>
      <source bridge='br0'/>
      <model type='virtio'/>
      <driver name='qemu'/>
    </interface>
    <serial type='pty'><log file='/var/log/libvirt/qemu/{name}.console' append='on'/></serial>
    <rng model='virtio'><backend model='builtin'/></rng>
    <memballoon model='none'/>{devices}
  </devices>
  <qemu:commandline>
    <qemu:arg value='-machine'/>
    <qemu:arg value='{words}'/>
  </qemu:commandline>
</domain>
"""


def words(role, options, **more):
    pairs = {"ft": role, "ft-arbiter": ARBITER, **{key.replace("_", "-"): value for key, value in more.items()}}
    return ",".join([*(f"{key}={value}" for key, value in pairs.items()), *([options] if options else [])])


def make(rack, *, name, uuid, options="ft-timeout=2000", on_reboot="restart", parameters="", memory=256, devices=""):
    """The text for all hosts of the rack, in their order."""
    hosts = "\n".join(f"      <ft:host name='{host.name}' uri='{host.uri}' log='{log_address(side)}'/>"
                      for side, host in rack.hosts.items())
    return XML.format(name=name, uuid=uuid, qemu_ns=QEMU, ft_ns=FT, arbiter=ARBITER, options=options, hosts=hosts,
                      cmdline=kernel_command_line(parameters), mac=GUEST_MAC, disk=DISK, emulator=rack.qemu.name, memory=memory,
                      on_reboot=on_reboot, devices=devices,
                      words=words("secondary", options, ft_listen=f"0.0.0.0:{LOG_PORT}"))


def log_address(side):
    return f"{LOG_IP[side]}:{LOG_PORT}"


def with_words(xml, machine):
    """The same domain with these words of -machine, and without what belongs to the host it comes from."""
    root = ET.fromstring(xml)
    root.attrib.pop("id", None)
    for interface in root.findall("devices/interface"):
        for target in interface.findall("target"):
            interface.remove(target)
    for label in root.findall("seclabel"):
        root.remove(label)
    for argument in root.iter(f"{{{QEMU}}}arg"):
        if "ft=" in argument.get("value", ""):
            argument.set("value", machine)
    return ET.tostring(root, encoding="unicode")
