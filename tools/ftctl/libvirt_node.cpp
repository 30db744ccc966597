/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "libvirt_node.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

#include "domain_xml.hpp"

namespace ftctl {
namespace {

constexpr const char *host_namespace = "urn:qemu-ft:host:1";

/* A monitor that has been busy for so long with one command is asked no more:
 * libvirt would keep one of its few workers waiting with each question. */
constexpr unsigned long long busy_ms_max = 1000;

std::string taken(char *text) {
    std::string copy = text ? text : "";
    std::free(text);
    return copy;
}

/* For a call that answers a negative number when it fails. */
Status checked(int result) {
    if (result < 0) {
        return refuse(libvirt_error());
    }
    return {};
}

const char *off_word(int reason) {
    switch (reason) {
    case VIR_DOMAIN_SHUTOFF_CRASHED:
        return "its process died";
    case VIR_DOMAIN_SHUTOFF_DESTROYED:
        return "was destroyed";
    case VIR_DOMAIN_SHUTOFF_FAILED:
        return "failed to start";
    default:
        return "";
    }
}

bool no_such_domain() {
    const virError *e = virGetLastError();
    return e && e->code == VIR_ERR_NO_DOMAIN;
}

/* What libvirt knows without asking QEMU. */
struct Outside {
    HostView view;
    unsigned control = VIR_DOMAIN_CONTROL_OK;
    unsigned long long busy_ms = 0;
};

std::string away_of(virDomainPtr domain) {
    std::string text =
        taken(virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, host_namespace, VIR_DOMAIN_AFFECT_CONFIG));
    /* Our own element; libvirt may choose the kind of quotes. */
    size_t from = text.find("why=");
    size_t to = from == std::string::npos ? from : text.find(text[from + 4], from + 5);
    if (text.empty()) {
        return "";
    }
    return to == std::string::npos ? "it says so" : text.substr(from + 5, to - from - 5);
}

Result<Outside> look_outside(virConnectPtr connection, const std::string &uuid, HostView view) {
    Outside out{std::move(view)};
    Domain domain(virDomainLookupByUUIDString(connection, uuid.c_str()));
    int state = 0, reason = 0;

    if (!domain.ptr) {
        if (!no_such_domain()) {
            return refuse(libvirt_error());
        }
        out.view.reach = Reach::Undefined;
        return out;
    }
    out.view.away = away_of(domain.ptr);
    if (Status s = checked(virDomainGetState(domain.ptr, &state, &reason, 0)); !s) {
        return std::unexpected(s.error());
    }
    if (state == VIR_DOMAIN_SHUTOFF || state == VIR_DOMAIN_CRASHED) {
        out.view.reach = Reach::Off;
        out.view.reason = off_word(reason);
        out.view.died = reason == VIR_DOMAIN_SHUTOFF_CRASHED;
        return out;
    }
    out.view.reach = Reach::Silent;
    out.view.run_id = virDomainGetID(domain.ptr);
    virDomainControlInfo control{};
    if (virDomainGetControlInfo(domain.ptr, &control, 0) == 0) {
        out.control = control.state;
        out.busy_ms = control.stateTime;
    }
    return out;
}

Result<json> monitor(virDomainPtr domain, const std::string &message) {
    char *text = nullptr;
    if (virDomainQemuMonitorCommand(domain, message.c_str(), &text, 0) < 0) {
        return refuse(libvirt_error());
    }
    json answer = json::parse(taken(text), nullptr, false);
    if (!answer.is_object()) {
        return refuse("the monitor's answer is not JSON");
    }
    if (auto error = answer.find("error"); error != answer.end()) {
        return refuse(error->is_object() ? error->value("desc", error->dump()) : error->dump());
    }
    return answer.value("return", json::object());
}

} // namespace

LibvirtNode::LibvirtNode(Host host, std::string uuid, Listener listener)
    : Node(host), libvirt_(host.uri, std::move(listener)), uuid_(std::move(uuid)) {
}

template <typename Work>
auto LibvirtNode::ask(Deadline deadline, Work work, const char *who) -> std::invoke_result_t<Work, virConnectPtr> {
    auto connection = libvirt_.connect(deadline);
    if (!connection) {
        return std::unexpected(connection.error());
    }
    return within(deadline, sentence(who, " does not answer"),
                  [c = *connection, work = std::move(work)] { return work(c->ptr); });
}

template <typename Work>
auto LibvirtNode::ask_domain(Deadline deadline, Work work, const char *who)
    -> std::invoke_result_t<Work, virDomainPtr> {
    return ask(
        deadline,
        [uuid = uuid_, work = std::move(work)](virConnectPtr c) -> std::invoke_result_t<Work, virDomainPtr> {
            Domain domain(virDomainLookupByUUIDString(c, uuid.c_str()));
            if (!domain.ptr) {
                return refuse(libvirt_error());
            }
            return work(domain.ptr);
        },
        who);
}

void LibvirtNode::silent(HostView &view, std::string why, double known_s) {
    double own = answered_ == Clock::time_point{} ? 0 : seconds_since(answered_);
    view.reach = Reach::Silent;
    view.reason = std::move(why);
    view.silent_s = std::max(known_s, own);
}

HostView LibvirtNode::look(Deadline deadline) {
    HostView view;
    view.host = host().name;
    auto outside = ask(deadline, [uuid = uuid_, view](virConnectPtr c) { return look_outside(c, uuid, view); });
    if (!outside) {
        view.reason = outside.error().text;
        return view;
    }
    view = std::move(outside->view);
    if (view.reach != Reach::Silent) {
        answered_ = {};
        return view;
    }
    if (answered_ == Clock::time_point{}) {
        answered_ = Clock::now();
    }
    if (outside->control == VIR_DOMAIN_CONTROL_OCCUPIED && outside->busy_ms > busy_ms_max) {
        double s = static_cast<double>(outside->busy_ms) / 1000;
        silent(view, sentence("its monitor has been busy for ", std::llround(s), " s"), s);
        return view;
    }
    look_inside(view, deadline);
    return view;
}

void LibvirtNode::look_inside(HostView &view, Deadline deadline) {
    auto answer = command("query-ft", json::object(), deadline);
    if (!answer) {
        /* If the process ended after the first question, libvirt's own words say so. */
        silent(view, answer.error().text, 0);
        return;
    }
    answered_ = Clock::now();
    read_ft(view, *answer);
    if (auto status = command("query-status", json::object(), deadline)) {
        view.run_state = status->value("status", "");
    }
}

Result<json> LibvirtNode::command(const std::string &name, const json &arguments, Deadline deadline) {
    auto mark = asked_.take();
    if (!mark) {
        return refuse("its monitor has not answered an earlier question yet");
    }
    json message{{"execute", name}};
    if (!arguments.empty()) {
        message["arguments"] = arguments;
    }
    return ask_domain(
        deadline, [text = message.dump(), mark = std::move(mark)](virDomainPtr d) { return monitor(d, text); },
        "its monitor");
}

Result<std::string> LibvirtNode::xml(unsigned flags, Deadline deadline) {
    return ask_domain(deadline, [flags](virDomainPtr d) -> Result<std::string> {
        char *text = virDomainGetXMLDesc(d, flags);
        if (!text) {
            return refuse(libvirt_error());
        }
        return taken(text);
    });
}

Result<std::string> LibvirtNode::live_recipe(Deadline deadline) {
    return xml(VIR_DOMAIN_XML_MIGRATABLE | VIR_DOMAIN_XML_SECURE, deadline);
}

Result<std::string> LibvirtNode::stored_recipe(Deadline deadline) {
    return xml(VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE, deadline);
}

Status LibvirtNode::store(const std::string &recipe, Deadline deadline) {
    return ask(deadline, [recipe](virConnectPtr c) -> Status {
        Domain domain(virDomainDefineXML(c, recipe.c_str()));
        return checked(domain.ptr ? 0 : -1);
    });
}

Result<std::string> LibvirtNode::preview(const std::string &recipe, const Role &role) {
    auto listen = listen_anywhere(host().log);
    if (!listen) {
        return listen;
    }
    bool fill = role.kind == Role::Kind::Secondary && role.address.empty();
    return role_xml(recipe, fill ? Role::secondary(*listen) : role);
}

Result<std::string> LibvirtNode::start(const std::string &recipe, const Role &role, Deadline deadline) {
    auto xml = preview(recipe, role);
    if (!xml) {
        return xml;
    }
    answered_ = {};
    return ask(deadline, [xml = *xml](virConnectPtr c) -> Result<std::string> {
        Domain domain(virDomainCreateXML(c, xml.c_str(), 0));
        if (!domain.ptr) {
            return refuse(libvirt_error());
        }
        return std::string{};
    });
}

Status LibvirtNode::end(const HostView &seen, Deadline deadline) {
    return ask_domain(deadline, [id = seen.run_id](virDomainPtr d) -> Status {
        /* The domain's name stays when its process is replaced; its number does not. */
        int now = static_cast<int>(virDomainGetID(d));
        if (now < 0) {
            return {};
        }
        if (now != id) {
            return refuse("another process has taken its place meanwhile");
        }
        return checked(virDomainDestroy(d));
    });
}

Status LibvirtNode::press_power(Deadline deadline) {
    return ask_domain(deadline, [](virDomainPtr d) {
        return checked(virDomainShutdownFlags(d, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN));
    });
}

Status LibvirtNode::press_power_to_reboot(Deadline deadline) {
    return ask_domain(deadline,
                      [](virDomainPtr d) { return checked(virDomainReboot(d, VIR_DOMAIN_REBOOT_ACPI_POWER_BTN)); });
}

Status LibvirtNode::set_away(const std::string &why, Deadline deadline) {
    return ask_domain(deadline, [why](virDomainPtr d) -> Status {
        std::string text = "<away why='" + why + "'/>";
        if (why.empty() && away_of(d).empty()) {
            return {};
        }
        return checked(virDomainSetMetadata(d, VIR_DOMAIN_METADATA_ELEMENT, why.empty() ? nullptr : text.c_str(),
                                            "fthost", host_namespace, VIR_DOMAIN_AFFECT_CONFIG));
    });
}

} // namespace ftctl
