/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <algorithm>

#include "protect.hpp"
#include "verbs.hpp"

namespace ftctl {
namespace {

constexpr double patience_s = 120;

bool can_run(const HostView &v) {
    return v.reach != Reach::Unreachable && v.away.empty();
}

/* The host of the primary: the one that is asked for, else the first that can. */
Result<std::string> choose_primary(const Views &views, const Options &options) {
    for (const HostView &v : views) {
        if (options.on.empty() ? can_run(v) : v.host == options.on) {
            return v.host;
        }
    }
    return options.on.empty() ? refuse("no host can run the guest: ", words(views))
                              : refuse("the pair has no host ", options.on);
}

class Start {
  public:
    Start(Cluster &cluster, const Options &options, Report &report)
        : cluster_(cluster), options_(options), say_([&](auto &text) { report.say(text); }) {}

    Result<Protected> run();

  private:
    Status clear(const Views &views);
    Status start_secondary(const Views &views);
    Status start_primary();
    Status nobody_else();

    Cluster &cluster_;
    const Options &options_;
    Say say_;
    std::string primary_, secondary_, recipe_;
};

/* Everybody is asked, and what is left of an earlier run ended. */
Status Start::clear(const Views &views) {
    auto first = clear_to_start(views, options_.force);
    if (!first) {
        return std::unexpected(first.error());
    }
    for (const Step &step : *first) {
        const HostView &seen = *std::ranges::find(views, step.host, &HostView::host);
        if (Status s = end_node(cluster_, seen, say_); !s) {
            return std::unexpected(std::move(s.error()).context(step.host));
        }
    }
    return {};
}

/* On the first of the other hosts that takes it. */
Status Start::start_secondary(const Views &views) {
    std::string why = "no other host can be used";
    for (const HostView &v : views) {
        if (v.host == primary_ || !can_run(v)) {
            continue;
        }
        Node &node = *cluster_.node(v.host);
        auto s = node.start(recipe_, Role::secondary(""), after(process_seconds));
        if (s) {
            say_(v.host + ": a secondary waits at " + node.host().log);
            secondary_ = v.host;
            return {};
        }
        why = v.host + ": " + s.error().text;
        say_(why);
    }
    return refuse("no secondary could be started: ", why);
}

/* Again, just before the guest begins: somebody may have started it meanwhile. */
Status Start::nobody_else() {
    Views views = cluster_.look();
    std::erase_if(views, [&](const HostView &v) { return v.host == secondary_; });
    auto first = clear_to_start(views, options_.force);
    if (!first) {
        return std::unexpected(first.error());
    }
    return {};
}

Status Start::start_primary() {
    if (Status s = nobody_else(); !s) {
        return s;
    }
    std::string peer = secondary_.empty() ? "" : cluster_.node(secondary_)->host().log;
    auto s = cluster_.node(primary_)->start(recipe_, Role::primary(peer), after(process_seconds));
    if (!s) {
        return std::unexpected(std::move(s.error()).context(primary_));
    }
    say_(primary_ + ": the guest was started");
    return {};
}

Result<Protected> Start::run() {
    Views views = cluster_.look();
    auto primary = choose_primary(views, options_);
    if (Status s = clear(views); !s || !primary) {
        return std::unexpected(s ? primary.error() : s.error());
    }
    primary_ = *primary;
    auto recipe = cluster_.node(primary_)->stored_recipe(after(command_seconds));
    if (!recipe) {
        return std::unexpected(std::move(recipe.error()).context(primary_));
    }
    recipe_ = *recipe;
    Status second = start_secondary(views);
    if (!second && !options_.force) {
        return std::unexpected(second.error());
    }
    if (Status s = start_primary(); !s) {
        if (!secondary_.empty()) {
            HostView left = cluster_.node(secondary_)->look(after(look_seconds));
            (void)end_node(cluster_, left, say_);
        }
        return std::unexpected(s.error());
    }
    return protect(cluster_, {}, next_to_protect, after(options_.patience(patience_s)), say_);
}

} // namespace

Status start(const Options &options, Report &report) {
    auto cluster = open_cluster(options);
    if (!cluster) {
        return std::unexpected(cluster.error());
    }
    auto result = Start(*cluster, options, report).run();
    if (!result) {
        return std::unexpected(result.error());
    }
    report.say(words(*result));
    report["seconds"] = report.seconds();
    return {};
}

} // namespace ftctl
