# SPDX-License-Identifier: GPL-2.0-or-later
"""Drives whose images have a format, and options, for each drive and side; and how guest and monitors fare while these are compared."""

from .disk import DiskSuccession

WORDS = "if=none,id=d{},file={},format={}{}"
# On a host that these tests load; before, the monitor was silent for 20 s and more, and so was the guest.
ANSWER_S_MAX, GAP_MS_MAX = 0.5, 500


class MixedDrives(DiskSuccession):
    """format(side, number) of each image, options(number) of each -drive: a kind says them."""

    def image_name(self, side, number):
        return f"{side}{number}.{self.format(side, number)}"

    def drive_word(self, side, number):
        return WORDS.format(number, self.image_name(side, number), self.format(side, number), self.options(number))

    def changes_for(self, side):
        changes = super().changes_for(side)
        for number in range(self.drives):
            changes[f"d{number}.format"] = self.format(side, number)
        return changes


def answers(case, what, watch, gap_ms_max=GAP_MS_MAX):
    case.figure(f"gap_ms_{what}", round(watch.gap_ms))
    case.figure(f"answer_ms_{what}", round(1000 * watch.slowest_s))
    case.expect(f"{what}: the guest answers all the time", watch.gap_ms < gap_ms_max, f"longest gap {watch.gap_ms:.0f} ms")
    case.expect(f"{what}: the monitors do", watch.slowest_s < ANSWER_S_MAX,
                ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in watch.slowest.items()))
