# SPDX-License-Identifier: GPL-2.0-or-later
"""How many transactions a database commits, and how long each one takes.

Run in the client's namespace:

    python3 -m ftpair.commit_rate db HOST CONNECTIONS SECONDS

Each connection is a closed loop of its own: it inserts a row and waits for the
commit. At the end another session counts the rows: as many as were acknowledged.
"""

import sys
import threading

from .client_process import ClientProcess
from .clients import connect, now_ns, tell
from .commits import PORT
from .postgres import Postgres, SqlError

WARM_NS = 300_000_000
REPLIES_MIN, PATIENCE_NS = 20, 20 * 10**9       # on a host so busy that the time brings fewer
TABLE = "DROP TABLE IF EXISTS rate; CREATE TABLE rate (who int, n bigint)"


class CommitRate(ClientProcess):
    module = "ftpair.commit_rate"


class Loop(threading.Thread):
    """One connection; waits are those of commits that ended after the warming up."""

    def __init__(self, host, number, begin_ns, until_ns):
        super().__init__(daemon=True)
        self._session, self._number = Postgres(connect(host, PORT)), number
        self._begin_ns, self._until_ns = begin_ns, until_ns
        self.commits, self.waits, self.broken = 0, [], None

    def run(self):
        try:
            while (now := now_ns()) < self._until_ns or (len(self.waits) < REPLIES_MIN and now < self._until_ns + PATIENCE_NS):
                self._session.query(f"INSERT INTO rate VALUES ({self._number}, {self.commits + 1})")
                self.commits += 1
                if now >= self._begin_ns:
                    self.waits.append((now_ns() - now) // 1000)
        except (OSError, SqlError) as error:
            self.broken = f"{type(error).__name__}: {error}"


def main(host, connections, seconds):
    session = Postgres(connect(host, PORT))
    session.query(TABLE)
    begin = now_ns() + WARM_NS
    loops = [Loop(host, n, begin, begin + int(float(seconds) * 1e9)) for n in range(int(connections))]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join()
    took = (now_ns() - begin) / 1e9
    rows = int(session.query("SELECT count(*) FROM (SELECT DISTINCT who, n FROM rate) AS r")[0][0])
    commits = sum(loop.commits for loop in loops)
    tell({"done": True, "replies": sum(len(loop.waits) for loop in loops), "seconds": took,
          "broken": next((loop.broken for loop in loops if loop.broken), None),
          "problems": "" if rows == commits else f"{commits} commits were acknowledged, {rows} are there",
          "waits_us": [w for loop in loops for w in loop.waits]})


if __name__ == "__main__":
    try:
        main(*sys.argv[2:])
    except (OSError, SqlError) as refusal:
        tell({"done": True, "broken": f"{type(refusal).__name__}: {refusal}", "replies": 0, "seconds": 0, "problems": "",
              "waits_us": []})
