/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "domain_xml.hpp"

#include <algorithm>
#include <functional>
#include <sstream>

#include "xml.hpp"

namespace ftctl {
namespace {

constexpr const char *qemu_namespace = "http://libvirt.org/schemas/domain/qemu/1.0";

const xmlChar *chars(const char *text) {
    return reinterpret_cast<const xmlChar *>(text);
}

bool is_libvirts_tap(const std::string &name) {
    return name.starts_with("vnet") && name.size() > 4 && std::all_of(name.begin() + 4, name.end(), ::isdigit);
}

void drop_what_is_of_one_host(xmlNodePtr domain) {
    xmlUnsetProp(domain, chars("id"));
    for (xmlNodePtr nic : xml::children(xml::child(domain, "devices"), "interface")) {
        for (xmlNodePtr target : xml::children(nic, "target")) {
            if (is_libvirts_tap(xml::attribute(target, "dev").value_or(""))) {
                xml::remove(target);
            }
        }
    }
    for (xmlNodePtr label : xml::children(domain, "seclabel")) {
        if (xml::attribute(label, "type") == "dynamic") {
            xml::remove(label);
        }
    }
}

bool is_ft_word(std::string_view key) {
    return key == "ft" || key.starts_with("ft-");
}

/* Takes every -machine that says something of FT off the command line; the words it had. */
Words take_ft_machine(xmlNodePtr line) {
    auto args = xml::children(line, "arg", qemu_namespace);
    Words all;

    for (size_t i = 0; i + 1 < args.size(); i++) {
        std::string option = xml::attribute(args[i], "value").value_or("");
        if (option != "-machine" && option != "-M" && option != "--machine") {
            continue;
        }
        Words words = words_of(xml::attribute(args[i + 1], "value").value_or(""));
        if (std::ranges::any_of(words, [](const auto &w) { return is_ft_word(w.first); })) {
            std::ranges::move(words, std::back_inserter(all));
            xml::remove(args[i]);
            xml::remove(args[i + 1]);
        }
        i++;
    }
    return all;
}

void add_arg(xmlNodePtr line, const std::string &value) {
    xmlNodePtr arg = xmlNewChild(line, line->ns, chars("arg"), nullptr);
    xmlNewProp(arg, chars("value"), chars(value.c_str()));
}

xmlNodePtr command_line(xmlNodePtr domain) {
    if (xmlNodePtr line = xml::child(domain, "commandline", qemu_namespace)) {
        return line;
    }
    xmlNsPtr ns = xmlSearchNsByHref(domain->doc, domain, chars(qemu_namespace));
    if (!ns || !ns->prefix) {
        ns = xmlNewNs(domain, chars(qemu_namespace), chars("qemu"));
    }
    return xmlNewChild(domain, ns, chars("commandline"), nullptr);
}

using NewWords = std::function<Result<Words>(Words had)>;

Result<std::string> rewrite(const std::string &text, const NewWords &new_words) {
    auto document = xml::parse_domain(text);
    if (!document) {
        return std::unexpected(document.error());
    }
    xmlNodePtr domain = xmlDocGetRootElement(document->get());
    drop_what_is_of_one_host(domain);
    xmlNodePtr line = command_line(domain);
    auto words = new_words(take_ft_machine(line));
    if (!words) {
        return std::unexpected(words.error());
    }
    add_arg(line, "-machine");
    add_arg(line, text_of(*words));
    return xml::text_of(*document);
}

} // namespace

Result<std::string> stored_xml(const std::string &text, const PairDescription &pair) {
    auto listen = listen_everywhere(pair);
    if (!listen) {
        return listen;
    }
    return rewrite(text, [&](Words had) -> Result<Words> {
        std::erase_if(had, [](const auto &w) { return is_ft_word(w.first); });
        for (auto &word : Role::secondary(*listen).words()) {
            had.push_back(word);
        }
        had.emplace_back("ft-arbiter", pair.arbiter);
        for (auto &word : words_of(pair.options)) {
            had.push_back(word);
        }
        return had;
    });
}

Result<std::string> role_xml(const std::string &text, const Role &role) {
    return rewrite(text, [&](Words had) -> Result<Words> {
        if (std::ranges::none_of(had, [](const auto &w) { return w.first == "ft"; })) {
            return refuse("the domain has no -machine ft=... in its <qemu:commandline>: "
                          "it was not defined by ftctl define");
        }
        std::erase_if(had, [](const auto &w) { return is_role_word(w.first); });
        Words words = role.words();
        std::ranges::move(had, std::back_inserter(words));
        return words;
    });
}

Status same_xml(const std::string &a, const std::string &b) {
    if (a == b) {
        return {};
    }
    std::istringstream left(a), right(b);
    std::string x, y;
    while (std::getline(left, x) && std::getline(right, y) && x == y) {
    }
    return refuse("'", x, "' here is '", y, "' there");
}

} // namespace ftctl
