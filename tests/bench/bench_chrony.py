# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bench: does chrony in the guest stay synchronised: idle, busy, across a failover?

The server has the host's clock, so what chrony believes can be compared with
how far the guest's clock really is from the host's.
"""

import time

from ftpair import chrony, machine
from ftpair.guest_clock import GuestClock, good, off_ms, steps_back
from ftpair.ticks import Worker

GOOD_MS = 10                    # nearer than that to the server's clock counts as synchronised
LIVE_SECONDS = 10
PERIOD_SECONDS = 0.25


def run(options, say):
    """(figures, [(phase, seconds, ms off)])."""
    figures, errors = {}, []
    with machine.protected("chrony", lambda text: None, options.timeout_ms, options.machine, keep=options.keep) as pair:
        say("chrony: booting a protected pair")
        pair.start(captures=("b",)).wait_up()
        with chrony.Server(pair):
            chrony.start_in(pair)
            begin = time.monotonic()
            for phase in ("idle", "busy", "failover"):
                figures.update(live_through(pair, phase, begin, errors, options.chrony_seconds, say))
    return figures, errors


def live_through(pair, phase, begin, errors, seconds, say):
    """One phase; failover: the guest goes on in the survivor."""
    worker = None
    if phase == "failover":
        pair.inject("kill")
        pair.wait_state(pair.secondary, "exposed", LIVE_SECONDS)
        pair.promote()
    clock = GuestClock(pair)
    try:
        worker = Worker(pair, "cpu") if phase == "busy" else None
        samples = observe(clock, phase, begin, errors, seconds, say)
        told, off = chrony.tracking(pair), clock.error_ms()
    finally:
        clock.close()
        if worker:
            worker.close()
    say(f"chrony {phase}: really {off:+.3f} ms off; it says: {told}")
    return {f"chrony_synchronised_{phase}": int(told.synchronised and abs(off) < GOOD_MS), f"chrony_error_ms_{phase}": off,
            f"chrony_offset_ms_{phase}": told.offset_ms, f"chrony_rms_ms_{phase}": told.rms_ms,
            f"chrony_skew_ppm_{phase}": told.skew_ppm, f"chrony_frequency_ppm_{phase}": told.frequency_ppm,
            f"chrony_steps_back_{phase}": steps_back(samples)}


def observe(clock, phase, begin, errors, seconds, say):
    samples, until, told = [], time.monotonic() + seconds, time.monotonic()
    while time.monotonic() < until:
        samples.append(clock.sample())
        if time.monotonic() > told + 3:
            told = time.monotonic()
            say(f"chrony {phase}: {until - told:.0f} s left, the guest's clock is {off_ms(good(samples)[-1]):+.2f} ms off")
        time.sleep(PERIOD_SECONDS)
    errors += [(phase, s.host_ns / 1e9 - begin, off_ms(s)) for s in good(samples)]
    return samples
