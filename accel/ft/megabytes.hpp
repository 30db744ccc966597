/*
 * A number of bytes as a sentence says it: "180 MB", "9.5 MB", "0.12 MB".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_MEGABYTES_HPP
#define ACCEL_FT_MEGABYTES_HPP

#include <cstdint>
#include <cstdio>
#include <string>

namespace ft {

inline std::string megabytes(uint64_t bytes) {
    double mb = double(bytes) / 1e6;
    char text[40];

    snprintf(text, sizeof(text), mb < 9.95 ? "%.2g MB" : "%.0f MB", mb);
    return text;
}

} // namespace ft

#endif
