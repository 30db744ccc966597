# SPDX-License-Identifier: GPL-2.0-or-later
"""Samples over time as PNG files. Needs matplotlib (Debian: python3-matplotlib)."""

try:
    import matplotlib
except ImportError:
    matplotlib = None

PLOTS = {
    "lag": ("lag of the secondary, ms", ["lag_ms"]),
    "rss": ("resident memory, MiB", ["rss_primary_mib", "rss_secondary_mib"]),
    "rate": ("INCR replies per second", ["incr_per_second"]),
    "log": ("log, Mbit/s", ["log_mbit"]),
}


def missing():
    """A sentence that says what to install; "" if nothing is missing."""
    return "" if matplotlib else ("plots need matplotlib for this Python: run scripts/setup, or install "
                                  "Debian's python3-matplotlib and use /usr/bin/python3")


def draw(rows, folder, title):
    """One file for each plot; their paths."""
    matplotlib.use("Agg")
    from matplotlib import pyplot
    paths = []
    for name, (label, columns) in PLOTS.items():
        figure, axes = pyplot.subplots(figsize=(10, 4))
        for column in columns:
            axes.plot([r["seconds"] / 60 for r in rows], [r[column] for r in rows], lw=0.8, label=column)
        axes.set(xlabel="minutes", ylabel=label, title=title)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        if len(columns) > 1:
            axes.legend()
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1], dpi=110, bbox_inches="tight")
        pyplot.close(figure)
    return paths
