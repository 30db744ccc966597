/*
 * Faults that tests switch on by name, where the code knows its weak spot.
 * Without -DFT_FAULTS there is nothing to switch on: a production build
 * answers false and does not look at the environment.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_FAULT_HPP
#define ACCEL_FT_FAULT_HPP

#include <string_view>

namespace ft {

/* Is name one of the comma-separated names in list? */
constexpr bool fault_listed(std::string_view list, std::string_view name) {
    while (!list.empty() && !name.empty()) {
        const size_t comma = list.find(',');
        if (list.substr(0, comma) == name) {
            return true;
        }
        list =
            comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    }
    return false;
}

} // namespace ft

#endif
