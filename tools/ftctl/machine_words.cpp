/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine_words.hpp"

namespace ftctl {
namespace {

std::string escaped(std::string_view text) {
    std::string out;
    for (char c : text) {
        out += c;
        if (c == ',') {
            out += c;
        }
    }
    return out;
}

/* One word, from its unescaped text. */
void add(Words &words, std::string &word) {
    if (!word.empty()) {
        size_t eq = word.find('=');
        words.emplace_back(eq == std::string::npos ? "" : word.substr(0, eq),
                           eq == std::string::npos ? word : word.substr(eq + 1));
    }
    word.clear();
}

} // namespace

Words words_of(std::string_view text) {
    Words words;
    std::string word;

    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] != ',') {
            word += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == ',') {
            word += text[i++];
        } else {
            add(words, word);
        }
    }
    add(words, word);
    return words;
}

std::string text_of(const Words &words) {
    std::string out;
    for (const auto &[key, value] : words) {
        out += out.empty() ? "" : ",";
        out += key.empty() ? escaped(value) : escaped(key) + "=" + escaped(value);
    }
    return out;
}

Words Role::words() const {
    Words words{{"ft", kind == Kind::Primary ? "primary" : "secondary"}};
    if (!address.empty()) {
        words.emplace_back(kind == Kind::Primary ? "ft-peer" : "ft-listen", address);
    }
    return words;
}

bool is_role_word(std::string_view key) {
    return key == "ft" || key == "ft-peer" || key == "ft-listen";
}

} // namespace ftctl
