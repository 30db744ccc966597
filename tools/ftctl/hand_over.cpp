/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <algorithm>

#include "protect.hpp"
#include "verbs.hpp"

namespace ftctl {
namespace {

constexpr double patience_s = 120;
constexpr double state_seconds = 15;

struct HandedOver {
    HostView old;
    std::string now;
    double seconds;
};

Result<std::pair<HostView, HostView>> protected_pair(Cluster &cluster) {
    Views views = cluster.look();
    auto primary = primary_of(views);
    if (!primary) {
        return std::unexpected(primary.error());
    }
    auto second = std::ranges::find_if(views, [](const HostView &v) {
        return v.is(NodeRole::Secondary, "protected");
    });
    if ((*primary)->state != "protected" || second == views.end()) {
        return refuse("the guest is not protected: ", words(views));
    }
    return std::pair{**primary, *second};
}

Result<HandedOver> hand_over(Cluster &cluster, const Say &say) {
    auto pair = protected_pair(cluster);
    if (!pair) {
        return std::unexpected(pair.error());
    }
    auto begin = Clock::now();
    Node &old = *cluster.node(pair->first.host), &next = *cluster.node(pair->second.host);
    if (auto done = old.command("ft-failover", json::object(), after(command_seconds)); !done) {
        return std::unexpected(std::move(done.error()).context("host " + old.host().name));
    }
    HostView seen;
    if (!cluster.wait(next, after(state_seconds), seen, [](const HostView &v) {
            return v.role == NodeRole::Primary && v.state != "going-live";
        })) {
        return refuse("host ", seen.host, " has not taken over: ", words(seen));
    }
    HandedOver result{{}, next.host().name, seconds_since(begin)};
    say(sentence("host ", result.now, ": has the guest after ", std::lround(result.seconds * 1000), " ms"));
    if (!cluster.wait(old, after(state_seconds), result.old, [](const HostView &v) {
            return v.reach != Reach::Answers || v.state == "fenced" || v.role == NodeRole::Secondary;
        })) {
        return refuse("host ", result.old.host, " still is ", words(result.old));
    }
    return result;
}

Status protect_again(Cluster &cluster, const Choice &choice, const Options &options, Report &report) {
    auto result = protect(cluster, choice, next_to_protect, after(options.patience(patience_s)),
                          [&](const std::string &text) { report.say(text); });
    if (!result) {
        return std::unexpected(result.error());
    }
    report.say(words(*result));
    report["primary"] = result->primary;
    report["secondary"] = result->secondary;
    report["query-ft"] = result->ft;
    report["protect_seconds"] = result->seconds;
    return {};
}

Status with_cluster(const Options &options, const std::function<Status(Cluster &)> &work) {
    auto cluster = open_cluster(options);
    if (!cluster) {
        return std::unexpected(cluster.error());
    }
    if (!options.on.empty() && !cluster->node(options.on)) {
        return refuse("the pair has no host ", options.on);
    }
    return work(*cluster);
}

Status fail_over(Cluster &cluster, const Options &options, Report &report) {
    auto moved = hand_over(cluster, [&](const std::string &text) { report.say(text); });
    if (!moved) {
        return std::unexpected(moved.error());
    }
    report["primary"] = moved->now;
    report["handover_seconds"] = moved->seconds;
    if (options.respawn) {
        return protect_again(cluster, {}, options, report);
    }
    if (moved->old.is(NodeRole::Primary, "fenced")) {
        return end_node(cluster, moved->old, [&](const std::string &text) { report.say(text); });
    }
    return {};
}

/* The guest runs on alone; its second node ends and another takes its place. */
Status replace_second(Cluster &cluster, const Options &options, Report &report) {
    auto pair = protected_pair(cluster);
    if (!pair) {
        return std::unexpected(pair.error());
    }
    auto begin = Clock::now();
    Node &primary = *cluster.node(pair->first.host);
    HostView seen;
    if (auto done = primary.command("ft-detach", json::object(), after(command_seconds)); !done) {
        return std::unexpected(std::move(done.error()).context("host " + pair->first.host));
    }
    cluster.wait(primary, after(state_seconds), seen, [](const HostView &v) { return v.state == "exposed"; });
    report["detach_seconds"] = seconds_since(begin);
    report.say("host " + pair->first.host + ": detached, the guest runs exposed");
    Status s = protect_again(cluster, {.only_on = pair->second.host, .tried = {}}, options, report);
    report["exposed_seconds"] = seconds_since(begin);
    return s;
}

} // namespace

Status failover(const Options &options, Report &report) {
    return with_cluster(options, [&](Cluster &c) { return fail_over(c, options, report); });
}

Status test_failover(const Options &options, Report &report) {
    Status s = failover(options, report);
    report["seconds"] = report.seconds();
    if (s) {
        report.say(sentence("from protected to protected in ", report.seconds(), " s"));
    }
    return s;
}

Status test_restart(const Options &options, Report &report) {
    Status s = with_cluster(options, [&](Cluster &c) { return replace_second(c, options, report); });
    report["seconds"] = report.seconds();
    return s;
}

Status respawn(const Options &options, Report &report) {
    return with_cluster(options, [&](Cluster &c) {
        return protect_again(c, {.only_on = options.on, .tried = {}}, options, report);
    });
}

} // namespace ftctl
