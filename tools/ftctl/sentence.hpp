/*
 * Sentences for people: every failure of ftctl is one, in the core's Result<T>.
 * The core's fail() cuts at the length of its C border; these are whole.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_SENTENCE_HPP
#define FTCTL_SENTENCE_HPP

#include <sstream>
#include <string>

#include "accel/ft/result.hpp"

namespace ftctl {

using ft::Error;
using ft::Result;
using ft::Status;

/* The parts one behind the other, each as a stream would print it. */
template <typename... Parts>
std::string sentence(const Parts &...parts) {
    std::ostringstream out;
    (out << ... << parts);
    return out.str();
}

template <typename... Parts>
std::unexpected<Error> refuse(const Parts &...parts) {
    return std::unexpected(Error{sentence(parts...)});
}

} // namespace ftctl

#endif
