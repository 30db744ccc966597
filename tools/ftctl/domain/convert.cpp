/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "convert.hpp"

#include "documents.hpp"
#include "domain_xml.hpp"
#include "fixes.hpp"
#include "places.hpp"

namespace ftctl::domain {
namespace {

/* A fix may uncover a place for another rule, but never for its own. */
constexpr int passes_max = 4;

const xmlChar *x(const char *text) {
    return reinterpret_cast<const xmlChar *>(text);
}

void apply(const xml::Document &document, const Rule &rule, const Facts &facts) {
    for (xmlNodePtr place : places(document, rule.where, facts)) {
        rule.fix(place, rule, facts);
        if (rule.fix == forget_pci) {
            return; /* it has done all the places, and freed them */
        }
    }
}

void apply_rules(const xml::Document &document, const Facts &facts) {
    size_t before = 0;
    for (int pass = 0; pass < passes_max; pass++) {
        for (const Rule &rule : rules()) {
            if (rule.fix) {
                apply(document, rule, facts);
            }
        }
        size_t left = refused(check(document, facts));
        if (left == 0 || (pass > 0 && left == before)) {
            return;
        }
        before = left;
    }
}

/* Fit to stand in <metadata>, in place of the one that is there. */
void describe_pair(xmlNodePtr domain, const PairDescription &pair) {
    xmlNodePtr metadata = xml::child(domain, "metadata");
    if (!metadata) {
        metadata = xmlNewNode(nullptr, x("metadata"));
        xmlNodePtr name = xml::child(domain, "uuid");
        xmlAddNextSibling(name ? name : xml::child(domain, "name"), metadata);
    }
    for (xmlNodePtr old : xml::children(metadata, "pair", pair_namespace)) {
        xml::remove(old);
    }
    xmlNodePtr element = xmlNewChild(metadata, nullptr, x("pair"), nullptr);
    xmlNsPtr ns = xmlNewNs(element, x(pair_namespace), x("ft"));
    xmlSetNs(element, ns);
    xmlSetProp(element, x("arbiter"), x(pair.arbiter.c_str()));
    if (!pair.options.empty()) {
        xmlSetProp(element, x("options"), x(pair.options.c_str()));
    }
    for (const Host &host : pair.hosts) {
        xmlNodePtr h = xmlNewChild(element, ns, x("host"), nullptr);
        xmlSetProp(h, x("name"), x(host.name.c_str()));
        xmlSetProp(h, x("uri"), x(host.uri.c_str()));
        xmlSetProp(h, x("log"), x(host.log.c_str()));
    }
}

/* The ft words, as define writes them. */
Result<std::string> with_words(const xml::Document &document) {
    std::string text = indented(document);
    auto pair = parse_pair(text);
    if (!pair) {
        return std::unexpected(pair.error());
    }
    auto stored = stored_xml(text, *pair);
    if (!stored) {
        return std::unexpected(stored.error());
    }
    auto again = parse_domains(*stored);
    if (!again) {
        return std::unexpected(again.error());
    }
    return indented(again->front());
}

Status nothing_refused(const Findings &findings) {
    std::string all;
    for (const Finding &f : findings) {
        if (f.severity == Severity::Refused) {
            all += sentence("\n  ", f.element, ": ", f.why, f.instead.empty() ? "" : sentence("; write ", f.instead),
                            " (", f.place, ")");
        }
    }
    if (!all.empty()) {
        return refuse("this cannot be converted by itself, somebody has to decide:", all);
    }
    return {};
}

} // namespace

Result<Converted> convert_domain(std::string_view text, const Wish &wish) {
    auto documents = parse_domains(text);
    if (!documents) {
        return std::unexpected(documents.error());
    }
    const xml::Document &document = documents->back();
    xmlNodePtr domain = xmlDocGetRootElement(document.get());
    Converted result;

    if (!wish.pair.hosts.empty()) {
        if (!xml::child(domain, "name")) {
            return refuse("the domain has no <name>");
        }
        describe_pair(domain, wish.pair);
    } else if (xml::children(xml::child(domain, "metadata"), "pair", pair_namespace).empty()) {
        return refuse("nothing describes the pair: give --arbiter and --host, or <ft:pair> in "
                      "the domain's <metadata>");
    }
    result.documents = documents->size();
    result.done = check(document, wish.facts);
    if (our_emulator(wish.facts).empty()) {
        return refuse("where is the QEMU with ft=? Give its path on all hosts (--emulator)");
    }
    apply_rules(document, wish.facts);
    auto words = with_words(document);
    if (!words) {
        return std::unexpected(words.error());
    }
    result.xml = std::move(*words);
    auto after = check_domain(result.xml, wish.facts);
    if (!after) {
        return std::unexpected(after.error());
    }
    if (Status s = nothing_refused(after->front()); !s) {
        return std::unexpected(s.error());
    }
    result.left = std::move(after->front());
    return result;
}

} // namespace ftctl::domain
