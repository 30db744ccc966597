/*
 * The way to a protected guest: asks the hosts, decides (decide.hpp), does one
 * step, asks again. Used by every verb that ends with a protected guest, and by
 * the agent.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_PROTECT_HPP
#define FTCTL_PROTECT_HPP

#include <functional>

#include "cluster.hpp"
#include "decide.hpp"

namespace ftctl {

using Say = std::function<void(const std::string &)>;
using Decide = std::function<Step(const Views &, const Choice &)>;

struct Protected {
    std::string primary;
    std::string secondary; /* empty: it was protected already */
    double seconds = 0;
    json ft; /* the primary's query-ft */
};

/* By the deadline: protected, or why not. A host that refuses is left out and
 * the next one tried; each failure is said. */
Result<Protected> protect(Cluster &cluster, Choice choice, const Decide &decide, Deadline deadline, const Say &say);

/* The one primary of this moment (primary_of). */
Result<HostView> primary_now(Cluster &cluster);

/* "protected by host b, epoch 7; 23.1 MiB sent, the guest stood still for 9.8 ms" */
std::string words(const Protected &result);

/* Ends what a step names; does nothing if another process stands there by now. */
Status end_node(Cluster &cluster, const HostView &seen, const Say &say);

} // namespace ftctl

#endif
