/*
 * The <domain> documents of a text. There may be more than one: virt-install
 * --print-xml prints an installation's domain and then the domain it leaves.
 *
 * The text may come from anybody. It is bounded in bytes and elements before any
 * rule sees it, nothing is loaded, and a DOCTYPE, the only home of entities, is
 * refused. Pure functions, any thread; a document frees itself.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_DOMAIN_DOCUMENTS_HPP
#define FTCTL_DOMAIN_DOCUMENTS_HPP

#include <string>
#include <string_view>
#include <vector>

#include "xml.hpp"

namespace ftctl::domain {

inline constexpr size_t text_bytes_max = 4 << 20;
inline constexpr size_t elements_max = 5000;
inline constexpr size_t documents_max = 8;

/* In the order of the text; at least one. White space between elements is gone. */
Result<std::vector<xml::Document>> parse_domains(std::string_view text);

/* Indented as libvirt does, without a declaration. */
std::string indented(const xml::Document &document);

} // namespace ftctl::domain

#endif
