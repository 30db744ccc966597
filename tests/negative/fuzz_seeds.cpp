/*
 * Writes the inputs that libFuzzer begins with: valid ones of every kind. Each is given to
 * the decoders first; one that they refuse would begin nowhere, so that is a failure.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <cstdio>
#include <string>

#include "tests/negative/fuzz_wire.hpp"

namespace {

bool accepted(const std::vector<uint8_t> &seed) {
    LLVMFuzzerTestOneInput(seed.data(), seed.size());
    /* This kind has the sums of another stream on purpose. */
    return fuzz_accepted || seed[0] == fuzz_kind_stream_as_is;
}

bool write(const std::string &path, const std::vector<uint8_t> &seed) {
    FILE *f = fopen(path.c_str(), "wb");
    if (!f) {
        return false;
    }
    const bool whole = fwrite(seed.data(), 1, seed.size(), f) == seed.size();
    return fclose(f) == 0 && whole;
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIR\n", argv[0]);
        return 2;
    }
    size_t n = 0;
    for (const auto &seed : fuzz_seeds()) {
        if (!accepted(seed)) {
            fprintf(stderr, "fuzz: seed %zu, of kind %u, is not accepted\n", n, seed[0]);
            return 1;
        }
        if (!write(std::string(argv[1]) + "/seed-" + std::to_string(n++), seed)) {
            perror(argv[1]);
            return 1;
        }
    }
    return 0;
}
