/*
 * One host's libvirtd: a connection that is opened when it is needed, opened
 * again when it was lost, and never waited for beyond a deadline.
 *
 * libvirt's rules that shape this file: the event loop has to be registered
 * before the first connection and has to run, or there are neither events nor
 * keep-alive; a callback runs in the loop's thread and must not call libvirt;
 * virConnectClose() asks the server, so it may block like any other call.
 *
 * THREADS: a LibvirtHost is used by one thread at a time. A Connection may be
 * held by calls that were given up; the last holder closes it, in a thread of
 * its own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_LIBVIRT_HOST_HPP
#define FTCTL_LIBVIRT_HOST_HPP

#include <functional>
#include <future>
#include <memory>
#include <string>

#include <libvirt/libvirt.h>

#include "deadline.hpp"

namespace ftctl {

struct Connection {
    explicit Connection(virConnectPtr c) : ptr(c) {}
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;
    ~Connection();

    virConnectPtr ptr;
};

using ConnectionRef = std::shared_ptr<Connection>;

struct Domain {
    explicit Domain(virDomainPtr d = nullptr) : ptr(d) {}
    Domain(Domain &&other) noexcept : ptr(std::exchange(other.ptr, nullptr)) {}
    Domain &operator=(Domain &&) = delete;
    ~Domain() {
        if (ptr) {
            virDomainFree(ptr);
        }
    }
    virDomainPtr ptr;
};

/* The last error that libvirt has in this thread. */
std::string libvirt_error();

/* What happened to a domain; called in the event loop's thread: note it and return. */
struct DomainEvent {
    std::string uuid;
    std::string text; /* for people: "FT_STATE_CHANGE primary, exposed (...)" */
};
using Listener = std::function<void(const DomainEvent &)>;

class LibvirtHost {
  public:
    /* An empty listener registers for no events. */
    LibvirtHost(std::string uri, Listener listener);

    const std::string &uri() const { return uri_; }
    Result<ConnectionRef> connect(Deadline deadline);
    /* Without asking anybody. */
    bool connected() const;

  private:
    std::string uri_;
    Listener listener_;
    ConnectionRef connection_;
    std::shared_future<Result<ConnectionRef>> opening_; /* valid while one is under way */
};

/* Starts the event loop's thread once, and silences libvirt's own printing of errors. */
void libvirt_begin();

} // namespace ftctl

#endif
