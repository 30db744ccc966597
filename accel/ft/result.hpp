/*
 * Values for operating errors: Result<T> is T or an Error that carries one
 * sentence. The sentence is built where the fault is seen ("length: 700000 >
 * max 262144") and gains its whereabouts on the way up (.context("frame 17")).
 * No error codes: nobody in the core acts on one, people read the sentence.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_RESULT_HPP
#define ACCEL_FT_RESULT_HPP

#include <exception>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "accel/ft/ft.h"

namespace ft {

struct Error {
    std::string text;

    /* "frame 17" + "event 3 (NET), ..." reads "frame 17, event 3 (NET), ..." */
    Error context(std::string_view where) && {
        text.insert(0, ", ").insert(0, where);
        return std::move(*this);
    }
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

/* printf-like: return fail("length: %zu > max %zu", len, max); */
[[gnu::format(printf, 1, 2)]] std::unexpected<Error> fail(const char *format, ...);

/* Hands a sentence to C, cut to fit; err may be NULL. Always false, so that a
 * shim can say: return give(err, e); */
bool give(FtError *err, std::string_view text) noexcept;
inline bool give(FtError *err, const Error &e) noexcept {
    return give(err, std::string_view(e.text));
}

/* The body of a shim that answers bool + FtError: runs work, which returns a
 * Status, and lets nothing throw across the border (only memory can run out). */
template <typename Work>
bool guarded(FtError *err, Work &&work) noexcept {
    try {
        Status s = std::forward<Work>(work)();
        return s ? true : give(err, s.error());
    } catch (const std::exception &e) {
        return give(err, e.what());
    } catch (...) {
        return give(err, "unknown exception");
    }
}

/* The same for a shim that has no FtError. */
template <typename T, typename Work>
T guarded_or(T otherwise, Work &&work) noexcept {
    try {
        return std::forward<Work>(work)();
    } catch (...) {
        return otherwise;
    }
}

/* The body of an ft_x_new(): NULL when memory is short. */
template <typename T, typename... Args>
T *make_or_null(Args &&...args) noexcept {
    try {
        return new T(std::forward<Args>(args)...);
    } catch (...) {
        return nullptr;
    }
}

} // namespace ft

#endif
