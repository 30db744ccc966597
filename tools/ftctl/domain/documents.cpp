/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "documents.hpp"

#include <libxml/parser.h>

namespace ftctl::domain {
namespace {

constexpr std::string_view wrapper_begin = "<domains>";
constexpr std::string_view wrapper_end = "</domains>";
constexpr std::string_view white = " \t\r\n";

std::string_view view(const xmlChar *text) {
    return text ? reinterpret_cast<const char *>(text) : "";
}

std::string parser_error() {
    const xmlError *e = xmlGetLastError();
    if (!e || !e->message) {
        return "it is not XML";
    }
    std::string text(e->message);
    text.erase(text.find_last_not_of(white) + 1);
    return sentence("line ", e->line, ": ", text);
}

/* A declaration stands at the very start or nowhere. */
std::string_view without_declaration(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) {
        text.remove_prefix(3);
    }
    if (size_t at = text.find_first_not_of(white); at != text.npos) {
        text.remove_prefix(at);
    }
    if (text.starts_with("<?xml ")) {
        size_t end = text.find("?>");
        text.remove_prefix(end == text.npos ? 0 : end + 2);
    }
    return text;
}

bool is_blank(const xmlNode *n) {
    return n->type == XML_TEXT_NODE && view(n->content).find_first_not_of(white) == std::string_view::npos;
}

bool has_element(const xmlNode *parent) {
    for (const xmlNode *n = parent->children; n; n = n->next) {
        if (n->type == XML_ELEMENT_NODE) {
            return true;
        }
    }
    return false;
}

/* Not by the parser's own option: that guesses, and keeps some. */
void strip_blanks(xmlNodePtr parent) {
    bool mixed = !has_element(parent);
    for (xmlNodePtr n = parent->children, next; n; n = next) {
        next = n->next;
        if (!mixed && is_blank(n)) {
            xml::remove(n);
        } else if (n->type == XML_ELEMENT_NODE) {
            strip_blanks(n);
        }
    }
}

/* What is no element, attribute or text has no meaning in a domain, or a bad one. */
Status check_tree(const xmlNode *parent, size_t &elements) {
    for (const xmlNode *n = parent->children; n; n = n->next) {
        if (n->type == XML_ENTITY_REF_NODE) {
            return refuse("line ", xmlGetLineNo(n), ": the entity &", view(n->name), "; is not known");
        }
        if (n->type != XML_ELEMENT_NODE) {
            continue;
        }
        if (++elements > elements_max) {
            return refuse("more than ", elements_max, " elements");
        }
        if (Status s = check_tree(n, elements); !s) {
            return s;
        }
    }
    return {};
}

Result<xml::Document> own_document(xmlNodePtr domain) {
    xml::Document document(xmlNewDoc(reinterpret_cast<const xmlChar *>("1.0")), xmlFreeDoc);
    xmlNodePtr copy = document ? xmlDocCopyNode(domain, document.get(), 1) : nullptr;
    if (!copy) {
        return refuse("out of memory");
    }
    xmlDocSetRootElement(document.get(), copy);
    strip_blanks(copy);
    return document;
}

Result<std::vector<xml::Document>> split(xmlNodePtr wrapper) {
    std::vector<xml::Document> found;
    for (xmlNodePtr n = wrapper->children; n; n = n->next) {
        if (n->type == XML_COMMENT_NODE || is_blank(n)) {
            continue;
        }
        if (n->type != XML_ELEMENT_NODE || view(n->name) != "domain" || n->ns) {
            return refuse("not the XML of a domain: there is ",
                          n->type == XML_ELEMENT_NODE ? sentence("<", view(n->name), ">") : "something else",
                          " where <domain> is wanted");
        }
        if (found.size() == documents_max) {
            return refuse("more than ", documents_max, " <domain> documents");
        }
        auto document = own_document(n);
        if (!document) {
            return std::unexpected(document.error());
        }
        found.push_back(std::move(*document));
    }
    if (found.empty()) {
        return refuse("there is no <domain> in it");
    }
    return found;
}

} // namespace

Result<std::vector<xml::Document>> parse_domains(std::string_view text) {
    if (text.size() > text_bytes_max) {
        return refuse("longer than ", text_bytes_max, " bytes");
    }
    /* Inside an element a DOCTYPE or a second declaration is an error of its own. */
    std::string wrapped = sentence(wrapper_begin, without_declaration(text), wrapper_end);
    xmlResetLastError();
    xml::Document all(xmlReadMemory(wrapped.data(), static_cast<int>(wrapped.size()), nullptr, "UTF-8",
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA),
                      xmlFreeDoc);
    if (!all) {
        return refuse(parser_error());
    }
    size_t elements = 0;
    if (Status s = check_tree(xmlDocGetRootElement(all.get()), elements); !s) {
        return std::unexpected(s.error());
    }
    return split(xmlDocGetRootElement(all.get()));
}

std::string indented(const xml::Document &document) {
    std::unique_ptr<xmlBuffer, void (*)(xmlBufferPtr)> buffer(xmlBufferCreate(), xmlBufferFree);
    xmlNodeDump(buffer.get(), document.get(), xmlDocGetRootElement(document.get()), 0, 1);
    return std::string(view(xmlBufferContent(buffer.get()))) + "\n";
}

} // namespace ftctl::domain
