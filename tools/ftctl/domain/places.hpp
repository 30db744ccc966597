/*
 * The places in a domain that a rule's XPath names.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_DOMAIN_PLACES_HPP
#define FTCTL_DOMAIN_PLACES_HPP

#include <string>
#include <vector>

#include "rule.hpp"
#include "xml.hpp"

namespace ftctl::domain {

/* Elements and attributes, in the order of the document. The expression is one of
 * the table's, never a user's: one that is wrong is our own fault and aborts. */
std::vector<xmlNodePtr> places(const xml::Document &document, const char *where, const Facts &facts);

/* /domain/devices/interface[2]/model */
std::string path_of(xmlNodePtr place);

/* As much of the place's text as is needed to recognise it: <model type='e1000e'/>,
 * <vcpu>2</vcpu>, type='kvm'. */
std::string text_of(xmlNodePtr place);

} // namespace ftctl::domain

#endif
