/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixes.hpp"

#include <random>

#include <libxml/parser.h>

#include "xml.hpp"

namespace ftctl::domain {
namespace {

const xmlChar *x(const char *text) {
    return reinterpret_cast<const xmlChar *>(text);
}

std::string name_of(xmlNodePtr n) {
    return reinterpret_cast<const char *>(n->name);
}

void set(xmlNodePtr element, const char *key, const char *value) {
    xmlSetProp(element, x(key), x(value));
}

void unset(xmlNodePtr element, const char *key) {
    xmlUnsetProp(element, x(key));
}

xmlNodePtr child_or_new(xmlNodePtr parent, const char *name) {
    xmlNodePtr found = xml::child(parent, name);
    return found ? found : xmlNewChild(parent, nullptr, x(name), nullptr);
}

void remove_children(xmlNodePtr parent, const char *name) {
    for (xmlNodePtr n : xml::children(parent, name)) {
        xml::remove(n);
    }
}

/* The rule's own text, so it is well-formed. */
xml::Document parsed(const std::string &text) {
    std::string whole = "<x>" + text + "</x>";
    return {xmlReadMemory(whole.data(), static_cast<int>(whole.size()), nullptr, "UTF-8", XML_PARSE_NONET), xmlFreeDoc};
}

/* name='value' */
void write_attribute(xmlNodePtr place, const std::string &text) {
    size_t equals = text.find("='");
    std::string value = text.substr(equals + 2, text.size() - equals - 3);
    set(place->parent, text.substr(0, equals).c_str(), value.c_str());
}

void write_element(xmlNodePtr place, xmlNodePtr wanted) {
    xmlNodePtr copy = xmlDocCopyNode(wanted, place->doc, 1);

    if (name_of(copy) == name_of(place)) {
        xmlReplaceNode(place, copy);
        xmlFreeNode(place);
    } else {
        xmlAddChild(place, copy);
    }
}

std::string random_hex(int digits) {
    static std::random_device source;
    std::string text;
    while (digits-- > 0) {
        text += "0123456789abcdef"[source() % 16];
    }
    return text;
}

std::string new_uuid() {
    std::string variant(1, "89ab"[std::random_device{}() % 4]);
    return sentence(random_hex(8), "-", random_hex(4), "-4", random_hex(3), "-", variant, random_hex(3), "-",
                    random_hex(12));
}

/* Of QEMU's own range. */
std::string new_mac() {
    return sentence("52:54:00:", random_hex(2), ":", random_hex(2), ":", random_hex(2));
}

std::string free_drive_name(xmlNodePtr devices) {
    for (int i = 0;; i++) {
        std::string name = sentence("vd", i < 26 ? "" : std::string(1, static_cast<char>('a' + i / 26 - 1)),
                                    static_cast<char>('a' + i % 26));
        bool used = false;
        for (xmlNodePtr disk : xml::children(devices, "disk")) {
            used |= xml::attribute(xml::child(disk, "target"), "dev") == name;
        }
        if (!used) {
            return name;
        }
    }
}

void replace_all(std::string &text, std::string_view what, const std::string &with) {
    for (size_t at = 0; (at = text.find(what, at)) != text.npos; at += with.size()) {
        text.replace(at, what.size(), with);
    }
}

/* As text of an element or an attribute. */
std::string escaped(const std::string &text) {
    std::string out;
    for (char c : text) {
        switch (c) {
        case '<':
            out += "&lt;";
            break;
        case '&':
            out += "&amp;";
            break;
        case '\'':
            out += "&apos;";
            break;
        default:
            out += c;
        }
    }
    return out;
}

} // namespace

std::string our_emulator(const Facts &facts) {
    return !facts.emulator.empty() ? facts.emulator : facts.found_emulator;
}

std::string filled(const char *instead, const Facts &facts) {
    std::string text(instead);
    if (text.find('{') == text.npos) {
        return text;
    }
    replace_all(text, "{uuid}", new_uuid());
    replace_all(text, "{mac}", new_mac());
    replace_all(text, "{emulator}", escaped(our_emulator(facts)));
    replace_all(text, "{cpu}", escaped(facts.cpu));
    replace_all(text, "{bridge}", escaped(facts.bridge.empty() ? "br0" : facts.bridge));
    return text;
}

void leave_out(xmlNodePtr place, const Rule &, const Facts &) {
    if (place->type == XML_ATTRIBUTE_NODE) {
        xmlRemoveProp(reinterpret_cast<xmlAttrPtr>(place));
    } else {
        xml::remove(place);
    }
}

void write(xmlNodePtr place, const Rule &rule, const Facts &facts) {
    std::string text = filled(rule.instead, facts);
    if (place->type == XML_ATTRIBUTE_NODE) {
        write_attribute(place, text);
        return;
    }
    xml::Document wanted = parsed(text);
    for (xmlNodePtr n : xml::children(xmlDocGetRootElement(wanted.get()), "")) {
        write_element(place, n);
    }
}

void add_feature(xmlNodePtr domain, const Rule &, const Facts &) {
    child_or_new(child_or_new(domain, "features"), "acpi");
}

void past_page_cache(xmlNodePtr disk, const Rule &, const Facts &) {
    xmlNodePtr driver = child_or_new(disk, "driver");
    set(driver, "name", "qemu");
    set(driver, "cache", "none");
}

void keep_owner(xmlNodePtr source, const Rule &rule, const Facts &facts) {
    for (xmlNodePtr label : xml::children(source, "seclabel")) {
        if (xml::attribute(label, "model").value_or("dac") == "dac") {
            xml::remove(label);
        }
    }
    write(source, rule, facts);
}

void nic_driver(xmlNodePtr interface, const Rule &, const Facts &) {
    set(child_or_new(interface, "driver"), "name", "qemu");
}

void to_virtio_nic(xmlNodePtr place, const Rule &rule, const Facts &facts) {
    bool is_model = name_of(place) == "model";
    xmlNodePtr interface = is_model ? place->parent : place;
    xmlNodePtr model = is_model ? place : child_or_new(interface, "model");

    set(model, "type", "virtio");
    nic_driver(interface, rule, facts);
}

void unchecked_cpu(xmlNodePtr model, const Rule &, const Facts &) {
    set(model->parent, "check", "none");
}

void to_virtio_disk(xmlNodePtr target, const Rule &, const Facts &) {
    xmlNodePtr disk = target->parent;
    for (const char *key : {"dev", "bus", "removable", "rotation_rate", "tray", "dpofua"}) {
        unset(target, key);
    }
    set(target, "dev", free_drive_name(disk->parent).c_str());
    set(target, "bus", "virtio");
    set(disk, "device", "disk");
    for (const char *scsi : {"address", "wwn", "vendor", "product", "alias"}) {
        remove_children(disk, scsi);
    }
}

void to_bridge(xmlNodePtr interface, const Rule &, const Facts &facts) {
    if (facts.bridge.empty()) {
        return;
    }
    for (xmlNodePtr n : xml::children(interface, "")) {
        if (std::string name = name_of(n); name != "mac" && name != "boot" && name != "mtu") {
            xml::remove(n);
        }
    }
    set(interface, "type", "bridge");
    unset(interface, "managed");
    set(xmlNewChild(interface, nullptr, x("source"), nullptr), "bridge", facts.bridge.c_str());
}

void name_firmware(xmlNodePtr os, const Rule &rule, const Facts &facts) {
    unset(os, "firmware");
    for (const char *name : {"firmware", "loader", "nvram"}) {
        remove_children(os, name);
    }
    write(os, rule, facts);
}

void forget_pci(xmlNodePtr place, const Rule &, const Facts &) {
    xmlNodePtr devices = place->parent;
    for (xmlNodePtr device : xml::children(devices, "")) {
        for (xmlNodePtr address : xml::children(device, "address")) {
            if (xml::attribute(address, "type") == "pci") {
                xml::remove(address);
            }
        }
        std::string model = xml::attribute(device, "model").value_or("");
        if (name_of(device) == "controller" && xml::attribute(device, "type") == "pci" && model != "pci-root" &&
            model != "pcie-root") {
            xml::remove(device);
        }
    }
}

} // namespace ftctl::domain
