/*
 * The fingerprint is what makes two machines the same to a guest, as lines
 * "name=value" in the order the sender found them. A name may come more than
 * once (two disks, say), so lines are compared in order, and the message tells
 * apart a line that differs from one that only one side has.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "accel/ft/hello.hpp"

namespace ft::wire {

namespace {

struct Line {
    std::string_view name, value;
    bool operator==(const Line &) const = default;
};

std::vector<Line> split(std::string_view text) {
    std::vector<Line> lines;
    while (!text.empty()) {
        size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty()) {
            continue;
        }
        size_t equals = std::min(line.find('='), line.size());
        lines.push_back(
            {line.substr(0, equals), line.substr(std::min(equals + 1, line.size()))});
    }
    return lines;
}

/* For a log and a terminal: bytes of the peer that cannot be printed are replaced, and a
 * long value is cut so that both values fit in the sentence. */
std::string shown(std::string_view text) {
    constexpr size_t shown_max = 72;
    std::string out;
    for (char c : text.substr(0, shown_max)) {
        out += (c >= ' ' && c != 0x7f && c != '\'') ? c : '?';
    }
    return text.size() > shown_max ? out + "..." : out;
}

/* Two long values (kernel command lines) that begin alike are shown from shortly before
 * the place where they differ. */
size_t interesting_from(std::string_view a, std::string_view b) {
    constexpr size_t shown_whole = 48, shown_before = 16;
    const auto differs = static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
    return differs < shown_whole ? 0 : differs - shown_before;
}

std::string shown_from(std::string_view text, size_t from) {
    return (from ? "..." : "") + shown(text.substr(from));
}

bool has(const std::vector<Line> &lines, std::string_view name) {
    return std::ranges::any_of(lines, [&](const Line &l) { return l.name == name; });
}

} // namespace

Status compare_fingerprints(std::string_view ours_text, std::string_view theirs_text) {
    std::vector<Line> ours = split(ours_text), theirs = split(theirs_text);
    auto [a, b] = std::ranges::mismatch(ours, theirs);

    if (a == ours.end() && b == theirs.end()) {
        return {};
    }
    if (a != ours.end() && b != theirs.end() && a->name == b->name) {
        const size_t from = interesting_from(a->value, b->value);
        return fail("%s: here '%s', peer '%s'", shown(a->name).c_str(),
                    shown_from(a->value, from).c_str(), shown_from(b->value, from).c_str());
    }
    if (a != ours.end() && (b == theirs.end() || !has(theirs, a->name))) {
        return fail("%s: here '%s', peer has none", shown(a->name).c_str(),
                    shown(a->value).c_str());
    }
    if (b != theirs.end() && (a == ours.end() || !has(ours, b->name))) {
        return fail("%s: here none, peer '%s'", shown(b->name).c_str(),
                    shown(b->value).c_str());
    }
    return fail("order: here '%s' comes where peer has '%s'", shown(a->name).c_str(),
                shown(b->name).c_str());
}

} // namespace ft::wire

/* THREAD: any, no lock needed. OWNERSHIP: both texts stay the caller's. */
bool ftc_fingerprint_compare(const char *ours, size_t ours_len, const char *theirs,
                             size_t theirs_len, FtError *err) noexcept {
    return ft::guarded(err, [&] {
        return ft::wire::compare_fingerprints({ours, ours_len}, {theirs, theirs_len});
    });
}
