/*
 * One thing that a protected domain must not say, or must say: where it stands,
 * why, what to write instead, and how convert writes that. check and convert
 * know no rule but those of the one table, rules(); what QEMU learns to protect
 * is taken out there, a row at a time.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_DOMAIN_RULE_HPP
#define FTCTL_DOMAIN_RULE_HPP

#include <span>
#include <string>

#include <libxml/tree.h>

namespace ftctl::domain {

/* Refused: QEMU or libvirt would not start it, or the nodes would differ.
 * Note: it works, and whoever runs it should know. */
enum class Severity { Refused, Note };

/* What the rules cannot know by themselves. */
struct Facts {
    std::string emulator; /* this QEMU and no other; empty: any that is not Debian's */
    std::string found_emulator = "/opt/qemu-ft/build/qemu-system-x86_64"; /* what to write then */
    std::string cpu = "Nehalem";                                          /* model for a guest that had the host's */
    std::string bridge; /* for interfaces that need one; empty: none */
};

struct Rule;
using Fix = void (*)(xmlNodePtr place, const Rule &rule, const Facts &facts);

struct Rule {
    Severity severity;
    /* XPath from <domain>: all places that are wrong. $shared says ft-disk=shared,
     * $emulator is that of the facts. */
    const char *where;
    /* Device and object types of QEMU that the row stands for. */
    const char *qemu;
    const char *why;
    /* XML; empty: leave it out. {uuid}, {mac}, {emulator}, {cpu}, {bridge} are filled in. */
    const char *instead;
    Fix fix; /* nullptr: a person has to decide           */
};

std::span<const Rule> rules();

/* Types that QEMU protects, by the name that libvirt has for them; an empty
 * libvirt name is a part of the board. For the test that compares with QEMU's list. */
struct Accepted {
    const char *qemu;
    const char *libvirt;
};

std::span<const Accepted> accepted();

/* The one that is written. */
std::string our_emulator(const Facts &facts);

/* Fills in what stands in braces; uuid and mac are made up anew in each call. */
std::string filled(const char *instead, const Facts &facts);

} // namespace ftctl::domain

#endif
