/*
 * compose("node {} does {}", 1, "this"): the little of std::format that the
 * simulator needs, because g++ 12 has none.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_SIM_TEXT_HPP
#define TESTS_SIM_TEXT_HPP

#include <sstream>
#include <string>
#include <string_view>

namespace ft::sim {

template <typename... Args>
std::string compose(std::string_view pattern, const Args &...args) {
    std::ostringstream out;
    auto put = [&out, &pattern](const auto &arg) {
        const size_t at = pattern.find("{}");
        out << pattern.substr(0, at) << arg;
        pattern.remove_prefix(at == std::string_view::npos ? pattern.size() : at + 2);
    };

    (put(args), ...);
    out << pattern;
    return out.str();
}

} // namespace ft::sim

#endif
