/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <cstdlib>

#include <CLI/CLI.hpp>

#include "accel/ft/ft.h"
#include "verbs.hpp"

using namespace ftctl;

namespace {

constexpr int usage_status = 2;

constexpr const char *about =
    "Runs protected guests: pairs of QEMU on two hosts, under libvirt.\n\n"
    "A pair is described in the domain's <metadata> by <ft:pair>: the hosts in order of preference, each with\n"
    "its libvirt URI and the address of its log link, the arbiter, and more ft- options. All hosts hold the\n"
    "same domain, whose stored role is a waiting secondary: starting it with virsh is harmless. ftctl keeps no\n"
    "state of its own.";

constexpr const char *footer =
    "Exit status: 0 done; 1 it failed, and stderr has one sentence that says why; 2 the command line is wrong.\n"
    "FTCTL_URI: what --connect is by default. `ftctl VERB --help` has examples.";

int run(const Verb &verb, const Options &options) {
    Report report(options.as_json);
    return report.finish(verb.run(options, report));
}

} // namespace

int main(int argc, char **argv) {
    CLI::App app(about, "ftctl");
    app.set_version_flag("--version", "ftctl " FT_CORE_VERSION);
    Options options;
    if (const char *uri = std::getenv("FTCTL_URI"); uri && *uri) {
        options.connect = uri;
    }
    app.require_subcommand(1);
    app.footer(footer);
    for (const Verb &verb : verbs()) {
        CLI::App *command = app.add_subcommand(verb.name, verb.summary);
        command->footer(verb.manual);
        verb.arguments(*command, options);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &e) {
        return app.exit(e) == 0 ? 0 : usage_status;
    }
    int result = 0;
    for (const Verb &verb : verbs()) {
        if (app.got_subcommand(verb.name)) {
            result = run(verb, options);
        }
    }
    /* Calls that were given up may still be inside libvirt, and libvirt's threads
     * run on: nothing of theirs may be destroyed under them. */
    std::quick_exit(result);
}
