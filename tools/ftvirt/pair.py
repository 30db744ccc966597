# SPDX-License-Identifier: GPL-2.0-or-later
"""A protected domain on the hosts of a rack, seen through libvirt alone."""

import os
import signal
import time
import uuid

from ftpair import guest, verdict
from ftpair.hosts import GUEST_IP
from ftpair.long_incr import LongIncr
from ftpair.pair import KEY, Failed
from ftpair.waiting import wait_until

from . import domain
from .events import Events
from .ftctl import Ftctl
from .virsh import VirshError

PROTECT_SECONDS = 120
OFF = ("shut off", "crashed", "undefined")
DIGEST_SECONDS = 15


class DomainPair:
    """more: for domain.make(). A side is the letter of a host."""

    def __init__(self, rack, name=domain.NAME, **more):
        self.rack, self.name, self.say = rack, name, rack.say
        self.options = more.pop("options", "ft-timeout=2000")
        self.uuid = more.pop("uuid", None) or str(uuid.uuid4())
        self.xml = domain.make(rack, name=name, uuid=self.uuid, options=self.options, **more)
        self.hosts = rack.network           # guest.command looks for the client's namespace there
        self.incr = None
        self.events = []

    def host(self, side):
        return self.rack.hosts[side]

    def virsh(self, side):
        return self.host(side).virsh

    def ftctl(self, side=None):
        """Called on that host, or on the first one that is on."""
        return Ftctl(self.host(side or next(s for s, host in self.rack.hosts.items() if host.is_on)))

    # ------------------------------------------------------------- life cycle --
    def make_drives(self):
        for host in self.rack.hosts.values():
            host.call(["/mnt/qemu/qemu-img", "create", "-q", "-f", "qcow2", domain.DISK, f"{domain.DISK_MIB}M"])

    def define(self):
        """On all hosts, the same text, and its drive."""
        self.make_drives()
        self.ftctl()("define", "-", stdin=self.xml)

    def create(self, side, machine, xml=None):
        """Starts a node of this role there."""
        self.virsh(side)("create", "/dev/stdin", stdin=domain.with_words(xml or self.xml, machine), seconds=60)

    def start(self, primary="a"):
        self.ftctl()("start", self.name, "--on", self.host(primary).name)

    def respawn(self, survivor, side=None):
        """A new secondary, there or wherever ftctl thinks best."""
        self.ftctl(survivor)("respawn", self.name, *(("--on", self.host(side).name) if side else ()))

    def protect(self):
        """Whatever a test has left: a protected pair afterwards, its guest up. Sides of primary and secondary."""
        roles = self.roles()
        primary, secondary = roles.get("primary"), roles.get("secondary")
        if primary and not self.guest_answers():
            primary = None
        if not primary:
            self.stop()
            self.start()
            self.wait_guest()
            return self.sides()
        if self.look(primary)["state"] == "exposed":
            self.respawn(primary)
        else:
            self.wait_protected(primary, secondary)
        return self.sides()

    def sides(self):
        """(primary, secondary) of a protected pair."""
        roles = self.roles()
        if set(roles) != {"primary", "secondary"}:
            raise Failed(f"no pair: {self.told()}")
        return roles["primary"], roles["secondary"]

    def stop(self):
        """Ends what runs, the secondary first, so that nobody takes over."""
        active = {side: self.look(side) for side in self.rack.hosts if self.rack.hosts[side].is_on}
        for side in sorted(active, key=lambda s: active[s].get("role") == "primary"):
            if active[side]["state"] not in OFF:
                self.virsh(side).try_("destroy", self.name)
        self.stop_clients()

    def undefine(self):
        for side in self.rack.hosts:
            self.virsh(side).try_("undefine", self.name)

    def stop_clients(self):
        if self.incr:
            self.incr.stop()
            self.incr = None
        for events in self.events:
            events.stop()
        self.events = []

    # ------------------------------------------------------------------ states --
    def query(self, side, seconds=10):
        return self.virsh(side).qmp(self.name, "query-ft", seconds=seconds)

    def look(self, side):
        """query-ft, or a dict whose state says why there is none."""
        try:
            state = self.virsh(side)("domstate", self.name)
            if state in OFF:
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
        there = lambda look: look["state"] in states and look
        return wait_until(f"{self.host(side).name} {'/'.join(states)}", lambda: there(self.look(side)), seconds, told=self.told)

    def wait_protected(self, *sides, seconds=PROTECT_SECONDS):
        """Of an attach that is under way: nobody tries again by himself, so a primary that is alone is the end of it."""
        for side in sides:
            look = self.wait_state(side, ("protected", "exposed", "failed"), seconds)
            if look["state"] != "protected":
                raise Failed(f"not protected: {self.told()}")

    def roles(self):
        """{"primary": side, "secondary": side} of the nodes that are of use now."""
        found = {}
        for side, host in self.rack.hosts.items():
            look = self.look(side) if host.is_on else {"state": "off"}
            if look["state"] in ("protected", "exposed", "syncing", "waiting", "going-live"):
                found.setdefault(look["role"], side)
        return found

    def compare_digests(self, primary, secondary):
        """Both nodes compare all of the machine at one instruction; Failed when they differ or do not come to it."""
        self.virsh(primary).qmp(self.name, "x-ft-digest", full=True)
        made = self.query(primary)["digests"]
        compared = lambda look: look["digests"] >= made or look["state"] != "protected"
        wait_until(f"{made} digests compared", lambda: compared(self.query(secondary)), DIGEST_SECONDS, told=self.told)
        self.wait_protected(primary, secondary, seconds=1)
        return self.query(secondary)["digests"]

    def evidence(self, lines=8):
        """The last words of every QEMU, without its command line."""
        out = []
        for host in self.rack.hosts.values():
            said = [line for line in host.qemu_log(self.name).splitlines() if not line.endswith("\\") and not line.startswith(("LC_", "-"))]
            out += [f"{host.name}: {line}" for line in said[-lines:]]
        return "\n".join(out)

    def console(self, side):
        log = self.host(side).folder / f"var/log/libvirt/qemu/{self.name}.console"
        return log.read_text(errors="replace") if log.exists() else ""

    def listen(self, side):
        """That host's events from now on; stop_clients() ends it."""
        events = Events(self.host(side).uri, self.name)
        self.events.append(events)
        return events

    def deafen(self, events):
        self.events.remove(events)
        events.stop()

    # ----------------------------------------------------------------- clients --
    def guest_answers(self, seconds=3):
        try:
            guest.command(self, "true", seconds)
            return True
        except Failed:
            return False

    def wait_guest(self, seconds=120):
        """Until its web server answers."""
        wait_until("an answer of the guest", lambda: self.guest_answers(5), seconds, told=self.told)

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
