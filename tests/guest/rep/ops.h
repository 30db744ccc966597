/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The instructions under test, each as a function on registers. */
#ifndef OPS_H
#define OPS_H

#include "machine.h"

struct regs { ulong cx, si, di, ax, dx, flags; };

struct op {
    const char *name;
    void (*run)(struct regs *regs);
    int width;
    enum { MOVS, STOS, LODS, CMPS, SCAS } kind;
};

#define OP(name, text) \
static __attribute__((noinline)) void name(struct regs *r) \
{ \
    asm volatile(text "\n\tpushf\n\tpop %[flags]\n\tcld" \
                 : "+c"(r->cx), "+S"(r->si), "+D"(r->di), "+a"(r->ax), "+d"(r->dx), [flags] "=&r"(r->flags) :: "memory", "cc"); \
}

OP(movsb, "rep movsb")
OP(movsl, "rep movsl")
OP(stosb, "rep stosb")
OP(stosw, "rep stosw")
OP(stosl, "rep stosl")
OP(lodsb, "rep lodsb")
OP(lodsl, "rep lodsl")
OP(cmpsb, "repe cmpsb")
OP(cmpsl, "repe cmpsl")
OP(cmpsb_ne, "repne cmpsb")
OP(scasb, "repe scasb")
OP(scasl, "repe scasl")
OP(scasb_ne, "repne scasb")
#ifdef __x86_64__
OP(movsq, "rep movsq")
OP(stosq, "rep stosq")
OP(scasq, "repe scasq")
#define SHORT_ADDRESS "addr32 "
#define STACK "(%%rsp)"
#define CALL_DX "call *%%rdx"
#else
#define SHORT_ADDRESS "addr16 "
#define STACK "(%%esp)"
#define CALL_DX "call *%%edx"
#endif
OP(movsb_down, "std; rep movsb")
OP(movsl_down, "std; rep movsl")
OP(stosl_down, "std; rep stosl")
OP(movsb_short, SHORT_ADDRESS "rep movsb")
OP(stosb_short, SHORT_ADDRESS "rep stosb")
OP(scasb_short, SHORT_ADDRESS "repe scasb")
OP(movsb_sti, "sti; rep movsb")
OP(stosl_sti, "sti; rep stosl")
OP(insb, "rep insb")
OP(insl, "rep insl")
OP(outsb, "rep outsb")
OP(outsl, "rep outsl")
OP(stepped, "pushf; orl $0x100, " STACK "; popf; rep movsb; nop; repe scasb; pushf; andl $~0x100, " STACK "; popf")
OP(watched, ".globl watched_at; watched_at: rep movsb; nop; .globl watched_next; watched_next: rep stosb")
/* Calls code that is made at run time: dx is its address. */
OP(call_made, CALL_DX)

static const struct op ops[] = {
    { "movsb", movsb, 1, MOVS }, { "movsl", movsl, 4, MOVS }, { "movsb down", movsb_down, -1, MOVS }, { "movsl down", movsl_down, -4, MOVS },
    { "stosb", stosb, 1, STOS }, { "stosw", stosw, 2, STOS }, { "stosl", stosl, 4, STOS }, { "stosl down", stosl_down, -4, STOS },
    { "lodsb", lodsb, 1, LODS }, { "lodsl", lodsl, 4, LODS },
    { "repe cmpsb", cmpsb, 1, CMPS }, { "repe cmpsl", cmpsl, 4, CMPS }, { "repne cmpsb", cmpsb_ne, 1, CMPS },
    { "repe scasb", scasb, 1, SCAS }, { "repe scasl", scasl, 4, SCAS }, { "repne scasb", scasb_ne, 1, SCAS },
#ifdef __x86_64__
    { "movsq", movsq, 8, MOVS }, { "stosq", stosq, 8, STOS }, { "repe scasq", scasq, 8, SCAS },
#endif
};
enum { OPS = sizeof(ops) / sizeof(ops[0]) };

#endif
