/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * writer MIB SPIN: writes a word to each page of so many MiB, again and again, and turns
 * SPIN times between two pages. Without a C library, so that it is small enough to be
 * sent to the test guest by its web server.
 */
typedef unsigned long word;

enum { SYS_MMAP = 9, READ_WRITE = 3, PRIVATE_ANONYMOUS = 0x22, PAGE = 4096 };

static word map(word bytes)
{
    register word flags asm("r10") = PRIVATE_ANONYMOUS, fd asm("r8") = -1UL, at asm("r9") = 0;
    word place;

    asm volatile("syscall" : "=a"(place)
                 : "a"(SYS_MMAP), "D"(0), "S"(bytes), "d"(READ_WRITE), "r"(flags), "r"(fd), "r"(at)
                 : "rcx", "r11", "memory");
    return place;
}

static word number(const char *text)
{
    word value = 0;

    for (; *text; text++) {
        value = 10 * value + (word)(*text - '0');
    }
    return value;
}

/* The stack as the kernel leaves it: argc, argv[0], argv[1], argv[2]. */
__attribute__((used)) static void work(char **stack)
{
    word bytes = number(stack[2]) << 20, spin = number(stack[3]), memory = map(bytes);

    for (word round = 1;; round++) {
        for (word at = 0; at < bytes; at += PAGE) {
            *(volatile word *)(memory + at) = round + at;
            for (word i = 0; i < spin; i++) {
                asm volatile("");
            }
        }
    }
}

asm(".globl _start\n_start: mov %rsp, %rdi\n call work\n");
