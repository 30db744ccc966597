# SPDX-License-Identifier: GPL-2.0-or-later
"""What each verb of virsh is to do with a protected domain: on its primary, on its secondary, on a node that runs alone.

A verb "works" or is "refused". What works has the effect that is looked for
here; what is refused says why and changes nothing. Who adds a verb adds how
its effect is seen: a success without effect is the worst answer of all.
"""

import re
from dataclasses import dataclass, field

from . import domain

ROLES = ("primary", "secondary", "exposed")
WORKS, REFUSED = "works", "refused"
ANYWHERE = dict.fromkeys(ROLES, WORKS)
NOWHERE = dict.fromkeys(ROLES, REFUSED)
# What an operator does to the guest: the primary passes it on, the secondary has no guest of its own.
GUEST_INPUT = {"primary": WORKS, "secondary": REFUSED, "exposed": WORKS}
ONLY_ALONE = {"primary": REFUSED, "secondary": REFUSED, "exposed": WORKS}
SECONDS = 30
FILE = "/var/lib/libvirt/images/verb"


@dataclass(frozen=True)
class Verb:
    """words: after "virsh", where GUEST is the domain. effect(node): "" if it is there, else what is missing.

    same_state: nothing of libvirt's and FT's states may change. undo(node): brings back what was before. before(node): prepares.
    says: what its output must match when it works; works_if: what tells success where the exit status does not;
    refusal: what its message must match when it is refused.
    """
    words: str
    expect: dict
    effect: object = None
    undo: object = None
    before: object = None
    says: str = ""
    works_if: str = ""
    refusal: dict = field(default_factory=dict)
    same_state: bool = True
    stdin: str = ""
    seconds: float = SECONDS
    fresh: bool = False         # it may end the guest: the pair is made anew afterwards

    @property
    def name(self):
        return self.words.replace(" GUEST", "").replace(FILE, "FILE").replace("\u00a0", " ")


# ---------------------------------------------------------------------- effects --
def shows(*words, pattern):
    """The output of another verb tells."""
    def effect(node):
        text = node.virsh(*(word.replace("GUEST", node.pair.name) for word in words))
        return "" if re.search(pattern, text) else f"virsh {' '.join(words)} says {text[:200]!r}"
    return effect


def interrupts(name):
    """The guest has counted one."""
    def before(node):
        node.memory[name] = node.interrupts(name)

    def effect(node):
        return node.until(lambda: node.interrupts(name) > node.memory[name], f"the guest's count of {name} stays {node.memory[name]}")
    return before, effect


def state_is(pattern):
    def effect(node):
        return node.until(lambda: re.search(pattern, node.virsh.state(node.pair.name)),
                          lambda: f"libvirt says {node.virsh.state(node.pair.name)}")
    return effect


def paused(node):
    """Nothing runs, on no node, and all of them say so."""
    return state_is(r"^paused \(user\)")(node) or node.guest_stands()


def resumed(node):
    return state_is("^running")(node) or node.guest_runs()


def rebooted(node):
    return node.came_up_again(node.memory["boots"])


def counts_boots(node):
    node.memory["boots"] = node.boots()


def all_off(node):
    return node.until(lambda: all(node.pair.look(side)["state"] in ("shut off", "undefined") for side in node.nodes),
                      lambda: f"not off: {node.pair.told()}", 60)


def destroyed(node):
    """This node is off; the other one, if there is one, has the guest and runs it."""
    def goes_on():
        look = node.pair.look(others[0])
        return (look["role"], look["state"]) == ("primary", "exposed") and node.pair.guest_answers()

    others = [side for side in node.nodes if side != node.side]
    return state_is("^shut off")(node) or (node.until(goes_on, lambda: f"nobody goes on: {node.pair.told()}") if others else "")


def file_is(kind):
    def effect(node):
        data = node.host.path(FILE)
        return "" if data.exists() and data.read_bytes()[:4] == kind else f"{FILE} is not there or no such file"
    return effect


def no_file(node):
    node.host.path(FILE).unlink(missing_ok=True)


def undo_words(*words):
    def undo(node):
        node.virsh.try_(*(word.replace("GUEST", node.pair.name) for word in words))
    return undo


def define_again(node):
    node.virsh("define", "/dev/stdin", stdin=node.pair.xml)


def resume(node):
    node.virsh.try_("resume", node.pair.name)


# ------------------------------------------------------------------------ table --
NMI_BEFORE, NMI = interrupts("NMI")
KEY_BEFORE, KEY = interrupts("i8042")
NIC = "<interface type='bridge'><mac address='52:54:00:77:00:99'/><source bridge='br0'/><model type='virtio'/></interface>"
NO_AGENT = {role: "guest agent is not configured" for role in ROLES}
ASK_PRIMARY = {"secondary": "ask the primary"}


READING = [
    Verb("domstate GUEST --reason", ANYWHERE, says="running"),
    Verb("dominfo GUEST", ANYWHERE, says=r"State: +running"),
    Verb("domstats GUEST", ANYWHERE, says="state.state=1"),
    Verb("domcontrol GUEST", ANYWHERE, says="ok"),
    Verb("domjobinfo GUEST", ANYWHERE, says="Job type"),
    Verb("domid GUEST", ANYWHERE, says=r"\d"),
    Verb("domiflist GUEST", ANYWHERE, says=domain.GUEST_MAC),
    Verb("domifstat GUEST " + domain.GUEST_MAC, ANYWHERE, says="rx_packets"),
    Verb("domif-getlink GUEST " + domain.GUEST_MAC, ANYWHERE, says="up"),
    Verb("domifaddr GUEST", ANYWHERE),
    Verb("domblklist GUEST", ANYWHERE, says="vda"),
    Verb("domblkinfo GUEST vda", ANYWHERE, says="Capacity"),
    Verb("domblkstat GUEST vda", ANYWHERE, says="rd_req"),
    Verb("domblkerror GUEST", ANYWHERE, says="No errors"),
    Verb("dommemstat GUEST", ANYWHERE, says="rss"),
    Verb("vcpuinfo GUEST", ANYWHERE, says="VCPU"),
    Verb("vcpucount GUEST", ANYWHERE, says="current"),
    Verb("cpu-stats GUEST", ANYWHERE, says="cpu_time"),
    Verb("ttyconsole GUEST", ANYWHERE, says="/dev/pts"),
    Verb("metadata GUEST " + domain.FT, ANYWHERE, says="pair"),
    Verb("dumpxml GUEST", ANYWHERE, says="<ft:pair"),
    Verb("qemu-monitor-command GUEST --hmp info\u00a0ft", ANYWHERE, says="state"),
    # Its status is 1 when nothing came in that time, which is right here.
    Verb("qemu-monitor-event GUEST --timeout 1", ANYWHERE, works_if="events received"),
    Verb("event GUEST --all --timeout 1", ANYWHERE, works_if="events received"),
    Verb("screenshot GUEST FILE", NOWHERE, refusal={role: "no screens" for role in ROLES}),
]
AGENT = [
    Verb("domtime GUEST", NOWHERE, refusal=NO_AGENT),
    Verb("guestinfo GUEST", NOWHERE, refusal=NO_AGENT),
    Verb("domfsinfo GUEST", NOWHERE, refusal=NO_AGENT),
    Verb("domfsfreeze GUEST", NOWHERE, refusal=NO_AGENT),
    Verb("set-user-password GUEST root x", NOWHERE, refusal=NO_AGENT),
    Verb("dompmsuspend GUEST mem", NOWHERE),
]
HOSTS_SIDE = [
    Verb("schedinfo GUEST --set cpu_shares=512", ANYWHERE, effect=shows("schedinfo", "GUEST", pattern=r"cpu_shares *: 512"),
         undo=undo_words("schedinfo", "GUEST", "--set", "cpu_shares=1024")),
    Verb("vcpupin GUEST 0 0", ANYWHERE, effect=shows("vcpupin", "GUEST", pattern=r"0 +0$"), undo=undo_words("vcpupin", "GUEST", "0", "r")),
    Verb("memtune GUEST --soft-limit 4194304", ANYWHERE, effect=shows("memtune", "GUEST", pattern=r"soft_limit *: 4194304"),
         undo=undo_words("memtune", "GUEST", "--soft-limit", "-1")),
    Verb("autostart GUEST", ANYWHERE, effect=shows("dominfo", "GUEST", pattern=r"Autostart: +enable"),
         undo=undo_words("autostart", "GUEST", "--disable")),
    Verb("undefine GUEST", ANYWHERE, effect=shows("dominfo", "GUEST", pattern=r"Persistent: +no"), undo=define_again),
    Verb("start GUEST", NOWHERE, refusal={role: "already active" for role in ROLES}),
]
NEVER = [
    Verb(f"save GUEST {FILE}", NOWHERE, undo=no_file),
    Verb("managedsave GUEST", NOWHERE, undo=undo_words("managedsave-remove", "GUEST")),
    Verb(f"dump GUEST {FILE}", NOWHERE, undo=no_file),
    Verb("snapshot-create-as GUEST s1", NOWHERE, effect=shows("snapshot-list", "GUEST", "--name", pattern="s1"),
         undo=undo_words("snapshot-delete", "GUEST", "s1", "--metadata")),
    Verb(f"snapshot-create-as GUEST s2 --disk-only --diskspec vda,file={FILE}", NOWHERE,
         effect=shows("snapshot-list", "GUEST", "--name", pattern="s2"), undo=no_file),
    Verb("checkpoint-create-as GUEST c1", NOWHERE, effect=shows("checkpoint-list", "GUEST", "--name", pattern="c1")),
    Verb("backup-begin GUEST", NOWHERE),
    Verb("blockresize GUEST vda 32M", NOWHERE, effect=shows("domblkinfo", "GUEST", "vda", pattern="33554432")),
    Verb("blkdeviotune GUEST vda --total-iops-sec 100", NOWHERE, effect=shows("blkdeviotune", "GUEST", "vda", pattern=r"total_iops_sec *: 100")),
    Verb(f"blockcopy GUEST vda {FILE} --transient-job", NOWHERE, undo=no_file),
    Verb("blockcommit GUEST vda --active", NOWHERE),
    Verb("blockpull GUEST vda", NOWHERE),
    Verb("migrate --live --unsafe GUEST OTHER", NOWHERE, seconds=60),
    Verb("setmem GUEST 131072", NOWHERE, effect=shows("dommemstat", "GUEST", pattern="actual 131072")),
    Verb("setvcpus GUEST 2", NOWHERE, effect=shows("vcpucount", "GUEST", "--live", "--active", pattern="2")),
    Verb("attach-device GUEST /dev/stdin", NOWHERE, stdin=NIC, effect=shows("domiflist", "GUEST", pattern="52:54:00:77:00:99")),
    Verb(f"attach-disk GUEST {FILE} vdb", NOWHERE, effect=shows("domblklist", "GUEST", pattern="vdb")),
    Verb("detach-disk GUEST vda", NOWHERE, effect=shows("domblklist", "GUEST", pattern=r"^((?!vda)[\s\S])*$")),
    Verb("set-lifecycle-action GUEST reboot destroy", NOWHERE, effect=shows("dumpxml", "GUEST", pattern="<on_reboot>destroy"),
         undo=undo_words("set-lifecycle-action", "GUEST", "reboot", "restart")),
]
ALONE = [
    Verb(f"dump GUEST {FILE} --memory-only", ONLY_ALONE, effect=file_is(b"\x7fELF"), undo=no_file, seconds=60),
    Verb(f"domif-setlink GUEST {domain.GUEST_MAC} down", ONLY_ALONE, effect=shows("domif-getlink", "GUEST", domain.GUEST_MAC, pattern="down"),
         undo=undo_words("domif-setlink", "GUEST", domain.GUEST_MAC, "up")),
    # It only asks for an event of that node.
    Verb("domblkthreshold GUEST vda 1000000", ANYWHERE, effect=shows(
        "qemu-monitor-command", "GUEST", '{"execute":"query-named-block-nodes"}', pattern=r'"write_threshold": ?1000000')),
]
INPUT = [
    Verb("send-key GUEST KEY_A", GUEST_INPUT, before=KEY_BEFORE, effect=KEY, refusal=ASK_PRIMARY),
    Verb("inject-nmi GUEST", GUEST_INPUT, before=NMI_BEFORE, effect=NMI, refusal=ASK_PRIMARY),
    Verb("suspend GUEST", GUEST_INPUT, effect=paused, undo=resume, refusal=ASK_PRIMARY, same_state=False),
    Verb("resume GUEST", GUEST_INPUT, before=lambda node: node.virsh.try_("suspend", node.pair.name), effect=resumed,
         refusal={"secondary": "ask the primary|already running"}, same_state=False),
    Verb("reset GUEST", GUEST_INPUT, before=counts_boots, effect=rebooted, refusal=ASK_PRIMARY),
    Verb("reboot GUEST", GUEST_INPUT, before=counts_boots, effect=rebooted, refusal=ASK_PRIMARY, same_state=False, fresh=True),
    Verb("shutdown GUEST", GUEST_INPUT, effect=all_off, refusal=ASK_PRIMARY, same_state=False, fresh=True),
]
ENDING = [Verb("destroy GUEST", ANYWHERE, effect=destroyed, same_state=False, fresh=True)]
ALL = [*READING, *AGENT, *HOSTS_SIDE, *NEVER, *ALONE, *INPUT, *ENDING]
