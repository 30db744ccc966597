/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cluster.hpp"

#include <thread>

#include "hosts_file.hpp"
#include "libvirt_node.hpp"
#include "local_pairs.hpp"
#include "options.hpp"

namespace ftctl {

Views Cluster::look(double s) {
    Deadline deadline = after(s);
    Views views(nodes.size());
    std::vector<std::jthread> asking;

    for (size_t i = 0; i < nodes.size(); i++) {
        asking.emplace_back([&, i] { views[i] = nodes[i]->look(deadline); });
    }
    asking.clear();
    return views;
}

Node *Cluster::node(std::string_view host) {
    for (auto &n : nodes) {
        if (n->host().name == host) {
            return n.get();
        }
    }
    return nullptr;
}

/* A libvirtd reports events of all its domains and does not name itself: passes on this
 * pair's, with the name of the host. */
static Listener of_pair(const Listener &listener, const std::string &uuid, const std::string &host) {
    if (!listener) {
        return {};
    }
    return [=](const DomainEvent &event) {
        if (event.uuid == uuid) {
            listener({uuid, host + ": " + event.text});
        }
    };
}

Cluster libvirt_cluster(PairDescription pair, const Listener &listener) {
    Nodes nodes;
    for (const Host &h : pair.hosts) {
        nodes.push_back(std::make_unique<LibvirtNode>(h, pair.uuid, of_pair(listener, pair.uuid, h.name)));
    }
    return {std::move(pair), std::move(nodes)};
}

static Result<Cluster> hosts_file_cluster(const Options &options) {
    auto file = read_hosts_file(options.hosts_file);
    if (!file) {
        return std::unexpected(file.error());
    }
    Nodes nodes;
    for (size_t i = 0; i < file->places.size(); i++) {
        nodes.push_back(std::make_unique<QmpNode>(file->pair.hosts[i], file->places[i]));
    }
    return Cluster(std::move(file->pair), std::move(nodes));
}

Result<Cluster> open_cluster(const Options &options, const Listener &listener) {
    if (!options.hosts_file.empty()) {
        return hosts_file_cluster(options);
    }
    LibvirtHost libvirt(options.connect, {});
    auto pair = find_pair(libvirt, options.name, after(command_seconds));
    if (!pair) {
        return std::unexpected(std::move(pair.error()).context("asking " + options.connect));
    }
    return libvirt_cluster(std::move(*pair), listener);
}

} // namespace ftctl
