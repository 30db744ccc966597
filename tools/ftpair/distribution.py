# SPDX-License-Identifier: GPL-2.0-or-later
"""Medians, percentiles and ratios of what the benchmark has measured; pure."""

import statistics


def percentile(values, share):
    """The value that this share of all do not exceed; None without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def ratios(above, below):
    """Round by round: what was measured in one round has met the same noise. Rounds without one of the two do not count."""
    return [above[n] / below[n] for n in sorted(set(above) & set(below)) if above[n] is not None and below[n]]


def rounded(value, digits=4):
    return None if value is None else round(float(value), digits)


def percentile_of_bins(bins, share):
    """The same of {value: how often}."""
    left = sum(bins.values()) * share
    for value in sorted(bins):
        left -= bins[value]
        if left < 0:
            return value
    return max(bins, default=None)


def cdf(values, points=400):
    """[(value, share)] for a plot: at most so many points, the tail included."""
    ordered = sorted(values)
    if not ordered:
        return []
    shares = {i / points for i in range(points)} | {1 - 10 ** -e for e in (2, 2.5, 3, 3.5, 4)} | {1.0}
    return [(ordered[min(len(ordered) - 1, int(len(ordered) * s))], s) for s in sorted(shares)]


def slope(points):
    """Least squares: dy/dx of [(x, y)]; None for fewer than two different x."""
    if len(points) < 2:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    below = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / below if below else None
