/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qmp_node.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace ftctl {
namespace {

/* How long a tap and a port may stay taken after the node before has quit. */
constexpr double place_seconds = 5;
constexpr size_t last_words_max = 500;

bool is_command(const std::string &address) {
    return address.starts_with("exec:");
}

std::string in_folder(const std::string &folder, const std::string &path) {
    return (std::filesystem::path(folder) / path).string();
}

bool is_ssh(const CommandLine &prefix) {
    return !prefix.empty() && std::filesystem::path(prefix[0]).filename() == "ssh";
}

} // namespace

std::string QmpNode::address() const {
    return is_command(place_.qmp) ? place_.qmp : in_folder(place_.folder, place_.qmp);
}

HostView QmpNode::look(Deadline deadline) {
    HostView view;
    view.host = host().name;
    auto socket = QmpSocket::open(address(), deadline);
    if (!socket) {
        view.reach = socket.error().trouble == QmpSocket::Trouble::NobodyListens ? Reach::Off : Reach::Silent;
        view.reason = socket.error().text;
        return view;
    }
    auto answer = socket->command("query-ft");
    if (!answer) {
        view.reach = Reach::Silent;
        view.reason = answer.error().text;
        return view;
    }
    read_ft(view, *answer);
    if (auto status = socket->command("query-status")) {
        view.run_state = status->value("status", "");
    }
    return view;
}

Result<json> QmpNode::command(const std::string &name, const json &arguments, Deadline deadline) {
    auto socket = QmpSocket::open(address(), deadline);
    if (!socket) {
        return refuse(socket.error().text);
    }
    return socket->command(name, arguments);
}

Result<std::string> QmpNode::live_recipe(Deadline deadline) {
    auto answer = command("query-ft-command-line", json::object(), deadline);
    if (!answer) {
        return std::unexpected(answer.error());
    }
    return json{{"arguments", answer->value("arguments", json::array())}, {"monitor", place_.qmp}}.dump();
}

Result<std::string> QmpNode::stored_recipe(Deadline) {
    return refuse("without libvirt nobody has stored how the guest is started: start its first node by hand");
}

Status QmpNode::store(const std::string &, Deadline) {
    return refuse("without libvirt there is nothing that could store a domain");
}

Result<CommandLine> QmpNode::line_for(const std::string &recipe, const Role &role) const {
    json r = json::parse(recipe, nullptr, false);
    if (role.kind != Role::Kind::Secondary || !r.is_object() || !r["arguments"].is_array()) {
        return refuse("from a running node only a secondary can be made");
    }
    CommandLine arguments;
    for (const json &word : r["arguments"]) {
        arguments.push_back(word.is_string() ? word.get<std::string>() : word.dump());
    }
    LineChanges changes{role.address.empty() ? host().log : role.address, "", "", place_.set};
    std::string from = r.value("monitor", "");
    if (!is_command(from) && !is_command(place_.qmp)) {
        changes.monitor_from = from;
        changes.monitor_to = place_.qmp;
    }
    return secondary_line(arguments, changes);
}

Result<std::string> QmpNode::preview(const std::string &recipe, const Role &role) {
    auto line = line_for(recipe, role);
    if (!line) {
        return std::unexpected(line.error());
    }
    return quoted(*line);
}

/* In a session of its own: it outlives us. */
Result<pid_t> QmpNode::launch(const CommandLine &line) const {
    CommandLine words = place_.prefix;
    if (is_ssh(place_.prefix)) {
        words.push_back("cd " + quoted({place_.folder}) + " && exec " + quoted(line));
    } else {
        words.insert(words.end(), line.begin(), line.end());
    }
    std::vector<char *> argv;
    for (std::string &word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);

    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    if (!is_ssh(place_.prefix)) {
        posix_spawn_file_actions_addchdir_np(&files, place_.folder.c_str());
    }
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, place_.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    pid_t pid = -1;
    int error = posix_spawnp(&pid, argv[0], &files, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (error) {
        return refuse(argv[0], ": ", strerror(error));
    }
    return pid;
}

std::string QmpNode::last_words() const {
    std::ifstream in(place_.log_file);
    std::string text(std::istreambuf_iterator<char>(in), {});
    while (!text.empty() && isspace(static_cast<unsigned char>(text.back()))) {
        text.pop_back();
    }
    if (text.size() > last_words_max) {
        text.erase(0, text.size() - last_words_max);
    }
    return text.empty() ? "it said nothing" : text;
}

/* An error when its process ends before. */
Status QmpNode::wait_until_it_answers(pid_t pid, bool daemonizes, Deadline deadline) {
    bool ended = false;
    while (true) {
        int status = 0;
        if (!ended && waitpid(pid, &status, WNOHANG) == pid) {
            ended = true;
            if (!daemonizes || status != 0) {
                return refuse("the secondary ended with status ",
                              WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), ": ", last_words());
            }
        }
        if (look(earlier(deadline, after(1))).reach == Reach::Answers) {
            return {};
        }
        if (Clock::now() > deadline) {
            return refuse("the secondary's monitor does not answer: ", last_words());
        }
        std::this_thread::sleep_for(seconds(0.05));
    }
}

/* Tried again for a while: the node before may not have let go of everything. */
Result<std::string> QmpNode::start(const std::string &recipe, const Role &role, Deadline deadline) {
    auto line = line_for(recipe, role);
    if (!line) {
        return std::unexpected(line.error());
    }
    bool daemonizes = std::ranges::find(*line, "-daemonize") != line->end();
    Deadline patience = earlier(deadline, after(place_seconds));
    while (true) {
        auto pid = launch(*line);
        if (!pid) {
            return std::unexpected(pid.error());
        }
        Status s = wait_until_it_answers(*pid, daemonizes, deadline);
        if (s) {
            return sentence("pid ", *pid);
        }
        if (Clock::now() > patience) {
            return std::unexpected(s.error());
        }
        std::this_thread::sleep_for(seconds(0.2));
    }
}

Status QmpNode::end(const HostView &seen, Deadline deadline) {
    auto socket = QmpSocket::open(address(), deadline);
    if (!socket) {
        if (socket.error().trouble == QmpSocket::Trouble::NobodyListens) {
            return {};
        }
        return refuse(socket.error().text, ": end its process by hand");
    }
    /* Another node may have taken its place since it was looked at. */
    HostView now;
    if (auto answer = socket->command("query-ft")) {
        read_ft(now, *answer);
    }
    if (now.role != seen.role || now.state != seen.state) {
        return refuse("it is ", words(now), " meanwhile");
    }
    if (auto done = socket->command("quit"); !done) {
        return std::unexpected(done.error());
    }
    if (!socket->wait_closed()) {
        return refuse("it was told to quit, and does not end");
    }
    return {};
}

Status QmpNode::press_power(Deadline deadline) {
    auto done = command("system_powerdown", json::object(), deadline);
    if (!done) {
        return std::unexpected(done.error());
    }
    return {};
}

Status QmpNode::press_power_to_reboot(Deadline) {
    return refuse("without libvirt nobody would switch the machine on again: reboot from inside the guest");
}

Status QmpNode::set_away(const std::string &, Deadline) {
    return refuse("without libvirt there is no place for that mark");
}

} // namespace ftctl
