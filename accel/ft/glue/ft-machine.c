/*
 * What the machine is made of: refuse what cannot be protected, and put FT's own parts in.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-attach.h"
#include "accel/ft/glue/ft-gate.h"
#include "accel/ft/glue/ft-link.h"
#include "accel/ft/glue/ft-operator.h"
#include "accel/ft/glue/ft-session.h"
#include "accel/ft/glue/ft-watchdog.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "net/ft-filter/glue/ft-net.h"
#include "chardev/char-fe.h"
#include "hw/boards.h"
#include "hw/core/cpu.h"
#include "hw/qdev-core.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "migration/misc.h"
#include "../migration/migration.h"
#include "net/net.h"
#include "qapi/qapi-types-run-state.h"
#include "qapi/qapi-events-run-state.h"
#include "qemu/error-report.h"
#include "qemu/uuid.h"
#include "qom/object.h"
#include "qom/qom-qobject.h"
#include "system/iothread.h"
#include "system/replay.h"
#include "system/rng.h"
#include "system/runstate.h"
#include "system/runstate-action.h"
#include "system/system.h"
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

/* -- the end of start-up ------------------------------------------------------- */

/* The guest runs no more: the secondary gets what is left of the log, its last
 * writes to the drives too. */
static void ft_send_the_end(void)
{
    if (ft_state() == FT_STATE_PROTECTED && replay_mode == REPLAY_MODE_RECORD) {
        ft_log_publish();
        ft_log_flush();
        ft_peer_wait_acked();
    }
}

/* Is it the guest, or an operator's order to the guest, that ends both nodes? */
static bool ft_ends_the_pair(ShutdownCause cause)
{
    return shutdown_caused_by_guest(cause) || cause == SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET;
}

static const char *ft_how_it_ended(ShutdownCause cause)
{
    switch (cause) {
    case SHUTDOWN_CAUSE_GUEST_PANIC:
        return "the guest has panicked";
    case SHUTDOWN_CAUSE_GUEST_RESET:
    case SHUTDOWN_CAUSE_SUBSYSTEM_RESET:
    case SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET:
        return "the guest was reset, and -action reboot=shutdown ends it then";
    default:
        return "the guest has powered itself off";
    }
}

static void ft_shutdown(Notifier *n, void *opaque)
{
    ShutdownCause cause = *(ShutdownCause *)opaque;

    /* Powering the pair off is an order; a signal is a failure of this node. */
    if (cause == SHUTDOWN_CAUSE_HOST_QMP_QUIT) {
        ft_peer_close("the peer was told to quit");
    } else if (ft_ends_the_pair(cause)) {
        ft_node.guest_off = true;
        ft_send_the_end();
        if (shutdown_action != SHUTDOWN_ACTION_PAUSE) {
            ft_peer_close(ft_how_it_ended(cause));      /* this process ends now */
        }
    }
}

static Notifier shutdown_notifier = { .notify = ft_shutdown };

/*
 * A guest that has ended while its process goes on (libvirt starts all with
 * -no-shutdown) answers nobody and is not protected. What an operator does then, a
 * reset and cont for one, happens here alone.
 */
static void ft_vm_state(void *opaque, bool running, RunState state)
{
    const char *how = NULL;

    switch (state) {
    case RUN_STATE_SHUTDOWN:
        if (!ft_node.guest_off) {
            return;             /* this process ends, by a signal: not the guest (ft_shutdown) */
        }
        how = "the guest has powered itself off";
        break;
    case RUN_STATE_GUEST_PANICKED:
        how = "the guest has panicked";
        break;
    case RUN_STATE_INTERNAL_ERROR:
        how = "the guest was stopped by an internal error";
        break;
    case RUN_STATE_WATCHDOG:
        how = "the guest was stopped by its watchdog";
        break;
    default:
        ft_node.guest_off = ft_node.guest_off && !running;
        ft_allow_update(ft_state());    /* some commands are for before the first start */
        return;
    }
    ft_node.guest_off = true;
    ft_send_the_end();
    ft_post(0, FT_IN_GUEST_OFF, 0, how);
}

void ft_machine_ready(void)
{
    FtConfig *c = &ft_node.config;

    if (!ft_on()) {
        return;
    }
    ft_check_devices(&error_fatal);
    ft_output_start();
    ft_link_start();
    ft_attach_start();
    ft_load_start();
    ft_filters_add(&error_fatal);
    ft_disks_add(&error_fatal);
    ft_replay_chardevs(&error_fatal);
    /* Announcing after a load would change the guest's state on one side. */
    migrate_get_current()->parameters.announce_rounds = 0;
    memcpy(ft_node.vm_uuid, qemu_uuid.data, FT_UUID_BYTES);
    ft_node.fingerprint = ft_fingerprint_new(&error_fatal);
    qemu_register_shutdown_notifier(&shutdown_notifier);
    qemu_add_vm_change_state_handler(ft_vm_state, NULL);
    ft_actions_start();
    ft_arbiter_prove_soon();
    ft_watchdog_start();
    ft_allow_update(ft_state());
    if (c->role == FT_ROLE_SECONDARY) {
        ft_output_set(FT_OUTPUT_CLOSED);
        ft_peer_listen(c->listen, &error_fatal);
    } else {
        ft_output_set(FT_OUTPUT_PASS);
        if (c->peer) {
            ft_node.first_attach = true;
            ft_input(FT_IN_ATTACH, 0, NULL, &error_fatal);
        }
    }
}

/*
 * libvirt takes a domain that has not said RESUME since its start for one whose start
 * was interrupted, and a libvirtd that is started again ends it. A secondary that waits
 * says it once it may go, and that it stands: "paused" is libvirt's word for it then.
 */
static void ft_tell_let_go(void)
{
    qapi_event_send_resume();
    qapi_event_send_stop();
}

bool ft_may_cont(Error **errp)
{
    switch (ft_state()) {
    case FT_STATE_OFF:
        return true;
    case FT_STATE_FENCED:
    case FT_STATE_FAILED:
        error_setg(errp, "This node is %s (%s) and never runs the guest again",
                   ft_state_name(ft_state()), ft_session_reason(ft_node.session));
        return false;
    default:
        if (ft_node.handover) {
            error_setg(errp, "The guest is stopped for a planned failover (%s)",
                       ft_session_reason(ft_node.session));
            return false;
        }
        if (ft_restricts(ft_state())
            && ft_session_role(ft_node.session) == FT_ROLE_SECONDARY) {
            if (ft_node.paused) {
                error_setg(errp, "This node is the secondary: the guest is resumed at the "
                           "primary (%s)", ft_peer_address() ?: "not connected");
                return false;
            }
            /* It would open an image that is the primary's; and the guest runs. A
             * secondary that has no guest yet starts when it gets one. */
            if (runstate_check(RUN_STATE_INMIGRATE)) {
                ft_tell_let_go();
            }
            return !runstate_is_running();
        }
        if (ft_operator_resume()) {
            return false;       /* done: nobody else has heard of the pause */
        }
        if (ft_node.first_attach) {
            ft_start_soon();
            return false;
        }
        return true;
    }
}
