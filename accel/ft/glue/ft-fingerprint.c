/*
 * The fingerprint: all that makes two machines the same to a guest, as lines, so that a
 * difference is named on both nodes before anything is sent. What a guest would find
 * out only when it boots again is in it as well: all that its firmware gets.
 *
 * Not in it is what each host may have of its own: paths, back ends' addresses, names.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-session.h"
#include "block/ft-filter/glue/ft-drives.h"
#include <math.h>
#include "exec/cpu-common.h"
#include "exec/memory.h"
#include "exec/ramblock.h"
#include "hw/boards.h"
#include "hw/core/cpu.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/qdev-core.h"
#include "hw/qdev-properties.h"
#include "hw/virtio/virtio.h"
#include "net/net.h"
#include "qapi/qapi-types-run-state.h"
#include "qemu-version.h"
#include "qobject/qjson.h"
#include "qom/object.h"
#include "qom/qom-qobject.h"
#include "system/rng.h"
#include "system/runstate-action.h"
#include "system/watchdog.h"

static void G_GNUC_PRINTF(2, 3) ft_add_line(GPtrArray *lines, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(lines, g_strdup_vprintf(format, args));
    va_end(args);
}

static void ft_add_bytes(GPtrArray *lines, const char *what, const char *name,
                         const uint8_t *data, size_t len)
{
    ft_add_line(lines, "%s %s=%zu bytes, hash %016" PRIx64, what, name, len,
                ftc_hash(data, len));
}

/* -- the machine -------------------------------------------------------------------- */

/* Files, names and the time of this host; what the guest finds in them is compared. */
static bool ft_machine_prop_is_local(const ObjectProperty *prop)
{
    static const char *const local[] = {
        "kernel", "initrd", "dtb", "shim", "dumpdtb", "firmware", "memory-backend",
        "dump-guest-core", "mem-merge", "pflash0", "pflash1", "type", "rtc-time",
    };

    for (size_t i = 0; i < ARRAY_SIZE(local); i++) {
        if (g_str_equal(prop->name, local[i])) {
            return true;
        }
    }
    return !prop->get || g_str_has_prefix(prop->type, "child<")
        || g_str_has_prefix(prop->type, "link<");
}

static void ft_add_machine(GPtrArray *lines, MachineState *ms)
{
    ObjectPropertyIterator iter;
    ObjectProperty *prop;

    ft_add_line(lines, "machine=%s", MACHINE_GET_CLASS(ms)->name);
    object_property_iter_init(&iter, OBJECT(ms));
    while ((prop = object_property_iter_next(&iter))) {
        g_autoptr(GString) text = NULL;
        QObject *value;

        if (ft_machine_prop_is_local(prop)) {
            continue;
        }
        value = object_property_get_qobject(OBJECT(ms), prop->name, NULL);
        text = value ? qobject_to_json(value) : NULL;
        if (text) {
            ft_add_line(lines, "machine.%s=%s", prop->name, text->str);
        }
        qobject_unref(value);
    }
    ft_add_line(lines, "-action reboot=%s", RebootAction_str(reboot_action));
    ft_add_line(lines, "-action shutdown=%s", ShutdownAction_str(shutdown_action));
    ft_add_line(lines, "-action panic=%s", PanicAction_str(panic_action));
    ft_add_line(lines, "-action watchdog=%s", WatchdogAction_str(get_watchdog_action()));
}

/* -- devices ------------------------------------------------------------------------ */

/* Backends are this host's affair; what the guest sees of them is not. */
static bool ft_prop_is_local(const ObjectProperty *prop)
{
    return g_str_has_prefix(prop->type, "str<chardev") || !prop->get
        || g_str_equal(prop->type, "chardev") || g_str_equal(prop->name, "chardev")
        || g_str_equal(prop->name, "netdev") || g_str_equal(prop->name, "drive")
        || g_str_equal(prop->name, "hotplugged")
        || g_str_equal(prop->name, "guest-panicked")
        || g_str_has_prefix(prop->type, "child<")
        || g_str_has_prefix(prop->type, "link<");
}

static void ft_add_device_props(GPtrArray *lines, DeviceState *dev, const char *path)
{
    ObjectClass *class = object_get_class(OBJECT(dev));

    /* qdev properties only: they are the configuration, not the state. */
    do {
        DeviceClass *dc = (DeviceClass *)object_class_dynamic_cast(class, TYPE_DEVICE);

        for (int i = 0; dc && i < dc->props_count_; i++) {
            const char *name = dc->props_[i].name;
            ObjectProperty *prop = object_property_find(OBJECT(dev), name);
            g_autofree char *value = NULL;

            if (!prop || ft_prop_is_local(prop)) {
                continue;
            }
            value = object_property_print(OBJECT(dev), name, false, NULL);
            if (value) {
                ft_add_line(lines, "device %s.%s=%s", path, name, value);
            }
        }
        class = object_class_get_parent(class);
    } while (class && class != object_class_by_name(TYPE_DEVICE));
}

/* The kind of random numbers, and what a virtio device offers with this back end. */
static void ft_add_device_backends(GPtrArray *lines, DeviceState *dev, const char *path)
{
    ObjectProperty *rng = object_property_find(OBJECT(dev), "rng");
    ObjectProperty *netdev = object_property_find(OBJECT(dev), "netdev");
    VirtIODevice *vdev = (VirtIODevice *)object_dynamic_cast(OBJECT(dev), TYPE_VIRTIO_DEVICE);

    if (rng && g_str_has_prefix(rng->type, "link<")) {
        Object *backend = object_property_get_link(OBJECT(dev), "rng", NULL);

        ft_add_line(lines, "device %s.rng=%s", path,
                    backend ? object_get_typename(backend) : "none");
    }
    if (netdev && !vdev) {
        g_autofree char *name = object_property_get_str(OBJECT(dev), "netdev", NULL);
        NetClientState *nc = name && *name ? qemu_find_netdev(name) : NULL;

        if (nc) {
            ft_add_line(lines, "device %s.netdev=vnet-hdr %d, ufo %d, uso %d", path,
                        qemu_has_vnet_hdr(nc), qemu_has_ufo(nc), qemu_has_uso(nc));
        }
    }
    if (vdev) {
        ft_add_line(lines, "device %s.virtio-features=0x%016" PRIx64, path,
                    vdev->host_features);
    }
}

/* What CPUID says is no qdev property: each feature is a bool of the CPU itself. */
static void ft_add_cpu_features(GPtrArray *lines, Object *cpu)
{
    ObjectPropertyIterator iter;
    ObjectProperty *prop;

    object_property_iter_init(&iter, cpu);
    while ((prop = object_property_iter_next(&iter))) {
        if (g_str_equal(prop->type, "bool") && prop->get
            && object_property_get_bool(cpu, prop->name, NULL)) {
            ft_add_line(lines, "cpu feature %s=on", prop->name);
        }
    }
}

static int ft_add_device(Object *obj, void *opaque)
{
    GPtrArray *lines = opaque;
    DeviceState *dev = (DeviceState *)object_dynamic_cast(obj, TYPE_DEVICE);

    if (dev) {
        g_autofree char *path = object_get_canonical_path(obj);

        ft_add_line(lines, "device %s=%s", path, object_get_typename(obj));
        ft_add_device_props(lines, dev, path);
        ft_add_device_backends(lines, dev, path);
        if (object_dynamic_cast(obj, TYPE_CPU)) {
            ft_add_cpu_features(lines, obj);
        }
    }
    return 0;
}

/* -- what the firmware gets; memory -------------------------------------------------- */

static void ft_add_fw_cfg(const char *name, const uint8_t *data, size_t len, void *opaque)
{
    /* The directory of the others says less than they do. */
    if (!g_str_equal(name, "file_dir")) {
        ft_add_bytes(opaque, "fw_cfg", name, data, len);
    }
}

/*
 * The sizes of RAM, flash memory and ROMs. What these hold comes with the state, once and
 * for all: a secondary frees its own firmware unread (rom_reset()).
 */
static int ft_add_memory(RAMBlock *rb, void *opaque)
{
    ft_add_line(opaque, "memory %s=%zu bytes", qemu_ram_get_idstr(rb),
                (size_t)qemu_ram_get_used_length(rb));
    return 0;
}

/* -- what TCG computes with this host's libm ------------------------------------------ */

/*
 * x87's FSIN, FCOS, FSINCOS and FPTAN are the host's, to the last bit. A libm has several
 * versions of each and takes one by what the host's CPU can do (FMA, AVX2); they differ in
 * one value of some 2500. So many are compared that no such choice stays unseen.
 */
#define FT_LIBM_VALUES 65536

static void ft_add_libm(GPtrArray *lines)
{
    g_autofree double *results = g_new(double, 5 * FT_LIBM_VALUES);
    uint64_t random = 1;

    for (int i = 0; i < FT_LIBM_VALUES; i++) {
        double x, *to = results + 5 * i;

        /* Knuth's MMIX generator: a mantissa of its own for each value, 2^-8 to 2^23. */
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        x = ldexp(1.0 + (random >> 12) * 0x1p-52, i % 32 - 8);
        sincos(x, to, to + 1);
        /* A compiler makes one sincos() of the other two, if it is let. */
        *(volatile double *)(to + 2) = sin(*(volatile double *)&x);
        *(volatile double *)(to + 3) = cos(*(volatile double *)&x);
        to[4] = tan(x);
    }
    ft_add_bytes(lines, "libm", "sin, cos and tan", (const uint8_t *)results,
                 5 * FT_LIBM_VALUES * sizeof(double));
}

/* -- the whole ---------------------------------------------------------------------- */

static gint ft_line_order(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void ft_add_everything(GPtrArray *lines, MachineState *ms)
{
    FWCfgState *fw_cfg = fw_cfg_find();

    ft_add_machine(lines, ms);
    ft_add_line(lines, "cpu=%s", ms->cpu_type);
    ft_add_line(lines, "ram=%" PRIu64, (uint64_t)ms->ram_size);
    ft_add_line(lines, "ft-disk=%s", ft_disk_shared() ? "shared" : "local");
    ft_add_line(lines, "ft-disk-reads=%s", ft_node.config.disk_reads ? "disk" : "log");
    object_child_foreach_recursive(object_get_root(), ft_add_device, lines);
    ft_disks_describe(lines);
    if (fw_cfg) {
        fw_cfg_visit(fw_cfg, ft_add_fw_cfg, lines);
    }
    qemu_ram_foreach_block(ft_add_memory, lines);
    ft_add_libm(lines);
}

/* What is said first if several things differ: the versions, then what tells most. */
static int ft_line_rank(const char *line)
{
    static const char *const first[] = {
        "ft-disk", "machine=", "cpu=", "ram=", "-action", "machine.", "cpu feature", "disk",
        "device",
    };

    for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
        if (g_str_has_prefix(line, first[i])) {
            return i;
        }
    }
    return ARRAY_SIZE(first);
}

static gint ft_rank_order(gconstpointer a, gconstpointer b)
{
    int order = ft_line_rank(*(const char *const *)a) - ft_line_rank(*(const char *const *)b);

    return order ? order : ft_line_order(a, b);
}

char *ft_fingerprint_new(Error **errp)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    char *text;

    ft_add_everything(lines, MACHINE(qdev_get_machine()));
    g_ptr_array_sort(lines, ft_rank_order);
    g_ptr_array_insert(lines, 0, g_strdup("ft=" FT_CORE_VERSION));
    g_ptr_array_insert(lines, 0, g_strdup("qemu=" QEMU_FULL_VERSION));
    g_ptr_array_add(lines, NULL);
    text = g_strjoinv("\n", (char **)lines->pdata);
    if (strlen(text) > FT_FINGERPRINT_MAX) {
        error_setg(errp, "the description of the machine is %zu bytes long, more than %d: it "
                   "has too many devices", strlen(text), FT_FINGERPRINT_MAX);
        g_clear_pointer(&text, g_free);
    }
    return text;
}
