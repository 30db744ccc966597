# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a secondary whose primary has nothing to do, sleeps; and nothing wakes an idle
guest's CPU that the guest has not asked for.

Method: CPU time of both processes over five seconds with an idle guest, and what it
logs. A secondary that spins for the next event would use a whole core. The HPET's
timer, which Linux leaves without an interrupt, alone logged 15 kbit/s.
"""

import time

from ftpair.process_cpu import cpu_seconds

SECONDS, LIMIT, LOG_LIMIT_KBIT = 5.0, 0.15, 14


def test_idle(case, pair):
    pair.start().wait_up()
    time.sleep(2)
    nodes = (pair.primary, pair.secondary)
    before = [cpu_seconds(n.pid) for n in nodes]
    log_before = pair.primary.query()["log-bytes"]
    time.sleep(SECONDS)
    shares = [(cpu_seconds(n.pid) - b) / SECONDS for n, b in zip(nodes, before)]
    kbit = (pair.primary.query()["log-bytes"] - log_before) * 8 / SECONDS / 1000
    for node, share in zip(nodes, shares):
        case.figure(f"{node.name}_cpu", round(share, 4))
    case.figure("log_kbit_s", round(kbit, 1))
    case.say(f"log of an idle guest: {kbit:.1f} kbit/s; primary's CPU: {shares[0]:.1%}")
    case.expect(f"secondary uses less than {LIMIT:.0%} of a core", shares[1] < LIMIT,
                f"{shares[1]:.1%}")
    case.expect(f"it logs less than {LOG_LIMIT_KBIT} kbit/s", kbit < LOG_LIMIT_KBIT, f"{kbit:.1f}")
    pair.wait_protected(1)
