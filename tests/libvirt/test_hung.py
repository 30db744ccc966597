# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a primary's QEMU that hangs costs nobody his patience: ftctl status answers, the agent ends the process and re-protects.
Method: SIGSTOP of the primary's QEMU under a client, an agent on each host. ftctl status on each host, again and again, each within two
seconds. The hung process is gone in the end, on its own host, and the pair is protected.
"""

import os
import random
import signal

from ftpair import verdict
from ftpair.waiting import within

from ftvirt import failovers
from ftvirt.ftctl import Agents

STATUS_SECONDS = 2.0
GONE_SECONDS = 40


def test_stopped_primary(rack, pair, note):
    asked = []
    primary, secondary = pair.protect()
    pid = pair.host(primary).qemu_pid(pair.name)

    def stop(side):
        moment = pair.signal_qemu(side, signal.SIGSTOP)
        for host in rack.hosts.values():
            told = pair.ftctl(host.side).try_("status", pair.name, seconds=20)
            asked.append(told)
            assert told.status is not None, f"ftctl status on {host.name}: {told}"
            assert pair.host(primary).name in told.out, told
        return moment

    with Agents(rack) as agents:
        pair.start_incr()
        cycle = failovers.live_through(pair, agents, 1, random.Random(7), strike=stop)
        pair.say(cycle.line())
        agents.check()
        pair.finish_incr()
        # libvirt waits ten seconds for an end by SIGTERM before it kills.
        within(GONE_SECONDS, lambda: not os.path.exists(f"/proc/{pid}"))
    slowest = max(told.seconds for told in asked)
    assert not os.path.exists(f"/proc/{pid}"), "the hung process is still there"
    assert slowest <= STATUS_SECONDS, f"ftctl status took {slowest:.1f} s"
    note(f"status within {slowest:.2f} s, {verdict.ms(cycle.gap[0]):.0f} ms gap, protected again after {cycle.reprotect_s:.1f} s")
