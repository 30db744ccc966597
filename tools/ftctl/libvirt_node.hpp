/*
 * A node that is a domain under a host's libvirtd.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_LIBVIRT_NODE_HPP
#define FTCTL_LIBVIRT_NODE_HPP

#include "libvirt_host.hpp"
#include "node.hpp"

namespace ftctl {

class LibvirtNode : public Node {
  public:
    LibvirtNode(Host host, std::string uuid, Listener listener);

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

    bool connected() const { return libvirt_.connected(); }

  private:
    /* Runs work(connection) -> Result by the deadline; who: who has not answered if it is late. */
    template <typename Work>
    auto ask(Deadline deadline, Work work, const char *who = "libvirtd") -> std::invoke_result_t<Work, virConnectPtr>;
    template <typename Work>
    auto ask_domain(Deadline deadline, Work work, const char *who = "libvirtd")
        -> std::invoke_result_t<Work, virDomainPtr>;
    Result<std::string> xml(unsigned flags, Deadline deadline);
    void look_inside(HostView &view, Deadline deadline);
    void silent(HostView &view, std::string why, double known_s);

    LibvirtHost libvirt_;
    std::string uuid_;
    Outstanding asked_;            /* one question to the monitor at a time */
    Clock::time_point answered_{}; /* last; {} while nothing was ever asked */
};

} // namespace ftctl

#endif
