/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executes code in a large page whose mapping changes: to other memory, or to
 * an entry that was not accessed yet. INVLPG is given another address of the
 * page than the code's; the whole translation has to go with it (Intel SDM 3A,
 * 4.10.4.1). Prints what the code returned and whether the entry is accessed.
 */
#include "machine.h"

extern ulong large_table[];

enum { PRESENT = 3, ACCESSED = 0x20, LARGE = 0x80 };

static const ulong SIZE = sizeof(ulong) == 8 ? 1ul << 21 : 1ul << 22;
static const ulong VIRTUAL = 0x50000000;
static const ulong ONE = 0x2000000, TWO = 0x2800000;    /* the memory behind it */
static const ulong CODE = 0x5000;                       /* where in the page */

void interrupt(struct frame *f)
{
    print("UNEXPECTED ");
    print_hex(f->vector);
    power_off();
}

/* mov $value, %eax; ret */
static void write_code(ulong at, u8 value)
{
    static const u8 code[] = { 0xb8, 0, 0, 0, 0, 0xc3 };

    for (ulong i = 0; i < sizeof(code); i++) {
        *(volatile u8 *)(at + i) = i == 1 ? value : code[i];
    }
}

static void map(ulong memory)
{
    *(volatile ulong *)&large_table[VIRTUAL / SIZE] = memory | PRESENT | LARGE;
    asm volatile("invlpg (%0)" :: "r"(VIRTUAL) : "memory");
}

static void call(void)
{
    u32 (*volatile code)(void) = (u32 (*)(void))(VIRTUAL + CODE);

    print(" ");
    print_hex(code());
    print(*(volatile ulong *)&large_table[VIRTUAL / SIZE] & ACCESSED ? "a" : "-");
}

int main(void)
{
    machine_init();
    write_code(ONE + CODE, 1);
    write_code(TWO + CODE, 2);
    for (int i = 0; i < 3; i++) {
        map(ONE);
        call();
        map(TWO);
        call();
        map(TWO);                       /* the same, not accessed */
        call();
    }
    print(" END\n");
    power_off();
    return 0;
}
