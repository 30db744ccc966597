/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The workloads of ft-bench that are one program: "cpu" and "fork". A line for
 * each unit of work, with a checksum that is the same in every unit. About a
 * tenth of a second a unit on a machine of 2020 under TCG.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIEVE = 1000000, HASHES = 8000000, SIDE = 128, STEPS = 400000, FORKS = 50 };

static unsigned sieve(void)
{
    static unsigned char composite[SIEVE];
    unsigned count = 0;

    memset(composite, 0, sizeof(composite));
    for (unsigned n = 2; n < SIEVE; n++) {
        if (composite[n]) {
            continue;
        }
        count++;
        for (unsigned m = 2 * n; m < SIEVE; m += n) {
            composite[m] = 1;
        }
    }
    return count;
}

static uint64_t hash(uint64_t seed)
{
    for (unsigned n = 0; n < HASHES; n++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed += n;
    }
    return seed;
}

static double matrix(void)
{
    static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];
    double trace = 0;

    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            a[i][j] = (i * j) % 7 + 0.5;
            b[i][j] = (i + j) % 5 - 0.25;
        }
    }
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            c[i][j] = 0;
            for (int k = 0; k < SIDE; k++) {
                c[i][j] += a[i][k] * b[k][j];
            }
        }
        trace += c[i][i];
    }
    return trace;
}

static double integral(void)
{
    double sum = 0;

    for (int n = 1; n <= STEPS; n++) {
        double x = (double)n / STEPS;

        sum += sqrt(x) * (1 + x * x) / (2 - x);
    }
    return sum / STEPS;
}

static uint64_t cpu_unit(void)
{
    double d = matrix() + integral();
    uint64_t bits;

    memcpy(&bits, &d, sizeof(bits));
    return hash(bits ^ sieve());
}

static uint64_t fork_unit(void)
{
    uint64_t good = 0;

    for (int n = 0; n < FORKS; n++) {
        int status = -1;
        pid_t pid = fork();

        if (pid == 0) {
            execl("/bin/true", "true", (char *)NULL);
            _exit(1);
        }
        good += pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
    }
    return good;
}

int main(int argc, char **argv)
{
    uint64_t (*unit)(void) = argc == 2 && !strcmp(argv[1], "cpu") ? cpu_unit :
                             argc == 2 && !strcmp(argv[1], "fork") ? fork_unit : NULL;

    if (!unit) {
        fprintf(stderr, "usage: ft-work cpu|fork\n");
        return 2;
    }
    for (;;) {
        printf("%016llx\n", (unsigned long long)unit());
        if (fflush(stdout) != 0) {
            return 0;               /* nobody reads any more */
        }
    }
}
