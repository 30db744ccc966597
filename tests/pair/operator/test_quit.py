# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: "quit" on the primary ends the pair in order, as a power-off does.

Method: QMP quit while the client works. The secondary is told goodbye: it
must not go live and must not emit a frame, whether its process stays or ends.
"""

import time

from ftpair import verdict
from ftpair.qmp import QmpError


def test_quit(case, pair):
    pair.start().wait_up()
    pair.start_incr()
    time.sleep(1)
    try:
        pair.primary.qmp.command("quit")
    except QmpError:
        pass                        # it may be gone before it has answered
    status = pair.primary.wait_exit(10)
    case.expect("the primary ended in order", status == 0, f"status {status}")
    time.sleep(pair.timeout_ms / 1000 + 1)
    told = pair.secondary.query() if pair.secondary.alive() else {"state": "ended"}
    case.expect("the secondary did not go live",
                told["state"] not in ("exposed", "protected", "going-live"),
                f"{told['state']}: {told.get('reason', '')}")
    case.expect("the secondary did not crash",
                pair.secondary.alive() or pair.secondary.process.returncode == 0,
                pair.secondary.process.returncode)
    case.judge(verdict.silent(pair.capture("b"), "secondary silent"))
