/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "places.hpp"

#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "accel/ft/assert.hpp"
#include "pair.hpp"

namespace ftctl::domain {
namespace {

constexpr const char *qemu_namespace = "http://libvirt.org/schemas/domain/qemu/1.0";
constexpr size_t text_max = 160;

using Context = std::unique_ptr<xmlXPathContext, void (*)(xmlXPathContextPtr)>;

const xmlChar *x(const char *text) {
    return reinterpret_cast<const xmlChar *>(text);
}

std::string taken(xmlChar *text) {
    std::string copy(text ? reinterpret_cast<const char *>(text) : "");
    xmlFree(text);
    return copy;
}

/* Is one image meant for both nodes? Said by the ft words or by the pair's description. */
bool says_shared(xmlNodePtr domain) {
    for (xmlNodePtr pair : xml::children(xml::child(domain, "metadata"), "pair", pair_namespace)) {
        if (xml::attribute(pair, "options").value_or("").find("ft-disk=shared") != std::string::npos) {
            return true;
        }
    }
    for (xmlNodePtr arg : xml::children(xml::child(domain, "commandline", qemu_namespace), "arg", qemu_namespace)) {
        if (xml::attribute(arg, "value").value_or("").find("ft-disk=shared") != std::string::npos) {
            return true;
        }
    }
    return false;
}

Context context_of(const xml::Document &document, const Facts &facts) {
    Context c(xmlXPathNewContext(document.get()), xmlXPathFreeContext);
    FT_ASSERT(c, "no XPath context");
    c->node = xmlDocGetRootElement(document.get());
    xmlXPathRegisterNs(c.get(), x("qemu"), x(qemu_namespace));
    xmlXPathRegisterNs(c.get(), x("ft"), x(pair_namespace));
    xmlXPathRegisterVariable(c.get(), x("shared"), xmlXPathNewBoolean(says_shared(c->node)));
    xmlXPathRegisterVariable(c.get(), x("emulator"), xmlXPathNewString(x(facts.emulator.c_str())));
    return c;
}

std::string attribute_text(xmlNodePtr place) {
    return sentence(reinterpret_cast<const char *>(place->name), "='", taken(xmlNodeGetContent(place)), "'");
}

/* The start tag; with what stands in it if that is text alone. */
std::string element_text(xmlNodePtr place) {
    bool leaf = xml::children(place, "").empty();
    std::string text = "<" + std::string(reinterpret_cast<const char *>(place->name));
    for (xmlAttrPtr a = place->properties; a; a = a->next) {
        text += " " + attribute_text(reinterpret_cast<xmlNodePtr>(a));
    }
    std::string inside = leaf ? xml::content(place) : "";
    if (!leaf) {
        return text + ">...";
    }
    return inside.empty() ? text + "/>"
                          : sentence(text, ">", inside, "</", reinterpret_cast<const char *>(place->name), ">");
}

} // namespace

std::vector<xmlNodePtr> places(const xml::Document &document, const char *where, const Facts &facts) {
    Context context = context_of(document, facts);
    std::unique_ptr<xmlXPathObject, void (*)(xmlXPathObjectPtr)> found(xmlXPathEval(x(where), context.get()),
                                                                       xmlXPathFreeObject);
    FT_ASSERT(found && found->type == XPATH_NODESET, "not an XPath of places: %s", where);
    xmlNodeSetPtr set = found->nodesetval;
    if (!set || set->nodeNr == 0) {
        return {};
    }
    xmlXPathNodeSetSort(set);
    return {set->nodeTab, set->nodeTab + set->nodeNr};
}

std::string path_of(xmlNodePtr place) {
    return taken(xmlGetNodePath(place));
}

std::string text_of(xmlNodePtr place) {
    std::string text = place->type == XML_ATTRIBUTE_NODE ? attribute_text(place) : element_text(place);
    for (char &c : text) {
        /* It goes to a terminal. */
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            c = ' ';
        }
    }
    return text.size() > text_max ? text.substr(0, text_max) + "..." : text;
}

} // namespace ftctl::domain
