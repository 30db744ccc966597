# SPDX-License-Identifier: GPL-2.0-or-later
"""What the three soaks share: the frame around their work, and their figures."""

from . import verdict
from .pair import Failed
from .qmp import QmpError
from .verdict import Check

NO_CLIENT = {"replies": 0, "lost": 0, "doubled": 0, "errors": 0, "broken": "it was never started"}


def pair_options(options, say):
    """What all soaks' pairs are told of the command line."""
    return {"memory_mib": options.memory, "timeout_ms": options.timeout_ms, "say": say, "keep": options.keep,
            "flood": options.network == "both"}


def run(pair, incidents, load, work, more_checks):
    """work() inside the pair, then (the INCR client's result, checks).

    What ends the work is an incident. The work folder stays when a check failed.
    """
    client, checks = NO_CLIENT, []
    try:
        with pair:
            try:
                work()
            except (Failed, QmpError, RuntimeError, OSError) as error:
                incidents.note("the end", f"{error}; {pair.told()}")
            finally:
                load.stop()
            if pair.incr:
                client = pair.incr.finish()
            checks = [*verdict.replies(client), *more_checks(),
                      Check("nothing diverged", not incidents.diverged, f"{incidents.diverged} times"),
                      Check("no incident", not incidents.all, f"{len(incidents.all)}")]
            if verdict.failures(checks):
                raise Failed("keeps the folder")
    except Failed:
        pass
    return client, checks


def common_figures(client, incidents):
    return {"connections_broken": int(client["broken"] is not None), "replies": client["replies"],
            "lost": client["lost"], "doubled": client["doubled"],
            "diverged": incidents.diverged, "incidents": len(incidents.all)}


def most(values):
    return round(max(values), 2) if values else None


def part(values, share):
    """The value that the share of all do not exceed: part(v, 0.99) is p99."""
    values = sorted(values)
    return round(values[min(len(values) - 1, int(len(values) * share))], 2) if values else None
