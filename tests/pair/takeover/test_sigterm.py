# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a signal that ends the primary's process is a failure like any other:
the secondary takes over, and is not shut down by way of the log.

Method: SIGTERM while the client works. QEMU turns it into a shutdown request;
if that reached the log the secondary would replay it and end too.
"""

import signal
import time

from ftpair import verdict
from ftpair.pair import Failed


def test_sigterm(case, pair):
    pair.start().wait_up()
    pair.start_incr()
    time.sleep(1.5)
    moment = time.monotonic_ns()
    pair.primary.signal(signal.SIGTERM)
    status = pair.primary.wait_exit(10)
    case.expect("the primary ended", status is not None, f"status {status}")
    pair.wait_state(pair.secondary, "exposed", 5)
    if not pair.wait_replies_after(time.monotonic_ns()):
        raise Failed(f"no replies: {pair.incr.result or pair.incr.progress}")
    time.sleep(1)
    result = pair.incr.finish()
    case.judge(*verdict.replies(result), verdict.gap(result, 1000, moment))
    case.expect("the secondary lives", pair.secondary.alive(), pair.secondary.query()["state"])
