# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: clients at the bridge of either node's own host are served like those outside, whichever node has the guest.

Method: a client in each node's own bridge and one outside ping the guest without a break, in a network that delivers the
guest's packets to both nodes (docs/OPERATING.md), then in one that learns. The primary is killed, then the next one hands over,
with a new secondary each time. Before and after, each client is answered; after, within a second of going live. In the first
network the secondary must have been given the outside client's packets too, or the recipe would have lost its purpose.
FT_TAKEOVERS=20 in the environment: so many.
"""

from ftpair.hosts import GUEST_IP
from ftpair.probes import Ping
from ftpair.rack import LocalClient
from ftpair.seen_takeovers import ANSWER_MS, TAKEOVERS, TIMEOUT_MS, answered, settled, take_over
from ftpair.succession import Succession


def test_network_local(case):
    for name, flood in (("both", True), ("learning", False)):
        with Succession.of(case, name, flood=flood, timeout_ms=TIMEOUT_MS) as pair:
            clients = [LocalClient(pair.hosts, side) for side in ("a", "b")]
            try:
                serve_all(case, pair, clients, name)
            finally:
                for client in clients:
                    client.close()


def serve_all(case, pair, clients, network):
    pair.start(captures=())
    pair.wait_up()
    probes = [Ping("outside", pair.hosts.client, GUEST_IP), Ping("host a", clients[0].namespace, GUEST_IP),
              Ping("host b", clients[1].namespace, GUEST_IP)]
    try:
        settled(case, pair, probes, f"{network}, before")
        for number in range(1, TAKEOVERS + 1):
            if number > 1:
                pair.spawn()
                pair.attach()
            settled(case, pair, probes, f"{network}, takeover {number}")
            known = pair.secondary.query()["early-known-packets"]
            live_ns = take_over(pair, number)
            firsts = {probe.name: probe.wait_answer(4 * ANSWER_MS / 1000, live_ns) for probe in probes}
            case.judge(*(answered(f"{network}, takeover {number}: {name}", first) for name, first in firsts.items()))
            if pair.hosts.flood:
                case.expect(f"{network}, takeover {number}: the secondary had the outside client's packets", known > 0, known)
            for name, first in firsts.items():
                key = f"{network}_{name.replace(' ', '_')}_ms_max"
                case.figure(key, max(case.figures.get(key, 0), round(first, 1)))
    finally:
        for probe in probes:
            probe.close()
