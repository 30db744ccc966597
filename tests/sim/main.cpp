/*
 * ft-sim: runs the simulator from the command line.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <unistd.h>

#include "tests/sim/world.hpp"

namespace ft::sim {
namespace {

struct BreakName {
    const char *name;
    Break broken;
};
constexpr BreakName breaks[] = {
    {"release-before-ack", Break::ReleaseBeforeAck},
    {"no-arbiter", Break::NoArbiter},
    {"live-before-drained", Break::LiveBeforeDrained},
    {"no-lease", Break::NoLease},
    {"lease-from-ready", Break::LeaseFromReady},
    {"no-lease-wait", Break::NoLeaseWait},
    {"loss-before-cut-done", Break::LossBeforeCutDone},
    {"no-state-received", Break::NoStateReceived},
    {"silent-witness", Break::SilentWitness},
    {"no-watchdog", Break::NoWatchdog},
};
/* A host that is broken on purpose must be noticed within this many seeds. */
constexpr uint64_t break_seeds_max = 2000;
/* Every so many seeds one is run twice, to see that it gives the same history. */
constexpr uint64_t twice_every = 50;

struct Options {
    uint64_t first = 1, count = 1;
    Break broken = Break::Nothing;
    bool trace = false, check_breaks = false, all_paths = false;
    const char *json = nullptr;
};

const char help[] =
    "Usage: ft-sim [OPTION...]\n"
    "Simulates pairs of nodes under faults, from a seed, and checks what must never happen.\n\n"
    "  --seed N          run one seed (default 1)\n"
    "  --seeds COUNT     run COUNT seeds, from --first on (default 1)\n"
    "  --first N         the first of them\n"
    "  --break NAME      a host that is wrong on purpose, to see that it is noticed:\n"
    "                    release-before-ack, no-arbiter, live-before-drained, no-lease,\n"
    "                    lease-from-ready, no-lease-wait, loss-before-cut-done,\n"
    "                    no-state-received, silent-witness, no-watchdog\n"
    "  --check-breaks    after the seeds, see that each of these is noticed\n"
    "  --all-paths       fail if a rare path was never taken (default from 10000 seeds on)\n"
    "  --trace           print what happens\n"
    "  --json FILE       write the figures to FILE\n"
    "  --help            this\n\n"
    "Numbers may be written 0x5eed. Exits 1 if a check failed, 2 on a wrong option.\n";

uint64_t seed_now; /* for the signal handler, when an assertion of the core aborts */

void on_abort(int) {
    char text[128];
    const int n =
        snprintf(text, sizeof(text), "ft-sim: aborted; repeat with: ft-sim --seed %llu\n",
                 static_cast<unsigned long long>(seed_now));
    if (write(STDERR_FILENO, text, static_cast<size_t>(n)) < 0) {
        _exit(134);
    }
}

Outcome run_seed(uint64_t seed, Break broken, bool trace) {
    seed_now = seed;
    World world(seed, broken, trace);
    return world.run();
}

std::string run_checked(uint64_t seed, Break broken, bool trace, bool twice) {
    const Outcome o = run_seed(seed, broken, trace);

    if (o.violation.empty() && twice) {
        const RareCounts before = rare_counts;
        const Outcome again = run_seed(seed, broken, false);
        rare_counts = before;
        if (again.digest != o.digest || again.events != o.events) {
            return "two runs of this seed differ: the simulator is not deterministic";
        }
    }
    return o.violation;
}

struct Tally {
    uint64_t seeds = 0, failed = 0, never_reached = 0;
    std::array<uint64_t, std::size(breaks)> first_seed{}; /* 0: not noticed */
    bool breaks_ok = true;
};

const char *name_of(Break b) {
    for (const BreakName &n : breaks) {
        if (n.broken == b) {
            return n.name;
        }
    }
    return nullptr;
}

void run_seeds(const Options &opt, Tally &tally) {
    for (uint64_t i = 0; i < opt.count; i++) {
        const uint64_t seed = opt.first + i;
        const bool twice = opt.count == 1 || i % twice_every == 0;
        const std::string why = run_checked(seed, opt.broken, opt.trace, twice);
        tally.seeds++;
        if (why.empty()) {
            continue;
        }
        if (tally.failed++ < 10) {
            const char *broken = name_of(opt.broken);
            printf("seed %llu: %s\n  repeat with: ft-sim --seed %llu --trace%s%s\n",
                   static_cast<unsigned long long>(seed), why.c_str(),
                   static_cast<unsigned long long>(seed), broken ? " --break " : "",
                   broken ? broken : "");
        }
    }
}

/* A checker that has never failed is not yet a checker. */
void check_breaks(Tally &tally) {
    const RareCounts before = rare_counts;

    for (size_t b = 0; b < std::size(breaks); b++) {
        std::string why;
        for (uint64_t seed = 1; seed <= break_seeds_max && why.empty(); seed++) {
            why = run_seed(seed, breaks[b].broken, false).violation;
            tally.first_seed[b] = why.empty() ? 0 : seed;
        }
        if (why.empty()) {
            tally.breaks_ok = false;
            printf("--break %s: NOT noticed in %llu seeds\n", breaks[b].name,
                   static_cast<unsigned long long>(break_seeds_max));
        } else {
            printf("--break %-20s noticed at seed %llu: %s\n", breaks[b].name,
                   static_cast<unsigned long long>(tally.first_seed[b]), why.c_str());
        }
    }
    rare_counts = before;
}

void print_reached(Tally &tally) {
    printf("rare paths taken:\n");
    for (size_t i = 0; i < rare_count; i++) {
        printf("  %-42s %llu\n", rare_names[i],
               static_cast<unsigned long long>(rare_counts[i]));
        tally.never_reached += rare_counts[i] == 0;
    }
}

bool write_json(const char *path, const Options &opt, const Tally &tally) {
    FILE *f = fopen(path, "w");

    if (!f) {
        fprintf(stderr, "ft-sim: %s: %s\n", path, strerror(errno));
        return false;
    }
    fprintf(
        f, "{\n \"figures\": {\n  \"seeds\": %llu,\n  \"failed\": %llu,\n  \"first\": %llu",
        static_cast<unsigned long long>(tally.seeds),
        static_cast<unsigned long long>(tally.failed),
        static_cast<unsigned long long>(opt.first));
    for (size_t b = 0; opt.check_breaks && b < std::size(breaks); b++) {
        std::string name = breaks[b].name;
        for (char &c : name) {
            c = c == '-' ? '_' : c;
        }
        fprintf(f, ",\n  \"caught_%s\": %d,\n  \"caught_%s_seed\": %llu", name.c_str(),
                tally.first_seed[b] != 0, name.c_str(),
                static_cast<unsigned long long>(tally.first_seed[b]));
    }
    fprintf(f,
            ",\n  \"rare_paths_never_taken\": %llu\n },\n \"meta\": {\n  \"rare_paths\": {",
            static_cast<unsigned long long>(tally.never_reached));
    for (size_t i = 0; i < rare_count; i++) {
        fprintf(f, "%s\n    \"%s\": %llu", i ? "," : "", rare_names[i],
                static_cast<unsigned long long>(rare_counts[i]));
    }
    fprintf(f, "\n  }\n }\n}\n");
    return fclose(f) == 0;
}

std::optional<uint64_t> number(const char *text) {
    char *end = nullptr;
    errno = 0;
    const uint64_t n = text ? strtoull(text, &end, 0) : 0;
    return text && *text && *text != '-' && !*end && !errno ? std::optional(n)
                                                            : std::nullopt;
}

std::optional<Break> break_named(std::string_view name) {
    for (const BreakName &b : breaks) {
        if (name == b.name) {
            return b.broken;
        }
    }
    return std::nullopt;
}

/* Returns false on an option that is not understood. */
bool parse(int argc, char **argv, Options &opt) {
    for (int i = 1; i < argc; i++) {
        const std::string_view a = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : nullptr;
        if (a == "--trace") {
            opt.trace = true;
        } else if (a == "--check-breaks") {
            opt.check_breaks = true;
        } else if (a == "--all-paths") {
            opt.all_paths = true;
        } else if (a == "--json" && value) {
            opt.json = argv[++i];
        } else if (a == "--break" && value) {
            const auto b = break_named(argv[++i]);
            if (!b) {
                return false;
            }
            opt.broken = *b;
        } else if ((a == "--seed" || a == "--first" || a == "--seeds") && number(value)) {
            (a == "--seeds" ? opt.count : opt.first) = *number(argv[++i]);
        } else {
            return false;
        }
    }
    opt.all_paths |= opt.count >= 10000 && opt.broken == Break::Nothing;
    return true;
}

int run(const Options &opt) {
    Tally tally;

    signal(SIGABRT, on_abort);
    run_seeds(opt, tally);
    if (opt.check_breaks) {
        check_breaks(tally);
    }
    if (opt.count > 1) {
        print_reached(tally);
    }
    printf("%llu seeds, %llu failed\n", static_cast<unsigned long long>(tally.seeds),
           static_cast<unsigned long long>(tally.failed));
    bool ok = tally.failed == 0 && tally.breaks_ok;
    if (opt.all_paths && tally.never_reached) {
        printf("%llu rare paths were never taken\n",
               static_cast<unsigned long long>(tally.never_reached));
        ok = false;
    }
    if (opt.json && !write_json(opt.json, opt, tally)) {
        ok = false;
    }
    return ok ? 0 : 1;
}

} // namespace
} // namespace ft::sim

int main(int argc, char **argv) {
    ft::sim::Options opt;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(ft::sim::help, stdout);
        return 0;
    }
    if (!ft::sim::parse(argc, argv, opt)) {
        fprintf(stderr, "ft-sim: option not understood; see ft-sim --help\n");
        return 2;
    }
    return ft::sim::run(opt);
}
