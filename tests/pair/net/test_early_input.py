# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: where the network delivers the guest's packets to both nodes, nothing that was on its way to a dead primary is lost.

Method: the primary is frozen (SIGSTOP, all its threads); a client sends a request
on its open connection and ten pings; 30 ms later the primary is killed. It never
read any of these, so they are in no log. The secondary must have kept them: the
reply comes sooner than the client's TCP sends again (200 ms), each ping is answered
once, every reply is the last plus one. Three deaths in a row, the survivor with a
new secondary each time. First the same with a switch that learns, where it must
take 200 ms and cost the pings: otherwise this test would prove nothing.
"""

import signal
import socket
import threading
from pathlib import Path

from ftpair import netns
from ftpair.clients import STALL_SECONDS, IncrClient
from ftpair.hosts import GUEST_IP
from ftpair.pings import Pings
from ftpair.succession import Succession
from ftpair.verdict import ms
from ftpair.waiting import within

RTO_MS = 200                    # what Linux waits at least before it sends again
FROZEN_SECONDS = 0.03
KILLS, PINGS = 3, 10
WARM_REPLIES = 100              # then the client's TCP has measured the path


def test_early_input(case):
    with Succession.of(case, "learning") as pair:
        wait_ms, pings, answer = die(pair, Client(pair))
        case.expect("a switch that learns: the client's TCP had to send again", wait_ms >= RTO_MS, f"{wait_ms:.1f} ms")
        case.expect("a switch that learns: the pings are lost", len(pings.missing()) == PINGS, f"{len(pings.missing())} of {PINGS}")
        case.expect("nothing was given to the guest", answer["early-given-packets"] == 0, answer["early-given-packets"])
    waits = []
    with Succession.of(case, "both", flood=True) as pair:
        client = Client(pair)
        for number in range(1, KILLS + 1):
            waits.append(die_once(case, pair, client, number))
            if number < KILLS:
                pair.spawn()
                pair.attach()
    case.figure("wait_ms_max", round(max(waits), 1))


def die_once(case, pair, client, number):
    """One death with a network that delivers to both nodes, judged."""
    wait_ms, pings, answer = die(pair, client)
    where = f"death {number}"
    case.expect(f"{where}: the reply came before TCP would have sent again", wait_ms < RTO_MS, f"{wait_ms:.1f} ms")
    case.expect(f"{where}: each ping was answered", not pings.missing(), f"missing {pings.missing()}")
    case.expect(f"{where}: none twice", not pings.doubled(), f"twice {pings.doubled()}")
    incr = client.incr
    case.expect(f"{where}: every reply is the last plus one", not (incr.lost or incr.doubled or incr.errors or incr.broken),
                f"{incr.replies} replies, {incr.lost} lost, {incr.doubled} doubled, {incr.broken or 'open'}")
    case.expect(f"{where}: the guest was given what was kept", answer["early-given-packets"] > PINGS, answer["early-given-packets"])
    case.expect(f"{where}: all else had come both ways", answer["early-known-packets"] >= WARM_REPLIES, answer["early-known-packets"])
    return wait_ms


class Client:
    """A connection to redis of this process, on a pair that it starts."""

    def __init__(self, pair):
        pair.start(captures=()).wait_up()
        sock = netns.socket_in(pair.hosts.client, socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(STALL_SECONDS)
        sock.connect((GUEST_IP, 6379))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incr = IncrClient(sock, "early")

    def steps(self, count):
        for _ in range(count):
            self.incr.step()


def die(pair, client):
    """(how long the request's reply took in ms, Pings, query-ft of the survivor)."""
    pings = Pings(pair.hosts.client, GUEST_IP)
    client.steps(WARM_REPLIES)
    freeze(pair.primary)
    killer = threading.Timer(FROZEN_SECONDS, pair.inject, ("kill",))
    killer.start()
    pings.send(PINGS)
    client.steps(1)
    sent, replied = client.incr.times[-1]
    killer.join()
    pings.hear(1.0)
    pings.close()
    pair.wait_state(pair.secondary, "exposed", 10)
    answer = pair.secondary.query()
    pair.promote()
    client.steps(WARM_REPLIES)
    return ms(replied - sent), pings, answer


def freeze(node, seconds=2):
    """SIGSTOP, until no thread of it runs any more."""
    node.signal(signal.SIGSTOP)
    for stat in Path(f"/proc/{node.pid}/task").glob("*/stat"):
        within(seconds, lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", step=0.001)
