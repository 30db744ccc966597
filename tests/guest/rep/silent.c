/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executes with its interrupts off and asks nothing of anybody, as firmware, a memory test or a
 * kernel's panic does: first fast code, then code of which each round is a port's access, then again.
 */
#include "machine.h"

enum { FAST_ROUNDS = 400 * 1000 * 1000, SLOW_ROUNDS = 2000 * 1000, NOBODYS_PORT = 0x80 };

void interrupt(struct frame *f)
{
    print("UNEXPECTED ");
    print_hex(f->vector);
    power_off();
}

int main(void)
{
    machine_init();
    asm volatile("cli");
    print("SILENT\n");
    for (;;) {
        for (ulong i = 0; i < FAST_ROUNDS; i++) {
            asm volatile("");
        }
        for (ulong i = 0; i < SLOW_ROUNDS; i++) {
            out8(NOBODYS_PORT, 0);
        }
    }
}
