/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "domain/check.hpp"
#include "domain_xml.hpp"
#include "findings_report.hpp"
#include "libvirt_host.hpp"
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

/* Stores again what was stored before: a text that check has refused must not stay. */
void take_back(Node &node, const std::string &uuid, const Result<std::string> &before) {
    if (before) {
        (void)node.store(*before, after(command_seconds));
        return;
    }
    LibvirtHost libvirt(node.host().uri, {});
    auto connection = libvirt.connect(after(command_seconds));
    if (connection) {
        (void)within(after(command_seconds), "late", [c = *connection, uuid]() -> Status {
            Domain domain(virDomainLookupByUUIDString(c->ptr, uuid.c_str()));
            if (domain.ptr) {
                virDomainUndefineFlags(domain.ptr, VIR_DOMAIN_UNDEFINE_NVRAM);
            }
            return {};
        });
    }
}

/* The first host fills in what the text leaves open (MAC and PCI addresses, the
 * version of the board, devices that libvirt adds unasked). That is what is
 * checked, and what the others get: so all hold the same. */
Result<std::string> store_on_first(Cluster &cluster, const std::string &xml, const Options &options, Report &report) {
    Node &node = *cluster.nodes.front();
    auto before = node.stored_recipe(after(command_seconds));
    if (Status s = node.store(xml, after(command_seconds)); !s) {
        return std::unexpected(s.error());
    }
    auto stored = node.stored_recipe(after(command_seconds));
    Status fit = !stored || options.force ? Status{} : checked(*stored, report);
    if (!fit) {
        take_back(node, cluster.pair.uuid, before);
        return std::unexpected(fit.error());
    }
    return stored;
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
    if (pair->uuid.empty()) {
        return refuse("domain ", pair->name,
                      ": it has no <uuid>; give it one (uuidgen), so that all hosts "
                      "know the guest by it");
    }
    Cluster cluster = libvirt_cluster(*pair, {});
    auto first = store_on_first(cluster, *xml, options, report);
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
