/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notify.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace ftctl {

void notify_systemd(const std::string &state) {
    const char *path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    size_t size = path ? strlen(path) : 0;

    if (size == 0 || size >= sizeof(address.sun_path) || (*path != '/' && *path != '@')) {
        return;
    }
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, path, size);
    if (*path == '@') {
        address.sun_path[0] = '\0'; /* an abstract name */
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr *>(&address),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size));
        close(fd);
    }
}

} // namespace ftctl
