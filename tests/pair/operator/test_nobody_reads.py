# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: neither whoever reads a node's stderr nor a client of its monitor can stop the guest by reading no more.

Method: stderr of both nodes is a FIFO that is full, and trace events of each packet are written to it. A client of a second monitor asks for
a long answer again and again, and reads none. The guest answers a ping every 10 ms, the first
monitor its questions, protected and, after a kill, exposed.
"""

import os
import socket
import time

from ftpair.answering import look
from ftpair.consoles import Reader

LOOK_S = 4.0
# What is written to it while nobody reads: more than any pipe holds.
TRACE = ("-d", "trace:ft_output_hold,trace:ft_output_release,trace:ft_log_sent,trace:ft_log_received")
GAP_MS_MAX, ANSWER_MS_MAX = 1500, 1500
ASKED = 100


def test_nobody_reads(case):
    more = [{"arguments": (*TRACE, "-qmp", f"unix:{name}.more,server=on,wait=off")} for name in ("primary", "secondary")]
    with case.pair(primary=more[0], secondary=more[1]) as pair:
        for node in (pair.primary, pair.secondary):
            Reader.of_new_fifo(pair.folder / f"{node.name}.said")
            node.stderr = pair.folder / f"{node.name}.said.out"
        pair.start()
        for node in (pair.primary, pair.secondary):
            node.stderr = pair.folder / "nothing"       # the FIFO is not to be read from here
            node.stderr.touch()
        pair.wait_up()
        answers(case, pair, pair.primary, "protected")
        pair.inject("kill")
        pair.wait_state(pair.secondary, "exposed", 10)
        answers(case, pair, pair.secondary, "exposed")


def answers(case, pair, node, what):
    client = ask_and_do_not_read(pair.folder / f"{node.name}.more")
    nodes = [n for n in (pair.primary, pair.secondary) if n.alive()]
    seen = look(pair, nodes, LOOK_S)
    case.figure(f"gap_ms_{what}", round(seen.gap_ms))
    case.figure(f"qmp_ms_{what}", round(seen.qmp_ms))
    case.expect(f"{what}: the guest answers all the time", seen.gap_ms < GAP_MS_MAX, f"{seen.gap_ms:.0f} ms")
    case.expect(f"{what}: so do the other monitors", seen.qmp_ms < ANSWER_MS_MAX, f"{seen.qmp_ms:.0f} ms")
    states = [n.state() for n in nodes]
    case.expect(f"{what}: nobody was dropped", set(states) == {what}, states)
    client.close()


def ask_and_do_not_read(path):
    sock = socket.socket(socket.AF_UNIX)
    folder = os.open(path.parent, os.O_PATH)
    sock.connect(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.sendall(b'{"execute": "qmp_capabilities"}\n')
    time.sleep(0.2)
    sock.sendall(b'{"execute": "query-commands"}\n' * ASKED)
    return sock
