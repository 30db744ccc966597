/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hosts_file.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace ftctl {
namespace {

/* Reads one object; the first thing that is wrong is kept. */
class Fields {
  public:
    explicit Fields(const json &object) : object_(object) {}

    std::string text(const char *key, const std::string &otherwise) {
        auto found = object_.find(key);
        if (found == object_.end()) {
            return otherwise;
        }
        if (!found->is_string()) {
            complain(key, "a string is wanted");
            return "";
        }
        return found->get<std::string>();
    }
    std::string needed(const char *key) {
        std::string value = text(key, "");
        if (value.empty()) {
            complain(key, "it is missing");
        }
        return value;
    }
    CommandLine list(const char *key) {
        CommandLine words;
        const json list = object_.value(key, json::array());
        if (!list.is_array()) {
            complain(key, "a list of strings is wanted");
        }
        for (const json &word : list) {
            if (!word.is_string()) {
                complain(key, "a list of strings is wanted");
                return {};
            }
            words.push_back(word.get<std::string>());
        }
        return words;
    }
    std::map<std::string, std::string> map(const char *key) {
        std::map<std::string, std::string> all;
        const json object = object_.value(key, json::object());
        if (!object.is_object()) {
            complain(key, "\"NAME\": \"VALUE\" is wanted");
            return all;
        }
        for (const auto &[name, value] : object.items()) {
            if (!value.is_string()) {
                complain(key, "\"NAME\": \"VALUE\" is wanted");
                return {};
            }
            all[name] = value.get<std::string>();
        }
        return all;
    }
    void only(std::initializer_list<std::string_view> known) {
        for (const auto &[key, value] : object_.items()) {
            if (std::ranges::find(known, key) == known.end()) {
                complain(key.c_str(), "there is no such field");
            }
        }
    }
    const std::string &problem() const { return problem_; }

  private:
    void complain(const char *key, const char *what) {
        if (problem_.empty()) {
            problem_ = sentence("\"", key, "\": ", what);
        }
    }

    const json &object_;
    std::string problem_;
};

Status add_host(HostsFile &file, const json &object, const std::string &folder) {
    if (!object.is_object()) {
        return refuse("each of \"hosts\" is an object");
    }
    Fields f(object);
    Host host{f.needed("name"), "", f.needed("log")};
    Place place{f.needed("qmp"), f.text("folder", folder), f.list("start"),
                f.text("output", file.pair.name + "-" + host.name + ".log"), f.map("set")};
    f.only({"name", "log", "qmp", "folder", "start", "output", "set"});
    if (!f.problem().empty()) {
        return refuse("host ", host.name.empty() ? "?" : host.name, ": ", f.problem());
    }
    if (auto port = port_of(host.log); !port) {
        return std::unexpected(std::move(port.error()).context("host " + host.name));
    }
    if (file.pair.host(host.name)) {
        return refuse("host ", host.name, " is there twice");
    }
    place.folder = (std::filesystem::path(folder) / place.folder).string();
    place.log_file = (std::filesystem::path(folder) / place.log_file).string();
    file.pair.hosts.push_back(std::move(host));
    file.places.push_back(std::move(place));
    return {};
}

} // namespace

Result<HostsFile> parse_hosts_file(const std::string &text, const std::string &folder) {
    json all = json::parse(text, nullptr, false);
    if (!all.is_object() || !all.contains("hosts") || !all["hosts"].is_array()) {
        return refuse("a JSON object with \"hosts\", a list, is wanted");
    }
    HostsFile file;
    Fields f(all);
    file.pair.name = f.text("name", "guest");
    f.only({"name", "hosts"});
    if (!f.problem().empty()) {
        return refuse(f.problem());
    }
    for (const json &host : all["hosts"]) {
        if (Status s = add_host(file, host, folder); !s) {
            return std::unexpected(s.error());
        }
    }
    if (file.pair.hosts.size() < 2) {
        return refuse("\"hosts\": a pair has two or more");
    }
    return file;
}

Result<HostsFile> read_hosts_file(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(in), {});
    if (!in.is_open() || in.bad()) {
        return refuse(path, ": cannot be read");
    }
    auto file = parse_hosts_file(text, std::filesystem::absolute(path).parent_path().string());
    if (!file) {
        return std::unexpected(std::move(file.error()).context(path));
    }
    return file;
}

} // namespace ftctl
