/*
 * The value of a -machine option as words: "q35,ft=secondary,ft-listen=a:1".
 * A comma inside a value is written twice. Pure functions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_MACHINE_WORDS_HPP
#define FTCTL_MACHINE_WORDS_HPP

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ftctl {

/* A word without "=" has an empty key. */
using Words = std::vector<std::pair<std::string, std::string>>;

Words words_of(std::string_view text);
std::string text_of(const Words &words);

/* The role that a node is started in. */
struct Role {
    enum class Kind { Primary, Secondary } kind;
    std::string address; /* primary: its peer, may be empty; secondary: where to listen */

    static Role primary(std::string peer) { return {Kind::Primary, std::move(peer)}; }
    static Role secondary(std::string listen) { return {Kind::Secondary, std::move(listen)}; }
    Words words() const;
};

/* Says ft, ft-peer or ft-listen: what makes one node of a pair differ from the other. */
bool is_role_word(std::string_view key);

} // namespace ftctl

#endif
