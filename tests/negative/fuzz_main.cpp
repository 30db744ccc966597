/*
 * A fuzzer's main for compilers without libFuzzer: mutates valid inputs with a
 * PRNG and keeps those that reach an edge of the code not reached before, as GCC's
 * -fsanitize-coverage=trace-pc tells us. On a finding the input is left in fuzz-finding.bin.
 * With --write-seeds DIR it only writes the seeds, for libFuzzer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <iterator>
#include <random>
#include <string>
#include <unistd.h>

#include "tests/negative/fuzz_wire.hpp"

using Bytes = std::vector<uint8_t>;

/* A finding must end in SIGABRT, so that the input can be kept. */
extern "C" const char *__asan_default_options() {
    return "abort_on_error=1";
}
extern "C" const char *__ubsan_default_options() {
    return "abort_on_error=1:halt_on_error=1:print_stacktrace=1";
}

namespace {

/* Which edges (pairs of blocks entered one after the other) were ever taken. */
uint8_t edge_seen[1 << 16];
bool edge_is_new;
uintptr_t block_before;

} // namespace

extern "C" __attribute__((no_sanitize_coverage, no_sanitize("address", "undefined"))) void
__sanitizer_cov_trace_pc() {
    uintptr_t block =
        reinterpret_cast<uintptr_t>(__builtin_return_address(0)) * 0x9e3779b1u;
    uint8_t &seen = edge_seen[((block >> 12) ^ block_before) & 0xffff];
    edge_is_new |= !seen;
    seen = 1;
    block_before = (block >> 13) & 0xffff;
}

namespace {

constexpr size_t corpus_max = 4096;
const uint8_t *current;
size_t current_len;

void keep_input(int) {
    int fd = open("fuzz-finding.bin", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd >= 0 && write(fd, current, current_len) == ssize_t(current_len)) {
        static const char told[] = "fuzz: the input is in fuzz-finding.bin\n";
        (void)!write(2, told, sizeof(told) - 1);
    }
    signal(SIGABRT, SIG_DFL);
    raise(SIGABRT);
}

class Mutator {
  public:
    explicit Mutator(uint64_t seed) : rng_(seed) {}

    size_t below(size_t n) { return n ? rng_() % n : 0; }

    void mutate(Bytes &b, const Bytes &other) {
        for (size_t times = 1 + below(4); times > 0; times--) {
            once(b, other);
        }
        b.resize(std::min(b.size(), fuzz_input_max));
    }

  private:
    void once(Bytes &b, const Bytes &other) {
        static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};
        size_t at = below(b.size()), n = below(std::min<size_t>(b.size() - at, 32) + 1);

        switch (below(8)) {
        case 0:
            if (!b.empty()) {
                b[at] ^= uint8_t(1 << below(8));
            }
            break;
        case 1:
            if (!b.empty()) {
                b[at] = uint8_t(rng_());
            }
            break;
        case 2:
            if (!b.empty()) {
                b[at] = edges[below(sizeof(edges))];
            }
            break;
        case 3:
            b.insert(b.begin() + ptrdiff_t(at), uint8_t(rng_()));
            break;
        case 4:
            b.erase(b.begin() + ptrdiff_t(at), b.begin() + ptrdiff_t(at + n));
            break;
        case 5: { /* Something twice. */
            Bytes piece(b.begin() + ptrdiff_t(at), b.begin() + ptrdiff_t(at + n));
            b.insert(b.begin() + ptrdiff_t(below(b.size())), piece.begin(), piece.end());
            break;
        }
        case 6: { /* Something from elsewhere. */
            size_t from = below(other.size());
            size_t len = below(std::min<size_t>(other.size() - from, 64) + 1);
            b.insert(b.begin() + ptrdiff_t(at), other.begin() + ptrdiff_t(from),
                     other.begin() + ptrdiff_t(from + len));
            break;
        }
        default:
            if (below(8) == 0) {
                b.resize(at);
            }
        }
    }

    std::mt19937_64 rng_;
};

void run_one(const Bytes &input) {
    /* Exactly as large as the input, so that ASan sees a read beyond its end. */
    auto exact = new uint8_t[input.size()];
    std::copy(input.begin(), input.end(), exact);
    current = exact;
    current_len = input.size();
    edge_is_new = false;
    block_before = 0;
    LLVMFuzzerTestOneInput(exact, input.size());
    delete[] exact;
}

struct Figures {
    uint64_t execs = 0;
    size_t edges = 0, corpus = 0;
};

Figures fuzz(double seconds, uint64_t seed) {
    using Clock = std::chrono::steady_clock;
    auto end = Clock::now() + std::chrono::duration<double>(seconds);
    std::vector<Bytes> corpus = fuzz_seeds();
    Mutator mutator(seed);
    Figures f;
    uint64_t &execs = f.execs;

    for (const Bytes &b : corpus) {
        run_one(b);
        if (!fuzz_accepted && b[0] != fuzz_kind_stream_as_is) {
            fprintf(stderr, "fuzz: a seed of kind %u is not accepted\n", b[0]);
            exit(1);
        }
        execs++;
    }
    while (execs % 256 || Clock::now() < end) {
        Bytes b = corpus[mutator.below(corpus.size())];
        mutator.mutate(b, corpus[mutator.below(corpus.size())]);
        run_one(b);
        execs++;
        /* Accepted ones too, now and then: deep inputs that look alike. */
        if (edge_is_new || (fuzz_accepted && b.size() < 8192 && mutator.below(64) == 0)) {
            if (corpus.size() < corpus_max) {
                corpus.push_back(std::move(b));
            } else {
                corpus[mutator.below(corpus.size())] = std::move(b);
            }
        }
    }
    f.edges = size_t(std::count(std::begin(edge_seen), std::end(edge_seen), 1));
    f.corpus = corpus.size();
    return f;
}

void write_seeds(const std::string &dir) {
    size_t n = 0;
    for (const Bytes &b : fuzz_seeds()) {
        FILE *f = fopen((dir + "/seed-" + std::to_string(n++)).c_str(), "wb");
        if (!f || fwrite(b.data(), 1, b.size(), f) != b.size() || fclose(f)) {
            perror(dir.c_str());
            exit(2);
        }
    }
}

} // namespace

int main(int argc, char **argv) {
    double seconds = 10;
    uint64_t seed = 1;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--seconds")) {
            seconds = atof(argv[i + 1]);
        } else if (!strcmp(argv[i], "--seed")) {
            seed = strtoull(argv[i + 1], nullptr, 0);
        } else if (!strcmp(argv[i], "--write-seeds")) {
            write_seeds(argv[i + 1]);
            return 0;
        } else {
            fprintf(stderr, "usage: %s [--seconds N] [--seed N] [--write-seeds DIR]\n",
                    argv[0]);
            return 2;
        }
    }
    signal(SIGABRT, keep_input);
    Figures f = fuzz(seconds, seed);
    printf("execs %llu\nedges %zu\ncorpus %zu\n", (unsigned long long)f.execs, f.edges,
           f.corpus);
    return 0;
}
