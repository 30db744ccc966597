/*
 * One conversation with a QEMU's monitor, over a socket in the file system or
 * the stdin and stdout of a command ("exec:ssh host-b socat - UNIX:vm.qmp").
 * A monitor talks to one client at a time: a second one is connected and not
 * answered, which looks like a QEMU that hangs. So a conversation is short.
 *
 * Every function returns by the deadline given to open(). One thread.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_QMP_SOCKET_HPP
#define FTCTL_QMP_SOCKET_HPP

#include <string>

#include <sys/types.h>

#include "deadline.hpp"
#include "host_view.hpp"

namespace ftctl {

class QmpSocket {
  public:
    enum class Trouble { NobodyListens, NoAnswer };

    struct Failure {
        Trouble trouble;
        std::string text;
    };

    /* Connects and takes the greeting. */
    static std::expected<QmpSocket, Failure> open(const std::string &address, Deadline deadline);

    QmpSocket(QmpSocket &&other) noexcept;
    QmpSocket &operator=(QmpSocket &&) = delete;
    ~QmpSocket();

    /* What the command returns; events that come between are dropped. */
    Result<json> command(const std::string &name, const json &arguments = json::object());
    /* Until the other side closes; false at the deadline. */
    bool wait_closed();

  private:
    QmpSocket(int fd, pid_t helper, Deadline deadline) : fd_(fd), helper_(helper), deadline_(deadline) {}
    Result<json> message();
    Status send(const std::string &text);

    int fd_;
    pid_t helper_; /* the command of exec:, or -1 */
    Deadline deadline_;
    std::string buffer_;
};

} // namespace ftctl

#endif
