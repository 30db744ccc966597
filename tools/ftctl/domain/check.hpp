/*
 * Finds everything in a domain that cannot be protected, not only the first thing.
 * Pure functions; nothing is asked of libvirt or QEMU.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_DOMAIN_CHECK_HPP
#define FTCTL_DOMAIN_CHECK_HPP

#include <string>
#include <string_view>
#include <vector>

#include "rule.hpp"
#include "sentence.hpp"
#include "xml.hpp"

namespace ftctl::domain {

struct Finding {
    Severity severity;
    std::string place;   /* /domain/devices/interface[2]/model        */
    std::string element; /* what stands there                         */
    std::string why;
    std::string instead;  /* what to write; empty: leave it out        */
    bool by_hand = false; /* convert cannot do it: a person has to decide */
};

using Findings = std::vector<Finding>;

/* In the order of the document. */
Findings check(const xml::Document &domain, const Facts &facts = {});

/* Of each <domain> of a text; an error if it is none. */
Result<std::vector<Findings>> check_domain(std::string_view text, const Facts &facts = {});

size_t refused(const Findings &findings);

} // namespace ftctl::domain

#endif
