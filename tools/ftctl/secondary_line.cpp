/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "secondary_line.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "machine_words.hpp"

namespace ftctl {
namespace {

using json = nlohmann::json;
using Names = std::set<std::string_view>;

const Names dropped_alone{"S"};
const Names dropped_with_value{"incoming", "loadvm"};
const Names character_devices{"qmp", "qmp-pretty", "monitor", "serial", "parallel", "debugcon"};
const Names files{"pidfile", "D"};
const Names keyed{"machine", "device",   "netdev", "chardev", "object", "mon",
                  "drive",   "blockdev", "nic",    "trace",   "name"};
/* Their value may look like an option. */
const Names free_text{"append", "kernel", "initrd", "fw_cfg", "smbios", "uuid", "m", "cpu", "smp", "rtc"};

bool has_value(std::string_view name) {
    return dropped_with_value.contains(name) || character_devices.contains(name) || files.contains(name) ||
           keyed.contains(name) || free_text.contains(name);
}

/* An empty name is a bare word. */
struct LineOption {
    std::string name;
    std::optional<std::string> value;
};
using LineOptions = std::vector<LineOption>;

LineOptions split(const CommandLine &line) {
    LineOptions options;
    for (size_t i = 1; i < line.size(); i++) {
        std::string name = line[i].starts_with('-') ? line[i].substr(line[i].find_first_not_of('-') == std::string::npos
                                                                         ? line[i].size()
                                                                         : line[i].find_first_not_of('-'))
                                                    : "";
        name = name == "M" ? "machine" : name;
        if (has_value(name) && i + 1 < line.size()) {
            options.push_back({name, line[++i]});
        } else if (name.empty()) {
            options.push_back({"", line[i]});
        } else {
            options.push_back({name, {}});
        }
    }
    return options;
}

CommandLine join(const std::string &program, const LineOptions &options) {
    CommandLine line{program};
    for (const auto &[name, value] : options) {
        if (!name.empty()) {
            line.push_back("-" + name);
        }
        if (value) {
            line.push_back(*value);
        }
    }
    return line;
}

/* Gives files names of their own. */
class Renamer {
  public:
    explicit Renamer(const LineChanges &changes) : changes_(changes) {}

    std::string value_of(const std::string &name, const std::string &value);
    bool monitor_found() const { return found_ || changes_.monitor_from.empty(); }

  private:
    std::string name_for(const std::string &path);
    std::string legacy(const std::string &value);
    std::string in_words(const std::string &value, const Names &keys);

    const LineChanges &changes_;
    bool found_ = false;
};

std::string Renamer::name_for(const std::string &path) {
    auto last = [](const std::string &p) { return std::filesystem::path(p).filename(); };
    if (!changes_.monitor_from.empty() && last(path) == last(changes_.monitor_from)) {
        found_ = true;
        return changes_.monitor_to;
    }
    return own_name(path);
}

/* "unix:vm.qmp,server=on" and what else has a path; mon: may stand before it. */
std::string Renamer::legacy(const std::string &value) {
    size_t from = value.starts_with("mon:") ? 4 : 0;
    for (std::string_view kind : {"unix:", "file:", "pipe:"}) {
        if (std::string_view(value).substr(from).starts_with(kind)) {
            size_t path = from + kind.size(), end = std::min(value.find(',', path), value.size());
            return value.substr(0, path) + name_for(value.substr(path, end - path)) + value.substr(end);
        }
    }
    return value;
}

std::string Renamer::in_words(const std::string &value, const Names &keys) {
    Words words = words_of(value);
    for (auto &[key, text] : words) {
        if (keys.contains(key)) {
            text = name_for(text);
        }
    }
    return text_of(words);
}

std::string Renamer::value_of(const std::string &name, const std::string &value) {
    if (files.contains(name)) {
        return name_for(value);
    }
    if (character_devices.contains(name)) {
        return legacy(value);
    }
    if (name == "chardev" && !value.starts_with('{')) {
        return in_words(value, {"path", "logfile"});
    }
    return name == "machine" || name == "trace" ? in_words(value, {"ft-log-file", "file"}) : value;
}

std::string without_role(const std::string &value) {
    Words words = words_of(value);
    std::erase_if(words, [](const auto &w) { return is_role_word(w.first); });
    return text_of(words);
}

bool is_open_file(const std::string &value) {
    for (std::string key : {"fd=", "fds=", "vhostfd="}) {
        if (value.starts_with(key) || value.find("," + key) != std::string::npos) {
            return true;
        }
    }
    return value.find("/dev/fdset/") != std::string::npos || value.find("\"fd\":") != std::string::npos ||
           value.find("\"fds\":") != std::string::npos;
}

std::string id_of(const std::string &value) {
    if (value.starts_with('{')) {
        json parsed = json::parse(value, nullptr, false);
        return parsed.is_object() ? parsed.value("id", "") : "";
    }
    for (const auto &[key, text] : words_of(value)) {
        if (key == "id") {
            return text;
        }
    }
    return "";
}

std::string set_in(const std::string &value, const std::string &property, const std::string &to) {
    if (value.starts_with('{')) {
        auto parsed = nlohmann::ordered_json::parse(value);
        parsed.erase(property);
        if (!to.empty()) {
            parsed[property] = to;
        }
        return parsed.dump();
    }
    Words words = words_of(value);
    std::erase_if(words, [&](const auto &w) { return w.first == property; });
    if (!to.empty()) {
        words.emplace_back(property, to);
    }
    return text_of(words);
}

/* One of the caller's changes; something must have changed. */
Status change(LineOptions &options, const std::string &key, const std::string &value) {
    size_t dot = key.rfind('.');
    std::string id = dot == std::string::npos ? "" : key.substr(0, dot);
    std::string property = dot == std::string::npos ? key : key.substr(dot + 1);
    bool hit = false;

    if (id == "machine") {
        options.push_back({"machine", property + "=" + value});
        return {};
    }
    for (LineOption &o : options) {
        if (id.empty() ? o.name == key && o.value : keyed.contains(o.name) && o.value && id_of(*o.value) == id) {
            hit = true;
            o.value = id.empty() ? value : set_in(*o.value, property, value);
        }
    }
    if (id.empty() && value.empty()) {
        std::erase_if(options, [&](const LineOption &o) { return o.name == key && o.value; });
    }
    if (!hit) {
        return refuse("set ", key, ": the primary's command line has no such option");
    }
    return {};
}

Status refuse_open_files(const LineOptions &options) {
    for (const auto &[name, value] : options) {
        if (keyed.contains(name) && value && is_open_file(*value)) {
            return refuse("-", name, " ", *value,
                          ": the primary was given an open file by whoever started it "
                          "(libvirt?); let the same start the secondary, or change it with \"set\"");
        }
    }
    return {};
}

LineOptions kept_of(const CommandLine &arguments, Renamer &renamer) {
    LineOptions kept;
    for (LineOption &o : split(arguments)) {
        if (dropped_alone.contains(o.name) || dropped_with_value.contains(o.name)) {
            continue;
        }
        if (o.value) {
            o.value = renamer.value_of(o.name, *o.value);
        }
        if (o.name == "machine" && o.value) {
            o.value = without_role(*o.value);
        }
        if (o.name != "machine" || (o.value && !o.value->empty())) {
            kept.push_back(std::move(o));
        }
    }
    return kept;
}

} // namespace

std::string own_name(const std::string &path) {
    std::filesystem::path p(path);
    std::string stem = p.stem().string(), extension = p.extension().string();
    size_t mark = stem.rfind("-r");
    bool numbered = mark != std::string::npos && mark > 0 && mark + 2 < stem.size() && stem.size() - mark < 11 &&
                    std::all_of(stem.begin() + static_cast<long>(mark) + 2, stem.end(), ::isdigit);
    long number = numbered ? std::stol(stem.substr(mark + 2)) : 0;
    p.replace_filename(sentence(numbered ? stem.substr(0, mark) : stem, "-r", number + 1, extension));
    return p.string();
}

Result<CommandLine> secondary_line(const CommandLine &arguments, const LineChanges &changes) {
    if (arguments.empty()) {
        return refuse("the primary's command line is empty");
    }
    Renamer renamer(changes);
    LineOptions options = kept_of(arguments, renamer);
    if (!renamer.monitor_found()) {
        return refuse("the primary's command line has no monitor named ", changes.monitor_from);
    }
    options.push_back({"machine", text_of(Role::secondary(changes.listen).words())});
    for (const auto &[key, value] : changes.set) {
        if (Status s = change(options, key, value); !s) {
            return std::unexpected(s.error());
        }
    }
    if (Status s = refuse_open_files(options); !s) {
        return std::unexpected(s.error());
    }
    return join(arguments[0], options);
}

std::string quoted(const CommandLine &line) {
    std::string out;
    for (const std::string &word : line) {
        bool plain = !word.empty() && std::ranges::all_of(word, [](unsigned char c) {
            return isalnum(c) || std::string_view("_@%+=:,./-").find(static_cast<char>(c)) != std::string_view::npos;
        });
        std::string text = word;
        for (size_t at = 0; !plain && (at = text.find('\'', at)) != std::string::npos; at += 4) {
            text.replace(at, 1, "'\\''");
        }
        out += (out.empty() ? "" : " ") + (plain ? text : "'" + text + "'");
    }
    return out;
}

} // namespace ftctl
