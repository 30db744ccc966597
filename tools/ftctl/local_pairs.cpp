/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "local_pairs.hpp"

#include <cstdlib>

namespace ftctl {
namespace {

std::string taken(char *text) {
    std::string copy = text ? text : "";
    std::free(text);
    return copy;
}

/* What is stored; of a domain that is not stored, what runs. */
Result<std::string> xml_of(virDomainPtr domain) {
    char *text = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
    if (!text) {
        return refuse(libvirt_error());
    }
    return taken(text);
}

Result<PairDescription> pair_of(const Result<std::string> &xml) {
    return xml ? parse_pair(*xml) : std::unexpected(xml.error());
}

bool is_of_pair(virDomainPtr domain) {
    return !taken(virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, pair_namespace, VIR_DOMAIN_AFFECT_CURRENT))
                .empty();
}

std::vector<FoundPair> look_through(virDomainPtr *domains, int count) {
    std::vector<FoundPair> found;
    for (int i = 0; i < count; i++) {
        Domain domain(domains[i]);
        if (is_of_pair(domain.ptr)) {
            found.push_back({virDomainGetName(domain.ptr), pair_of(xml_of(domain.ptr))});
        }
    }
    std::free(domains);
    return found;
}

/* <host><uuid> of the capabilities. */
std::string host_uuid(const std::string &capabilities) {
    size_t from = capabilities.find("<uuid>"), to = capabilities.find("</uuid>");
    return from == std::string::npos || to == std::string::npos || to < from
               ? ""
               : capabilities.substr(from + 6, to - from - 6);
}

/* A question about the host itself, whose answer is a text. */
Result<std::string> ask(LibvirtHost &libvirt, Deadline deadline, char *(*question)(virConnectPtr)) {
    auto connection = libvirt.connect(deadline);
    if (!connection) {
        return std::unexpected(connection.error());
    }
    return within(deadline, "libvirtd does not answer", [c = *connection, question]() -> Result<std::string> {
        char *text = question(c->ptr);
        if (!text) {
            return refuse(libvirt_error());
        }
        return taken(text);
    });
}

std::string first_label(const std::string &name) {
    return name.substr(0, name.find('.'));
}

} // namespace

Result<PairDescription> find_pair(LibvirtHost &libvirt, const std::string &name, Deadline deadline) {
    auto connection = libvirt.connect(deadline);
    if (!connection) {
        return std::unexpected(connection.error());
    }
    return within(deadline, "libvirtd does not answer", [c = *connection, name]() -> Result<PairDescription> {
        Domain domain(virDomainLookupByName(c->ptr, name.c_str()));
        if (!domain.ptr) {
            return refuse(libvirt_error());
        }
        return pair_of(xml_of(domain.ptr));
    });
}

Result<std::vector<FoundPair>> list_pairs(LibvirtHost &libvirt, Deadline deadline) {
    auto connection = libvirt.connect(deadline);
    if (!connection) {
        return std::unexpected(connection.error());
    }
    return within(deadline, "libvirtd does not answer", [c = *connection]() -> Result<std::vector<FoundPair>> {
        virDomainPtr *domains = nullptr;
        int count = virConnectListAllDomains(c->ptr, &domains, 0);
        if (count < 0) {
            return refuse(libvirt_error());
        }
        return look_through(domains, count);
    });
}

std::string host_by_name(const PairDescription &pair, const std::string &host_name) {
    std::string found;
    for (const Host &h : pair.hosts) {
        if (h.name == host_name) {
            return h.name;
        }
        if (first_label(h.name) == first_label(host_name)) {
            if (!found.empty()) {
                return "";
            }
            found = h.name;
        }
    }
    return found;
}

Result<std::string> own_host(const PairDescription &pair, LibvirtHost &local, Deadline deadline) {
    auto name = ask(local, deadline, virConnectGetHostname);
    if (!name) {
        return name;
    }
    if (std::string known = host_by_name(pair, *name); !known.empty()) {
        return known;
    }
    auto own = ask(local, deadline, virConnectGetCapabilities);
    std::string found;
    for (const Host &h : pair.hosts) {
        LibvirtHost libvirt(h.uri, {});
        auto other = ask(libvirt, deadline, virConnectGetCapabilities);
        if (own && other && !host_uuid(*own).empty() && host_uuid(*own) == host_uuid(*other)) {
            if (!found.empty()) {
                return refuse("hosts ", found, " and ", h.name,
                              " have one UUID; give them the names of their machines");
            }
            found = h.name;
        }
    }
    if (found.empty()) {
        return refuse("no host of the pair is this one (", *name, "); its name in <ft:host> should be that");
    }
    return found;
}

} // namespace ftctl
