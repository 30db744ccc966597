/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "findings_report.hpp"
#include "read_domain.hpp"
#include "verbs.hpp"

namespace ftctl {

Status check(const Options &options, Report &report) {
    auto text = read_domain(options);
    if (!text) {
        return std::unexpected(text.error());
    }
    domain::Facts facts;
    facts.emulator = options.emulator;
    auto documents = domain::check_domain(*text, facts);
    if (!documents) {
        return std::unexpected(std::move(documents.error()).context(options.name == "-" ? "stdin" : options.name));
    }
    size_t wrong = 0;
    for (size_t i = 0; i < documents->size(); i++) {
        if (documents->size() > 1) {
            report.print(sentence(i ? "\n" : "", "== domain ", i + 1, " of ", documents->size()));
        }
        report["domains"].push_back(to_json((*documents)[i]));
        if (!(*documents)[i].empty()) {
            report.print(to_text((*documents)[i]));
        }
        wrong += domain::refused((*documents)[i]);
    }
    report["refused"] = wrong;
    if (wrong) {
        return refuse(wrong, wrong == 1 ? " thing" : " things", " cannot be protected; ftctl convert writes what can");
    }
    report.print("nothing is refused");
    return {};
}

} // namespace ftctl
