/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the end of a CPU's turn visible to the guest. Each round maps a page of
 * code anew, not accessed, and enters it by IRET, behind which QEMU looks up the
 * next block in its loop; the block is long, so most timer interrupts come just
 * before it. The handler counts how often the page's entry was accessed then.
 * A round also changes the memory map, which leaves the CPU a flush to do.
 * Prints, in the end, how often the entry was not accessed, and "some" if it was.
 */
#include "machine.h"

extern ulong window_table[];

enum { ACCESSED = 0x20, INTERRUPTS = 20000, BLOCK = 400, AHCI_COMMAND = 0x8000fa04, MEMORY = 2, END_OF_INTERRUPT = 0xb0 };

static volatile u32 interrupts, at_entry[2];

void interrupt(struct frame *f)
{
    if (f->vector != TIMER) {
        print("UNEXPECTED ");
        print_hex(f->vector);
        power_off();
    }
    if (f->ip == WINDOW) {
        at_entry[!!(*(volatile ulong *)window_table & ACCESSED)]++;
    }
    interrupts++;
    *at(APIC + END_OF_INTERRUPT) = 0;
    timer_in(10000 + interrupts * 52 % 3001);
}

/* Many times "nop", then "ret". */
static void write_block(void)
{
    for (ulong i = 0; i < BLOCK; i++) {
        *(volatile u8 *)(FRAMES + i) = i < BLOCK - 1 ? 0x90 : 0xc3;
    }
}

static void enter_by_iret(ulong code)
{
#ifdef __x86_64__
    asm volatile("call 1f; jmp 2f; 1: mov %%rsp, %%rax; mov %%ss, %%rdx; push %%rdx; push %%rax; pushf;"
                 "mov %%cs, %%rdx; push %%rdx; push %0; iretq; 2:" :: "r"(code) : "rax", "rdx", "memory", "cc");
#else
    asm volatile("call 1f; jmp 2f; 1: pushf; push %%cs; push %0; iret; 2:" :: "r"(code) : "memory", "cc");
#endif
}

static void change_memory_map(void)
{
    static u32 flip;

    flip ^= MEMORY;
    out32(0xcf8, AHCI_COMMAND);
    out16(0xcfc, 1 | flip);
}

int main(void)
{
    machine_init();
    write_block();
    timer_in(10000);
    asm volatile("sti");
    for (u32 round = 0; interrupts < INTERRUPTS; round++) {
        window_map(0, FRAMES, 1);
        enter_by_iret(WINDOW);
        if (round % 16 == 0) {
            change_memory_map();
        }
    }
    asm volatile("cli");
    print_hex(at_entry[0]);
    print(at_entry[1] ? " some" : " none");
    print(" END\n");
    for (;;) {
        asm volatile("pause");
    }
}
