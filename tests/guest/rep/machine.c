/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine.h"

extern ulong stubs[256];
extern ulong window_table[];

static struct { u32 word[sizeof(ulong) == 8 ? 4 : 2]; } gates[256];

static void set_gates(void)
{
    struct { unsigned short limit; ulong base; } __attribute__((packed)) pointer = { sizeof(gates) - 1, (ulong)gates };

    for (int i = 0; i < 256; i++) {
        gates[i].word[0] = (8 << 16) | (stubs[i] & 0xffff);
        gates[i].word[1] = (stubs[i] & 0xffff0000) | 0x8e00;
    }
    asm volatile("lidt %0" :: "m"(pointer));
}

void machine_init(void)
{
    out8(0x21, 0xff);                   /* both old interrupt controllers are silent */
    out8(0xa1, 0xff);
    set_gates();
    *at(APIC + 0xf0) = 0x100 | SPURIOUS;
    *at(APIC + 0x320) = TIMER;          /* one shot */
    *at(APIC + 0x3e0) = 0xb;            /* counts ns */
}

void timer_in(u32 ns) { *at(APIC + APIC_COUNT) = ns; }

void power_off(void) { out16(0x604, 0x2000); }

void window_map(u32 page, ulong frame, int present)
{
    window_table[page] = frame | (present ? 3 : 0);
    asm volatile("invlpg (%0)" :: "r"(WINDOW + page * PAGE) : "memory");
}

void print(const char *text) { while (*text) { out8(0x3f8, *text++); } }

void print_hex(u32 value)
{
    for (int shift = 28; shift >= 0; shift -= 4) {
        out8(0x3f8, "0123456789abcdef"[value >> shift & 15]);
    }
}
