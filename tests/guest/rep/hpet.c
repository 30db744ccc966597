/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A periodic timer of the HPET, as a guest sees it that has switched its interrupt
 * off: the comparator is ahead of the counter, by a period at most and by whole
 * periods from the first one; switched on again the timer rings when the comparator
 * says. With 64 and with 32 bits, the latter over the counter's 2^32. Prints how often
 * each of these was otherwise.
 */
#include "machine.h"

#define IOAPIC 0xfec00000ul

enum { CONFIG = 0x10, COUNTER = 0xf0, TIMER_CONFIG = 0x100, COMPARATOR = 0x108 };
enum { ON = 1, LEGACY = 2 };                                    /* CONFIG */
enum { RINGS = 4, PERIODIC = 8, SET = 0x40, ONLY_32 = 0x100 };  /* TIMER_CONFIG */
enum { LEGACY_PIN = 2, REDIRECTION = 0x10, END_OF_INTERRUPT = 0xb0 };
enum { TICK = 10000, LATE = TICK / 4, LOOKS = 200, HALTS = 5 };

static volatile u32 rung, rang_at;

void interrupt(struct frame *f)
{
    if (f->vector != TIMER) {
        print("UNEXPECTED ");
        print_hex(f->vector);
        power_off();
    }
    rang_at = *at(HPET + COUNTER);
    rung++;
    *at(APIC + END_OF_INTERRUPT) = 0;
}

static void wait(u32 rounds)
{
    while (rounds--) {
        asm volatile("");
    }
}

static void wait_ring(void)
{
    for (u32 before = rung; rung == before;) {
        asm volatile("pause");
    }
}

static void set_counter(u32 low)
{
    *at(HPET + CONFIG) = LEGACY;
    *at(HPET + COUNTER) = low;
    *at(HPET + COUNTER + 4) = 0;
}

static void set_timer(u32 config, u32 first)
{
    *at(HPET + TIMER_CONFIG) = config | SET;
    *at(HPET + COMPARATOR) = first;
    if (!(config & ONLY_32)) {
        *at(HPET + TIMER_CONFIG) = config | SET;
        *at(HPET + COMPARATOR + 4) = 0;
    }
    *at(HPET + TIMER_CONFIG) = config;
    *at(HPET + COMPARATOR) = TICK;
}

/* The low halves do: all that is compared is less than 2^31 apart. */
static u32 wrong_looks(u32 first)
{
    u32 wrong = 0, rung_before = rung;

    for (u32 i = 0; i < LOOKS; i++) {
        u32 before = *at(HPET + COUNTER), comparator = *at(HPET + COMPARATOR), behind = *at(HPET + COUNTER);

        wrong += (int)(comparator - before) <= 0 || (int)(comparator - behind) > TICK || (comparator - first) % TICK != 0;
        wait(i * i % 4093);
    }
    return wrong + (rung != rung_before);
}

/* The counter stands, and the comparator with it. */
static u32 wrong_halts(u32 first)
{
    u32 wrong = 0;

    for (u32 i = 0; i < HALTS; i++) {
        u32 comparator;

        wait(20011);
        *at(HPET + CONFIG) = LEGACY;
        comparator = *at(HPET + COMPARATOR);
        wait(20011);
        wrong += *at(HPET + COMPARATOR) != comparator || (comparator - first) % TICK != 0
            || (int)(comparator - *at(HPET + COUNTER)) <= 0 || (int)(comparator - *at(HPET + COUNTER)) > TICK;
        *at(HPET + CONFIG) = ON | LEGACY;
    }
    return wrong;
}

static u32 wrong_ring(u32 config)
{
    u32 comparator = *at(HPET + COMPARATOR);

    *at(HPET + TIMER_CONFIG) = config;
    wait_ring();
    return rang_at - comparator > LATE;
}

static void with(u32 width, u32 begin)
{
    const u32 silent = PERIODIC | width, rings = silent | RINGS, first = begin + 2 * TICK;

    set_counter(begin);
    set_timer(rings, first);
    *at(HPET + CONFIG) = ON | LEGACY;
    wait_ring();
    wait_ring();
    *at(HPET + TIMER_CONFIG) = silent;
    print_hex(wrong_looks(first));
    print(" ");
    print_hex(wrong_halts(first));
    print(" ");
    wait(100003);
    print_hex(wrong_ring(rings));
    print(" ");
    wait_ring();
    *at(HPET + TIMER_CONFIG) = silent;
}

int main(void)
{
    machine_init();
    *at(IOAPIC) = REDIRECTION + 2 * LEGACY_PIN + 1;
    *at(IOAPIC + 0x10) = 0;
    *at(IOAPIC) = REDIRECTION + 2 * LEGACY_PIN;
    *at(IOAPIC + 0x10) = TIMER;
    asm volatile("sti");
    with(0, 0);
    with(ONLY_32, 0u - 50 * TICK);
    asm volatile("cli");
    print("END\n");
    power_off();
    for (;;) {
    }
}
