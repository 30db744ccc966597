/*
 * ft-states: the session's state diagram, for Graphviz, found by driving a real session.
 *
 * From each state that a search from the start has reached, every input is given once;
 * where the state changes there is an arrow. So the diagram shows what the code does,
 * not what a table was meant to say. scripts/doc-check compares the output with
 * docs/states.dot.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <array>
#include <cstdio>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "accel/ft/session.hpp"

namespace {

using ft::Session;
using ft::SessionState;

constexpr uint64_t timeout_ns = 500'000'000;
constexpr size_t actions_max = 16;
/* A session remembers more than its state (a lease, a cause), so each state is looked
 * at in as many ways of having come to it. */
constexpr unsigned ways_max = 4;

constexpr std::array state_names = {
    "Off",
    "Exposed",
    "Connecting",
    "Transferring",
    "ReadyBeforeCut",
    "AfterCut",
    "Protected",
    "Deciding",
    "Pausing",
    "HandoverSent",
    "DecidingPaused",
    "Waiting",
    "Syncing",
    "Loading",
    "LoadingAlone",
    "Shadowing",
    "TakingOver",
    "Draining",
    "LeaseWait",
    "GoingLive",
    "HandoverTakingOver",
    "HandoverDraining",
    "HandoverGoingLive",
    "Fenced",
    "Failed",
};
static_assert(state_names.size() == static_cast<size_t>(SessionState::Count));

/* In the words of an operator. */
constexpr std::array<std::pair<FtInputKind, const char *>, 25> input_names = {{
    {FT_IN_CONNECTED, "connected"},
    {FT_IN_CUT_DONE, "cut done"},
    {FT_IN_STATE_LOADED, "state loaded"},
    {FT_IN_PEER_READY, "READY"},
    {FT_IN_ATTACH_FAILED, "attach failed"},
    {FT_IN_CONNECTION_LOST, "connection lost"},
    {FT_IN_PEER_SILENT, "silence"},
    {FT_IN_PEER_GOODBYE, "goodbye"},
    {FT_IN_DIVERGED, "diverged"},
    {FT_IN_ARBITER_WON, "won"},
    {FT_IN_ARBITER_LOST, "lost"},
    {FT_IN_ARBITER_UNREACHABLE, "arbiter away"},
    {FT_IN_TIMER, "timer"},
    {FT_IN_DRAINED, "drained"},
    {FT_IN_LIVE_DONE, "live"},
    {FT_IN_ATTACH, "ft-attach"},
    {FT_IN_FAILOVER, "ft-failover"},
    {FT_IN_DETACH, "ft-detach"},
    {FT_IN_PAUSED_ACKED, "all acknowledged"},
    {FT_IN_HANDOVER, "HANDOVER"},
    {FT_IN_PEER_LIVE, "LIVE"},
    {FT_IN_PEER_STUCK, "replay stands still"},
    {FT_IN_STATE_RECEIVED, "state received"},
    {FT_IN_GUEST_OFF, "guest off"},
    {FT_IN_REFUSED, "primary refused"},
}};
static_assert(input_names.size() == FT_IN__COUNT);

const char *name_of(SessionState s) {
    return state_names[static_cast<size_t>(s)];
}

struct Node {
    FtRole role;
    std::map<SessionState, std::set<std::string>> arrows;
};
using Graph = std::map<SessionState, Node>;

FtInput input_of(const Session &s, FtInputKind kind) {
    FtInput in{};
    in.kind = kind;
    in.text = "";
    /* An answer of the arbiter counts for the epoch that was asked about; a lost
     * connection brings how long the primary may still release output. */
    if (kind == FT_IN_ARBITER_WON || kind == FT_IN_ARBITER_LOST || kind == FT_IN_ARBITER_UNREACHABLE) {
        in.value = s.epoch();
    } else if (kind == FT_IN_CONNECTION_LOST) {
        in.value = timeout_ns;
    }
    return in;
}

void give(Session &s, FtInputKind kind, uint64_t now_ns) {
    std::array<FtAction, actions_max> actions;
    std::string refusal;
    s.step(input_of(s, kind), now_ns, actions, refusal);
}

/* All states that the role can come to, and the arrows between them. */
void explore(FtRole role, Graph &graph) {
    std::deque<Session> open = {Session(role, 1, timeout_ns)};
    std::map<SessionState, unsigned> ways;
    uint64_t now_ns = 0;

    while (!open.empty()) {
        const Session here = open.front();
        open.pop_front();
        const SessionState from = here.inner_state();
        graph.try_emplace(from, Node{here.role(), {}});
        for (const auto &[kind, name] : input_names) {
            Session next = here;
            /* What a timer waits for has passed when it fires. */
            give(next, kind, ++now_ns + (kind == FT_IN_TIMER ? 2 * timeout_ns : 0));
            const SessionState to = next.inner_state();
            if (to != from) {
                graph[from].arrows[to].insert(name);
            }
            if (to != from && ways[to]++ < ways_max) {
                open.push_back(next);
            }
        }
    }
}

std::string joined(const std::set<std::string> &words) {
    std::string all;
    for (const std::string &word : words) {
        all += (all.empty() ? "" : "\\n") + word;
    }
    return all;
}

void print_nodes(const Graph &graph, FtRole role, const char *title) {
    std::printf("  subgraph cluster_%s {\n    label=\"%s\"; style=rounded; color=gray;\n", ftc_role_name(role), title);
    for (const auto &[state, node] : graph) {
        const bool is_end = state == SessionState::Fenced || state == SessionState::Failed;
        if (node.role == role && !is_end) {
            std::printf("    %s [label=\"%s\\n(%s)\"];\n", name_of(state), name_of(state),
                        ftc_state_name(ft::session_shown_as(state)));
        }
    }
    std::printf("  }\n");
}

} // namespace

int main() {
    Graph graph;
    explore(FT_ROLE_PRIMARY, graph);
    explore(FT_ROLE_SECONDARY, graph);

    std::printf("// Made by build/core/ft-states; see docs/HACKING.md.\n"
                "digraph session {\n  rankdir=TB; node [shape=box, style=rounded, "
                "fontname=Helvetica, fontsize=11];\n"
                "  edge [fontname=Helvetica, fontsize=9];\n");
    print_nodes(graph, FT_ROLE_PRIMARY, "primary");
    print_nodes(graph, FT_ROLE_SECONDARY, "secondary");
    std::printf("  Fenced [peripheries=2];\n  Failed [peripheries=2];\n");
    for (const auto &[from, node] : graph) {
        for (const auto &[to, inputs] : node.arrows) {
            std::printf("  %s -> %s [label=\"%s\"];\n", name_of(from), name_of(to), joined(inputs).c_str());
        }
    }
    std::printf("}\n");
    return 0;
}
