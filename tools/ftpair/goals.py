# SPDX-License-Identifier: GPL-2.0-or-later
"""What the figures of scripts/bench shall reach, and the table that says so."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    name: str
    what: str
    value: float
    at_least: bool = False      # else: at most
    size: bool = False          # of the figure without its sign

    def met(self, seen):
        seen = abs(seen) if self.size else seen
        return seen >= self.value if self.at_least else seen <= self.value

    @property
    def text(self):
        return f"{'>=' if self.at_least else '<='} {self.value:g}"


def ratio(name, value, what):
    return Goal(f"ratio.{name}", f"{what}, protected / unprotected", value, at_least=True)


GOALS = (
    ratio("cpu", 0.98, "integers and floating point"), ratio("string", 0.98, "strings and memory"),
    ratio("fork", 0.95, "fork and exec"), ratio("compile", 0.95, "gcc"), ratio("crypto", 0.98, "openssl"),
    Goal("ratio.ftoff", "worst workload, ft=off in this build / upstream TCG", 0.98, at_least=True),
    ratio("redis50", 0.90, "redis, 50 connections"), ratio("http50", 0.90, "HTTP, 50 connections"),
    ratio("tcp_out", 0.95, "bulk TCP out"), ratio("tcp_in", 0.90, "bulk TCP in"),
    ratio("fio_local", 0.95, "fio, 32 requests, an image each"), ratio("fio_shared", 0.90, "fio, 32 requests, one image"),
    ratio("db_local", 0.95, "PostgreSQL, 8 clients, an image each"), ratio("db_shared", 0.90, "PostgreSQL, 8 clients, one image"),
    Goal("commit_over_rtt_ms_p50.db1_local", "one transaction, p50: added latency without the log's round trip, an image each, ms", 0.2),
    Goal("commit_over_rtt_ms_p50.db1_shared", "the same, one image, ms", 0.2),
    Goal("latency_over_rtt_ms_p50", "one request on redis, p50: added latency without the log's round trip, ms", 0.2),
    Goal("latency_over_rtt_ms_p99", "the same, p99, ms", 1.0),
    Goal("replay_speed", "replay / record, slowest workload", 1.2, at_least=True),
    Goal("lag_ms_p99", "lag of the secondary, p99 of the worst workload, ms", 20),
    Goal("log_mbit_idle", "log of an idle guest, Mbit/s", 0.1), Goal("log_mbit_compile", "log of gcc, Mbit/s", 1.5),
    Goal("log_per_payload_in", "log / payload, bulk TCP in", 1.05),
    Goal("clock_drift_ppm_idle", "guest's clock, idle, ppm", 1000, size=True),
    Goal("clock_drift_ppm_busy", "guest's clock, busy, ppm", 1000, size=True),
    Goal("clock_steps_back", "guest's clock went back, times", 0),
    Goal("idle_cpu_primary", "CPU of an idle primary, % of a core", 5), Goal("idle_cpu_secondary", "CPU of an idle secondary, %", 5),
    Goal("boot_over_plain_s", "start until the guest's first answer, worst drive, over that of a plain QEMU, s", 2),
    Goal("attach_s.1t", "ft-attach of a running guest until protected, 1 TiB with holes, s", 60),
    Goal("attach_gap_ms_max", "longest gap of a ping every 10 ms meanwhile, worst drive, ms", 200),
    Goal("gap_ms_p50", "client's gap after kill -9, p50, ms", 50), Goal("gap_ms_p99", "the same, p99, ms", 100),
)
# The order of tables and plots.
WORKLOADS = ("cpu", "string", "fork", "compile", "crypto", "redis1", "redis50", "http1", "http50", "tcp_out", "tcp_in", "mixed")


def number(value):
    if value is None:
        return ""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else f"{value:.0f}"


def lines(figures):
    """A line for each goal that was measured: what, goal, seen, met."""
    for goal in GOALS:
        seen = figures.get(goal.name)
        if seen is not None:
            yield goal, seen, goal.met(seen)


def sentences(figures):
    return [f"{'met    ' if met else 'not met'}  {goal.name:24} goal {goal.text:8} seen {number(seen):>9}   {goal.what}"
            for goal, seen, met in lines(figures)]


def markdown(figures, meta):
    """Tables for docs/BENCHMARKS.md."""
    yield f"`{meta['command']}`, {meta['time']}, commit {meta['commit'][:12]}; {meta['qemu']}."
    yield f"{meta['cpus']} x {meta['cpu']}, Linux {meta['kernel']}; {meta['rounds']} rounds."
    yield f"Other processes of the host used {number(meta['others_busy_percent'])} % of it while the benchmark began."
    yield from host_speed(figures)
    yield ""
    yield "| figure | what | goal | seen | met |"
    yield "|---|---|---|---|---|"
    for goal, seen, met in lines(figures):
        yield f"| `{goal.name}` | {goal.what} | {goal.text} | {number(seen)} | {'yes' if met else 'no'} |"
    yield ""
    yield from workload_table(figures)
    yield from beside_table(figures)
    yield from disk_table(figures)


STEADY = 0.85                   # slowest tenth of the host's speeds / the middle one


def host_speed(figures):
    """A sentence, if it was measured: what a difference between two figures may come from."""
    slow, middle = figures.get("host_speed_p10"), figures.get("host_speed_p50")
    if slow is not None and middle is not None:
        steady = "" if slow >= STEADY * middle else ": it was not steady, and neither are the ratios"
        yield f"Of its own greatest speed the host had {number(middle)} in the middle, {number(slow)} in the slowest tenth of all samples{steady}."


COLUMNS = (("ratio.{}", "protected / plain"), ("bound.{}", "two plain ones / one"), ("ratio_bound.{}", "protected / bound"),
           ("ratio_icount.{}", "upstream icount / plain"), ("ratio_ftoff.{}", "ft=off / plain"), ("ratio_exposed.{}", "exposed / plain"),
           ("rate_plain.{}", "plain, per s"), ("lag_ms_p99.{}", "lag p99, ms"), ("log_mbit.{}", "log, Mbit/s"), ("cpu_primary.{}", "CPU primary, %"),
           ("cpu_secondary.{}", "CPU secondary, %"))


def workload_table(figures):
    names = [n for n in WORKLOADS if f"rate_plain.{n}" in figures or f"rate_protected.{n}" in figures]
    if not names:
        return
    yield "| workload | " + " | ".join(title for _, title in COLUMNS) + " |"
    yield "|---" * (len(COLUMNS) + 1) + "|"
    for name in names:
        yield f"| {name} | " + " | ".join(number(figures.get(key.format(name))) for key, _ in COLUMNS) + " |"


BESIDE_COLUMNS = (("rate_protected.{}", "per s"), ("rate_beside.{}", "beside"), ("ratio_beside.{}", "beside / without"),
                  ("log_mbit.{}", "log, Mbit/s"), ("log_mbit_beside.{}", "beside"), ("cpu_primary.{}", "CPU primary, %"),
                  ("cpu_primary_beside.{}", "beside"), ("cpu_secondary.{}", "CPU secondary, %"), ("cpu_secondary_beside.{}", "beside"),
                  ("lag_ms_p99.{}", "lag p99, ms"), ("lag_ms_p99_beside.{}", "beside"))


def beside_table(figures):
    """What an option costs: two protected pairs, without and with the word of --beside."""
    names = [n for n in WORKLOADS if f"rate_beside.{n}" in figures]
    if not names:
        return
    yield ""
    yield "| two pairs | " + " | ".join(title for _, title in BESIDE_COLUMNS) + " |"
    yield "|---" * (len(BESIDE_COLUMNS) + 1) + "|"
    for name in names:
        yield f"| {name} | " + " | ".join(number(figures.get(key.format(name))) for key, _ in BESIDE_COLUMNS) + " |"


DISK_WORKLOADS, DISK_PAIRS = ("fio", "fio1", "db", "db1"), ("local", "shared", "shared_reads_disk")
DISK_COLUMNS = (("ratio", "protected / alone"), ("bound", "two side by side / one"), ("ratio_bound", "protected / bound"),
                ("rate_alone", "alone, per s"), ("commit_alone_ms_p50", "commit p50, alone, ms"), ("commit_ms_p50", "protected, ms"),
                ("lag_ms_p99", "lag p99, ms"), ("log_mbit", "log, Mbit/s"), ("cpu_primary", "CPU primary, %"),
                ("cpu_secondary", "CPU secondary, %"))


def disk_table(figures):
    rows = [(name, pair) for name in DISK_WORKLOADS for pair in DISK_PAIRS if f"rate.{name}_{pair}" in figures]
    if not rows:
        return
    yield ""
    yield "| drives | " + " | ".join(title for _, title in DISK_COLUMNS) + " |"
    yield "|---" * (len(DISK_COLUMNS) + 1) + "|"
    for name, pair in rows:
        yield (f"| {name}, {pair.replace('_', ' ')} | "
               + " | ".join(number(figures.get(f"{key}.{name}_{pair}")) for key, _ in DISK_COLUMNS) + " |")


BEGIN, END = "<!-- last run: begin -->", "<!-- last run: end -->"


def paste(text, tables):
    """The document with the tables between its two marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no '{BEGIN}' and '{END}'")
    return f"{before}{BEGIN}\n{tables}\n{END}{after}"
