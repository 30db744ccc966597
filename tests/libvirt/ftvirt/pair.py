# SPDX-License-Identifier: GPL-2.0-or-later
"""A protected domain on the hosts of a rack, seen through libvirt alone."""

import os
import signal
import time

from ftpair import guest, verdict
from ftpair.hosts import GUEST_IP
from ftpair.long_incr import LongIncr
from ftpair.node import LOG_PORT
from ftpair.pair import KEY, Failed

from . import domain
from .virsh import MonitorEvents, VirshError

PROTECT_SECONDS = 120
ALONE = ("exposed",)


class DomainPair:
    """sides: which host runs which role now; None when nobody does."""

    def __init__(self, rack, name=domain.NAME, **more):
        self.rack, self.name, self.say = rack, name, rack.say
        self.options = more.pop("options", "ft-timeout=2000")
        self.xml = domain.make(rack, name=name, options=self.options, **more)
        self.hosts = rack.network           # guest.command looks for the client's namespace there
        self.incr = None
        self.events = {}

    def host(self, side):
        return self.rack.hosts[side]

    def virsh(self, side):
        return self.host(side).virsh

    # ------------------------------------------------------------- life cycle --
    def define(self):
        """On all hosts, the same text."""
        for side in self.rack.hosts:
            self.virsh(side)("define", "/dev/stdin", stdin=self.xml)

    def create(self, side, machine, xml=None):
        """Starts a node of this role there."""
        self.virsh(side)("create", "/dev/stdin", stdin=domain.with_words(xml or self.xml, machine), seconds=60)

    def start(self, primary="a", secondary="b"):
        self.virsh(secondary)("start", self.name, seconds=60)
        self.create(primary, domain.words("primary", self.options, ft_peer=domain.log_address(secondary)))
        self.wait_protected(primary, secondary)

    def respawn(self, survivor, side):
        """A new secondary there, as ftctl makes it: from the survivor's live XML."""
        xml = self.virsh(survivor)("dumpxml", "--migratable", self.name)
        self.create(side, domain.words("secondary", self.options, ft_listen=f"0.0.0.0:{LOG_PORT}"), xml)
        self.virsh(survivor).qmp(self.name, "ft-attach", peer=domain.log_address(side))
        self.wait_protected(survivor, side)

    def stop(self):
        """Ends what runs, the secondary first, so that nobody takes over."""
        active = {side: self.look(side) for side in self.rack.hosts if self.rack.hosts[side].is_on}
        for side in sorted(active, key=lambda s: active[s].get("role") == "primary"):
            if active[side]["state"] not in ("shut off", "undefined"):
                self.virsh(side).try_("destroy", self.name)
        self.stop_clients()

    def undefine(self):
        for side in self.rack.hosts:
            self.virsh(side).try_("undefine", self.name)

    def stop_clients(self):
        if self.incr:
            self.incr.stop()
            self.incr = None
        for events in self.events.values():
            events.stop()
        self.events = {}

    # ------------------------------------------------------------------ states --
    def query(self, side, seconds=10):
        return self.virsh(side).qmp(self.name, "query-ft", seconds=seconds)

    def look(self, side):
        """query-ft, or a dict whose state says why there is none."""
        try:
            state = self.virsh(side)("domstate", self.name)
            if state in ("shut off", "crashed"):
                return {"role": "-", "state": state, "reason": ""}
            return self.query(side)
        except VirshError as error:
            undefined = "failed to get domain" in str(error) or "Domain not found" in str(error)
            return {"role": "-", "state": "undefined" if undefined else "no answer", "reason": str(error)}

    def told(self):
        """What all hosts say; for the report of a failure."""
        looks = {host.name: self.look(side) for side, host in self.rack.hosts.items() if host.is_on}
        return "; ".join(f"{name}: {look['role']} {look['state']} {look['reason']}".strip() for name, look in looks.items())

    def wait_state(self, side, states, seconds):
        states = (states,) if isinstance(states, str) else states
        deadline = time.monotonic() + seconds
        while (look := self.look(side))["state"] not in states:
            if time.monotonic() > deadline:
                raise Failed(f"{self.host(side).name} is {look['state']} ({look['reason']}), not {'/'.join(states)}, after {seconds} s; "
                             f"{self.told()}")
            time.sleep(0.05)
        return look

    def wait_protected(self, *sides, seconds=PROTECT_SECONDS):
        for side in sides:
            self.wait_state(side, "protected", seconds)

    def roles(self):
        """{"primary": side, "secondary": side} of the nodes that are of use now."""
        found = {}
        for side, host in self.rack.hosts.items():
            look = self.look(side) if host.is_on else {"state": "off"}
            if look["state"] in ("protected", "exposed", "syncing", "waiting", "going-live"):
                found.setdefault(look["role"], side)
        return found

    def console(self, side):
        log = self.host(side).folder / f"var/log/libvirt/qemu/{self.name}.console"
        return log.read_text(errors="replace") if log.exists() else ""

    def listen(self, side):
        """Keeps the monitor's events of that host from now on."""
        self.events[side] = MonitorEvents(self.virsh(side), self.name)
        return self.events[side]

    # ----------------------------------------------------------------- clients --
    def wait_guest(self, seconds=120):
        """Until its web server answers."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return guest.command(self, "true", 5)
            except Failed as error:
                if time.monotonic() > deadline:
                    raise Failed(f"the guest does not answer after {seconds} s: {error}; {self.told()}") from error
                time.sleep(0.1)

    def start_incr(self, seconds=20):
        self.incr = LongIncr(self.rack.client, GUEST_IP, 6379, KEY)
        if not self.incr.wait_for(lambda p: p.get("replies", 0) > 10, seconds):
            raise Failed(f"redis does not answer: {self.incr.result or self.incr.progress}")

    def goes_on(self, seconds=20, count=50):
        """The client gets replies from now on, whoever answers."""
        now, start = time.monotonic_ns(), []

        def enough(progress):
            if progress.get("last_ns", 0) <= now or "replies" not in progress:
                return False
            start.append(progress["replies"])
            return progress["replies"] >= start[0] + count

        if not self.incr.wait_for(enough, seconds):
            raise Failed(f"the client gets no replies: {self.incr.result or self.incr.progress}; {self.told()}")

    def finish_incr(self):
        """The client's result, judged."""
        client, self.incr = self.incr.finish(), None
        bad = verdict.failures(verdict.replies(client))
        if bad:
            raise Failed("; ".join(map(str, bad)) + f"; {self.told()}")
        return client

    # ------------------------------------------------------------------ faults --
    def signal_qemu(self, side, number=signal.SIGKILL):
        """To the domain's QEMU there; the moment before (CLOCK_MONOTONIC, ns)."""
        pid = self.host(side).qemu_pid(self.name)
        moment = time.monotonic_ns()
        os.kill(pid, number)
        return moment
