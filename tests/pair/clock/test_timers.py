# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: whichever timer, clock and interrupt controller the guest uses, both
nodes agree, and it ticks on in the survivor.

Method: kernel parameters make Linux use the HPET, the PIT, the ACPI timer, the
local APIC's and the two old PICs in turn, on q35 and pc. Under load the RTC
rings its alarm, and a digest of all devices is equal on both nodes; after a
kill the client goes on and the alarm rings again.
"""

from dataclasses import dataclass

from ftpair import digest, guest

CLOCKS = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
RTC = "/sys/class/rtc/rtc0"
# Rings in a second; the guest waits for four.
ALARM = f"""rang() {{ awk '$NF == "rtc0" {{ print $2 }}' /proc/interrupts; }}
before=$(rang); echo 0 >{RTC}/wakealarm; echo +1 >{RTC}/wakealarm
for _ in $(seq 40); do sleep 0.1; if [ "$(rang)" != "$before" ]; then echo rang; break; fi; done"""


@dataclass(frozen=True)
class Variant:
    board: str
    parameters: str
    clock: str          # what Linux must read the time from
    ticker: str         # and what must interrupt it
    controller: str = "IO-APIC"


VARIANTS = {
    "apic": Variant("q35", "highres=off nohz=off", "tsc", "lapic"),
    "hpet": Variant("q35", "clocksource=hpet nolapic_timer", "hpet", "hpet"),
    "pit": Variant("q35", "hpet=disable clocksource=acpi_pm nolapic_timer", "acpi_pm", "pit"),
    "pc-pic": Variant("pc", "noapic hpet=disable clocksource=acpi_pm", "acpi_pm", "lapic", "XT-PIC"),
    "pc-old": Variant("pc", "nolapic", "tsc", "hpet", "XT-PIC"),
}


def test_timers(case):
    for name, variant in VARIANTS.items():
        more = {"board": variant.board, "parameters": f"ft.file=0 {variant.parameters}"}
        with case.pair(name, primary=more, secondary=more) as pair:
            pair.start().wait_up()
            one(case, pair, name, variant)


def one(case, pair, name, variant):
    used = [guest.command(pair, f"cat {CLOCKS}").strip(),
            guest.command(pair, "sed -n 's/^Clock Event Device: //p' /proc/timer_list").split(),
            guest.command(pair, "grep -E ' (ttyS0|virtio0)' /proc/interrupts")]
    case.expect(f"{name}: Linux uses what it was told to", used[0] == variant.clock
                and variant.ticker in used[1] and variant.controller in used[2], used)
    guest.command(pair, "ft-load fork")
    pair.start_incr()
    rings(case, pair, name, "the pair")
    case.expect(f"{name}: digests are equal", digest.compared(pair) > 0)
    guest.kill_primary(case, pair)
    rings(case, pair, name, "the survivor")


def rings(case, pair, name, who):
    said = guest.command(pair, f"hwclock -u; {ALARM}")
    case.expect(f"{name}: the RTC's alarm rings in {who}", "rang" in said, " ".join(said.split()))
