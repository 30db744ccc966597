/*
 * Findings of domain/check.hpp, for people and for programs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_FINDINGS_REPORT_HPP
#define FTCTL_FINDINGS_REPORT_HPP

#include <nlohmann/json.hpp>

#include "domain/check.hpp"

namespace ftctl {

/* A paragraph each; no newline at the end. */
std::string to_text(const domain::Findings &findings);

/* [{severity, place, element, why, instead}]: instead is null for "leave it out". */
nlohmann::json to_json(const domain::Findings &findings);

} // namespace ftctl

#endif
