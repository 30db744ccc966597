/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/fault.hpp"

#include "accel/ft/ft.h"

#ifdef FT_FAULTS

#include <cstdlib>
#include <string>

namespace {

/* Read once: a fault must not come and go with setenv. */
const std::string &active_faults() {
    static const std::string list = [] {
        const char *env = getenv("FT_FAULT");
        return std::string(env ? env : "");
    }();
    return list;
}

} // namespace

/* THREAD: any. OWNERSHIP: nothing changes hands. */
bool ftc_fault(const char *name) noexcept {
    try {
        return name && ft::fault_listed(active_faults(), name);
    } catch (...) {
        return false;
    }
}

#else

/* THREAD: any. OWNERSHIP: nothing changes hands. */
bool ftc_fault(const char *) noexcept {
    return false;
}

#endif
