/*
 * libxml2 with owners: documents and strings free themselves, errors are
 * sentences. Entities are not expanded and nothing is loaded from anywhere:
 * the text may come from a host that is not to be trusted with our files.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_XML_HPP
#define FTCTL_XML_HPP

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libxml/tree.h>

#include "sentence.hpp"

namespace ftctl::xml {

using Document = std::unique_ptr<xmlDoc, void (*)(xmlDocPtr)>;

/* A document whose root is <domain>. */
Result<Document> parse_domain(const std::string &text);
std::string text_of(const Document &document);

/* Child elements by name; an empty name is any. space: the namespace's URI,
 * empty for none. */
std::vector<xmlNodePtr> children(xmlNodePtr parent, std::string_view name, std::string_view space = {});
xmlNodePtr child(xmlNodePtr parent, std::string_view name, std::string_view space = {});

/* What an attribute holds, and what stands in an element. */
std::optional<std::string> attribute(xmlNodePtr node, const char *name);
std::string content(xmlNodePtr node);
void remove(xmlNodePtr node);

} // namespace ftctl::xml

#endif
