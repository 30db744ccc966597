# SPDX-License-Identifier: GPL-2.0-or-later
"""What went wrong in a soak that goes on all the same.

Each is shown at once and kept in the work folder (incidents.txt), with what
both nodes said of themselves at that moment.
"""

import re
import time
from dataclasses import dataclass

DIFFERS = re.compile(r"diverged|stands still|digest")


@dataclass(frozen=True)
class Incident:
    where: str          # "cycle 7"
    text: str

    @property
    def diverged(self):
        """The two executions differ, or one of them hangs."""
        return bool(DIFFERS.search(self.text))


class Incidents:
    def __init__(self, folder, say):
        self._file = folder / "incidents.txt"
        self._say = say
        self.all = []

    def note(self, where, text):
        self.all.append(Incident(where, str(text)))
        self._say(f"FAIL {where}: {text}")
        with self._file.open("a") as out:
            out.write(f"{time.strftime('%H:%M:%S')} {where}: {text}\n")

    def note_failed(self, where, checks):
        """Those of the checks that did not hold."""
        for check in checks:
            if not check.ok:
                self.note(where, f"{check.name}: {check.detail}")

    @property
    def diverged(self):
        return sum(incident.diverged for incident in self.all)
