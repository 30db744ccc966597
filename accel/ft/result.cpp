/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/result.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace ft {

std::unexpected<Error> fail(const char *format, ...) {
    /* As long as FtError holds; a longer sentence could not be shown anyway. */
    char text[sizeof(FtError::text)];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return std::unexpected(Error{text});
}

bool give(FtError *err, std::string_view text) noexcept {
    if (err) {
        size_t n = std::min(text.size(), sizeof(err->text) - 1);
        memcpy(err->text, text.data(), n);
        err->text[n] = '\0';
    }
    return false;
}

} // namespace ft
