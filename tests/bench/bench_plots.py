# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bench: PNG files of a run. Needs matplotlib, as ftpair.plots."""

from ftpair import goals, plots
from ftpair.distribution import cdf
from ftpair.guest_clock import good, offsets_ms

missing = plots.missing
# One colour for each machine in all plots; protected stands out.
COLOURS = {"plain": "#8c8c8c", "icount": "#c9a227", "ftoff": "#5b8db8", "bound": "#4d4d4d", "exposed": "#d98c5f", "protected": "#b5332e"}
NAMES = {"plain": "upstream TCG", "icount": "upstream icount", "ftoff": "this build, ft=off", "exposed": "primary alone", "protected": "protected"}


def draw(run, folder):
    """A file for each plot that there is data for; their paths."""
    plots.matplotlib.use("Agg")
    from matplotlib import pyplot
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, plot in (("ratios", ratios), ("latency", latency), ("lag", lag), ("gap", gap), ("clock", clock),
                       ("chrony", chrony), ("replay", replay), ("half", half)):
        figure, axes = pyplot.subplots(figsize=(10, 4.5))
        if plot(axes, run):
            axes.spines[["top", "right"]].set_visible(False)
            paths.append(folder / f"{name}.png")
            figure.savefig(paths[-1], dpi=110, bbox_inches="tight")
        pyplot.close(figure)
    return paths


def ratios(axes, run):
    """Each plot says whether there was anything to draw."""
    names = [n for n in goals.WORKLOADS if f"ratio.{n}" in run.figures]
    kinds = [("ratio_icount", "icount"), ("ratio_ftoff", "ftoff"), ("ratio_exposed", "exposed"), ("ratio", "protected")]
    width = 0.8 / len(kinds)
    for at, (kind, machine) in enumerate(kinds):
        values = [run.figures.get(f"{kind}.{n}", 0) for n in names]
        if not any(values):
            continue
        places = [i + (at - 1.5) * width for i in range(len(names))]
        axes.bar(places, values, width * 0.92, color=COLOURS[machine], label=NAMES[machine])
        each = [run.each.get(f"{kind}.{n}") or [0] for n in names]
        axes.vlines(places, [min(e) for e in each], [max(e) for e in each], color="black", lw=0.8)
        if machine == "protected":
            for place, value in zip(places, values):
                axes.annotate(f"{value:.2f}", (place, 0), xytext=(0, 4), textcoords="offset points", ha="center", va="bottom",
                              rotation=90, fontsize=8, color="white")
    mark(axes, [(i, run.figures.get(f"bound.{n}")) for i, n in enumerate(names)], COLOURS["bound"], "two unprotected side by side")
    wanted = {g.name: g.value for g in goals.GOALS}
    mark(axes, [(i, wanted.get(f"ratio.{n}")) for i, n in enumerate(names)], "#2e7d32", "goal", ls=":")
    axes.axhline(1, color="#bbbbbb", lw=0.8, zorder=0)
    axes.set_xticks(range(len(names)), names)
    axes.set(ylabel="throughput / upstream TCG", title="Throughput of each workload against an unprotected guest")
    axes.set_ylim(0, max(1.15, axes.get_ylim()[1]))
    axes.legend(ncols=5, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.08), frameon=False)
    return bool(names)


def mark(axes, points, colour, label, ls="-"):
    """A short line across each group of bars."""
    points = [(x, y) for x, y in points if y is not None]
    if points:
        axes.hlines([y for _, y in points], [x - 0.44 for x, _ in points], [x + 0.44 for x, _ in points], color=colour, ls=ls,
                    lw=1.6, label=label)


def latency(axes, run):
    drawn = False
    for machine, label in NAMES.items():
        points = cdf([w / 1000 for w in run.rounds.waits_us(machine, "redis1")])
        if points:
            drawn = True
            axes.plot([v for v, _ in points], [100 * s for _, s in points], color=COLOURS[machine], lw=1.8, label=label)
    axes.set_xscale("log")
    axes.set(xlabel="time of a request, ms", ylabel="% of requests that took at most so long", ylim=(0, 100.5),
             title="INCR on redis, one connection")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3, which="both")
    if drawn:
        axes.legend(frameon=False, loc="lower right")
    return drawn


def lag(axes, run):
    """The last round; each workload has the same room, however long it took."""
    names, highest = [], 0.0
    for name, by_round in run.rounds.observed.items():
        seen = by_round[max(by_round)].lag
        if len(seen) < 2:
            continue
        begin, end = seen[0][0], seen[-1][0]
        axes.plot([len(names) + (t - begin) / (end - begin) for t, _ in seen], [ms for _, ms in seen], color=COLOURS["protected"], lw=1)
        names.append(f"{name}\n{end - begin:.1f} s")
        axes.axvline(len(names), color="#cccccc", lw=0.7)
        highest = max(highest, max(ms for _, ms in seen))
    goal = next(g.value for g in goals.GOALS if g.name == "lag_ms_p99")
    axes.axhline(goal, color="#2e7d32", ls=":", lw=1.6, label=f"goal for p99: {goal} ms")
    axes.set_xticks([n + 0.5 for n in range(len(names))], names)
    # One long stall shall not hide the rest.
    axes.set_yscale("symlog", linthresh=20)
    top = max(30, highest * 1.2)
    ticks_ms = [t for t in (0, 5, 10, 20, 50, 100, 250, 1000, 5000, 20000) if t < top]
    axes.set_yticks(ticks_ms, [str(t) for t in ticks_ms])
    axes.yaxis.set_minor_locator(plots.matplotlib.ticker.NullLocator())
    axes.set(ylabel="lag of the secondary, ms", title="Lag under each workload, last round", xlim=(0, max(len(names), 1)), ylim=(0, top))
    axes.legend(frameon=False, loc="upper right")
    return bool(names)


def gap(axes, run):
    if not run.gaps:
        return False
    axes.hist(run.gaps, bins=max(10, min(50, len(run.gaps))), color=COLOURS["protected"], alpha=0.85)
    for name, style in (("gap_ms_p50", "-"), ("gap_ms_p99", "--")):
        axes.axvline(run.figures[name], color="black", ls=style, lw=1, label=f"{name[-3:]}: {run.figures[name]:.1f} ms")
    axes.set(xlabel="longest time without a reply around the kill, ms", ylabel="kills", xlim=(0, None),
             title=f"What a client notices of kill -9 of the primary: {len(run.gaps)} kills")
    axes.legend(frameon=False)
    return True


def clock(axes, run):
    for name, colour in (("idle", COLOURS["ftoff"]), ("busy", COLOURS["protected"])):
        samples = run.clock.get(name)
        if samples:
            points = offsets_ms(good(samples))
            axes.plot([t for t, _ in points], [ms for _, ms in points], color=colour, lw=1.2,
                      label=f"{name}: {run.figures[f'clock_drift_ppm_{name}']:+.0f} ppm")
    axes.set(xlabel="seconds of the host's clock", ylabel="guest's clock ahead of the host's, ms", title="Clock of a protected guest")
    axes.grid(alpha=0.3)
    if run.clock:
        axes.legend(frameon=False)
    return bool(run.clock)


def chrony(axes, run):
    phases = {}
    for phase, second, off in run.chrony:
        phases.setdefault(phase, []).append((second, off))
    for phase, colour in zip(phases, (COLOURS["ftoff"], COLOURS["icount"], COLOURS["protected"])):
        axes.plot([s for s, _ in phases[phase]], [off for _, off in phases[phase]], color=colour, lw=1.2,
                  label={"failover": "after a failover"}.get(phase, phase))
    axes.set_yscale("symlog", linthresh=1)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set(xlabel="seconds since chrony was started", ylabel="guest's clock ahead of the host's, ms", title="chrony in a protected guest")
    axes.grid(alpha=0.3)
    if phases:
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return bool(phases)


def replay(axes, run):
    for name, curve in run.replay.items():
        axes.plot([t for t, _ in curve], [behind for _, behind in curve], lw=1.4,
                  label=f"{name}: {run.figures[f'replay_speed.{name}']:.2f} x")
    axes.set(xlabel="seconds since SIGCONT", ylabel="backlog, seconds of the primary's work", title="A secondary that catches up", ylim=(0, None))
    axes.grid(alpha=0.3)
    if run.replay:
        axes.legend(frameon=False)
    return bool(run.replay)


def half(axes, run):
    for at, (name, curve) in enumerate(run.half.items()):
        axes.plot([t for t, _ in curve.lag], [ms for _, ms in curve.lag], lw=1, color=(COLOURS["protected"], COLOURS["ftoff"])[at % 2],
                  label=f"{name}: {run.figures[f'half_rate_half.{name}']:.2f} of its rate meanwhile")
        begin, end = curve.phase("half")
        axes.axvspan(begin, end, color="#f3e9d2", zorder=0, label=None if at else "the secondary has half a core")
    axes.set(xlabel="seconds", ylabel="lag of the secondary, ms", title="A secondary that has half a core for a while", ylim=(0, None))
    axes.grid(alpha=0.3)
    if run.half:
        axes.legend(frameon=False)
    return bool(run.half)
