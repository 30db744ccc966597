/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "libvirt_host.hpp"

#include <mutex>

#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <nlohmann/json.hpp>

namespace ftctl {
namespace {

/* A dead host's connection ends after 2 * (3 + 1) s. */
constexpr int keepalive_interval_s = 2;
constexpr unsigned keepalive_count = 3;

std::string uuid_of(virDomainPtr domain) {
    char text[VIR_UUID_STRING_BUFLEN] = "";
    virDomainGetUUIDString(domain, text);
    return text;
}

const char *lifecycle_word(int event) {
    switch (event) {
    case VIR_DOMAIN_EVENT_DEFINED:
        return "was defined";
    case VIR_DOMAIN_EVENT_UNDEFINED:
        return "was undefined";
    case VIR_DOMAIN_EVENT_STARTED:
        return "was started";
    case VIR_DOMAIN_EVENT_SUSPENDED:
        return "was suspended";
    case VIR_DOMAIN_EVENT_RESUMED:
        return "was resumed";
    case VIR_DOMAIN_EVENT_STOPPED:
        return "has ended";
    case VIR_DOMAIN_EVENT_SHUTDOWN:
        return "has powered itself off";
    case VIR_DOMAIN_EVENT_CRASHED:
        return "has crashed";
    default:
        return "has changed";
    }
}

const char *stopped_word(int detail) {
    switch (detail) {
    case VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
        return " (destroyed)";
    case VIR_DOMAIN_EVENT_STOPPED_CRASHED:
        return " (crashed)";
    case VIR_DOMAIN_EVENT_STOPPED_FAILED:
        return " (its process died)";
    default:
        return "";
    }
}

/* An exception must not pass through libvirt's C. */
void tell(void *opaque, virDomainPtr domain, const std::string &text) noexcept {
    try {
        (*static_cast<Listener *>(opaque))({uuid_of(domain), text});
    } catch (...) {
    }
}

void forget(void *opaque) {
    delete static_cast<Listener *>(opaque);
}

int on_lifecycle(virConnectPtr, virDomainPtr domain, int event, int detail, void *opaque) {
    bool stopped = event == VIR_DOMAIN_EVENT_STOPPED;
    tell(opaque, domain, std::string(lifecycle_word(event)) + (stopped ? stopped_word(detail) : ""));
    return 0;
}

std::string described(const char *event, const char *details) {
    auto data = nlohmann::json::parse(details ? details : "", nullptr, false);
    if (!data.is_object()) {
        return event;
    }
    std::string reason = data.value("reason", "");
    return "is " + data.value("role", "?") + ", " + data.value("state", "?") +
           (reason.empty() ? "" : " (" + reason + ")");
}

void on_monitor(virConnectPtr, virDomainPtr domain, const char *event, long long, unsigned, const char *details,
                void *opaque) {
    try {
        tell(opaque, domain, described(event, details));
    } catch (...) {
        tell(opaque, domain, event);
    }
}

/* libvirt takes callbacks of all events as one type. By way of void (*)(), which is
 * how compilers are told that such a cast is meant. */
virConnectDomainEventGenericCallback callback(virConnectDomainEventCallback of_lifecycle) {
    return reinterpret_cast<virConnectDomainEventGenericCallback>(reinterpret_cast<void (*)()>(of_lifecycle));
}

void listen(virConnectPtr connection, const Listener &listener) {
    virConnectDomainEventRegisterAny(connection, nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE, callback(on_lifecycle),
                                     new Listener(listener), forget);
    virConnectDomainQemuMonitorEventRegister(connection, nullptr, "FT_STATE_CHANGE", on_monitor, new Listener(listener),
                                             forget, 0);
}

Result<ConnectionRef> open_now(const std::string &uri, const Listener &listener) {
    virConnectPtr ptr = virConnectOpen(uri.c_str());
    if (!ptr) {
        return refuse(libvirt_error());
    }
    auto connection = std::make_shared<Connection>(ptr);
    /* An old server without keep-alive is no reason to refuse: deadlines hold anyway. */
    virConnectSetKeepAlive(ptr, keepalive_interval_s, keepalive_count);
    if (listener) {
        listen(ptr, listener);
    }
    return connection;
}

} // namespace

Connection::~Connection() {
    try {
        std::thread([c = ptr] { virConnectClose(c); }).detach();
    } catch (const std::system_error &) {
        /* No thread to be had: better a connection too many than one that hangs us. */
    }
}

std::string libvirt_error() {
    const virError *e = virGetLastError();
    return e && e->message ? e->message : "libvirt gives no reason";
}

void libvirt_begin() {
    static std::once_flag once;
    std::call_once(once, [] {
        virSetErrorFunc(nullptr, [](void *, virErrorPtr) {});
        virEventRegisterDefaultImpl();
        virInitialize();
        std::thread([] {
            while (true) {
                if (virEventRunDefaultImpl() < 0) {
                    std::this_thread::sleep_for(seconds(0.1));
                }
            }
        }).detach();
    });
}

LibvirtHost::LibvirtHost(std::string uri, Listener listener) : uri_(std::move(uri)), listener_(std::move(listener)) {
    libvirt_begin();
}

bool LibvirtHost::connected() const {
    return connection_ && virConnectIsAlive(connection_->ptr) == 1;
}

Result<ConnectionRef> LibvirtHost::connect(Deadline deadline) {
    if (connected()) {
        return connection_;
    }
    connection_.reset();
    if (!opening_.valid()) {
        auto promise = std::make_shared<std::promise<Result<ConnectionRef>>>();
        opening_ = promise->get_future().share();
        std::thread([promise, uri = uri_, listener = listener_] {
            promise->set_value(open_now(uri, listener));
        }).detach();
    }
    if (opening_.wait_until(deadline) != std::future_status::ready) {
        return refuse("no connection to ", uri_, " yet");
    }
    auto answer = opening_.get();
    opening_ = {};
    if (answer) {
        connection_ = *answer;
    }
    return answer;
}

} // namespace ftctl
