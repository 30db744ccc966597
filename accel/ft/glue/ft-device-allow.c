/*
 * Which devices, objects and back ends can be protected; all others are refused by name.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-session.h"
#include "chardev/char-fe.h"
#include "hw/core/cpu.h"
#include "hw/qdev-core.h"
#include "hw/qdev-properties.h"
#include "qapi/qapi-types-run-state.h"
#include "qom/object.h"
#include "system/iothread.h"
#include "system/replay.h"
#include "system/rng.h"
#include "system/watchdog.h"

/*
 * Device types that replay exactly. Everything else is refused by name: a
 * device whose timing or data come from the host makes the nodes differ.
 */
static const char *const allowed_types[] = {
    /* boards, bridges and buses of pc and q35 */
    "i440FX", "i440FX-pcihost", "PIIX3", "PIIX4_PM", "q35-pcihost", "mch",
    "ICH9-LPC", "ICH9-SMB", "pcie-root-port", "pcie-pci-bridge", "pci-bridge",
    "smbus-eeprom", "hpet", "fw_cfg_io", "isa-fdc", "port92", "vmport",
    "vmmouse", "serial", "ioapic", "apic", "isa-i8259",
    "isa-pit", "pcspk", "isa-pcspk", "mc146818rtc", "i8042", "i8257", "isa-serial",
    "ich9-ahci", "piix3-ide", "pci-serial", "port80", "portF0",
    "ps2-kbd", "ps2-mouse", "ps2-keyboard", "tcg-apic", "PCSPK", "cfi.pflash01",
    "isabus-bridge", "platform-bus-device", "generic-loader", "vmgenid", "ICH9-cpu-hotplug",
    "cpu-hotplug-legacy",
    "or-irq", "split-irq", "isa-debugcon",
    "isa-debug-exit", "debugexit", "pvpanic", "pvpanic-pci",
    /* paravirtual */
    "virtio-net-pci", "virtio-net-device", "virtio-rng-pci", "virtio-rng-device",
    "virtio-blk-pci", "virtio-blk-device", "virtio-pci-bus",
};

static bool ft_type_allowed(Object *obj)
{
    const char *type = object_get_typename(obj);
    static const char *const suffixes[] = {
        "", "-transitional", "-non-transitional"
    };

    if (object_dynamic_cast(obj, TYPE_CPU)) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(allowed_types); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(suffixes); k++) {
            g_autofree char *name = g_strconcat(allowed_types[i], suffixes[k], NULL);

            if (g_str_equal(type, name)) {
                return true;
            }
        }
    }
    return false;
}

static int ft_check_device(Object *obj, void *opaque)
{
    Error **errp = opaque;
    DeviceState *dev = (DeviceState *)object_dynamic_cast(obj, TYPE_DEVICE);

    if (dev && object_property_find(obj, "disable_s3")
        && object_property_get_uint(obj, "disable_s3", &error_abort) == 0) {
        error_setg(errp, "device '%s' with disable_s3=0 cannot be protected by ft=: "
                   "nothing would wake a guest that sleeps; leave disable_s3 out or give 1 "
                   "(libvirt: <pm><suspend-to-mem enabled='no'/></pm>)",
                   object_get_typename(obj));
        return 1;
    }
    if (dev && !ft_type_allowed(obj)) {
        error_setg(errp, "device '%s'%s%s cannot be protected by ft=: it is not "
                   "known to replay exactly", object_get_typename(obj),
                   dev->id ? " id=" : "", dev->id ? dev->id : "");
        return 1;
    }
    return 0;
}

/*
 * What -object may make: back ends of the host's side, and the one source of random
 * numbers whose answers are in the log. Anything else could hand the guest what only
 * one node has seen (rng-random, input-linux, can-host-socketcan ...) or let out what
 * the secondary does not have yet (filter-mirror ...).
 */
static const char *const allowed_objects[] = {
    "rng-builtin", "memory-backend-ram", "memory-backend-file", "memory-backend-memfd",
    "secret", "secret_keyring", "tls-creds-anon", "tls-creds-psk", "tls-creds-x509",
    "authz-list", "authz-list-file", "authz-pam", "authz-simple",
    "throttle-group", "main-loop", "thread-context", "filter-dump",
};

static bool ft_object_allowed(Object *obj)
{
    for (size_t i = 0; i < ARRAY_SIZE(allowed_objects); i++) {
        if (g_str_equal(object_get_typename(obj), allowed_objects[i])) {
            return true;
        }
    }
    return false;
}

/* Why this object cannot be protected, and what to give instead; NULL if it can. */
static const char *ft_object_refusal(Object *obj)
{
    if (object_dynamic_cast(obj, TYPE_IOTHREAD)) {
        return "what runs in it is not in the log";
    }
    if (object_dynamic_cast(obj, TYPE_RNG_BACKEND) && !ft_object_allowed(obj)) {
        return "what it reads is not in the log; give -object rng-builtin (libvirt: "
               "<backend model='builtin'/>)";
    }
    if (object_dynamic_cast(obj, "memory-backend-file")
        && object_property_get_bool(obj, "share", NULL)) {
        return "with share=on other processes can write to the guest's memory; give "
               "share=off";
    }
    if (!ft_object_allowed(obj)) {
        return "it is not known to keep what it does in the log";
    }
    return NULL;
}

static int ft_check_object(Object *obj, void *opaque)
{
    const char *why = ft_object_refusal(obj);

    if (why) {
        const char *id = object_get_canonical_path_component(obj);

        error_setg((Error **)opaque, "%s '%s' cannot be protected by ft=: %s",
                   object_get_typename(obj), id, why);
        return 1;
    }
    return 0;
}

/* A watchdog's time is the guest's; what it does must happen inside the machine. */
static bool ft_check_watchdog(Error **errp)
{
    WatchdogAction action = get_watchdog_action();

    switch (action) {
    case WATCHDOG_ACTION_PAUSE:
    case WATCHDOG_ACTION_SHUTDOWN:
    case WATCHDOG_ACTION_POWEROFF:
        error_setg(errp, "-action watchdog=%s cannot be protected by ft=: it comes at "
                   "another instruction on each node; use reset",
                   WatchdogAction_str(action));
        return false;
    default:
        return true;
    }
}

bool ft_check_devices(Error **errp)
{
    if (object_child_foreach(object_get_objects_root(), ft_check_object, errp)) {
        return false;
    }
    if (!ft_check_watchdog(errp)) {
        return false;
    }
    if (first_cpu && CPU_NEXT(first_cpu)) {
        error_setg(errp, "-smp: more than one CPU cannot be protected by ft=: the "
                   "order in which they take turns is not logged");
        return false;
    }
    return object_child_foreach_recursive(object_get_root(), ft_check_device,
                                          errp) == 0;
}

/* -- character devices -------------------------------------------------------- */

/*
 * -serial marks its back end for record/replay, -chardev with -device does not:
 * mark each back end that a device uses, in the same order on both nodes.
 */
static int ft_mark_chardev(Object *obj, void *opaque)
{
    g_autofree char *name = NULL;
    Error **errp = opaque;
    Chardev *chr;

    if (!object_dynamic_cast(obj, TYPE_DEVICE)
        || !object_property_find(obj, "chardev")) {
        return 0;
    }
    name = object_property_get_str(obj, "chardev", NULL);
    chr = name && *name ? qemu_chr_find(name) : NULL;
    if (chr && CHARDEV_GET_CLASS(chr)->chr_ioctl) {
        error_setg(errp, "chardev '%s' cannot be protected by ft=: the guest would see "
                   "the state of this host's line", name);
        return 1;
    }
    if (chr && !qemu_chr_has_feature(chr, QEMU_CHAR_FEATURE_REPLAY)) {
        qemu_chr_set_feature(chr, QEMU_CHAR_FEATURE_REPLAY);
        replay_register_char_driver(chr);
    }
    return 0;
}

bool ft_replay_chardevs(Error **errp)
{
    return object_child_foreach_recursive(object_get_root(), ft_mark_chardev, errp) == 0;
}
