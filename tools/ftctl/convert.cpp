/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <cstdio>
#include <filesystem>

#include "domain/convert.hpp"
#include "findings_report.hpp"
#include "read_domain.hpp"
#include "verbs.hpp"

namespace ftctl {
namespace {

namespace fs = std::filesystem;

/* NAME,URI,HOST:PORT. A URI may have commas in it, the others have none. */
Result<Host> parse_host(const std::string &text) {
    size_t first = text.find(','), last = text.rfind(',');
    if (first == text.npos || first == last) {
        return refuse("--host ", text,
                      ": NAME,URI,HOST:PORT is wanted, such as "
                      "a,qemu+ssh://host-a/system,10.99.0.1:7000");
    }
    return Host{text.substr(0, first), text.substr(first + 1, last - first - 1), text.substr(last + 1)};
}

/* The QEMU that was built with this ftctl: beside it, or where its build directory is. */
std::string emulator_beside() {
    std::error_code none;
    fs::path dir = fs::read_symlink("/proc/self/exe", none).parent_path();
    for (const char *way : {"qemu-system-x86_64", "../../../qemu-system-x86_64"}) {
        fs::path found = (dir / way).lexically_normal();
        if (dir != "/usr/bin" && fs::exists(found, none)) {
            return found;
        }
    }
    return "";
}

Result<domain::Wish> wish_of(const Options &options) {
    domain::Wish wish;
    wish.facts = {options.emulator, emulator_beside(), options.cpu, options.bridge};
    wish.pair.arbiter = options.arbiter;
    wish.pair.options = options.ft_options;
    for (const std::string &text : options.pair_hosts) {
        auto host = parse_host(text);
        if (!host) {
            return std::unexpected(host.error());
        }
        wish.pair.hosts.push_back(std::move(*host));
    }
    if (wish.pair.hosts.empty() && !(options.arbiter.empty() && options.ft_options.empty())) {
        return refuse("--arbiter and --options go with --host: a pair is described as a whole");
    }
    return wish;
}

} // namespace

/* The XML alone goes to stdout, so that it can be piped into define. */
Status convert(const Options &options, Report &report) {
    auto wish = wish_of(options);
    auto text = wish ? read_domain(options) : std::unexpected(wish.error());
    if (!text) {
        return std::unexpected(text.error());
    }
    auto converted = domain::convert_domain(*text, *wish);
    if (!converted) {
        return std::unexpected(std::move(converted.error()).context(options.name == "-" ? "stdin" : options.name));
    }
    report["xml"] = converted->xml;
    report["done"] = to_json(converted->done);
    report["left"] = to_json(converted->left);
    report["documents"] = converted->documents;
    if (report.as_json()) {
        return {};
    }
    report.print(converted->xml.substr(0, converted->xml.size() - 1));
    if (converted->documents > 1) {
        fprintf(stderr,
                "ftctl: of %zu domains the last is converted, the machine that an "
                "installation leaves\n",
                converted->documents);
    }
    fprintf(stderr, "ftctl: %zu changes (ftctl check names them)\n", domain::refused(converted->done));
    if (!converted->left.empty()) {
        fprintf(stderr, "%s\n", to_text(converted->left).c_str());
    }
    return {};
}

} // namespace ftctl
