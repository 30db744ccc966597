/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bare machine below the REP guest: ports, clock, timer, paging, console.
 * Everything is relative to the moment it was set up, so that the same guest
 * prints the same whenever it starts.
 */
#ifndef MACHINE_H
#define MACHINE_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned long ulong;            /* as wide as a register */

/* As start.S pushes it. */
struct frame {
#ifdef __x86_64__
    ulong r15, r14, r13, r12, r11, r10, r9, r8;
#endif
    ulong di, si, bp, sp, bx, dx, cx, ax, vector, error, ip, cs, flags;
};

enum { CF = 1, TF = 0x100, IF = 0x200, DF = 0x400, RF = 0x10000 };
enum { DEBUG = 1, PAGE_FAULT = 14, TIMER = 0x40, SPURIOUS = 0xff };

#define WINDOW 0x40000000ul             /* pages that are mapped one by one */
#define FRAMES 0x02000000ul             /* the memory behind them */
#define PAGE 4096ul
#define APIC 0xfee00000ul
#define APIC_COUNT 0x380                /* initial count; the current one is at 0x390 */
#define HPET 0xfed00000ul

static inline void out8(u32 port, u8 value) { asm volatile("outb %0, %w1" :: "a"(value), "d"(port)); }
static inline void out16(u32 port, u32 value) { asm volatile("outw %w0, %w1" :: "a"(value), "d"(port)); }
static inline void out32(u32 port, u32 value) { asm volatile("outl %0, %w1" :: "a"(value), "d"(port)); }
static inline u8 in8(u32 port) { u8 v; asm volatile("inb %w1, %0" : "=a"(v) : "d"(port)); return v; }
static inline volatile u32 *at(ulong address) { return (volatile u32 *)address; }

/* With icount the time stamp counter is the instruction count, in ns. */
static inline u32 tsc(void) { u32 low, high; asm volatile("rdtsc" : "=a"(low), "=d"(high)); return low; }

static inline void set_debug(ulong address, ulong control)
{
    asm volatile("mov %0, %%dr0; mov %1, %%dr7; mov %2, %%dr6" :: "r"(address), "r"(control), "r"(0ul));
}

void machine_init(void);
void power_off(void);
void timer_in(u32 ns);                  /* one interrupt; 0: none */
void window_map(u32 page, ulong frame, int present);
void print(const char *text);
void print_hex(u32 value);

#endif
