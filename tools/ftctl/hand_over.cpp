/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hand_over.hpp"

#include <algorithm>
#include <cmath>

#include "verbs.hpp"

namespace ftctl {
namespace {

constexpr double patience_s = 120;
constexpr double state_seconds = 15;

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
    Say say = [&](const std::string &text) { report.say(text); };
    auto primary = primary_now(cluster);
    auto moved = primary ? hand_over(cluster, *primary, say) : std::unexpected(primary.error());
    if (!moved) {
        return std::unexpected(moved.error());
    }
    report["primary"] = moved->now;
    report["handover_seconds"] = moved->seconds;
    if (options.respawn) {
        return protect_again(cluster, {}, options, report);
    }
    if (moved->old.is(NodeRole::Primary, "fenced")) {
        return end_node(cluster, moved->old, say);
    }
    return {};
}

/* The guest runs on alone; its second node ends and another takes its place. */
Status replace_second(Cluster &cluster, const Options &options, Report &report) {
    auto view = primary_now(cluster);
    if (!view) {
        return std::unexpected(view.error());
    }
    if (view->state != "protected") {
        return refuse("the guest is not protected: ", view->host, ": ", words(*view));
    }
    auto partner = partner_of(cluster, *view);
    if (!partner) {
        return std::unexpected(partner.error());
    }
    auto begin = Clock::now();
    Node &primary = *cluster.node(view->host);
    HostView seen;
    if (auto done = primary.command("ft-detach", json::object(), after(command_seconds)); !done) {
        return std::unexpected(std::move(done.error()).context(view->host));
    }
    cluster.wait(primary, after(state_seconds), seen, [](const HostView &v) { return v.state == "exposed"; });
    report["detach_seconds"] = seconds_since(begin);
    report.say(view->host + ": detached, the guest runs exposed");
    Status s = protect_again(cluster, {.only_on = (*partner)->host().name, .tried = {}}, options, report);
    report["exposed_seconds"] = seconds_since(begin);
    return s;
}

} // namespace

Result<Node *> partner_of(Cluster &cluster, const HostView &primary) {
    for (auto &node : cluster.nodes) {
        if (node->host().log == primary.peer) {
            return node.get();
        }
    }
    /* Attached by hand, by another name of the address. */
    for (const HostView &v : cluster.look()) {
        if (v.is(NodeRole::Secondary, "protected")) {
            return cluster.node(v.host);
        }
    }
    return refuse("no host has the second node of ", primary.host, " (", primary.peer, ")");
}

Result<HandedOver> hand_over(Cluster &cluster, const HostView &primary, const Say &say) {
    if (!primary.is(NodeRole::Primary, "protected")) {
        return refuse("the guest is not protected: ", primary.host, ": ", words(primary));
    }
    auto partner = partner_of(cluster, primary);
    if (!partner) {
        return std::unexpected(partner.error());
    }
    auto begin = Clock::now();
    Node &old = *cluster.node(primary.host), &next = **partner;
    if (auto done = old.command("ft-failover", json::object(), after(command_seconds)); !done) {
        return std::unexpected(std::move(done.error()).context(old.host().name));
    }
    HostView seen;
    if (!cluster.wait(next, after(state_seconds), seen,
                      [](const HostView &v) { return v.role == NodeRole::Primary && v.state != "going-live"; })) {
        return refuse(seen.host, " has not taken over: ", words(seen));
    }
    HandedOver result{{}, next.host().name, seconds_since(begin)};
    say(sentence(result.now, ": has the guest after ", std::lround(result.seconds * 1000), " ms"));
    if (!cluster.wait(old, after(state_seconds), result.old, [](const HostView &v) {
            return v.reach != Reach::Answers || v.state == "fenced" || v.role == NodeRole::Secondary;
        })) {
        return refuse(result.old.host, ": not fenced yet: ", words(result.old));
    }
    return result;
}

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

/* What the second node would be made of, on that host or the first but the primary's. */
static Status print_second(Cluster &cluster, const Options &options, Report &report) {
    Views views = cluster.look();
    auto primary = primary_of(views);
    if (!primary) {
        return std::unexpected(primary.error());
    }
    for (auto &node : cluster.nodes) {
        if (options.on.empty() ? node->host().name != (*primary)->host : node->host().name == options.on) {
            auto recipe = cluster.node((*primary)->host)->live_recipe(after(command_seconds));
            auto text = recipe ? node->preview(*recipe, Role::secondary("")) : recipe;
            if (!text) {
                return std::unexpected(text.error());
            }
            report.print(*text);
            report["recipe"] = *text;
            return {};
        }
    }
    return refuse("no host for it");
}

Status respawn(const Options &options, Report &report) {
    return with_cluster(options, [&](Cluster &c) {
        if (options.print) {
            return print_second(c, options, report);
        }
        return protect_again(c, {.only_on = options.on, .tried = {}}, options, report);
    });
}

} // namespace ftctl
