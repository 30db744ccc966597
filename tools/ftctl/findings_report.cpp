/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "findings_report.hpp"

namespace ftctl {
namespace {

const char *name_of(domain::Severity severity) {
    return severity == domain::Severity::Refused ? "refused" : "note";
}

std::string what_to_do(const domain::Finding &f) {
    if (!f.instead.empty()) {
        return "write instead: " + f.instead;
    }
    return f.by_hand ? "" : "leave it out";
}

} // namespace

std::string to_text(const domain::Findings &findings) {
    std::string text;
    for (const domain::Finding &f : findings) {
        std::string what = what_to_do(f);
        text += sentence(text.empty() ? "" : "\n", name_of(f.severity), "  ", f.place, "\n         ", f.element,
                         "\n         ", f.why, what.empty() ? "" : "\n         ", what);
    }
    return text;
}

nlohmann::json to_json(const domain::Findings &findings) {
    auto all = nlohmann::json::array();
    for (const domain::Finding &f : findings) {
        nlohmann::json one = {{"severity", name_of(f.severity)},
                              {"place", f.place},
                              {"element", f.element},
                              {"why", f.why},
                              {"instead", nullptr}};
        if (!f.instead.empty()) {
            one["instead"] = f.instead;
        }
        all.push_back(std::move(one));
    }
    return all;
}

} // namespace ftctl
