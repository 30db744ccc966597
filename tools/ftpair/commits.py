# SPDX-License-Identifier: GPL-2.0-or-later
"""The client that commits: one transaction after another on one connection.

Each adds one to a total and inserts a row with the client's own number and that
total, and counts when the server has acknowledged its commit. The total must be
the last plus one, as with INCR; and the rows, looked at by any other session at
any later time, must be those that the client has numbered: none missing, none
twice. Numbers count from 1, so what was acknowledged is one number.
"""

import sys
from dataclasses import dataclass

from .clients import PROGRESS_NS, connect, now_ns, stop_asked, tell
from .long_incr import LongIncr, LongIncrClient
from .postgres import Postgres, SqlError
from .verdict import Check

PORT = 5432
# The index is not unique: a row that is there twice shall be seen, not refused.
SCHEMA = ("CREATE TABLE total (value bigint); INSERT INTO total VALUES (0); "
          "CREATE TABLE commits (n bigint, total bigint); CREATE INDEX ON commits (n)")
COMMIT = ("WITH t AS (UPDATE total SET value = value + 1 RETURNING value) "
          "INSERT INTO commits SELECT {}, value FROM t RETURNING total")
FOUND = "SELECT count(*), count(DISTINCT n), coalesce(max(n), 0), count(*) FILTER (WHERE n <> total) FROM commits WHERE n > {}"


class CommitClient(LongIncrClient):
    def __init__(self, sock):
        super().__init__(sock)
        self._session = Postgres(sock)
        self._session.query(SCHEMA)
        self._number = 0

    def step(self):
        sent = now_ns()
        self._number += 1
        try:
            self._session.ask(COMMIT.format(self._number))
            rows = self._session.answer()
        except (OSError, SqlError) as error:
            self.broken = f"{type(error).__name__}: {error}"
            return False
        self.doubled += self._session.unasked() > 0
        self._judge(b":%d" % int(rows[0][0]) if len(rows) == 1 else b"-", sent, now_ns())
        return True


class Commits(LongIncr):
    module = "ftpair.commits"

    def __init__(self, namespace, host):
        super().__init__(namespace, host, PORT, "")


@dataclass(frozen=True)
class Found:
    """What a session sees of the commits above a number that was looked at before."""
    above: int
    rows: int
    numbers: int
    highest: int
    wrong: int                  # rows whose total is not their number

    @property
    def doubled(self):
        return self.rows - self.numbers

    def lost(self, acked):
        return max(0, acked - self.above - self.numbers)

    def check(self, acked, where, exact=False):
        """exact: the client works no more. One more than it knows of may be there, whose answer was under way."""
        whole = self.rows == self.numbers == self.highest - self.above and not self.wrong
        right = acked <= self.highest and (not exact or self.highest <= acked + 1)
        return Check(f"every commit is in {where}", whole and right and acked > 0,
                     f"{acked} acknowledged; above {self.above}: {self.rows} rows, {self.numbers} numbers, highest "
                     f"{self.highest}, {self.wrong} wrong")


def found(session, above=0):
    return Found(above, *map(int, session.query(FOUND.format(above))[0]))


def main(host):
    client = CommitClient(connect(host, PORT))
    told = 0
    while client.step():
        now = now_ns()
        if now - told > PROGRESS_NS:
            told = now
            tell({"replies": client.replies, "value": client.value, "last_ns": now, "lost": client.lost,
                  "doubled": client.doubled, "gaps": client.take_new_gaps()})
            if stop_asked():
                break
    tell(client.result())


if __name__ == "__main__":
    try:
        main(sys.argv[2])
    except (OSError, SqlError) as refusal:
        tell({"done": True, "broken": f"connect: {refusal}", "replies": 0, "lost": 0, "doubled": 0, "errors": 0, "value": 0,
              "gaps": []})
