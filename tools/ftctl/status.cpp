/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <algorithm>
#include <cstdio>

#include "verbs.hpp"

namespace ftctl {
namespace {

double number(const json &ft, const char *key) {
    auto found = ft.find(key);
    return found != ft.end() && found->is_number() ? found->get<double>() : 0;
}

std::string details(const HostView &v) {
    char text[100] = "";
    if (v.reach == Reach::Answers) {
        snprintf(text, sizeof(text), ", epoch %lu%s", v.epoch,
                 v.run_state == "running" || v.run_state.empty() ? "" : ", ");
        std::string out = std::string(text) + (v.run_state == "running" ? "" : v.run_state);
        if (v.state == "protected") {
            snprintf(text, sizeof(text), ", lag %.1f ms", number(v.ft, "lag-ns") / 1e6);
            out += text;
        }
        return out;
    }
    return "";
}

std::string of_primary(const Views &views) {
    for (const HostView &v : views) {
        if (v.role == NodeRole::Primary && v.state != "fenced") {
            return sentence(v.state, ", on ", v.host);
        }
    }
    return "";
}

/* How the guest stands, in one line. */
std::string verdict(const Views &views) {
    if (std::string primary = of_primary(views); !primary.empty()) {
        return primary;
    }
    for (const HostView &v : views) {
        if (v.role == NodeRole::Secondary && (v.state == "protected" || v.state == "going-live")) {
            return sentence("its primary cannot be asked; ", v.host, " stands by (", v.state, ")");
        }
    }
    bool all_off = std::ranges::all_of(views, [](const HostView &v) {
        return v.reach == Reach::Off || v.reach == Reach::Undefined || v.state == "waiting";
    });
    return all_off ? "off" : "not known to run anywhere";
}

} // namespace

Status status(const Options &options, Report &report) {
    auto cluster = open_cluster(options);
    if (!cluster) {
        return std::unexpected(cluster.error());
    }
    Views views = cluster->look(options.patience(look_seconds));
    size_t wide = std::ranges::max(views, {}, [](auto &v) { return v.host.size(); }).host.size();

    report.print(cluster->pair.name + ": " + verdict(views));
    for (const HostView &v : views) {
        std::string host = v.host + std::string(wide - v.host.size(), ' ');
        report.print("  " + host + "  " + words(v) + details(v));
        report["hosts"].push_back(to_json(v));
    }
    report["name"] = cluster->pair.name;
    report["guest"] = verdict(views);
    return {};
}

} // namespace ftctl
