/*
 * Watches over one pair on behalf of one host: notices when the guest runs
 * there without a second node, and brings one. A thread of its own for each
 * pair, so that one whose hosts hang keeps no other waiting.
 *
 * While its host has no primary of the pair, or a protected one, it asks nobody
 * but its own libvirtd. Events make it look at once; a poll finds what was lost
 * while a connection was down.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_GUARD_HPP
#define FTCTL_GUARD_HPP

#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "backoff.hpp"
#include "cluster.hpp"
#include "news.hpp"
#include "protect.hpp"

namespace ftctl {

class Guard {
  public:
    /* pair: with own's URI replaced by the local one. log: a line for the operator; any thread. */
    Guard(PairDescription pair, std::string own, Say log);

  private:
    void run(std::stop_token stop);
    void look(double &wait_s);
    void act(double &wait_s);
    void remember_other(const HostView &own);
    void end_what_hangs(const Views &views);
    void say_once(const std::string &text);
    void say(const std::string &text) { log_(name_ + ": " + text); }

    std::string name_, own_;
    Say log_;
    std::shared_ptr<News> news_ = std::make_shared<News>();
    Cluster cluster_;
    Backoff backoff_;
    Deadline not_before_{};
    Deadline clean_until_{};
    std::string last_, last_view_;
    std::string other_; /* the pair's other host, when it was last protected */
    std::stop_token stop_;
    std::jthread thread_; /* the last member: it uses all others */
};

} // namespace ftctl

#endif
