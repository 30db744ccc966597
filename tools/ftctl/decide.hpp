/*
 * Who has the guest, and what is to be done next: pure functions from what the
 * hosts say to one step. They are asked again after each step, so two actors at
 * work on one pair at a time repeat or skip a step and never undo each other's.
 *
 * The rule behind all of them: an exposed primary has the arbiter's word that
 * the guest is its own. Whatever else is left of the pair then is of no use and
 * may be ended. Where no primary says so, nothing is ended and nothing started.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_DECIDE_HPP
#define FTCTL_DECIDE_HPP

#include <set>
#include <string>
#include <vector>

#include "host_view.hpp"
#include "pair.hpp"
#include "sentence.hpp"

namespace ftctl {

/* The reason that query-ft gives after ft-detach (accel/ft/session_rules.cpp). */
inline constexpr const char *detached_by_operator = "detached by operator";

/* A process that has not answered for so long hangs; before, it may just be starting. */
inline constexpr double hangs_after_s = 4;

struct Step {
    enum class Kind {
        Done,    /* the guest is protected */
        Nothing, /* there is nothing to do, and why */
        Wait,    /* something is under way */
        End,     /* end the process on this host: it is of no use */
        Attach,  /* a secondary waits on this host */
        Spawn,   /* start one on this host */
        Stuck,   /* it should be done and cannot be; why */
    } kind;
    std::string host;
    std::string why;

    bool operator==(const Step &) const = default;
};

struct Choice {
    std::string only_on;         /* empty: any host */
    std::set<std::string> tried; /* hosts that have refused already */
    std::string last_resort{};   /* a host that has just lost its node: it may be ill */
};

/* The one node that is the machine now: a primary that is not fenced. An error
 * when there is none, or, worse, more than one. */
Result<const HostView *> primary_of(const Views &views);

/* Has its guest powered itself off, or panicked? Then it needs no second node,
 * and would be refused one. */
bool guest_is_off(const HostView &primary);

/* The next step to a protected guest. Views in the pair's order of preference. */
Step next_to_protect(const Views &views, const Choice &choice);

/* The same for the agent on that host: it acts for a primary of its own host
 * only, and not against an operator's order. */
Step next_for_agent(const Views &views, const Choice &choice, const std::string &own_host);

/* What hangs on hosts that are not a part of this protected pair: it has lost
 * the guest, and may be ended. Nothing while nobody is a protected primary. */
std::vector<Step> hanging(const Views &views, const PairDescription &pair);

/* May a primary be started on that host? `force`: hosts that cannot be asked
 * have been fenced by the operator. The steps that have to come first (End). */
Result<std::vector<Step>> clear_to_start(const Views &views, bool force);

} // namespace ftctl

#endif
