# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bench: an idle protected guest, and the guest's clock idle and busy."""

import time

from ftpair import digest, guest_clock, machine
from ftpair.guest_clock import GuestClock
from ftpair.observer import Observer
from ftpair.ticks import Worker

SETTLE_SECONDS = 2
PERIODS = {"idle": 0.5, "busy": 0.05}       # an idle guest that is asked often is not idle


def run(options, say):
    """(figures, {"idle"|"busy": samples})."""
    figures, series = {}, {}
    with machine.protected("clock", lambda text: None, options.timeout_ms, options.machine, keep=options.keep) as pair:
        say("clock: booting a protected pair")
        pair.start(captures=()).wait_up()
        if wanted(options, "idle"):
            figures.update(idle(pair, options, say))
        if wanted(options, "clock"):
            for name in PERIODS:
                series[name] = watch(pair, name, options.clock_seconds, say)
                figures.update(of_clock(name, series[name]))
            figures["clock_steps_back"] = sum(guest_clock.steps_back(s) for s in series.values())
        digest.compared(pair, 60)
        pair.wait_protected(1)
    return figures, series


def wanted(options, name):
    return not options.only or name in options.only


def idle(pair, options, say):
    time.sleep(SETTLE_SECONDS)
    with Observer(pair, period_seconds=None) as seen:
        rest(options.idle_seconds, say)
    figures = {f"idle_cpu_{node}": seen.cpu_percent(node) for node in ("primary", "secondary")}
    figures["log_mbit_idle"] = seen.log_mbit
    say(f"idle: primary {figures['idle_cpu_primary']:.1f} %, secondary {figures['idle_cpu_secondary']:.1f} % of a core, "
        f"log {seen.log_mbit:.3f} Mbit/s")
    return figures


def rest(seconds, say):
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 2.5))
        say(f"idle: {max(0, until - time.monotonic()):.0f} s left")


def watch(pair, name, seconds, say):
    clock = GuestClock(pair)
    worker = Worker(pair, "cpu") if name == "busy" else None
    try:
        return clock.watch(seconds, PERIODS[name], lambda text: say(f"clock {name}: {text}"))
    finally:
        clock.close()
        if worker:
            worker.close()


def of_clock(name, samples):
    drift, bound = guest_clock.drift_ppm(samples)
    return {f"clock_drift_ppm_{name}": drift, f"clock_drift_error_ppm_{name}": bound,
            f"clock_drift_fitted_ppm_{name}": guest_clock.fitted_ppm(samples),
            f"clock_wander_ms_{name}": guest_clock.wander_ms(samples)}
