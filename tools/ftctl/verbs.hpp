/*
 * The verbs of ftctl, one function each, and the table that main() makes its
 * subcommands from. A verb that has failed answers with a sentence; its
 * steps and their results go to the Report.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_VERBS_HPP
#define FTCTL_VERBS_HPP

#include <span>

#include "cluster.hpp"
#include "options.hpp"
#include "report.hpp"

namespace CLI {
class App;
}

namespace ftctl {

struct Verb {
    const char *name;
    const char *summary; /* one line */
    const char *manual;  /* what it does, what can go wrong, examples */
    void (*arguments)(CLI::App &command, Options &options);
    Status (*run)(const Options &options, Report &report);
};

std::span<const Verb> verbs();

Status check(const Options &options, Report &report);
Status convert(const Options &options, Report &report);
Status define(const Options &options, Report &report);
Status start(const Options &options, Report &report);
Status stop(const Options &options, Report &report);
Status shutdown(const Options &options, Report &report);
Status reboot(const Options &options, Report &report);
Status status(const Options &options, Report &report);
Status watch(const Options &options, Report &report);
Status failover(const Options &options, Report &report);
Status respawn(const Options &options, Report &report);
Status test_failover(const Options &options, Report &report);
Status test_restart(const Options &options, Report &report);
Status evacuate(const Options &options, Report &report);
Status agent(const Options &options, Report &report);

} // namespace ftctl

#endif
