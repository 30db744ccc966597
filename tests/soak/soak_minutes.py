# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/soak --minutes M: one pair under full load, and nothing may grow.

Once a second: lag, memory of both processes, replies, log, held packets. The
nodes compare a digest of everything every few seconds (ft-digest).
"""

import time
from pathlib import Path

from ftpair import plots, soaking, verdict
from ftpair.figures import middle
from ftpair.incidents import Incidents
from ftpair.load import Load
from ftpair.pair import Failed
from ftpair.sampler import Sampler, quarters
from ftpair.soaking import common_figures, most, part
from ftpair.succession import Succession

SAMPLE_SECONDS, SHOW_SECONDS, FOLLOW_SECONDS = 1.0, 30.0, 10.0
RSS_FACTOR, RSS_MIB = 1.05, 16
LAG_FACTOR, LAG_MS = 2, 5
DIGESTS_SHARE = 0.8             # of those that the time has room for
ROWS_MIN = 8                    # fewer have no quarters


def run(options, say):
    """(figures, checks, work folder)."""
    if plots.missing():
        raise Failed(plots.missing())
    folder = Path(options.plots)
    folder.mkdir(parents=True, exist_ok=True)
    words = [f"ft-digest={options.digest_ms}"] if options.digest_ms else []
    pair = Succession("soak-minutes", machine=words, **soaking.pair_options(options, say))
    incidents, load, rows = Incidents(pair.folder, say), Load(pair), []

    def work():
        pair.start(captures=()).wait_up()
        pair.start_long_incr()
        load.start()
        watch(pair, options.minutes * 60, Sampler(pair, folder / "samples.csv", rows))
        incidents.note_failed("the load", load.finish())

    client, checks = soaking.run(pair, incidents, load, work, lambda: judge(options, rows))
    if rows:
        for path in plots.draw(rows, folder, f"{options.minutes:g} minutes under load"):
            say(f"plot: {path}")
    return summary(rows, incidents, client), checks, pair.folder


def watch(pair, seconds, sampler):
    """Samples for so long; Failed when the pair is not protected any more."""
    begin = shown = followed = time.monotonic()
    while time.monotonic() < begin + seconds:
        time.sleep(SAMPLE_SECONDS)
        row = sampler.take()
        if time.monotonic() > followed + FOLLOW_SECONDS:
            followed = time.monotonic()
            problem = pair.follows()
            if problem:
                raise Failed(problem)
        if time.monotonic() > shown + SHOW_SECONDS:
            shown = time.monotonic()
            pair.say("  ".join(f"{name} {value}" for name, value in row.items()))


# ------------------------------------------------------------------- the verdict --
def judge(options, rows):
    lasted = rows[-1]["seconds"] if rows else 0
    checks = [verdict.Check(f"{options.minutes:g} minutes", lasted >= options.minutes * 60 - 5, f"{lasted / 60:.1f}")]
    if options.digest_ms:
        wanted = max(1, int(lasted * 1000 / options.digest_ms * DIGESTS_SHARE))
        checks.append(verdict.Check(f"at least {wanted} digests equal", digests(rows) >= wanted, f"{digests(rows)}"))
    return checks + (growth(rows) if len(rows) >= ROWS_MIN else [])


def digests(rows):
    return rows[-1]["digests_equal"] - rows[0]["digests_equal"] if rows else 0


def growth(rows):
    """The last quarter against the second: the first one is for warming up."""
    checks = []
    for column, factor, plus in (("rss_primary_mib", RSS_FACTOR, RSS_MIB),
                                 ("rss_secondary_mib", RSS_FACTOR, RSS_MIB),
                                 ("lag_ms", LAG_FACTOR, LAG_MS)):
        before, after = quarters(rows, column)
        checks.append(verdict.Check(f"{column} does not grow", after <= before * factor + plus,
                                    f"median {before:.1f} in the second quarter, {after:.1f} in the last"))
    return checks


def summary(rows, incidents, client):
    lags = [row["lag_ms"] for row in rows]
    figures = {
        "minutes": round(rows[-1]["seconds"] / 60, 2) if rows else 0, **common_figures(client, incidents),
        "digests_equal": digests(rows),
        "lag_ms_p50": middle(lags), "lag_ms_p99": part(lags, 0.99), "lag_ms_max": most(lags),
        "incr_per_second_p50": middle([row["incr_per_second"] for row in rows]),
        "log_mbit_p50": middle([row["log_mbit"] for row in rows])}
    if len(rows) >= ROWS_MIN:
        for node in ("primary", "secondary"):
            before, after = quarters(rows, f"rss_{node}_mib")
            figures[f"rss_growth_mib_{node}"] = round(after - before, 2)
    return figures
