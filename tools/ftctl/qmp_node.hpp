/*
 * A node that is a plain QEMU process, known by its monitor and started by a
 * command of the operator's: without libvirt. It does what can be done with
 * that: no first start of a guest (whoever starts it knows its command line),
 * and no end of a process that does not answer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_QMP_NODE_HPP
#define FTCTL_QMP_NODE_HPP

#include <map>

#include "node.hpp"
#include "qmp_socket.hpp"
#include "secondary_line.hpp"

namespace ftctl {

/* One host of a hosts file. */
struct Place {
    std::string qmp;                        /* path as QEMU has it, or exec:COMMAND */
    std::string folder;                     /* where QEMU runs; relative paths begin there */
    CommandLine prefix;                     /* what a node is started with: ssh HOST, ip netns exec ... */
    std::string log_file;                   /* what a node that we started says goes there */
    std::map<std::string, std::string> set; /* changes of the command line for this host */
};

class QmpNode : public Node {
  public:
    QmpNode(Host host, Place place) : Node(std::move(host)), place_(std::move(place)) {}

    HostView look(Deadline deadline) override;
    Result<json> command(const std::string &name, const json &arguments, Deadline deadline) override;
    Result<std::string> live_recipe(Deadline deadline) override;
    Result<std::string> stored_recipe(Deadline deadline) override;
    Status store(const std::string &recipe, Deadline deadline) override;
    Result<std::string> start(const std::string &recipe, const Role &role, Deadline deadline) override;
    Result<std::string> preview(const std::string &recipe, const Role &role) override;
    Status end(const HostView &seen, Deadline deadline) override;
    Status press_power(Deadline deadline) override;
    Status press_power_to_reboot(Deadline deadline) override;
    Status set_away(const std::string &why, Deadline deadline) override;

  private:
    std::string address() const;
    Result<CommandLine> line_for(const std::string &recipe, const Role &role) const;
    Result<pid_t> launch(const CommandLine &line) const;
    Status wait_until_it_answers(pid_t pid, bool daemonizes, Deadline deadline);
    std::string last_words() const;

    Place place_;
};

} // namespace ftctl

#endif
