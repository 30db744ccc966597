/*
 * Planned failover: the guest goes on on the other host, nothing is lost.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_HAND_OVER_HPP
#define FTCTL_HAND_OVER_HPP

#include "protect.hpp"

namespace ftctl {

struct HandedOver {
    HostView old;    /* the old primary, fenced, or as somebody has changed it since */
    std::string now; /* the host that has the guest */
    double seconds;
};

/* Hands the guest over from this primary, which has to be protected. Asks no third host,
 * which may be dead. Leaves the old primary's process where it is. */
Result<HandedOver> hand_over(Cluster &cluster, const HostView &primary, const Say &say);

/* The host of the second node that protects this primary. */
Result<Node *> partner_of(Cluster &cluster, const HostView &primary);

} // namespace ftctl

#endif
