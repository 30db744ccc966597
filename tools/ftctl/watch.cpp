/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <cstdio>
#include <map>

#include "libvirt_host.hpp"
#include "news.hpp"
#include "verbs.hpp"

namespace ftctl {
namespace {

constexpr double poll_seconds = 2;

/* What has changed since the last look, a line for each host. */
void show_changes(const Views &views, std::map<std::string, std::string> &last, Report &report) {
    for (const HostView &v : views) {
        std::string now = words(v) + (v.run_state == "running" || v.run_state.empty() ? "" : ", " + v.run_state);
        if (last[v.host] == now) {
            continue;
        }
        last[v.host] = now;
        if (report.as_json()) {
            /* One object a line: a stream has no end at which to print a whole. */
            printf("%s\n", to_json(v).dump(-1, ' ', false, json::error_handler_t::replace).c_str());
            fflush(stdout);
        } else {
            report.say(v.host + ": " + now);
        }
    }
}

} // namespace

Status watch(const Options &options, Report &report) {
    auto news = std::make_shared<News>();
    auto cluster = open_cluster(options, [news](const DomainEvent &event) { news->tell(event.text); });
    if (!cluster) {
        return std::unexpected(cluster.error());
    }
    std::map<std::string, std::string> last;
    while (true) {
        show_changes(cluster->look(), last, report);
        for (const std::string &text : news->wait(after(poll_seconds))) {
            if (!report.as_json()) {
                report.say("event: " + text);
            }
        }
    }
}

} // namespace ftctl
