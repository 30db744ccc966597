/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pair.hpp"

#include <algorithm>

#include "xml.hpp"

namespace ftctl {
namespace {

constexpr size_t hosts_max = 16;
constexpr size_t text_max = 1024;

bool is_name_char(unsigned char c) {
    return isalnum(c) || c == '.' || c == '-' || c == '_';
}

/* Names stand in messages, on command lines and in logs. */
Status check_name(const std::string &name) {
    if (name.empty() || name.size() > 64 || !std::ranges::all_of(name, is_name_char) || name[0] == '-') {
        return refuse("host name '", name.substr(0, 64), "': 1 to 64 of letters, digits, '.', '-' and '_'");
    }
    return {};
}

/* Becomes part of a -machine option: nothing in it may end the word unseen. */
Status check_words(const char *what, const std::string &text) {
    if (text.size() > text_max) {
        return refuse(what, ": longer than ", text_max, " bytes");
    }
    if (std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
        return refuse(what, ": has a control character in it");
    }
    return {};
}

Status check_options(const std::string &options) {
    if (Status s = check_words("options", options); !s) {
        return s;
    }
    for (size_t from = 0; from < options.size();) {
        size_t to = std::min(options.find(',', from), options.size());
        std::string word = options.substr(from, to - from);
        std::string key = word.substr(0, word.find('='));
        if (word.find('=') == std::string::npos || !key.starts_with("ft-")) {
            return refuse("options: '", word, "' is not of the form ft-NAME=VALUE");
        }
        for (const char *own : {"ft-peer", "ft-listen", "ft-arbiter"}) {
            if (key == own) {
                return refuse("options: ", key, " is set by ftctl itself");
            }
        }
        from = to + 1;
    }
    return {};
}

Result<Host> parse_host(xmlNodePtr node) {
    Host h{xml::attribute(node, "name").value_or(""), xml::attribute(node, "uri").value_or(""),
           xml::attribute(node, "log").value_or("")};
    if (Status s = check_name(h.name); !s) {
        return std::unexpected(s.error());
    }
    std::string at = "host " + h.name;
    if (h.uri.empty()) {
        return refuse(at, ": it has no uri");
    }
    if (Status s = check_words("uri", h.uri); !s) {
        return std::unexpected(std::move(s.error()).context(at));
    }
    if (auto port = port_of(h.log); !port) {
        return std::unexpected(std::move(port.error()).context(at));
    }
    return h;
}

Status parse_hosts(xmlNodePtr node, PairDescription &pair) {
    for (xmlNodePtr n : xml::children(node, "host", pair_namespace)) {
        auto host = parse_host(n);
        if (!host) {
            return std::unexpected(host.error());
        }
        for (const Host &other : pair.hosts) {
            if (other.name == host->name || other.uri == host->uri || other.log == host->log) {
                return refuse("hosts ", other.name, " and ", host->name,
                              ": name, uri and log have to be different ones");
            }
        }
        pair.hosts.push_back(std::move(*host));
    }
    if (pair.hosts.size() < 2 || pair.hosts.size() > hosts_max) {
        return refuse(pair.hosts.size(), " hosts: a pair has 2 to ", hosts_max);
    }
    return {};
}

} // namespace

const Host *PairDescription::host(std::string_view wanted) const {
    auto found = std::ranges::find(hosts, wanted, &Host::name);
    return found == hosts.end() ? nullptr : &*found;
}

Result<std::string> port_of(const std::string &log) {
    size_t colon = log.rfind(':');
    std::string host = log.substr(0, colon == std::string::npos ? 0 : colon);
    std::string port = colon == std::string::npos ? "" : log.substr(colon + 1);
    bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';

    if (host.empty() || log.size() > 256 || (!bracketed && host.find(':') != std::string::npos) ||
        !std::ranges::all_of(
            host, [](unsigned char c) { return is_name_char(c) || c == ':' || c == '[' || c == ']' || c == '%'; })) {
        return refuse("log='", log.substr(0, 256), "': HOST:PORT is wanted");
    }
    if (port.empty() || port.size() > 5 || !std::ranges::all_of(port, ::isdigit) || std::stoi(port) < 1 ||
        std::stoi(port) > 65535) {
        return refuse("log='", log, "': the port is a number from 1 to 65535");
    }
    return port;
}

Result<std::string> listen_anywhere(const std::string &log) {
    auto port = port_of(log);
    if (!port) {
        return port;
    }
    return (log[0] == '[' ? "[::]:" : "0.0.0.0:") + *port;
}

Result<std::string> listen_everywhere(const PairDescription &pair) {
    std::string all;
    for (const Host &host : pair.hosts) {
        auto one = listen_anywhere(host.log);
        if (!one) {
            return one;
        }
        if (!all.empty() && all != *one) {
            return refuse("the hosts' log addresses need one port and one kind of address, because all "
                          "hosts hold the same XML: host ",
                          host.name, " has ", *one, ", not ", all);
        }
        all = *one;
    }
    return all;
}

Result<PairDescription> parse_pair(const std::string &text) {
    auto document = xml::parse_domain(text);
    if (!document) {
        return std::unexpected(document.error());
    }
    xmlNodePtr root = xmlDocGetRootElement(document->get());
    auto found = xml::children(xml::child(root, "metadata"), "pair", pair_namespace);
    PairDescription pair;

    pair.name = xml::content(xml::child(root, "name"));
    pair.uuid = xml::content(xml::child(root, "uuid"));
    if (pair.name.empty()) {
        return refuse("the domain has no <name>");
    }
    if (found.size() != 1) {
        return refuse("domain ", pair.name, ": its <metadata> holds ", found.size(), " elements <ft:pair xmlns:ft='",
                      pair_namespace, "'>, not one");
    }
    std::string at = sentence("domain ", pair.name, ": <ft:pair>");
    pair.arbiter = xml::attribute(found[0], "arbiter").value_or("");
    pair.options = xml::attribute(found[0], "options").value_or("");
    if (pair.arbiter.empty()) {
        return refuse(at, ": it has no arbiter, such as arbiter='file:/shared/ft'");
    }
    for (Status s : {check_words("arbiter", pair.arbiter), check_options(pair.options), parse_hosts(found[0], pair)}) {
        if (!s) {
            return std::unexpected(std::move(s.error()).context(at));
        }
    }
    return pair;
}

} // namespace ftctl
