/*
 * Writes a domain that can be protected: all that check would refuse is taken
 * out or written as the rules' table says, and the pair's words are put in.
 * Pure functions but for fresh UUIDs and MAC addresses where there are none:
 * converting the result once more changes nothing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_DOMAIN_CONVERT_HPP
#define FTCTL_DOMAIN_CONVERT_HPP

#include <string>
#include <string_view>

#include "check.hpp"
#include "pair.hpp"

namespace ftctl::domain {

struct Wish {
    Facts facts;
    /* Hosts, arbiter, options; name and uuid are the domain's. Without hosts the
     * domain's own <ft:pair> stays as it is, and there has to be one. */
    PairDescription pair;
};

struct Converted {
    std::string xml;
    Findings done;        /* what was wrong                            */
    Findings left;        /* notes: it starts, and somebody should know */
    size_t documents = 1; /* of the text; the last one was converted   */
};

/* Of several documents the last: virt-install prints the machine that an
 * installation leaves behind the one that installs. An error says what a person
 * has to decide first. */
Result<Converted> convert_domain(std::string_view text, const Wish &wish);

} // namespace ftctl::domain

#endif
