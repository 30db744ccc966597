/*
 * A pair with the nodes of all its hosts: asks them at once, finds one by its
 * name or its role.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_CLUSTER_HPP
#define FTCTL_CLUSTER_HPP

#include <functional>
#include <string_view>

#include "node.hpp"

namespace ftctl {

struct Options;
struct DomainEvent;
using Listener = std::function<void(const DomainEvent &)>;

/* A healthy host answers within this time; a dead one costs all of it, once. So `ftctl
 * status` is done within two seconds. */
inline constexpr double look_seconds = 1.7;
/* For commands that only start something. */
inline constexpr double command_seconds = 10;
/* For a host to make a process or to end one (libvirt gives SIGTERM 10 s before SIGKILL). */
inline constexpr double process_seconds = 60;

class Cluster {
  public:
    Cluster(PairDescription pair, Nodes nodes) : pair(std::move(pair)), nodes(std::move(nodes)) {}

    /* Every host at once; in the pair's order. */
    Views look(double seconds = look_seconds);
    Node *node(std::string_view host);
    /* Looks at one host again and again until done(view); false at the deadline. */
    template <typename Done>
    bool wait(Node &node, Deadline deadline, HostView &view, Done done);

    PairDescription pair;
    Nodes nodes;
};

inline constexpr double look_again_seconds = 0.1;

template <typename Done>
bool Cluster::wait(Node &node, Deadline deadline, HostView &view, Done done) {
    while (true) {
        view = node.look(earlier(deadline, after(look_seconds)));
        if (done(view)) {
            return true;
        }
        if (Clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(seconds(look_again_seconds));
    }
}

/* The pair that the options name: of a libvirtd, or of a hosts file. */
Result<Cluster> open_cluster(const Options &options, const Listener &listener = {});

/* From an XML text, for define. */
Cluster libvirt_cluster(PairDescription pair, const Listener &listener);

} // namespace ftctl

#endif
