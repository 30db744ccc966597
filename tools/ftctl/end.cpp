/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "protect.hpp"
#include "verbs.hpp"

namespace ftctl {
namespace {

constexpr double goodbye_seconds = 5;
constexpr double guest_seconds = 120;

bool is_gone(const HostView &v) {
    return v.reach == Reach::Off || v.reach == Reach::Undefined;
}

bool is_node(const HostView &v) {
    return v.reach == Reach::Answers || v.reach == Reach::Silent;
}

/* quit says goodbye to the peer; destroy would be a failure, and the peer take over. */
Status quit_primary(Cluster &cluster, const HostView &primary, const Say &say) {
    Node &node = *cluster.node(primary.host);
    HostView now;
    (void)node.command("quit", json::object(), after(command_seconds));
    bool gone = cluster.wait(node, after(goodbye_seconds), now, is_gone);
    if (!gone) {
        return refuse(primary.host, ": it was told to quit; it is still there: ", words(now));
    }
    say(primary.host + ": the guest was ended");
    return {};
}

/* What is left: it learns from the goodbye that there is nothing to take over. */
Status end_rest(Cluster &cluster, bool force, const Say &say) {
    Status all;
    for (auto &node : cluster.nodes) {
        HostView seen;
        cluster.wait(*node, after(goodbye_seconds), seen, [](const HostView &v) {
            return !is_node(v) || v.state == "failed" || v.state == "fenced" || v.state == "waiting";
        });
        if (seen.reach == Reach::Unreachable) {
            say(seen.host + ": " + words(seen) + "; look at it when it is back");
        } else if (seen.role == NodeRole::Primary && seen.state != "fenced" && !force) {
            all = refuse(seen.host, ": ", words(seen));
        } else if (is_node(seen)) {
            if (Status s = end_node(cluster, seen, say); !s) {
                all = std::unexpected(std::move(s.error()).context(seen.host));
            }
        }
    }
    return all;
}

/* By force: those that could take over first. */
Status end_by_force(Cluster &cluster, const Views &views, const Say &say) {
    for (NodeRole role : {NodeRole::Secondary, NodeRole::None, NodeRole::Primary}) {
        for (const HostView &v : views) {
            if (is_node(v) && v.role == role) {
                if (Status s = end_node(cluster, v, say); !s) {
                    return std::unexpected(std::move(s.error()).context(v.host));
                }
            }
        }
    }
    return {};
}

bool may_hide_the_guest(const HostView &v) {
    return v.reach == Reach::Unreachable || v.reach == Reach::Silent;
}

} // namespace

Status stop(const Options &options, Report &report) {
    auto cluster = open_cluster(options);
    if (!cluster) {
        return std::unexpected(cluster.error());
    }
    Say say = [&](const std::string &text) { report.say(text); };
    Views views = cluster->look();
    if (options.force) {
        return end_by_force(*cluster, views, say);
    }
    auto primary = primary_of(views);
    for (const HostView &v : views) {
        if (!primary && may_hide_the_guest(v)) {
            return refuse(v.host, ": ", words(v), "; it may run the guest; --force ends what can be ended");
        }
    }
    if (primary) {
        if (Status s = quit_primary(*cluster, **primary, say); !s) {
            return s;
        }
    }
    return end_rest(*cluster, false, say);
}

Status shutdown(const Options &options, Report &report) {
    auto cluster = open_cluster(options);
    auto primary = cluster ? primary_now(*cluster) : std::unexpected(cluster.error());
    if (!primary) {
        return std::unexpected(primary.error());
    }
    Node &node = *cluster->node(primary->host);
    if (Status s = node.press_power(after(command_seconds)); !s) {
        return std::unexpected(std::move(s.error()).context(primary->host));
    }
    report.say(primary->host + ": the guest's power button was pressed");
    double patience = options.patience(guest_seconds);
    HostView now;
    if (!cluster->wait(node, after(patience), now, [](const HostView &v) { return is_gone(v) || guest_is_off(v); })) {
        return refuse("the guest has not powered itself off within ", patience, " s: ", now.host, ": ", words(now),
                      "; ftctl stop ends it the hard way");
    }
    report.say("the guest has powered itself off");
    report["seconds"] = report.seconds();
    return end_rest(*cluster, false, [&](const std::string &text) { report.say(text); });
}

Status reboot(const Options &options, Report &report) {
    auto cluster = open_cluster(options);
    auto primary = cluster ? primary_now(*cluster) : std::unexpected(cluster.error());
    if (!primary) {
        return std::unexpected(primary.error());
    }
    Node &node = *cluster->node(primary->host);
    if (Status s = node.press_power_to_reboot(after(command_seconds)); !s) {
        return std::unexpected(std::move(s.error()).context(primary->host));
    }
    report.say(primary->host + ": the guest's power button was pressed");
    Deadline deadline = after(options.patience(guest_seconds));
    HostView now;
    /* The machine goes off, and libvirt switches it on again: the pair ends in between. */
    if (!cluster->wait(node, deadline, now, [&](const HostView &v) {
            return v.reach != Reach::Answers || v.state != primary->state || guest_is_off(v);
        })) {
        return refuse("the guest has not gone down in time; ", now.host, ": ", words(now));
    }
    report.say("the guest has gone down");
    bool settled = cluster->wait(node, deadline, now, [](const HostView &v) {
        return is_gone(v) || (v.role == NodeRole::Primary && v.run_state == "running");
    });
    if (!settled || is_gone(now)) {
        return refuse("the guest was not switched on again; ", now.host, ": ", words(now));
    }
    report.say(now.host + ": the guest was switched on again");
    auto result = protect(*cluster, {}, next_to_protect, deadline, [&](const std::string &text) { report.say(text); });
    if (!result) {
        return std::unexpected(result.error());
    }
    report.say(words(*result));
    return {};
}

} // namespace ftctl
