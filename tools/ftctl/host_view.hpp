/*
 * What one host says about the pair's guest, at one moment. Plain data: the
 * decisions (decide.hpp) are made from a list of these and nothing else.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_HOST_VIEW_HPP
#define FTCTL_HOST_VIEW_HPP

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace ftctl {

using json = nlohmann::json;

/* How far a question came. */
enum class Reach {
    Unreachable, /* the host, its libvirtd or its command does not answer */
    Undefined,   /* the host answers and has no such domain */
    Off,         /* it has, and no process runs */
    Silent,      /* a process runs, and its monitor does not answer */
    NotFt,       /* it answers, and is no QEMU with FT, or ft is off */
    Answers,
};

enum class NodeRole { None, Primary, Secondary };

struct HostView {
    std::string host;
    Reach reach = Reach::Unreachable;
    NodeRole role = NodeRole::None;
    std::string state;  /* query-ft's word; empty unless it answers */
    std::string reason; /* query-ft's, or why there is no answer */
    std::string peer;
    uint64_t epoch = 0;
    std::string run_state; /* running, paused, shutdown ...: query-status's word */
    std::string away;      /* why the host must not be used now; empty: it may */
    int64_t run_id = 0;    /* changes with each new process there */
    double silent_s = 0;   /* for how long it has not answered */
    bool died = false;     /* off, because its last process died there */
    json ft;               /* all of query-ft */

    bool is(NodeRole r, std::string_view s) const { return role == r && state == s; }
};

using Views = std::vector<HostView>;

/* "secondary, waiting", "off", "does not answer: ..." */
std::string words(const HostView &view);
/* "host a is off; host b is primary, exposed (...)" */
std::string words(const Views &views);

json to_json(const HostView &view);

/* Fills role, state and the rest from an answer to query-ft. */
void read_ft(HostView &view, const json &answer);

} // namespace ftctl

#endif
