/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fstream>
#include <iterator>

#include "domain_xml.hpp"
#include "verbs.hpp"

namespace ftctl {
namespace {

Result<std::string> read_file(const std::string &path) {
    std::ifstream in(path == "-" ? "/dev/stdin" : path, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(in), {});
    if (in.bad() || text.empty()) {
        return refuse(path, ": cannot be read, or is empty");
    }
    return text;
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
    auto text = read_file(options.name);
    auto pair = text ? parse_pair(*text) : std::unexpected(text.error());
    auto xml = pair ? stored_xml(*text, *pair) : std::unexpected(pair.error());
    if (!xml) {
        return std::unexpected(xml.error());
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
