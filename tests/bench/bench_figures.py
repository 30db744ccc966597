# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bench: figures of the rounds. Names with a dot: KIND.WORKLOAD."""

from collections import Counter

from ftpair.distribution import median, percentile, percentile_of_bins, ratios
from ftpair.machine import pristine_qemu

QUANTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}


def of_rounds(rounds):
    """{name: number}, and {name: [one for each round]} of the ratios."""
    figures, each = {}, {}
    names = sorted({w for by_name in rounds.results.values() for w in by_name})
    for name in names:
        of_rates(figures, each, rounds, name)
        of_waits(figures, rounds, name)
        of_observations(figures, list(rounds.observed.get(name, {}).values()), name)
        of_beside(figures, each, rounds, name)
    of_all(figures, rounds)
    return {k: v for k, v in figures.items() if v is not None}, each


def of_rates(figures, each, rounds, name):
    rate = lambda machine: rounds.rates(machine, name)
    for machine in ("plain", "icount", "ftoff", "exposed", "protected"):
        figures[f"rate_{machine}.{name}"] = median(rate(machine).values())
    for kind, above, below in (("ratio", "protected", "plain"), ("ratio_bound", "protected", "bound"), ("bound", "bound", "plain"),
                               ("ratio_icount", "icount", "plain"), ("ratio_over_icount", "protected", "icount"),
                               ("ratio_ftoff", "ftoff", "plain"), ("ratio_exposed", "exposed", "plain")):
        each[f"{kind}.{name}"] = ratios(rate(above), rate(below))
        figures[f"{kind}.{name}"] = median(each[f"{kind}.{name}"])


def of_waits(figures, rounds, name):
    for machine in ("plain", "icount", "ftoff", "exposed", "protected"):
        waits = rounds.waits_us(machine, name)
        for part, share in QUANTILES.items() if waits else ():
            figures[f"latency_ms_{part}.{name}.{machine}"] = percentile(waits, share) / 1000


def of_observations(figures, seen, name):
    if not seen:
        return
    lags = sum((s.lags_ms for s in seen), Counter())
    figures[f"lag_ms_p50.{name}"], figures[f"lag_ms_p99.{name}"] = percentile_of_bins(lags, 0.5), percentile_of_bins(lags, 0.99)
    figures[f"lag_ms_max.{name}"] = max(lags, default=None)
    figures[f"log_mbit.{name}"] = median([s.log_mbit for s in seen])
    for node in ("primary", "secondary"):
        figures[f"cpu_{node}.{name}"] = median([s.cpu_percent(node) for s in seen])


def of_beside(figures, each, rounds, name):
    """The pair of --beside, and what it has left of the other pair's rate."""
    if not rounds.beside:
        return
    own = {}
    of_observations(own, list(rounds.beside.observed.get(name, {}).values()), name)
    figures.update({f"{key.partition('.')[0]}_beside.{name}": value for key, value in own.items()})
    rates = rounds.beside.rates("protected", name)
    each[f"ratio_beside.{name}"] = ratios(rates, rounds.rates("protected", name))
    figures[f"rate_beside.{name}"], figures[f"ratio_beside.{name}"] = median(rates.values()), median(each[f"ratio_beside.{name}"])


def of_all(figures, rounds):
    """The figures that are not one for each workload."""
    seen = [s for by_round in rounds.observed.values() for s in by_round.values()]
    figures["lag_ms_p99"] = max((v for k, v in figures.items() if k.startswith("lag_ms_p99.") and v is not None), default=None)
    figures["log_mbit_compile"] = figures.get("log_mbit.compile")
    figures["digests_equal"] = rounds.digests
    if pristine_qemu():
        figures["ratio.ftoff"] = min((v for k, v in figures.items() if k.startswith("ratio_ftoff.") and v is not None), default=None)
    if seen:
        for part in ("p50", "p99", "max"):
            figures[f"hold_ms_{part}"] = median([s.hold_ms[part] for s in seen])
        figures["ack_rtt_ms"] = median([s.ack_rtt_ms for s in seen])
        figures["digest_ms"] = median([s.digest_ms for s in seen])
    of_latency(figures)
    of_payload(figures, rounds)


def of_latency(figures):
    """What protection adds to one request at a time."""
    for part in ("p50", "p99"):
        plain, protected = (figures.get(f"latency_ms_{part}.redis1.{m}") for m in ("plain", "protected"))
        if plain is not None and protected is not None:
            figures[f"latency_added_ms_{part}"] = protected - plain
            figures[f"latency_over_rtt_ms_{part}"] = protected - plain - figures["ack_rtt_ms"]


def of_payload(figures, rounds):
    """Bytes of log for each byte that iperf3 received in the guest."""
    results = rounds.results.get("protected", {}).get("tcp_in", {})
    shares = [rounds.observed["tcp_in"][n].log_bytes / r.bytes for n, r in results.items() if r.bytes]
    figures["log_per_payload_in"] = median(shares)


def threads(rounds):
    """Where each node's CPU time went: {workload: {node: {thread: (user s, system s)}}} of the last round."""
    return {name: by_round[max(by_round)].threads for name, by_round in rounds.observed.items()}
