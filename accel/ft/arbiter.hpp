/*
 * What ft-arbiter= says: which back end decides who goes on, and where it is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_ARBITER_HPP
#define ACCEL_FT_ARBITER_HPP

#include <string>

#include "accel/ft/result.hpp"

namespace ft {

/* "none" gives an empty directory, "file:DIR" gives DIR. */
Result<std::string> arbiter_directory(const char *spec);

} // namespace ft

#endif
