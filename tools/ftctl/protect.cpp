/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "protect.hpp"

#include <algorithm>
#include <cstdio>

namespace ftctl {
namespace {

/* ft-attach itself waits some seconds for somebody to listen. */
Status attach(Node &primary, const Node &secondary) {
    auto done = primary.command("ft-attach", {{"peer", secondary.host().log}}, after(command_seconds));
    if (!done) {
        return std::unexpected(done.error());
    }
    return {};
}

/* One step of the way; an error means that this host will not do. */
class Way {
  public:
    Way(Cluster &cluster, Choice choice, Deadline deadline, const Say &say)
        : cluster_(cluster), choice_(std::move(choice)), deadline_(deadline), say_(say) {}

    Result<Protected> go(const Decide &decide);

  private:
    Status act(const Step &step, const Views &views);
    Status start_on(const Step &step, const std::string &primary);
    void refused(const Step &step, const Error &why, const Decide &decide);
    void leave_out(const std::string &host, const Error &why);
    void notice_end_of_attach(const Views &views);
    static const HostView &view_of(const Views &views, const std::string &host);

    Cluster &cluster_;
    Choice choice_;
    Deadline deadline_;
    const Say &say_;
    std::string attached_; /* the host whose secondary is being attached */
    std::string last_words_ = "nothing was tried";
    std::string waited_for_;
};

const HostView &Way::view_of(const Views &views, const std::string &host) {
    return *std::ranges::find(views, host, &HostView::host);
}

void Way::leave_out(const std::string &host, const Error &why) {
    last_words_ = host + ": " + why.text;
    say_(last_words_);
    choice_.tried.insert(host);
}

/* The attach that we began is over, and the guest exposed: that host will not do. */
void Way::notice_end_of_attach(const Views &views) {
    auto primary = primary_of(views);
    if (!attached_.empty() && primary && (*primary)->state == "exposed") {
        leave_out(attached_, Error{"the attach failed: " + (*primary)->reason});
        attached_.clear();
    }
}

Status Way::start_on(const Step &step, const std::string &primary) {
    auto recipe = cluster_.node(primary)->live_recipe(after(command_seconds));
    if (!recipe) {
        return std::unexpected(std::move(recipe.error()).context("reading the running guest's description"));
    }
    say_(step.host + ": starting a secondary");
    auto started = cluster_.node(step.host)->start(*recipe, Role::secondary(""), after(process_seconds));
    if (!started) {
        return std::unexpected(started.error());
    }
    if (!started->empty()) {
        say_(step.host + ": it runs: " + *started);
    }
    return {};
}

Status Way::act(const Step &step, const Views &views) {
    const HostView &p = **primary_of(views);
    switch (step.kind) {
    case Step::Kind::End:
        return end_node(cluster_, view_of(views, step.host), say_);
    case Step::Kind::Spawn:
        return start_on(step, p.host);
    case Step::Kind::Attach:
        say_(step.host + ": its secondary waits at " + cluster_.node(step.host)->host().log + "; attaching it");
        attached_ = step.host;
        return attach(*cluster_.node(p.host), *cluster_.node(step.host));
    default:
        return {};
    }
}

/* If all looks as before, that host will not do; else somebody else was quicker. */
void Way::refused(const Step &step, const Error &why, const Decide &decide) {
    attached_.clear();
    if (decide(cluster_.look(), choice_) == step) {
        leave_out(step.host, why);
    }
}

Result<Protected> Way::go(const Decide &decide) {
    auto begin = Clock::now();
    while (true) {
        Views views = cluster_.look();
        notice_end_of_attach(views);
        Step step = decide(views, choice_);
        if (step.kind == Step::Kind::Done) {
            return Protected{step.host, attached_, seconds_since(begin), view_of(views, step.host).ft};
        }
        if (step.kind == Step::Kind::Nothing) {
            return refuse(step.why);
        }
        if (step.kind == Step::Kind::Stuck) {
            return refuse(choice_.tried.empty() ? step.why : last_words_);
        }
        if (Clock::now() > deadline_) {
            return refuse("not protected in time: ", words(views));
        }
        if (step.kind == Step::Kind::Wait) {
            if (step.why != waited_for_ && attached_.empty()) {
                say_("waiting: " + step.why);
                waited_for_ = step.why;
            }
            std::this_thread::sleep_for(seconds(look_again_seconds));
        } else if (Status s = act(step, views); !s) {
            refused(step, s.error(), decide);
        }
    }
}

double number(const json &ft, const char *key) {
    auto found = ft.find(key);
    return found != ft.end() && found->is_number() ? found->get<double>() : 0;
}

} // namespace

Status end_node(Cluster &cluster, const HostView &seen, const Say &say) {
    Status ended = cluster.node(seen.host)->end(seen, after(process_seconds));
    if (ended) {
        say(seen.host + ": ended; it was: " + words(seen));
    }
    return ended;
}

Result<HostView> primary_now(Cluster &cluster) {
    Views views = cluster.look();
    auto primary = primary_of(views);
    if (!primary) {
        return std::unexpected(primary.error());
    }
    return **primary;
}

Result<Protected> protect(Cluster &cluster, Choice choice, const Decide &decide, Deadline deadline, const Say &say) {
    return Way(cluster, std::move(choice), deadline, say).go(decide);
}

std::string words(const Protected &result) {
    char text[200];
    snprintf(text, sizeof(text), "epoch %.0f; %.1f MiB sent, the guest stood still for %.1f ms",
             number(result.ft, "epoch"), number(result.ft, "attach-bytes") / (1 << 20),
             number(result.ft, "attach-pause-ns") / 1e6);
    return result.primary + ": protected" + (result.secondary.empty() ? "" : " by " + result.secondary) + ", " + text;
}

} // namespace ftctl
