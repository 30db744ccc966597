/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.hpp"

#include <algorithm>
#include <functional>

#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "documents.hpp"
#include "places.hpp"

namespace ftctl::domain {
namespace {

struct Hit {
    xmlNodePtr place;
    const Rule *rule;
};

/* xmlXPathCmpNodes() says 1 when the first comes first. Of one place, the table's order. */
bool earlier(const Hit &a, const Hit &b) {
    return a.place == b.place ? std::less<>{}(a.rule, b.rule) : xmlXPathCmpNodes(a.place, b.place) == 1;
}

} // namespace

Findings check(const xml::Document &domain, const Facts &facts) {
    /* Numbers the elements; else each comparison would walk along all siblings. */
    xmlXPathOrderDocElems(domain.get());
    std::vector<Hit> hits;
    for (const Rule &rule : rules()) {
        for (xmlNodePtr place : places(domain, rule.where, facts)) {
            hits.push_back({place, &rule});
        }
    }
    std::ranges::sort(hits, earlier);
    Findings findings;
    for (const Hit &hit : hits) {
        findings.push_back({hit.rule->severity, path_of(hit.place), text_of(hit.place), hit.rule->why,
                            filled(hit.rule->instead, facts), !hit.rule->fix});
    }
    return findings;
}

Result<std::vector<Findings>> check_domain(std::string_view text, const Facts &facts) {
    auto documents = parse_domains(text);
    if (!documents) {
        return std::unexpected(documents.error());
    }
    std::vector<Findings> all;
    for (const xml::Document &document : *documents) {
        all.push_back(check(document, facts));
    }
    return all;
}

size_t refused(const Findings &findings) {
    return static_cast<size_t>(std::ranges::count(findings, Severity::Refused, &Finding::severity));
}

} // namespace ftctl::domain
