# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a host with a protected primary is shut down by its own rules: the guest goes to the other host first, and the host comes back.
Method: libvirt-guests with ON_SHUTDOWN=shutdown and =suspend, ON_BOOT=start, the third host without power. What systemd does: ftctl
evacuate (the stop of its unit, which is ordered before libvirt-guests), libvirt-guests.sh stop, libvirtd's end; then the way back, with
ftctl evacuate --back (the start of that unit). The client's connection stays, its gap is below two seconds;
the host is a secondary again, and takes over when the other one dies.
"""

import random
import signal
import time

import pytest

from ftpair import verdict

from ftvirt import failovers
from ftvirt.ftctl import Agents

LIBVIRT_GUESTS = "/usr/lib/libvirt/libvirt-guests.sh"
SETTINGS = "URIS=default\nON_BOOT=start\nON_SHUTDOWN={how}\nSHUTDOWN_TIMEOUT=60\n"
GAP_MAX_S = 2.0


@pytest.fixture
def two_hosts(rack, pair):
    """The third host is off; back at the end."""
    primary, secondary = pair.protect()
    third = next(side for side in rack.hosts if side not in (primary, secondary))
    rack.network.unplug(third)
    rack.hosts[third].switch_off()
    yield primary, secondary
    rack.network.plug(third)
    rack.hosts[third].switch_on()


@pytest.mark.parametrize("how", ("shutdown", "suspend"))
def test_host_shutdown(rack, pair, two_hosts, note, how):
    primary, secondary = two_hosts
    host = rack.hosts[primary]
    host.guests_settings(SETTINGS.format(how=how))
    with Agents(rack, (primary, secondary)) as agents:
        pair.start_incr()
        agents.stop(host)                   # its unit is ordered so that it stops first
        begin = time.monotonic_ns()
        told = pair.ftctl(primary)("evacuate", seconds=60)
        stopped = host.call([LIBVIRT_GUESTS, "stop"], seconds=120)
        took = time.monotonic_ns() - begin
        pair.goes_on()
        host.end_libvirtd(signal.SIGTERM)
        assert pair.look(secondary)["role"] == "primary", pair.told()
        pair.incr.wait_past(begin + took + 10**9, 10)
        gap_ns = pair.incr.gap_around(begin, begin + took)[0]
        note(f"{how}: away after {told.seconds:.1f} s, {verdict.ms(gap_ns):.0f} ms gap, libvirt-guests took "
             f"{took / 1e9 - told.seconds:.1f} s")
        assert gap_ns <= GAP_MAX_S * 1e9, stopped.stdout

        host.start_libvirtd()
        pair.ftctl(primary)("evacuate", "--back")
        host.call([LIBVIRT_GUESTS, "start"], seconds=60)
        agents.start(host)
        failovers.wait_protected(pair, agents, secondary)
        assert pair.sides() == (secondary, primary), pair.told()
        cycle = failovers.live_through(pair, agents, 1, random.Random(3))
        pair.say(cycle.line())
        pair.finish_incr()
