/*
 * Tells systemd how a service of Type=notify is. Without systemd, that is
 * without NOTIFY_SOCKET, it does nothing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_NOTIFY_HPP
#define FTCTL_NOTIFY_HPP

#include <string>

namespace ftctl {

/* "READY=1\nSTATUS=..."; lost if systemd does not listen. */
void notify_systemd(const std::string &state);

} // namespace ftctl

#endif
