/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/assert.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace ft {

void assert_failed(const char *file, int line, const char *expression, const char *format,
                   ...) noexcept {
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "ft: %s:%d: assertion '%s' failed: %s\n", file, line, expression, text);
    fflush(stderr);
    abort();
}

} // namespace ft
