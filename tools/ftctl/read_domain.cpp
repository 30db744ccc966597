/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "read_domain.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "cluster.hpp"
#include "domain/documents.hpp"
#include "libvirt_host.hpp"

namespace ftctl {
namespace {

/* No more than what is looked at, and one byte so that too much is seen to be. */
Result<std::string> read_stream(std::istream &in, const std::string &name) {
    std::string text(domain::text_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(in.gcount()));
    if (in.bad() || text.empty()) {
        return refuse(name, ": cannot be read, or is empty");
    }
    return text;
}

Result<std::string> stored_domain(const Options &options) {
    LibvirtHost host(options.connect, {});
    Deadline deadline = after(command_seconds);
    auto connection = host.connect(deadline);
    if (!connection) {
        return std::unexpected(connection.error());
    }
    return within(deadline, options.connect + ": no answer",
                  [c = *connection, name = options.name]() -> Result<std::string> {
                      Domain found(virDomainLookupByName(c->ptr, name.c_str()));
                      if (!found.ptr) {
                          return refuse("'", name, "' is no file, and libvirt says: ", libvirt_error());
                      }
                      char *text = virDomainGetXMLDesc(found.ptr, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
                      if (!text) {
                          return refuse(libvirt_error());
                      }
                      std::string xml(text);
                      free(text);
                      return xml;
                  });
}

} // namespace

Result<std::string> read_domain(const Options &options) {
    if (options.name == "-") {
        return read_stream(std::cin, "stdin");
    }
    std::error_code none;
    if (options.name.find('/') != std::string::npos || options.name.ends_with(".xml") ||
        std::filesystem::exists(options.name, none)) {
        std::ifstream in(options.name, std::ios::binary);
        return read_stream(in, options.name);
    }
    return stored_domain(options);
}

} // namespace ftctl
