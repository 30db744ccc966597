/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start of the bare guest: multiboot, flat segments, paging, interrupt stubs.
 * Built for 32 bits, or (elf64, then objcopy to elf32, as multiboot wants it)
 * for long mode. All memory is mapped one to one by large pages, but for the
 * "window" at 1 GiB, whose page table main() fills.
 */
        .section .multiboot, "a"
        .balign 4
        .long 0x1badb002, 0, -0x1badb002

        .text
        .code32
        .globl start
start:  cli
        lgdt gdt_pointer
        mov $top_level, %eax
        mov %eax, %cr3
#ifdef __x86_64__
        mov $0x20, %eax                 /* PAE */
        mov %eax, %cr4
        mov $0xc0000080, %ecx           /* EFER.LME */
        rdmsr
        or $0x100, %eax
        wrmsr
#else
        mov $0x10, %eax                 /* PSE */
        mov %eax, %cr4
#endif
        mov %cr0, %eax
        or $0x80010000, %eax            /* PG, WP */
        mov %eax, %cr0
        mov $0x10, %eax
        mov %eax, %ds
        mov %eax, %es
        mov %eax, %ss
        ljmp $8, $paged
paged:
#ifdef __x86_64__
        .code64
#endif
        mov $stack_end, %esp
        call main
1:      hlt
        jmp 1b

        .macro stub vector, error=0
stub_\vector:
        .if !\error
        push $0
        .endif
        push $\vector
        jmp save
        .endm

        .altmacro
        .macro stub_of vector
        .if \vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17
        stub \vector, 1
        .else
        stub \vector
        .endif
        .endm
        .set i, 0
        .rept 256
        stub_of %i
        .set i, i + 1
        .endr

#ifdef __x86_64__
save:   .irp reg, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
        push %\reg
        .endr
        mov %rsp, %rdi
        cld
        call interrupt
        .irp reg, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rbx, rdx, rcx, rax
        pop %\reg
        .endr
        add $16, %rsp
        iretq
#define WORD .quad
#else
save:   pusha
        push %esp
        cld
        call interrupt
        add $4, %esp
        popa
        add $8, %esp
        iret
#define WORD .long
#endif

        .section .rodata
        .globl stubs
        .balign 8
        .macro stub_address vector
        WORD stub_\vector
        .endm
stubs:  .set i, 0
        .rept 256
        stub_address %i
        .set i, i + 1
        .endr

        .balign 8
gdt:    .quad 0
#ifdef __x86_64__
        .quad 0x00af9b000000ffff
#else
        .quad 0x00cf9b000000ffff
#endif
        .quad 0x00cf93000000ffff
gdt_pointer:
        .word . - gdt - 1
        .long gdt, 0

        .data
        .balign 4096
        .globl window_table, large_table
#ifdef __x86_64__
top_level:
        .quad level3 + 3
        .fill 511, 8, 0
level3: .quad level2 + 0x0003, level2 + 0x1003, level2 + 0x2003, level2 + 0x3003
        .fill 508, 8, 0
large_table:
level2: .set i, 0
        .rept 2048
        .if i == 512
        .quad window_table + 3
        .else
        .quad (i << 21) + 0x83
        .endif
        .set i, i + 1
        .endr
#else
large_table:
top_level:
        .set i, 0
        .rept 1024
        .if i == 256
        .long window_table + 3
        .else
        .long (i << 22) + 0x83
        .endif
        .set i, i + 1
        .endr
#endif
window_table:
        .fill 4096

        .bss
        .balign 16
        .fill 65536
stack_end:

        .section .note.GNU-stack, "", @progbits
