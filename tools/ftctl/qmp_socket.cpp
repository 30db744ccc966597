/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qmp_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace ftctl {
namespace {

/* Whatever sends this much without the end of a line is no monitor. */
constexpr size_t line_max = 64 << 20;

using Opened = std::expected<std::pair<int, pid_t>, QmpSocket::Failure>;

std::unexpected<QmpSocket::Failure> nobody(const std::string &text) {
    return std::unexpected(QmpSocket::Failure{QmpSocket::Trouble::NobodyListens, text});
}

/* Through its folder: a path may be longer than what a socket address holds. */
Opened connect_unix(const std::string &path) {
    std::filesystem::path p(path);
    std::string folder = p.has_parent_path() ? p.parent_path().string() : ".";
    int dir = open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        return nobody(sentence("no monitor at ", path, ": ", strerror(errno)));
    }
    std::string through = sentence("/proc/self/fd/", dir, "/", p.filename().string());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = fd < 0 ? errno : through.size() >= sizeof(address.sun_path) ? ENAMETOOLONG : 0;
    if (!error) {
        memcpy(address.sun_path, through.c_str(), through.size() + 1);
        if (connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)) < 0) {
            error = errno;
        }
    }
    close(dir);
    if (!error) {
        return std::pair{fd, pid_t(-1)};
    }
    if (fd >= 0) {
        close(fd);
    }
    if (error == EAGAIN) {
        return std::unexpected(QmpSocket::Failure{QmpSocket::Trouble::NoAnswer, "its monitor takes no more clients"});
    }
    return nobody(sentence("no monitor at ", path, ": ", strerror(error)));
}

Opened run_command(const std::string &command) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        return nobody(strerror(errno));
    }
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, ends[1], 0);
    posix_spawn_file_actions_adddup2(&files, ends[1], 1);
    std::string text = command;
    char shell[] = "/bin/sh", option[] = "-c";
    char *argv[] = {shell, option, text.data(), nullptr};
    pid_t pid = -1;
    int error = posix_spawn(&pid, shell, &files, nullptr, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    if (error) {
        close(ends[0]);
        return nobody(sentence(command, ": ", strerror(error)));
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return std::pair{ends[0], pid};
}

/* Ready for reading or writing by the deadline? */
bool ready(int fd, short events, Deadline deadline) {
    while (true) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd p{fd, events, 0};
        int n = poll(&p, 1, static_cast<int>(std::clamp<long>(left, 0, 3600 * 1000)));
        if (n > 0 || (n < 0 && errno != EINTR)) {
            return n > 0;
        }
        if (n == 0) {
            return false;
        }
    }
}

} // namespace

std::expected<QmpSocket, QmpSocket::Failure> QmpSocket::open(const std::string &address, Deadline deadline) {
    constexpr std::string_view exec = "exec:";
    bool is_command = address.starts_with(exec);
    auto opened = is_command ? run_command(address.substr(exec.size())) : connect_unix(address);
    if (!opened) {
        return std::unexpected(opened.error());
    }
    QmpSocket socket(opened->first, opened->second, deadline);
    auto greeting = socket.message();
    /* Closed at once: the command found nobody, or QEMU is just ending. */
    if (!greeting && Clock::now() < deadline) {
        return nobody("no monitor behind " + address);
    }
    Result<json> ready = greeting ? socket.command("qmp_capabilities") : greeting;
    if (!ready) {
        return std::unexpected(Failure{Trouble::NoAnswer, ready.error().text});
    }
    return socket;
}

QmpSocket::QmpSocket(QmpSocket &&other) noexcept
    : fd_(std::exchange(other.fd_, -1)), helper_(std::exchange(other.helper_, -1)), deadline_(other.deadline_),
      buffer_(std::move(other.buffer_)) {
}

QmpSocket::~QmpSocket() {
    if (fd_ >= 0) {
        close(fd_);
    }
    if (helper_ > 0) {
        kill(helper_, SIGTERM);
        waitpid(helper_, nullptr, 0);
    }
}

Status QmpSocket::send(const std::string &text) {
    for (size_t sent = 0; sent < text.size();) {
        ssize_t n = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (n >= 0) {
            sent += static_cast<size_t>(n);
        } else if (errno != EAGAIN && errno != EINTR) {
            return refuse("its monitor was closed: ", strerror(errno));
        } else if (!ready(fd_, POLLOUT, deadline_)) {
            return refuse("its monitor takes no command");
        }
    }
    return {};
}

/* The next line. */
Result<json> QmpSocket::message() {
    while (true) {
        if (size_t end = buffer_.find('\n'); end != std::string::npos) {
            json answer = json::parse(buffer_.substr(0, end), nullptr, false);
            buffer_.erase(0, end + 1);
            if (!answer.is_object()) {
                return refuse("what its monitor says is not JSON");
            }
            return answer;
        }
        if (buffer_.size() > line_max) {
            return refuse("its monitor sends a line without an end");
        }
        char part[65536];
        ssize_t n = recv(fd_, part, sizeof(part), 0);
        if (n > 0) {
            buffer_.append(part, static_cast<size_t>(n));
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            return refuse("its monitor was closed");
        } else if (!ready(fd_, POLLIN, deadline_)) {
            return refuse("its monitor does not answer: it hangs, or talks to somebody else");
        }
    }
}

Result<json> QmpSocket::command(const std::string &name, const json &arguments) {
    json request{{"execute", name}, {"id", name}};
    if (!arguments.empty()) {
        request["arguments"] = arguments;
    }
    if (Status s = send(request.dump() + "\n"); !s) {
        return std::unexpected(s.error());
    }
    while (true) {
        auto answer = message();
        if (!answer) {
            return answer;
        }
        if (auto error = answer->find("error"); error != answer->end()) {
            return refuse(error->is_object() ? error->value("desc", error->dump()) : error->dump());
        }
        if (answer->contains("return")) {
            return (*answer)["return"];
        }
    }
}

bool QmpSocket::wait_closed() {
    while (message()) {
    }
    return Clock::now() < deadline_;
}

} // namespace ftctl
