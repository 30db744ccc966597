/*
 * The machine options ft=, ft-peer= ... and all that they imply.
 *
 * They are taken out of the -machine dictionary before the machine exists,
 * because recording has to be on before the first device is made.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "hw/qdev-properties.h"
#include "qemu/config-file.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "qemu/guest-random.h"
#include "qemu/option.h"
#include "qom/object.h"
#include "system/replay.h"

#define FT_TIMEOUT_MS_MIN 50
#define FT_TIMEOUT_MS_MAX 60000
#define FT_TIMEOUT_MS_DEFAULT 500
#define FT_LAG_LIMIT_MS_DEFAULT 250
#define FT_DIGEST_MS_DEFAULT 5000

/* Takes option @key out of the dictionary; NULL if it is not there. */
static char *ft_take_opt(QDict *opts, const char *key)
{
    char *value = g_strdup(qdict_get_try_str(opts, key));

    qdict_del(opts, key);
    return value;
}

static bool ft_take_number(QDict *opts, const char *key, uint64_t min,
                           uint64_t max, uint64_t dflt, uint64_t *out,
                           Error **errp)
{
    g_autofree char *value = ft_take_opt(opts, key);

    *out = dflt;
    if (!value) {
        return true;
    }
    if (qemu_strtou64(value, NULL, 10, out) < 0 || *out < min || *out > max) {
        error_setg(errp, "%s=%s: must be a number from %" PRIu64 " to %" PRIu64,
                   key, value, min, max);
        return false;
    }
    return true;
}

static bool ft_check_address(const char *key, const char *value, Error **errp)
{
    const char *colon = value ? strrchr(value, ':') : NULL;
    uint64_t port;

    if (value && (!colon || qemu_strtou64(colon + 1, NULL, 10, &port) < 0
                  || port == 0 || port > 65535)) {
        error_setg(errp, "%s=%s: must be HOST:PORT", key, value);
        return false;
    }
    return true;
}

static bool ft_take_role(QDict *opts, FtRole *role, Error **errp)
{
    g_autofree char *value = ft_take_opt(opts, "ft");

    if (!value || g_str_equal(value, "off")) {
        *role = FT_ROLE_OFF;
    } else if (g_str_equal(value, "primary")) {
        *role = FT_ROLE_PRIMARY;
    } else if (g_str_equal(value, "secondary")) {
        *role = FT_ROLE_SECONDARY;
    } else {
        error_setg(errp, "ft=%s: must be off, primary or secondary", value);
        return false;
    }
    return true;
}

static bool ft_take_arbiter(QDict *opts, FtConfig *c, Error **errp)
{
    FtError why = { "" };

    c->arbiter = ft_take_opt(opts, "ft-arbiter");
    if (c->role == FT_ROLE_OFF) {
        return true;
    }
    if (!c->arbiter) {
        error_setg(errp, "ft=%s needs ft-arbiter=file:DIR (a folder that both "
                   "hosts share) or ft-arbiter=none", ftc_role_name(c->role));
        return false;
    }
    if (!ftc_arbiter_check_spec(c->arbiter, &why)) {
        error_setg(errp, "ft-arbiter=%s: %s", c->arbiter, why.text);
        return false;
    }
    if (g_str_equal(c->arbiter, "none")) {
        warn_report("ft-arbiter=none: if the link between the hosts breaks while "
                    "both live, BOTH nodes will run the guest. For tests on one "
                    "machine only.");
    }
    return true;
}

/* @value is one of two words; absent, it is the first. *second: it is the other. */
static bool ft_take_word(QDict *opts, const char *key, const char *first,
                         const char *other, bool *second, Error **errp)
{
    g_autofree char *value = ft_take_opt(opts, key);

    *second = value && g_str_equal(value, other);
    if (value && !*second && !g_str_equal(value, first)) {
        error_setg(errp, "%s=%s: must be %s or %s", key, value, first, other);
        return false;
    }
    return true;
}

static bool ft_take_disk(QDict *opts, FtConfig *c, Error **errp)
{
    if (!ft_take_word(opts, "ft-disk", "local", "shared", &c->disk_shared, errp)
        || !ft_take_word(opts, "ft-disk-reads", "log", "disk", &c->disk_reads, errp)) {
        return false;
    }
    if (c->disk_reads && !c->disk_shared) {
        error_setg(errp, "ft-disk-reads=disk needs ft-disk=shared: with an image of "
                   "its own each node reads that anyway");
        return false;
    }
    return true;
}

/* Whoever gives one of the others means to be protected, and would not be. */
static bool ft_check_role_is_given(const QDict *opts, Error **errp)
{
    if (qdict_haskey(opts, "ft")) {
        return true;
    }
    for (const QDictEntry *e = qdict_first(opts); e; e = qdict_next(opts, e)) {
        if (g_str_has_prefix(qdict_entry_key(e), "ft-")) {
            error_setg(errp, "%s= is given without ft=: it needs ft=primary, ft=secondary or "
                       "ft=off", qdict_entry_key(e));
            return false;
        }
    }
    return true;
}

static bool ft_take_options(QDict *opts, FtConfig *c, Error **errp)
{
    uint64_t timeout_ms, lag_ms, digest_ms;

    if (!ft_check_role_is_given(opts, errp) || !ft_take_role(opts, &c->role, errp)) {
        return false;
    }
    c->peer = ft_take_opt(opts, "ft-peer");
    c->listen = ft_take_opt(opts, "ft-listen");
    c->log_file = ft_take_opt(opts, "ft-log-file");
    c->respawn = ft_take_opt(opts, "ft-respawn");
    c->digest_dir = ft_take_opt(opts, "ft-digest-dir");
    if (!ft_take_number(opts, "ft-timeout", FT_TIMEOUT_MS_MIN, FT_TIMEOUT_MS_MAX,
                        FT_TIMEOUT_MS_DEFAULT, &timeout_ms, errp)
        || !ft_take_word(opts, "ft-compress", "off", "zstd", &c->compress, errp)
        || !ft_take_number(opts, "ft-lag-limit", 1, 60000,
                           FT_LAG_LIMIT_MS_DEFAULT, &lag_ms, errp)
        || !ft_take_number(opts, "ft-digest", 0, 3600000,
                           FT_DIGEST_MS_DEFAULT, &digest_ms, errp)
        || !ft_check_address("ft-peer", c->peer, errp)
        || !ft_check_address("ft-listen", c->listen, errp)
        || !ft_take_disk(opts, c, errp)
        || !ft_take_arbiter(opts, c, errp)) {
        return false;
    }
    c->timeout_ns = timeout_ms * SCALE_MS;
    c->lag_limit_ns = lag_ms * SCALE_MS;
    c->digest_ns = digest_ms * SCALE_MS;
    if (c->role == FT_ROLE_SECONDARY && !c->listen) {
        error_setg(errp, "ft=secondary needs ft-listen=HOST:PORT");
        return false;
    }
    return true;
}

/* What would have to be typed by hand without the option. */
static void ft_imply_options(void)
{
    QemuOpts *icount = qemu_opts_create(qemu_find_opts("icount"), NULL, 0,
                                        &error_abort);

    /* Until the guest's clock gets its rate from the log. */
    qemu_opt_set(icount, "shift", "0", &error_abort);
    /* The guest's clock must be one that both nodes share. */
    qemu_opt_set(qemu_find_opts_singleton("rtc"), "clock", "vm", &error_abort);
    /* Its post_load waits for the vCPU with the replay mutex held. */
    object_register_sugar_prop("apic-common", "vapic", "off", true);
    /* Asleep, no vCPU moves the guest's clock on, and no alarm would wake it. */
    object_register_sugar_prop("ICH9-LPC", "disable_s3", "1", true);
    object_register_sugar_prop("PIIX4_PM", "disable_s3", "1", true);
}

static bool ft_check_accel(const char *option, const char *name, Error **errp)
{
    if (name && !g_str_equal(name, "tcg")) {
        error_setg(errp, "%s%s cannot be protected by ft=: only tcg executes "
                   "instructions that can be counted (libvirt: <domain type='qemu'>)",
                   option, name);
        return false;
    }
    return true;
}

static int ft_check_accel_opts(void *opaque, QemuOpts *opts, Error **errp)
{
    /* What is said gets the option in front of it. */
    return ft_check_accel("", qemu_opt_get(opts, "accel"), errp) ? 0 : -1;
}

/*
 * "kvm:tcg" is refused even where KVM is missing and QEMU would fall back: the same
 * line would not start on another host. Without a word QEMU takes tcg, unless its
 * program is named ...kvm; ft= is word enough for tcg.
 */
static bool ft_check_accels(const QDict *machine_opts, Error **errp)
{
    const char *word = qdict_get_try_str(machine_opts, "accel");
    QemuOptsList *accels = qemu_find_opts("accel");

    if (!ft_check_accel("-machine accel=", word, errp)
        || qemu_opts_foreach(accels, ft_check_accel_opts, NULL, errp)) {
        return false;
    }
    if (!word && !qemu_opts_find(accels, NULL)) {
        qemu_opts_parse_noisily(accels, "tcg", true);
    }
    return true;
}

/* -sandbox with spawn=deny, as libvirt gives it, outlaws the command. */
static void ft_check_sandbox(FtConfig *c)
{
    QemuOptsList *list = qemu_find_opts_err("sandbox", NULL);
    QemuOpts *sandbox = list ? qemu_opts_find(list, NULL) : NULL;
    const char *spawn = sandbox ? qemu_opt_get(sandbox, "spawn") : NULL;

    if (c->respawn && spawn && qemu_opt_get_bool(sandbox, "enable", false)
        && g_str_equal(spawn, "deny")) {
        warn_report("ft-respawn=%s will not be run: -sandbox spawn=deny lets QEMU start "
                    "no program. Whoever watches for FT_STATE_CHANGE can start the new "
                    "secondary", c->respawn);
        g_clear_pointer(&c->respawn, g_free);
    }
}

static bool ft_check_other_options(const QDict *machine_opts, const QemuOpts *icount_opts,
                                   const char *incoming, Error **errp)
{
    if (icount_opts) {
        error_setg(errp, "-icount cannot be given with ft=: FT sets it up itself");
    } else if (incoming) {
        error_setg(errp, "-incoming cannot be given with ft=: a secondary gets "
                   "its state from the primary");
    } else {
        return ft_check_accels(machine_opts, errp);
    }
    return false;
}

/* As -smp says it, or "-machine smp.cpus="; the machine will look closer. */
static bool ft_check_smp(const QDict *machine_opts, Error **errp)
{
    static const char *const levels[] = {
        "drawers", "books", "sockets", "dies", "clusters", "modules", "cores", "threads",
    };
    const QDict *smp = qobject_to(QDict, qdict_get(machine_opts, "smp"));
    const char *given = smp ? qdict_get_try_str(smp, "cpus") : NULL;
    uint64_t cpus = 1, value;

    if (given) {
        if (qemu_strtou64(given, NULL, 10, &cpus) < 0) {
            return true;
        }
    } else {
        for (size_t i = 0; smp && i < ARRAY_SIZE(levels); i++) {
            given = qdict_get_try_str(smp, levels[i]);
            if (given && qemu_strtou64(given, NULL, 10, &value) == 0 && value) {
                cpus *= value;
            }
        }
    }
    if (cpus > 1) {
        error_setg(errp, "-smp %" PRIu64 ": more than one CPU cannot be protected by ft=: the "
                   "order in which they take turns is not logged; give -smp 1", cpus);
        return false;
    }
    return true;
}

static void ft_file_too_large(int signal)
{
}

/*
 * A file that may grow no more (RLIMIT_FSIZE) is an error of that write, of a console or
 * of ft-log-file, and not the end of the guest. A handler, unlike SIG_IGN, is not what
 * ft-respawn's program begins with.
 */
static void ft_survive_file_limit(void)
{
    struct sigaction act = { .sa_handler = ft_file_too_large, .sa_flags = SA_RESTART };

    sigemptyset(&act.sa_mask);
    sigaction(SIGXFSZ, &act, NULL);
}

bool ft_configure(QDict *machine_opts, const QemuOpts *icount_opts,
                  const char *incoming)
{
    FtConfig *c = &ft_node.config;

    if (!ft_take_options(machine_opts, c, &error_fatal) || !ft_on()) {
        return false;
    }
    ft_stderr_setup();
    ft_check_other_options(machine_opts, icount_opts, incoming, &error_fatal);
    ft_check_sandbox(c);
    ft_survive_file_limit();
    ft_check_smp(machine_opts, &error_fatal);
    qemu_guest_getrandom_nofail(ft_node.node_id, sizeof(ft_node.node_id));
    ft_imply_options();
    ft_log_setup(c->role == FT_ROLE_SECONDARY);
    return c->role == FT_ROLE_SECONDARY;
}
