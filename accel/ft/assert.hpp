/*
 * FT_ASSERT(condition, "message", ...): our own invariant, on in every build.
 * When it does not hold the process stops and the other node takes over, which
 * is better than releasing output that nobody can reproduce. Never for what a
 * guest, a peer or a file can cause: those are values, see result.hpp.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_ASSERT_HPP
#define ACCEL_FT_ASSERT_HPP

namespace ft {

[[noreturn, gnu::cold, gnu::format(printf, 4, 5)]] void
assert_failed(const char *file, int line, const char *expression, const char *format,
              ...) noexcept;

} // namespace ft

#define FT_ASSERT(condition, ...)                                             \
    do {                                                                      \
        if (!(condition)) [[unlikely]] {                                      \
            ::ft::assert_failed(__FILE__, __LINE__, #condition, __VA_ARGS__); \
        }                                                                     \
    } while (0)

#endif
