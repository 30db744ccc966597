/*
 * The ways in which convert puts right what a rule has found. Each gets the place
 * that the rule's XPath has selected (an element, or an attribute in its clothes)
 * and may remove it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_DOMAIN_FIXES_HPP
#define FTCTL_DOMAIN_FIXES_HPP

#include "rule.hpp"

namespace ftctl::domain {

/* The element or attribute goes. */
void leave_out(xmlNodePtr place, const Rule &rule, const Facts &facts);

/* The rule's text takes the place of an element of the same name, or of an attribute;
 * of an element of another name it becomes a child. */
void write(xmlNodePtr place, const Rule &rule, const Facts &facts);

/* <features> gets <acpi/> and keeps the rest. */
void add_feature(xmlNodePtr domain, const Rule &rule, const Facts &facts);

/* A disk's driver gets cache='none', its source the one label, an interface's driver name='qemu', a model's <cpu>
 * check='none'; what else they say stays. */
void past_page_cache(xmlNodePtr disk, const Rule &rule, const Facts &facts);
void keep_owner(xmlNodePtr source, const Rule &rule, const Facts &facts);
void nic_driver(xmlNodePtr interface, const Rule &rule, const Facts &facts);
void unchecked_cpu(xmlNodePtr model, const Rule &rule, const Facts &facts);

/* The target of a disk on another bus becomes the next free vdX. */
void to_virtio_disk(xmlNodePtr target, const Rule &rule, const Facts &facts);

/* An interface, or the model of one, of another card. */
void to_virtio_nic(xmlNodePtr place, const Rule &rule, const Facts &facts);

/* An interface of another kind goes to the bridge of the facts; without one it stays. */
void to_bridge(xmlNodePtr interface, const Rule &rule, const Facts &facts);

/* <os> names its firmware, in place of a wish. */
void name_firmware(xmlNodePtr os, const Rule &rule, const Facts &facts);

/* All PCI addresses and controllers but the root: libvirt makes new ones. */
void forget_pci(xmlNodePtr place, const Rule &rule, const Facts &facts);

} // namespace ftctl::domain

#endif
