/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host_view.hpp"

#include "sentence.hpp"

namespace ftctl {
namespace {

const char *role_word(NodeRole role) {
    switch (role) {
    case NodeRole::Primary:
        return "primary";
    case NodeRole::Secondary:
        return "secondary";
    case NodeRole::None:
        break;
    }
    return "none";
}

const char *reach_word(Reach reach) {
    switch (reach) {
    case Reach::Unreachable:
        return "unreachable";
    case Reach::Undefined:
        return "undefined";
    case Reach::Off:
        return "off";
    case Reach::Silent:
        return "silent";
    case Reach::NotFt:
        return "no-ft";
    case Reach::Answers:
        break;
    }
    return "answers";
}

std::string because(const std::string &reason) {
    return reason.empty() ? "" : " (" + reason + ")";
}

std::string without_away(const HostView &v) {
    switch (v.reach) {
    case Reach::Unreachable:
        return "cannot be asked" + because(v.reason);
    case Reach::Undefined:
        return "has no such domain";
    case Reach::Off:
        return "off" + because(v.reason);
    case Reach::Silent:
        return "runs a node that does not answer" + because(v.reason);
    case Reach::NotFt:
        return "runs the guest without FT" + because(v.reason);
    case Reach::Answers:
        break;
    }
    return sentence(role_word(v.role), ", ", v.state, because(v.reason));
}

/* What a monitor of unknown quality says is taken only if it has the right type. */
std::string text_at(const json &answer, const char *key) {
    auto found = answer.find(key);
    return found != answer.end() && found->is_string() ? found->get<std::string>() : "";
}

} // namespace

std::string words(const HostView &view) {
    return without_away(view) + (view.away.empty() ? "" : "; away: " + view.away);
}

std::string words(const Views &views) {
    std::string all;
    for (const HostView &v : views) {
        all += sentence(all.empty() ? "" : "; ", v.host, ": ", words(v));
    }
    return all;
}

void read_ft(HostView &view, const json &answer) {
    std::string role = answer.is_object() ? text_at(answer, "role") : "";
    if (role != "primary" && role != "secondary") {
        view.reach = Reach::NotFt;
        view.reason = role == "off" ? "ft is off" : "query-ft: " + answer.dump().substr(0, 200);
        return;
    }
    view.reach = Reach::Answers;
    view.role = role == "primary" ? NodeRole::Primary : NodeRole::Secondary;
    view.state = text_at(answer, "state");
    view.reason = text_at(answer, "reason");
    view.peer = text_at(answer, "peer");
    auto epoch = answer.find("epoch");
    view.epoch = epoch != answer.end() && epoch->is_number_unsigned() ? epoch->get<uint64_t>() : 0;
    view.ft = answer;
}

json to_json(const HostView &v) {
    json out{{"host", v.host}, {"reach", reach_word(v.reach)}, {"words", words(v)}};
    if (v.reach == Reach::Answers) {
        out.update({{"role", role_word(v.role)},
                    {"state", v.state},
                    {"epoch", v.epoch},
                    {"run-state", v.run_state},
                    {"query-ft", v.ft}});
    }
    if (!v.reason.empty()) {
        out["reason"] = v.reason;
    }
    if (!v.away.empty()) {
        out["away"] = v.away;
    }
    return out;
}

} // namespace ftctl
