/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide.hpp"

#include <algorithm>
#include <iterator>

namespace ftctl {
namespace {

using Kind = Step::Kind;

bool has_guest(const HostView &v) {
    return v.role == NodeRole::Primary && v.state != "fenced";
}

/* A node that stays for inspection only, or has not begun: nobody misses it. */
bool is_leftover(const HostView &v) {
    return v.is(NodeRole::Primary, "fenced") ||
           (v.role == NodeRole::Secondary && (v.state == "failed" || v.state == "fenced"));
}

bool may_be_used(const HostView &v, const HostView &primary, const Choice &choice) {
    return v.host != primary.host && (choice.only_on.empty() || v.host == choice.only_on) &&
           !choice.tried.contains(v.host) && v.away.empty();
}

/* What that host needs before it has a secondary; Nothing if it cannot have one now. */
Step step_on(const HostView &v) {
    switch (v.reach) {
    case Reach::Off:
    case Reach::Undefined:
        return {Kind::Spawn, v.host, ""};
    case Reach::Silent:
        if (v.silent_s < hangs_after_s) {
            return {Kind::Wait, v.host, v.host + ": " + words(v)};
        }
        return {Kind::End, v.host, "it hangs, and has lost the guest"};
    case Reach::Answers:
        if (is_leftover(v)) {
            return {Kind::End, v.host, "it is " + words(v)};
        }
        /* It will see by itself that it has lost. */
        return {Kind::Wait, v.host, v.host + ": still " + words(v)};
    case Reach::Unreachable:
    case Reach::NotFt:
        break;
    }
    return {Kind::Nothing, v.host, ""};
}

/* A host whose process has died may be ill; libvirt remembers it for as long as
 * nothing else was started there. Last comes the host that has just lost its node. */
Views healthiest_first(const Views &views, const Choice &choice) {
    Views order;
    auto add = [&](bool died, bool last) {
        std::ranges::copy_if(views, std::back_inserter(order), [&](const HostView &v) {
            return v.died == died && (v.host == choice.last_resort) == last;
        });
    };

    add(false, false);
    add(true, false);
    add(false, true);
    add(true, true);
    return order;
}

Step second_node_for(const HostView &primary, const Views &views, const Choice &choice) {
    Step wait{Kind::Stuck, "", ""};

    for (const HostView &v : views) {
        if (may_be_used(v, primary, choice) && v.is(NodeRole::Secondary, "waiting")) {
            return {Kind::Attach, v.host, ""};
        }
    }
    for (const HostView &v : healthiest_first(views, choice)) {
        Step step = may_be_used(v, primary, choice) ? step_on(v) : Step{Kind::Nothing, "", ""};
        if (step.kind == Kind::Wait && wait.kind == Kind::Stuck) {
            wait = step;
        } else if (step.kind != Kind::Wait && step.kind != Kind::Nothing) {
            return step;
        }
    }
    if (wait.kind == Kind::Stuck) {
        wait.why = "no other host can take the second node: " + words(views);
    }
    return wait;
}

} // namespace

Result<const HostView *> primary_of(const Views &views) {
    const HostView *found = nullptr;
    for (const HostView &v : views) {
        if (!has_guest(v)) {
            continue;
        }
        if (found) {
            return refuse("more than one primary, which must never be: ", words(views));
        }
        found = &v;
    }
    if (!found) {
        return refuse("no host has a primary: ", words(views));
    }
    return found;
}

bool guest_is_off(const HostView &primary) {
    return primary.run_state == "shutdown" || primary.run_state == "guest-panicked";
}

Step next_to_protect(const Views &views, const Choice &choice) {
    auto primary = primary_of(views);
    if (!primary) {
        return {Kind::Stuck, "", primary.error().text};
    }
    const HostView &p = **primary;
    if (p.state == "protected") {
        return {Kind::Done, p.host, ""};
    }
    if (p.state != "exposed") {
        return {Kind::Wait, p.host, p.host + ": " + words(p)};
    }
    if (guest_is_off(p)) {
        return {Kind::Nothing, p.host,
                p.run_state == "shutdown" ? "the guest is switched off" : "the guest has panicked"};
    }
    return second_node_for(p, views, choice);
}

Step next_for_agent(const Views &views, const Choice &choice, const std::string &own_host) {
    auto primary = primary_of(views);
    if (!primary) {
        return {Kind::Nothing, "", primary.error().text};
    }
    if ((*primary)->host != own_host) {
        return {Kind::Nothing, (*primary)->host, "its own host's agent acts"};
    }
    if ((*primary)->is(NodeRole::Primary, "exposed") && (*primary)->reason == detached_by_operator) {
        return {Kind::Nothing, own_host, detached_by_operator};
    }
    return next_to_protect(views, choice);
}

std::vector<Step> hanging(const Views &views, const PairDescription &pair) {
    std::vector<Step> found;
    auto primary = primary_of(views);
    if (!primary || (*primary)->state != "protected" || (*primary)->peer.empty()) {
        return found;
    }
    for (const HostView &v : views) {
        const Host *h = pair.host(v.host);
        /* The second node itself may be slow to answer; the pair's own clock judges that. */
        bool is_part = v.host == (*primary)->host || !h || h->log == (*primary)->peer;
        if (!is_part && v.reach == Reach::Silent && v.silent_s >= hangs_after_s) {
            found.push_back({Kind::End, v.host, "it hangs, and has lost the guest"});
        }
    }
    return found;
}

Result<std::vector<Step>> clear_to_start(const Views &views, bool force) {
    std::vector<Step> first;

    for (const HostView &v : views) {
        bool asked = v.reach != Reach::Unreachable && v.reach != Reach::Silent;
        if (!asked && !force) {
            return refuse(v.host, ": ", words(v),
                          "; it may run the guest, and a second one would be "
                          "two machines. Switch it off (fence it), then give --force");
        }
        if (v.reach == Reach::NotFt || has_guest(v)) {
            return refuse(v.host, " has the guest already: ", words(v));
        }
        if (is_leftover(v) || v.is(NodeRole::Secondary, "waiting")) {
            first.push_back({Kind::End, v.host, "it is " + words(v)});
        } else if (v.reach == Reach::Answers) {
            return refuse(v.host, ": ", words(v), "; it may be taking the guest over");
        } else if (v.reach == Reach::Silent) {
            first.push_back({Kind::End, v.host, words(v)});
        }
    }
    return first;
}

} // namespace ftctl
