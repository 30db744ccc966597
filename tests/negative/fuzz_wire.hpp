/*
 * What the fuzz entry and the program around it share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_NEGATIVE_FUZZ_WIRE_HPP
#define TESTS_NEGATIVE_FUZZ_WIRE_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

inline constexpr size_t fuzz_input_max = 1 << 16;

/* First byte of an input, modulo fuzz_kinds. */
enum : uint8_t {
    fuzz_kind_bodies,
    fuzz_kind_log,
    fuzz_kind_stream,
    fuzz_kind_stream_as_is, /* sums are left as they came */
    fuzz_kind_frame,        /* of the guest, behind virtio's header */
    fuzz_kind_seen,         /* what the other node has seen of the guest */
    fuzz_kinds
};

/* Set by the entry when a decoder accepted (part of) the input. */
extern bool fuzz_accepted;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Valid inputs of every kind. */
std::vector<std::vector<uint8_t>> fuzz_seeds();

#endif
