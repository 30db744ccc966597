# SPDX-License-Identifier: GPL-2.0-or-later
"""Tells what a libvirtd reports of a domain, a line of JSON each: python3 -m ftvirt.listen URI DOMAIN

The first line says that the registration is done. It ends when libvirtd does.
"""

import json
import sys

import libvirt
import libvirt_qemu

LIFECYCLE = {value: name.removeprefix("VIR_DOMAIN_EVENT_").lower() for name, value in vars(libvirt).items()
             if name in ("VIR_DOMAIN_EVENT_DEFINED", "VIR_DOMAIN_EVENT_UNDEFINED", "VIR_DOMAIN_EVENT_STARTED", "VIR_DOMAIN_EVENT_SUSPENDED",
                         "VIR_DOMAIN_EVENT_RESUMED", "VIR_DOMAIN_EVENT_STOPPED", "VIR_DOMAIN_EVENT_SHUTDOWN", "VIR_DOMAIN_EVENT_CRASHED")}


def tell(**record):
    print(json.dumps(record), flush=True)


def on_monitor(_connection, _domain, event, seconds, micros, details, _opaque):
    # QEMU's own time of it.
    tell(name=event, data=json.loads(details or "{}"), real_ns=seconds * 10**9 + micros * 1000)


def on_lifecycle(_connection, _domain, event, detail, _opaque):
    tell(name="lifecycle", data={"event": LIFECYCLE.get(event, str(event)), "detail": detail}, real_ns=0)


def main(uri, name):
    libvirt.virEventRegisterDefaultImpl()
    libvirt.registerErrorHandler(lambda *_: None, None)
    connection = libvirt.open(uri)
    domain = connection.lookupByName(name)
    connection.domainEventRegisterAny(domain, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, on_lifecycle, None)
    libvirt_qemu.qemuMonitorEventRegister(connection, domain, None, on_monitor, None, 0)
    tell(name="ready", data={}, real_ns=0)
    while connection.isAlive():
        libvirt.virEventRunDefaultImpl()


if __name__ == "__main__":
    main(*sys.argv[1:])
