/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "domain/check.hpp"
#include "domain_xml.hpp"
#include "findings_report.hpp"
#include "read_domain.hpp"
#include "verbs.hpp"

namespace ftctl {
namespace {

/* What QEMU would refuse is said now, not when the guest is to be started. */
Status checked(const std::string &text, Report &report) {
    auto documents = domain::check_domain(text);
    if (!documents) {
        return std::unexpected(documents.error());
    }
    for (const domain::Findings &findings : *documents) {
        if (size_t wrong = domain::refused(findings)) {
            report.print(to_text(findings));
            report["findings"] = to_json(findings);
            return refuse(wrong, wrong == 1 ? " thing" : " things",
                          " of the domain cannot be protected; ftctl convert writes what can");
        }
    }
    return {};
}

/* The first host fills in what the text leaves open (uuid, MAC and PCI
 * addresses), the others get what it has made of it: so all hold the same. */
Result<std::string> store_on_first(Cluster &cluster, const std::string &xml) {
    Node &node = *cluster.nodes.front();
    if (Status s = node.store(xml, after(command_seconds)); !s) {
        return std::unexpected(s.error());
    }
    return node.stored_recipe(after(command_seconds));
}

Status store_same(Node &node, const std::string &xml) {
    if (Status s = node.store(xml, after(command_seconds)); !s) {
        return s;
    }
    auto stored = node.stored_recipe(after(command_seconds));
    if (!stored) {
        return std::unexpected(stored.error());
    }
    if (Status s = same_xml(xml, *stored); !s) {
        return std::unexpected(std::move(s.error()).context("its libvirt has changed the description"));
    }
    return {};
}

Error on(const Node &node, Error why) {
    return std::move(why).context(node.host().name);
}

} // namespace

Status define(const Options &options, Report &report) {
    auto text = read_domain(options);
    auto pair = text ? parse_pair(*text) : std::unexpected(text.error());
    auto xml = pair ? stored_xml(*text, *pair) : std::unexpected(pair.error());
    if (!xml) {
        return std::unexpected(xml.error());
    }
    if (Status s = options.force ? Status{} : checked(*text, report); !s) {
        return s;
    }
    if (pair->uuid.empty()) {
        return refuse("domain ", pair->name, ": it has no <uuid>; give it one (uuidgen), so that all hosts "
                      "know the guest by it");
    }
    Cluster cluster = libvirt_cluster(*pair, {});
    auto first = store_on_first(cluster, *xml);
    if (!first) {
        return std::unexpected(on(*cluster.nodes.front(), first.error()));
    }
    for (auto &node : cluster.nodes) {
        if (node != cluster.nodes.front()) {
            if (Status s = store_same(*node, *first); !s) {
                return std::unexpected(on(*node, s.error()));
            }
        }
        report.say(node->host().name + ": defined; whoever starts it there gets a waiting secondary");
    }
    report["name"] = pair->name;
    return {};
}

} // namespace ftctl
