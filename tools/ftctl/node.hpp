/*
 * The place that a host has for a pair's guest: what stands there now, and
 * what can be done with it. Two back ends: libvirt_node.cpp (a domain under a
 * libvirtd) and qmp_node.cpp (a plain QEMU with a monitor in the file system).
 *
 * Every function returns by its deadline, whatever hangs behind it, and
 * answers a refusal with a sentence that does not name the host; the caller
 * does. Functions of one node are called by one thread at a time, those of
 * different nodes at once. A Node owns its connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_NODE_HPP
#define FTCTL_NODE_HPP

#include <memory>
#include <string>
#include <vector>

#include "deadline.hpp"
#include "host_view.hpp"
#include "machine_words.hpp"
#include "pair.hpp"

namespace ftctl {

class Node {
  public:
    explicit Node(Host host) : host_(std::move(host)) {}
    virtual ~Node() = default;
    const Host &host() const { return host_; }

    /* Never fails: why there is no answer is part of the view. */
    virtual HostView look(Deadline deadline) = 0;

    /* A QMP command; what it returns. */
    virtual Result<json> command(const std::string &name, const json &arguments, Deadline deadline) = 0;

    /* The running node's own description: from it its next partner is made. */
    virtual Result<std::string> live_recipe(Deadline deadline) = 0;
    /* The description that this host has stored. */
    virtual Result<std::string> stored_recipe(Deadline deadline) = 0;
    /* Stores it, so that whoever starts it gets a waiting secondary. */
    virtual Status store(const std::string &recipe, Deadline deadline) = 0;

    /* Starts a process from this recipe in this role; returns what is known of it ("pid
     * 4711"), or an empty text. The recipe may come from another host's node of the same
     * back end. A secondary whose role has no address listens where its host's description
     * says. */
    virtual Result<std::string> start(const std::string &recipe, const Role &role, Deadline deadline) = 0;
    /* What start() would start, for people. */
    virtual Result<std::string> preview(const std::string &recipe, const Role &role) = 0;

    /* Ends the process that `seen` was about, and no later one, by force if it must. */
    virtual Status end(const HostView &seen, Deadline deadline) = 0;

    /* The guest's power button; and with the intent that it boots again. */
    virtual Status press_power(Deadline deadline) = 0;
    virtual Status press_power_to_reboot(Deadline deadline) = 0;

    /* Marks the host as not to be used (why), or takes the mark away (empty). */
    virtual Status set_away(const std::string &why, Deadline deadline) = 0;

  private:
    Host host_;
};

using Nodes = std::vector<std::unique_ptr<Node>>;

} // namespace ftctl

#endif
