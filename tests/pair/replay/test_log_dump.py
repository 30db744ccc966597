# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a captured log can be read to its end by someone else.

Method: the primary copies its log channel into a file (ft-log-file); a planned
failover ends it in order; ft-dump must decode every byte and find outputs.
"""

import json
import subprocess
import time

import pytest
from ftpair.node import BUILD


@pytest.mark.setup(primary={"machine": ["ft-log-file=primary.ftlog"]})
def test_log_dump(case, pair):
    pair.start().wait_up()
    pair.start_incr()
    time.sleep(2)
    pair.incr.finish()
    pair.primary.qmp.command("ft-failover")
    pair.wait_state(pair.secondary, "exposed", 5)
    pair.primary.qmp.command("quit")
    pair.primary.wait_exit(5)
    log = pair.folder / "primary.ftlog"
    done = subprocess.run([BUILD / "core" / "ft-dump", log, "--summary", "--json"],
                          capture_output=True, text=True)
    case.expect("ft-dump reaches the end", done.returncode == 0,
                done.stderr.strip() or f"{log.stat().st_size} bytes")
    case.say(done.stdout.strip()[:600])
    case.figure("log", json.loads(done.stdout))
    case.expect("it found the outputs", "OUTPUT" in done.stdout)
