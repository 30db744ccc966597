/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard.hpp"

#include <algorithm>

#include "libvirt_host.hpp"

namespace ftctl {
namespace {

constexpr double poll_seconds = 5;
/* How soon it looks again while something is under way that no event announces. */
constexpr double soon_seconds = 0.5;
constexpr double protect_seconds = 300;
/* How long after a success it looks for processes that hang. */
constexpr double clean_seconds = 60;
constexpr double backoff_first_s = 1, backoff_most_s = 60;

/* Events wake the guard; the callback owns what it touches, because a call that
 * was given up may keep its connection, and so this, longer than the guard lives. */
Listener waker(std::shared_ptr<News> news) {
    return [news = std::move(news)](const DomainEvent &event) { news->tell(event.text); };
}

} // namespace

Guard::Guard(PairDescription pair, std::string own, Say log)
    : name_(pair.name), own_(std::move(own)), log_(std::move(log)), cluster_(libvirt_cluster(pair, waker(news_))),
      backoff_(backoff_first_s, backoff_most_s), thread_([this](std::stop_token stop) { run(std::move(stop)); }) {
}

/* Logs a sentence once, until another one comes. */
void Guard::say_once(const std::string &text) {
    if (text != last_) {
        last_ = text;
        say(text);
    }
}

void Guard::run(std::stop_token stop) {
    stop_ = stop;
    /* Whoever starts an agent here wants this host to be used: ends `ftctl evacuate`. */
    if (Status s = cluster_.node(own_)->set_away("", after(command_seconds)); !s) {
        say("the mark of an evacuation cannot be taken away: " + s.error().text);
    }
    while (!stop.stop_requested()) {
        double wait_s = poll_seconds;
        look(wait_s);
        news_->wait(after(wait_s), stop);
    }
}

void Guard::look(double &wait_s) {
    HostView own = cluster_.node(own_)->look(after(look_seconds));
    std::string view = ftctl::words(own);
    if (view != last_view_) {
        last_view_ = view;
        say("here (" + own_ + "): " + view);
    }
    remember_other(own);
    bool exposed = own.is(NodeRole::Primary, "exposed");
    bool cleaning = own.is(NodeRole::Primary, "protected") && Clock::now() < clean_until_;
    if (cleaning) {
        end_what_hangs(cluster_.look());
        wait_s = soon_seconds;
    }
    if (!exposed) {
        not_before_ = {};
        backoff_.succeeded();
    } else if (Clock::now() >= not_before_) {
        act(wait_s);
    } else {
        wait_s = std::min(wait_s, std::chrono::duration<double>(not_before_ - Clock::now()).count());
    }
}

/* Of a secondary's peer only the address belongs to the host; the port belongs to one
 * connection. */
void Guard::remember_other(const HostView &own) {
    auto address = [](const std::string &at) { return at.substr(0, at.rfind(':')); };

    if (own.state != "protected" || own.peer.empty()) {
        return;
    }
    for (const Host &host : cluster_.pair.hosts) {
        if (host.name != own_ && address(host.log) == address(own.peer)) {
            other_ = host.name;
        }
    }
}

void Guard::act(double &wait_s) {
    Choice choice;
    choice.last_resort = other_;
    auto decide = [this](const Views &v, const Choice &c) {
        return stop_.stop_requested() ? Step{Step::Kind::Nothing, "", "not watched any more"}
                                      : next_for_agent(v, c, own_);
    };
    Step step = decide(cluster_.look(), choice);
    if (step.kind == Step::Kind::Done) {
        return;
    }
    /* A host that comes back is noticed by the next poll; only refusals make the pauses longer. */
    if (step.kind == Step::Kind::Nothing || step.kind == Step::Kind::Stuck) {
        say_once("stays exposed: " + step.why);
        return;
    }
    auto result =
        protect(cluster_, choice, decide, after(protect_seconds), [this](const std::string &text) { say_once(text); });
    if (result) {
        last_.clear();
        say(ftctl::words(*result));
        backoff_.succeeded();
        clean_until_ = after(clean_seconds);
        wait_s = soon_seconds;
        return;
    }
    double pause = backoff_.failed();
    not_before_ = after(pause);
    wait_s = std::min(wait_s, pause);
    say_once("still exposed, trying again: " + result.error().text);
}

/* Ends nodes that hang, such as an old primary that lost the guest and does not know it. */
void Guard::end_what_hangs(const Views &views) {
    for (const Step &step : hanging(views, cluster_.pair)) {
        auto seen = std::ranges::find(views, step.host, &HostView::host);
        Status s = end_node(cluster_, *seen, [this](const std::string &text) { say(text); });
        if (!s) {
            say_once(step.host + ": " + s.error().text);
        }
    }
}

} // namespace ftctl
