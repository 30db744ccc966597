/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <cstdio>
#include <ctime>
#include <map>
#include <mutex>

#include "guard.hpp"
#include "local_pairs.hpp"
#include "notify.hpp"
#include "verbs.hpp"

namespace ftctl {
namespace {

constexpr double list_seconds = 5;

/* "2026-11-29 21:14:03.512 guest1: ..." on stderr; any thread. */
void log_line(const std::string &text) {
    static std::mutex mutex;
    timespec now{};
    tm parts{};
    char when[32];

    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &parts);
    strftime(when, sizeof(when), "%F %T", &parts);
    std::lock_guard lock(mutex);
    fprintf(stderr, "%s.%03ld %s\n", when, now.tv_nsec / 1000000, text.c_str());
}

/* The pairs of this host and a guard for each; follows what is defined and undefined. */
class Agent {
  public:
    explicit Agent(const Options &options) : options_(options), libvirt_(options.connect, {}) {}

    void turn();
    std::string words() const { return words_; }

  private:
    struct Watched {
        PairDescription pair;
        std::unique_ptr<Guard> guard;
    };

    void follow(const std::vector<FoundPair> &found);
    void add(const PairDescription &pair);
    void say_once(const std::string &about, const std::string &text);

    const Options &options_;
    LibvirtHost libvirt_;
    std::map<std::string, Watched> watched_;  /* by uuid */
    std::map<std::string, std::string> said_; /* the last trouble with each */
    std::string words_ = "starting";
};

void Agent::say_once(const std::string &about, const std::string &text) {
    std::string &last = said_[about];
    if (last != text) {
        last = text;
        log_line(about + ": " + text);
    }
}

void Agent::add(const PairDescription &pair) {
    auto own =
        options_.on.empty() ? own_host(pair, libvirt_, after(command_seconds)) : Result<std::string>(options_.on);
    if (!own) {
        return say_once(pair.name, own.error().text);
    }
    PairDescription seen = pair;
    for (Host &h : seen.hosts) {
        if (h.name == *own) {
            h.uri = options_.connect;
        }
    }
    if (!pair.host(*own)) {
        return say_once(pair.name, "the pair has no host " + *own);
    }
    said_.erase(pair.name);
    log_line(pair.name + ": watched; this host is " + *own);
    watched_[pair.uuid] = {pair, std::make_unique<Guard>(seen, *own, log_line)};
}

void Agent::follow(const std::vector<FoundPair> &found) {
    std::map<std::string, PairDescription> now;
    for (const FoundPair &f : found) {
        if (!f.pair) {
            say_once(f.name, "not watched: " + f.pair.error().text);
        } else {
            now[f.pair->uuid] = *f.pair;
        }
    }
    std::erase_if(watched_, [&](const auto &w) {
        auto same = now.find(w.first);
        if (same != now.end() && same->second == w.second.pair) {
            return false;
        }
        log_line(w.second.pair.name + (same == now.end() ? ": not defined any more" : ": its description has changed"));
        return true;
    });
    for (const auto &[uuid, pair] : now) {
        if (!watched_.contains(uuid)) {
            add(pair);
        }
    }
}

void Agent::turn() {
    auto found = list_pairs(libvirt_, after(command_seconds));
    if (!found) {
        say_once(options_.connect, found.error().text);
        words_ = options_.connect + " does not answer";
        return;
    }
    if (said_.erase(options_.connect)) {
        log_line(options_.connect + ": answers again");
    }
    follow(*found);
    words_ = sentence("watches ", watched_.size(), watched_.size() == 1 ? " pair" : " pairs");
}

} // namespace

Status agent(const Options &options, Report &) {
    Agent agent(options);
    log_line("agent for " + options.connect);
    while (true) {
        agent.turn();
        notify_systemd("READY=1\nWATCHDOG=1\nSTATUS=" + agent.words());
        std::this_thread::sleep_for(seconds(list_seconds));
    }
}

} // namespace ftctl
