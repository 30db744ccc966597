/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xml.hpp"

#include <climits>

#include <libxml/parser.h>

namespace ftctl::xml {
namespace {

std::string_view view(const xmlChar *text) {
    return text ? std::string_view(reinterpret_cast<const char *>(text)) : std::string_view{};
}

std::string taken(xmlChar *text) {
    std::string copy(view(text));
    xmlFree(text);
    return copy;
}

std::string last_error() {
    const xmlError *e = xmlGetLastError();
    std::string text = e && e->message ? e->message : "not XML";
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
        text.pop_back();
    }
    return e ? sentence("line ", e->line, ": ", text) : text;
}

bool is(xmlNodePtr node, std::string_view name, std::string_view space) {
    return node->type == XML_ELEMENT_NODE && (name.empty() || view(node->name) == name) &&
           view(node->ns ? node->ns->href : nullptr) == space;
}

} // namespace

Result<Document> parse_domain(const std::string &text) {
    if (text.size() > INT_MAX) {
        return refuse("the XML is longer than ", INT_MAX, " bytes");
    }
    xmlResetLastError();
    Document document(xmlReadMemory(text.data(), static_cast<int>(text.size()), nullptr, nullptr,
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING),
                      xmlFreeDoc);
    if (!document) {
        return refuse("the XML cannot be read: ", last_error());
    }
    if (document->intSubset) {
        return refuse("the XML has a DOCTYPE: a domain has none");
    }
    xmlNodePtr root = xmlDocGetRootElement(document.get());
    if (!root || !is(root, "domain", {})) {
        return refuse("the XML is not that of a domain: its root is <", root ? view(root->name) : "", ">");
    }
    return document;
}

std::string text_of(const Document &document) {
    /* The root alone: libvirt writes its domains without a declaration. */
    std::unique_ptr<xmlBuffer, void (*)(xmlBufferPtr)> buffer(xmlBufferCreate(), xmlBufferFree);
    xmlNodeDump(buffer.get(), document.get(), xmlDocGetRootElement(document.get()), 0, 0);
    return std::string(view(xmlBufferContent(buffer.get()))) + "\n";
}

std::vector<xmlNodePtr> children(xmlNodePtr parent, std::string_view name, std::string_view space) {
    std::vector<xmlNodePtr> found;
    for (xmlNodePtr n = parent ? parent->children : nullptr; n; n = n->next) {
        if (is(n, name, space)) {
            found.push_back(n);
        }
    }
    return found;
}

xmlNodePtr child(xmlNodePtr parent, std::string_view name, std::string_view space) {
    auto found = children(parent, name, space);
    return found.empty() ? nullptr : found.front();
}

std::optional<std::string> attribute(xmlNodePtr node, const char *name) {
    xmlChar *text = node ? xmlGetNoNsProp(node, reinterpret_cast<const xmlChar *>(name)) : nullptr;
    return text ? std::optional(taken(text)) : std::nullopt;
}

std::string content(xmlNodePtr node) {
    return node ? taken(xmlNodeGetContent(node)) : std::string{};
}

void remove(xmlNodePtr node) {
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

} // namespace ftctl::xml
