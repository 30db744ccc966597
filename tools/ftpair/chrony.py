# SPDX-License-Identifier: GPL-2.0-or-later
"""chrony: a server beside the client that has the host's time, and the guest's daemon.

The server is the guest's own chronyd, started in the client's namespace; it
never touches the host's clock (-x).
"""

import subprocess
from dataclasses import dataclass

from . import guest, machine
from .hosts import CLIENT_IP
from .pair import Failed

FIELDS = ("refid", "name", "stratum", "reftime", "system_s", "last_s", "rms_s", "frequency_ppm", "residual_ppm", "skew_ppm",
          "delay_s", "dispersion_s", "interval_s", "leap")
STARTED_SECONDS = 0.5


@dataclass(frozen=True)
class Tracking:
    """What chronyc says in the guest."""
    name: str
    offset_ms: float            # of the last measurement
    rms_ms: float
    frequency_ppm: float
    skew_ppm: float
    leap: str

    @property
    def synchronised(self):
        return self.name != "" and self.leap != "Not synchronised"

    def __str__(self):
        return (f"{'synchronised' if self.synchronised else 'NOT synchronised'}, last offset {self.offset_ms:+.3f} ms, "
                f"rms {self.rms_ms:.3f} ms, frequency {self.frequency_ppm:+.1f} ppm, skew {self.skew_ppm:.1f} ppm")


def parse(text):
    words = dict(zip(FIELDS, text.strip().split(",")))
    if len(words) != len(FIELDS):
        raise Failed(f"chronyc says {text!r}")
    return Tracking(words["name"], float(words["last_s"]) * 1e3, float(words["rms_s"]) * 1e3,
                    float(words["frequency_ppm"]), float(words["skew_ppm"]), words["leap"])


class Server:
    """A context manager."""

    def __init__(self, pair):
        self._pair = pair
        self._process = None

    def __enter__(self):
        folder = self._pair.folder
        (folder / "chrony-server.conf").write_text(
            f"local stratum 1\nallow all\nbindaddress {CLIENT_IP}\ncmdport 0\nbindcmdaddress /\n"
            f"pidfile {folder}/chrony-server.pid\nuser root\n")
        with (folder / "chrony-server.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *machine.tool(
                    self._pair.hosts.client, "chronyd", "-d", "-x", "-u", "root", "-f", f"{folder}/chrony-server.conf")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._process.wait(STARTED_SECONDS)
        except subprocess.TimeoutExpired:
            return self
        raise Failed(f"the time server ended: {(folder / 'chrony-server.log').read_text(errors='replace').strip()}")

    def __exit__(self, *why):
        self._process.kill()
        self._process.wait()


def start_in(pair):
    guest.command(pair, "chronyd -f /etc/chrony.conf >/dev/null 2>&1 </dev/null")


def tracking(pair):
    return parse(guest.command(pair, "chronyc -c -n tracking"))
