/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * REP guest: executes repeated string instructions in all the ways that could
 * make the instruction count wrong, and prints what it saw: the time stamp
 * counter, which with icount is the instruction count, the registers, flags and
 * memory after each, and at each interrupt, fault and trap in the middle of one.
 * tests/pair/replay/test_rep.py compares what two QEMUs print.
 */
#include "ops.h"

static u32 entries[1 << 18];
static u32 used, start;
static int fault_maps = 1;              /* page faults map the page that was missing */
static ulong wished[3];                 /* for each area of 16 pages: the memory that a fault maps there */

static void note(ulong value)
{
    if (used < sizeof(entries) / sizeof(entries[0])) {
        entries[used++] = value;
    }
#ifdef __x86_64__
    if (value >> 32 && used < sizeof(entries) / sizeof(entries[0])) {
        entries[used++] = value >> 32;
    }
#endif
}

static void section(const char *name)
{
    print(name);
    for (u32 i = 0; i < used; i++) {
        print(i % 16 ? " " : "\n");
        print_hex(entries[i]);
    }
    print("\n");
    if (used == sizeof(entries) / sizeof(entries[0])) {
        print("FULL\n");
    }
    used = 0;
    start = tsc();
}

/* Elsewhere registers and flags may show the clock itself, which is not the same in each run. */
static int repeats(ulong ip)
{
    u8 prefix = *(volatile u8 *)ip;
    return prefix == 0xf2 || prefix == 0xf3 || prefix == 0x67;
}

/* Called by the stubs for every interrupt and exception. */
void interrupt(struct frame *f)
{
    note(f->vector);
    note(tsc() - start);
    note(f->ip);
    if (f->vector != TIMER || repeats(f->ip)) {
        note(f->cx);
        note(f->si);
        note(f->di);
        note(f->flags & (RF | IF | TF | DF | 0x8d5));
    }
    if (f->vector == PAGE_FAULT && fault_maps) {
        ulong address;
        asm volatile("mov %%cr2, %0" : "=r"(address));
        note(address);
        note(f->error);
        u32 page = (address - WINDOW) / PAGE;
        window_map(page, wished[page / 16] + page % 16 * PAGE, 1);
    } else if (f->vector == DEBUG) {
        ulong why;
        asm volatile("mov %%dr6, %0; mov %1, %%dr6" : "=&r"(why) : "r"(0ul));
        note(why);
        f->flags |= RF;
    } else if (f->vector == TIMER) {
        *at(APIC + 0xb0) = 0;
    } else {
        section("UNEXPECTED");
        power_off();
    }
}

static ulong checksum(ulong from, ulong bytes)
{
    ulong sum = 0;
    for (ulong i = 0; i < bytes; i++) {
        sum = sum * 31 + *(volatile u8 *)(from + i);
    }
    return (u32)sum;
}

static void fill(ulong to, ulong bytes, u32 seed)
{
    for (ulong i = 0; i < bytes; i++) {
        *(volatile u8 *)(to + i) = seed ? (seed = seed * 1103515245 + 12345) >> 16 : 0;
    }
}

/* Executes one and notes what it cost and left. */
static void measure(void (*run)(struct regs *), ulong cx, ulong si, ulong di, ulong ax, ulong dx)
{
    struct regs r = { cx, si, di, ax, dx, 0 };
    u32 before = tsc();

    run(&r);
    note(tsc() - before);
    note(r.cx);
    note(r.si);
    note(r.di);
    note(r.ax);
    note(r.flags & 0x8d5);
}

static const ulong SOURCE = 0x1000000, TARGET = 0x1800000;

/* Bytes between the addresses that a count reaches, for both directions. */
static ulong first(const struct op *op, ulong area, ulong count)
{
    return op->width < 0 ? area + (count - 1) * -op->width : area;
}

static int width(const struct op *op) { return op->width < 0 ? -op->width : op->width; }

/* Comparing goes on to the difference, or to the end if there is none. */
static void prepare(const struct op *op, ulong count, ulong difference)
{
    int ne = op->run == cmpsb_ne || op->run == scasb_ne;
    ulong bytes = count * width(op);

    if (op->kind == CMPS || op->kind == SCAS) {
        fill(SOURCE, bytes, 0);
        for (ulong i = 0; i < bytes; i++) {
            *(volatile u8 *)(TARGET + i) = ne;
        }
        if (difference < count) {
            *(volatile u8 *)(TARGET + difference * width(op)) = !ne;
        }
    }
}

static void sizes(void)
{
    static const u32 counts[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 255, 256, 257, 4095, 4096, 4097 };

    for (int o = 0; o < OPS; o++) {
        const struct op *op = &ops[o];
        for (u32 c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
            ulong count = counts[c], at[] = { count, 0, 1, count / 2, count - 1 };
            for (int d = 0; d < (op->kind >= CMPS ? 5 : 1); d++) {
                prepare(op, count, at[d]);
                measure(op->run, count, first(op, SOURCE, count), first(op, TARGET, count), 0, 0);
            }
        }
        section(op->name);
    }
}

/* More than fits in the 16 bits of the decrementer. */
static void large(void)
{
    static const u32 counts[] = { 65534, 65535, 65536, 65537, 70000, 140000, 300000 };

    fill(SOURCE, 300000, 0);
    fill(TARGET, 300000, 0);
    for (u32 c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        measure(movsb, counts[c], SOURCE, TARGET, 0, 0);
        measure(stosl, counts[c], 0, TARGET, 0, 0);
        measure(scasb, counts[c], 0, TARGET, 0, 0);
        measure(cmpsb, counts[c], SOURCE, TARGET, 0, 0);
    }
    section("large");
}

/* Long enough to show in QEMU's processor time whether iterations stay inside a block. */
static void many(void)
{
    for (int i = 0; i < 6; i++) {
        measure(stosb, 20000000, 0, TARGET, 0, 0);
        measure(scasb, 20000000, 0, TARGET, 0, 0);
    }
    section("many");
}

/* CX alone counts, or ECX in long mode; the rest stays, or becomes zero there. */
static void short_addresses(void)
{
#ifdef __x86_64__
    const ulong rest = 0xabcdef1200000000ul;
#else
    const ulong rest = 0xabcd0000ul;
#endif
    for (ulong count = 0; count < 20; count++) {
        measure(movsb_short, rest | count, rest | 0x8000, rest | 0x9000, 0, 0);
        measure(stosb_short, rest | count, rest, rest | 0x9000, 0, 0);
        measure(scasb_short, rest | count, rest, rest | 0x9000, 0, 0);
    }
    section("short addresses");
}

static void window_reset(void)
{
    for (u32 page = 0; page < 48; page++) {
        window_map(page, 0, 0);
    }
    for (int area = 0; area < 3; area++) {
        wished[area] = FRAMES + area * 16 * PAGE;
    }
}

static const ulong AREA[] = { WINDOW, WINDOW + 16 * PAGE, WINDOW + 32 * PAGE };

/* Each page is missing at its first access, elements straddle pages, an interrupt may come at any point. */
static void faults(u32 timer_from, u32 timer_to, u32 timer_step, ulong bytes)
{
    for (int o = 0; o < OPS; o++) {
        const struct op *op = &ops[o];
        ulong count = bytes / width(op);
        for (u32 timer = timer_from; timer <= timer_to; timer += timer_step) {
            window_reset();
            fill(FRAMES, 4 * PAGE, op->kind >= CMPS ? 0 : timer + 1);
            fill(FRAMES + 16 * PAGE, 4 * PAGE, 0);
            timer_in(timer);
            measure(op->run, count, first(op, AREA[0] + PAGE - 11, count), first(op, AREA[1] + PAGE - 21, count), 0, 0);
            timer_in(0);
            note(checksum(FRAMES + 16 * PAGE, 4 * PAGE));
        }
        section(op->name);
    }
}

/* An interrupt before, in and after each iteration. One instruction takes 4 ns; the test says so to QEMU. */
static void interrupts(const struct op *op, ulong count)
{
    prepare(op, count, count);
    for (u32 at = 1; at < 90; at++) {
        timer_in(4 * at);
        measure(op->run, count, first(op, SOURCE, count), first(op, TARGET, count), 0, 0);
        timer_in(0);
    }
    section(op->name);
}

/* Reads of a running counter show the instruction count of each iteration. */
static void device_reads(void)
{
    const ulong current = APIC + 0x390;

    for (ulong count = 0; count <= 4; count++) {
        timer_in(1 << 30);
        measure(lodsl, count, current, 0, 0, 0);
        measure(movsl, count, current, TARGET, 0, 0);
        for (ulong i = 0; i < count; i++) {
            note(at(TARGET)[i]);
        }
        measure(movsb, count, current, TARGET, 0, 0);
        measure(cmpsl, count, current, current, 0, 0);
        measure(cmpsb_ne, count, current, current, 0, 0);
        measure(scasl, count, 0, current, 0, 0);
        measure(scasb_ne, count, 0, current, 0, 0);
    }
    timer_in(0);
    section("counter of the APIC");
}

/* Out of RAM into a device's page, and into it again with the page missing at first. */
static void device_pages(void)
{
    *at(HPET + 0x10) = 0;
    *at(HPET + 0xf0) = 0;
    *at(HPET + 0xf4) = 0;
    *at(HPET + 0x10) = 1;
    for (u32 timer = 0; timer < 600; timer += 12) {
        window_reset();
        window_map(0, FRAMES, 1);
        fill(FRAMES, PAGE, 1);
        wished[0] = HPET - PAGE;        /* page 1 */
        timer_in(timer);
        measure(movsl, 70, AREA[0] + PAGE - 16, AREA[1] + PAGE - 38, 0, 0);
        note(checksum(FRAMES + 16 * PAGE, 2 * PAGE));
        measure(movsl, 70, AREA[0] + PAGE - 16, AREA[1] + PAGE - 38, 0, 0);
        timer_in(0);
        note(checksum(FRAMES + 16 * PAGE, 2 * PAGE));
    }
    section("HPET");
}

/* Each iteration arms the timer anew; it rings in a later one. */
static void device_writes(void)
{
    for (u32 ns = 0; ns <= 60; ns++) {
        for (ulong count = 0; count <= 4; count++) {
            measure(stosl, count, 0, APIC + APIC_COUNT, ns, 0);
            at(SOURCE)[0] = 400; at(SOURCE)[1] = ns; at(SOURCE)[2] = ns ^ 7; at(SOURCE)[3] = 40;
            measure(movsl, count, SOURCE, APIC + APIC_COUNT, 0, 0);
            measure(movsb, 20, SOURCE, TARGET, 0, 0);
            timer_in(0);
        }
    }
    section("timer armed by REP");
}

static void ports(void)
{
    out8(0x61, (in8(0x61) & ~2) | 1);   /* counter 2 of the PIT runs */
    out8(0x43, 0xb4);
    out8(0x42, 0xff);
    out8(0x42, 0xff);
    for (u32 timer = 0; timer < 700; timer += 36) {
        window_reset();
        timer_in(timer);
        measure(insb, 150, 0, AREA[0] + PAGE - 40, 0, 0x42);
        note(checksum(FRAMES, 2 * PAGE));
        out32(0xcf8, 0x80000000);
        measure(insl, 33, 0, AREA[0] + 3 * PAGE - 38, 0, 0xcfc);
        measure(outsl, 33, AREA[0] + 3 * PAGE - 38, 0, 0, 0xcf8);
        fill(SOURCE, 40, 1);
        measure(outsb, 40, SOURCE, 0, 0, 0x80);
        measure(outsb, 0, SOURCE, 0, 0, 0x80);
        timer_in(0);
    }
    section("ports");
}

/* A trap after each iteration; a breakpoint at the instruction; a trap when it writes an address. */
static void traps(void)
{
    extern char watched_at[], watched_next[];

    fill(SOURCE, 64, 1);
    fill(TARGET, 128, 0);
    for (ulong count = 0; count < 12; count++) {
        measure(stepped, count, SOURCE, TARGET, 0, 0);
        for (u32 timer = 0; timer < 240; timer += 4) {
            set_debug((ulong)watched_at, 1);
            timer_in(timer);
            measure(watched, count, SOURCE, TARGET, 0, 0);
            set_debug((ulong)watched_next, 1);
            measure(watched, count, SOURCE, TARGET, 0, 0);
            set_debug(TARGET + 3, 0x10001);
            measure(watched, count, SOURCE, TARGET, 0, 0);
            measure(stosl, count, 0, TARGET, 0, 0);
            set_debug(0, 0);
            timer_in(0);
        }
    }
    section("traps");
}

/* The first iteration stands in the shadow of STI. */
static void after_sti(void)
{
    for (u32 at = 1; at < 60; at++) {
        asm volatile("cli");
        timer_in(4 * at);
        measure(at & 1 ? movsb_sti : stosl_sti, at % 12, SOURCE, TARGET, 0, 0);
        asm volatile("sti");
        timer_in(0);
    }
    section("after STI");
}

/*
 * REP MOVSB that overwrites itself and what follows it, from all offsets; the
 * code lies inside a page, or REP's first byte ends one.
 */
static void made_code(ulong code)
{
    static const u8 before[] = { 0xf3, 0xa4, 0xb8, 1, 2, 3, 4, 0x40, 0x40, 0xc3, 0xc3 };
    static const u8 after[] = { 0x90, 0xa4, 0xb8, 5, 6, 7, 8, 0x90, 0x90, 0xc3, 0xc3 };

    for (ulong from = 0; from < sizeof(before); from++) {
        for (ulong count = 0; count <= sizeof(before) - from; count++) {
            for (ulong i = 0; i < sizeof(before); i++) {
                *(volatile u8 *)(code + i) = before[i];
                *(volatile u8 *)(SOURCE + i) = after[i];
            }
            timer_in(count * 20);
            measure(call_made, count, SOURCE + from, code + from, 0, code);
            /* As it stands now, over RAM that is not code. */
            measure(call_made, count, SOURCE + from, TARGET, 0, code);
            timer_in(0);
        }
    }
    section("made code");
}

int main(void)
{
    machine_init();
    section("REP guest");
    asm volatile("sti");
    sizes();
    large();
    many();
    short_addresses();
    faults(0, 0, 1, 9000);
    faults(40, 1000, 96, 120);
    for (int o = 0; o < OPS; o++) {
        interrupts(&ops[o], 30);
    }
    device_reads();
    device_pages();
    device_writes();
    ports();
    traps();
    after_sti();
    made_code(SOURCE + 0x100000);
    made_code(SOURCE + 0x100000 + PAGE - 1);
    section("END");
    power_off();
    return 0;
}
