/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <algorithm>
#include <mutex>
#include <thread>

#include "hand_over.hpp"
#include "local_pairs.hpp"
#include "verbs.hpp"

namespace ftctl {
namespace {

constexpr double patience_s = 60;
constexpr double goodbye_seconds = 5;

/* One pair's node leaves this host. */
class Leave {
  public:
    Leave(Cluster &cluster, std::string own, Deadline deadline, const Say &say)
        : cluster_(cluster), own_(std::move(own)), node_(*cluster.node(own_)), deadline_(deadline), say_(say) {}

    Status run(const HostView &seen);

  private:
    Status move_guest(HostView seen);
    Status quit_secondary();

    Cluster &cluster_;
    std::string own_;
    Node &node_;
    Deadline deadline_;
    const Say &say_;
};

/* A guest that is not protected at this moment is protected first, if it can be in time. */
Status Leave::move_guest(HostView seen) {
    if (seen.state != "protected") {
        auto ready = protect(cluster_, {}, next_to_protect, deadline_, say_);
        if (!ready) {
            return std::unexpected(std::move(ready.error()).context("the guest stays here"));
        }
        seen = node_.look(after(look_seconds));
    }
    auto moved = hand_over(cluster_, seen, say_);
    if (!moved) {
        return std::unexpected(moved.error());
    }
    return moved->old.is(NodeRole::Primary, "fenced") ? end_node(cluster_, moved->old, say_) : Status{};
}

/* Its primary hears a goodbye, goes on at once, and takes another host if there is one. */
Status Leave::quit_secondary() {
    HostView now;
    (void)node_.command("quit", json::object(), after(command_seconds));
    if (!cluster_.wait(node_, after(goodbye_seconds), now, [](const HostView &v) { return v.reach == Reach::Off; })) {
        return end_node(cluster_, now, say_);
    }
    say_("the second node has left");
    return {};
}

Status Leave::run(const HostView &seen) {
    if (seen.role == NodeRole::Primary && seen.state != "fenced") {
        return move_guest(seen);
    }
    if (seen.reach == Reach::Answers) {
        return quit_secondary();
    }
    return {};
}

struct Local {
    const Options &options;
    Report &report;
    std::mutex mutex; /* of the report, and of `all` */
    Status all;
};

Status leave_one(Local &local, PairDescription pair, const std::string &own, const Say &say) {
    for (Host &h : pair.hosts) {
        if (h.name == own) {
            h.uri = local.options.connect;
        }
    }
    Cluster cluster = libvirt_cluster(std::move(pair), {});
    Node *node = cluster.node(own);
    if (!node) {
        return refuse("the pair has no host ", own);
    }
    /* First the mark: an agent elsewhere must not bring the second node back here. */
    const char *mark = local.options.back ? "" : "its host is being shut down";
    if (Status s = node->set_away(mark, after(command_seconds)); !s) {
        say("the mark that this host must not be used cannot be set: " + s.error().text);
    }
    if (local.options.back) {
        say("this host may be used again");
        return {};
    }
    return Leave(cluster, own, after(local.options.patience(patience_s)), say).run(node->look(after(look_seconds)));
}

void leave(Local &local, const FoundPair &found, const Result<std::string> &own) {
    Say say = [&](const std::string &text) {
        std::lock_guard lock(local.mutex);
        local.report.say(found.name + ": " + text);
    };
    Status s = own ? leave_one(local, *found.pair, *own, say) : std::unexpected(own.error());
    if (!s) {
        say(s.error().text);
        std::lock_guard lock(local.mutex);
        local.all = std::unexpected(std::move(s.error()).context(found.name));
    }
}

Result<std::string> own_in(const FoundPair &found, const Options &options, LibvirtHost &libvirt) {
    if (!found.pair) {
        return std::unexpected(found.pair.error());
    }
    return options.on.empty() ? own_host(*found.pair, libvirt, after(command_seconds))
                              : Result<std::string>(options.on);
}

} // namespace

Status evacuate(const Options &options, Report &report) {
    LibvirtHost libvirt(options.connect, {});
    auto found = list_pairs(libvirt, after(command_seconds));
    if (!found) {
        return std::unexpected(std::move(found.error()).context("asking " + options.connect));
    }
    Local local{options, report, {}, {}};
    {
        std::vector<std::jthread> leaving;
        for (const FoundPair &f : *found) {
            leaving.emplace_back([&, own = own_in(f, options, libvirt)] { leave(local, f, own); });
        }
    }
    report["pairs"] = found->size();
    report["seconds"] = report.seconds();
    return local.all;
}

} // namespace ftctl
