/*
 * The digest: CPU, RAM and each device's saved section, hashed on both nodes at
 * one instruction count and compared there.
 *
 * The primary takes it in the main loop, which holds RL and BQL, so that the
 * vCPU stands still; its place in the log is the instruction count. What a
 * section holds is what migration would send, in the order of its sections.
 * Sections of the host's affairs (its clocks, the run state) are left out.
 *
 * RAM is hashed by pages. Once dirty tracking is on, only pages that were written
 * since are hashed again, plus a part of the rest each time (a scrub), so that
 * the guest does not stand still for long. After a cut all RAM is new and comes
 * in by the scrub: a page counts from the digest that has first seen it, on both
 * nodes alike.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-watchdog.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "qemu/units.h"
#include "exec/cpu-common.h"
#include "exec/memory.h"
#include "cpu.h"
#include "exec/ramblock.h"
#include "hw/core/cpu.h"
#include "io/channel-buffer.h"
#include "qemu/error-report.h"
#include "qemu/timer.h"
#include "system/cpu-timers.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "exec/address-spaces.h"
#include "replay/replay-internal.h"
#include "../migration/qemu-file.h"
#include "../migration/savevm.h"
#include "accel/ft/glue/trace.h"

/* How much of the RAM that nobody wrote is hashed in one digest. */
#define FT_SCRUB_BYTES (32 * MiB)
/* So much is written to a file of ft-digest-dir at a time, or hashed. */
#define FT_DUMP_BYTES (4 * MiB)

typedef struct FtDigestBlock {
    RAMBlock *rb;
    uint8_t *host;
    uint64_t pages;
    uint64_t known;             /* pages below it were hashed since the cut  */
    FtRamHash *hash;
} FtDigestBlock;

static struct {
    FtDigest *sum;
    GArray *blocks;             /* of FtDigestBlock; NULL before the cut     */
    guint scrub_block;          /* the page to be scrubbed next              */
    uint64_t scrub_page;
    QIOChannelBuffer *buffer;   /* while the devices are saved               */
    QEMUFile *file;
    FILE *dump;                 /* ft-digest-dir: what was hashed            */
    uint64_t count, ns;         /* digests made or found equal; time of last */
    QEMUTimer *timer;
} digest;

/* -- devices ------------------------------------------------------------------ */

/* The host's clocks, positions in a log, run states and a network are no guest state. */
static bool ft_section_is_local(const char *name)
{
    return g_str_equal(name, "timer") || g_str_equal(name, "replay")
        || g_str_equal(name, "globalstate") || g_str_equal(name, "ft-seen");
}

static void ft_digest_dump(const char *name, const void *data, uint64_t len)
{
    if (digest.dump) {
        fprintf(digest.dump, "%s\n%" PRIu64 "\n", name, len);
        for (size_t at = 0; at < len; at += FT_DUMP_BYTES) {
            ft_still_at_work();
            fwrite((const uint8_t *)data + at, 1, MIN((size_t)FT_DUMP_BYTES, len - at), digest.dump);
        }
    }
}

static void ft_section_saved(const char *idstr, uint32_t instance, void *opaque)
{
    QIOChannelBuffer *b = digest.buffer;

    qemu_fflush(digest.file);
    if (!ft_section_is_local(idstr)) {
        g_autofree char *name = g_strdup_printf("%s/%u", idstr, instance);

        ftc_digest_add(digest.sum, name, ftc_hash(b->data, b->usage));
        ft_digest_dump(name, b->data, b->usage);
    }
    b->usage = 0;
    b->offset = 0;
}

static void ft_add_timer(int64_t expire_ns, void *opaque)
{
    g_array_append_val((GArray *)opaque, expire_ns);
}

/*
 * How large a TLB is decides which accesses walk the page table, later: sizes that
 * differ are a difference that has not shown yet. Those for fetches are left out, for
 * which it decides nothing (x86_cpu_fetch_next).
 */
static void ft_digest_tlbs(void)
{
    uint64_t sizes[NB_MMU_MODES + 1] = { 0 };

    for (int i = 0; i < NB_MMU_MODES; i++) {
        if (!(i & MMU_FETCH_BIT)) {
            sizes[i] = cpu_to_le64(first_cpu->neg.tlb.f[i].mask);
        }
    }
    /* The time by which they shrink. */
    sizes[NB_MMU_MODES] = cpu_to_le64(first_cpu->neg.tlb.c.replay_flush_count);
    ftc_digest_add(digest.sum, "tlb", ftc_hash((uint8_t *)sizes, sizeof(sizes)));
    ft_digest_dump("tlb", sizes, sizeof(sizes));
}

static void ft_digest_devices(void)
{
    CPUState *cpu = first_cpu;
    uint32_t pending = cpu->interrupt_request, halted = cpu->halted;
    bool woken = cpu_has_work(cpu);
    uint64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    g_autoptr(GArray) timers = g_array_new(false, false, sizeof(int64_t));

    ftc_digest_add(digest.sum, "clock", ftc_hash((uint8_t *)&now, sizeof(now)));
    /* Some belong to devices that neither save nor reset them. */
    timerlist_visit(main_loop_tlg.tl[QEMU_CLOCK_VIRTUAL], ft_add_timer, timers);
    ftc_digest_add(digest.sum, "timers", ftc_hash((uint8_t *)timers->data,
                                                  timers->len * sizeof(int64_t)));
    ft_digest_dump("timers", timers->data, timers->len * sizeof(int64_t));
    digest.buffer = qio_channel_buffer_new(256 * KiB);
    digest.file = qemu_file_new_output(QIO_CHANNEL(digest.buffer));
    /* A polled interrupt is looked at sooner while recording, with the same result. */
    cpu->interrupt_request &= ~(CPU_INTERRUPT_HARD | CPU_INTERRUPT_POLL);
    /* A CPU that has been woken leaves HLT when it is its turn, here or there. */
    cpu->halted = halted && !woken;
    if (qemu_save_device_sections(digest.file, ft_section_saved, NULL) != 0) {
        /* Its own error was reported; the nodes must not agree on half a list. */
        ftc_digest_add(digest.sum, "devices that could not be saved", ft_now_ns());
    }
    cpu->interrupt_request = pending;
    cpu->halted = halted;
    qemu_fclose(digest.file);
    object_unref(OBJECT(digest.buffer));
}

/* -- RAM ---------------------------------------------------------------------- */

static int ft_add_block(RAMBlock *rb, void *opaque)
{
    uint64_t bytes = qemu_ram_get_used_length(rb);
    FtDigestBlock b = {
        .rb = rb, .host = qemu_ram_get_host_addr(rb),
        .pages = DIV_ROUND_UP(bytes, FT_RAM_PAGE_BYTES),
    };

    if (qemu_ram_is_migratable(rb) && b.pages * FT_RAM_PAGE_BYTES == bytes) {
        b.hash = ftc_ram_hash_new(qemu_ram_get_idstr(rb), bytes);
        g_array_append_val(digest.blocks, b);
    }
    return 0;
}

static void ft_hash_page(FtDigestBlock *b, uint64_t page)
{
    ftc_ram_hash_page(b->hash, page, b->host + page * FT_RAM_PAGE_BYTES);
}

/*
 * Which pages count as written need not agree between the nodes, what they hold
 * must: so a page that was never hashed waits for the scrub on both.
 */
static void ft_hash_dirty(FtDigestBlock *b)
{
    MemoryRegion *mr = b->rb->mr;
    DirtyBitmapSnapshot *snap = memory_region_snapshot_and_clear_dirty(
        mr, 0, b->pages * FT_RAM_PAGE_BYTES, DIRTY_MEMORY_MIGRATION);

    for (uint64_t page = 0; page < b->known; page++) {
        if (memory_region_snapshot_get_dirty(mr, snap, page * FT_RAM_PAGE_BYTES,
                                             FT_RAM_PAGE_BYTES)) {
            ft_hash_page(b, page);
        }
    }
    g_free(snap);
}

static void ft_hash_all(FtDigestBlock *b)
{
    b->known = b->pages;
    for (uint64_t page = 0; page < b->pages; page++) {
        if (page % (FT_DUMP_BYTES / FT_RAM_PAGE_BYTES) == 0) {
            ft_still_at_work();
        }
        ft_hash_page(b, page);
    }
}

static void ft_scrub(void)
{
    uint64_t left = FT_SCRUB_BYTES / FT_RAM_PAGE_BYTES;

    for (; left && digest.blocks->len; left--) {
        FtDigestBlock *b = &g_array_index(digest.blocks, FtDigestBlock,
                                          digest.scrub_block);

        ft_hash_page(b, digest.scrub_page);
        b->known = MAX(b->known, ++digest.scrub_page);
        if (digest.scrub_page == b->pages) {
            digest.scrub_page = 0;
            digest.scrub_block = (digest.scrub_block + 1) % digest.blocks->len;
        }
    }
}

static void ft_digest_ram(bool full)
{
    if (!full) {
        ft_scrub();
    }
    for (guint i = 0; i < digest.blocks->len; i++) {
        FtDigestBlock *b = &g_array_index(digest.blocks, FtDigestBlock, i);

        if (full) {
            ft_hash_all(b);
        } else {
            ft_hash_dirty(b);
        }
        ftc_ram_hash_add(b->hash, digest.sum);
        ft_digest_dump(qemu_ram_get_idstr(b->rb), b->host,
                       b->pages * FT_RAM_PAGE_BYTES);
    }
}

static void ft_digest_flip(void);

/* -- one digest ------------------------------------------------------------------ */

static void ft_dump_open(void)
{
    g_autofree char *path = NULL;

    if (!ft_node.config.digest_dir) {
        return;
    }
    path = g_strdup_printf("%s/%020" PRId64 ".%s", ft_node.config.digest_dir,
                           icount_get_raw(), ftc_role_name(ftc_session_role(ft_node.session)));
    digest.dump = fopen(path, "wb");
    if (!digest.dump) {
        warn_report("ft-digest-dir: %s: %s", path, strerror(errno));
    }
}

static void ft_dump_close(void)
{
    if (digest.dump) {
        bool failed = ferror(digest.dump);

        if (fclose(g_steal_pointer(&digest.dump)) != 0 || failed) {
            warn_report("ft-digest-dir=%s: a digest could not be written whole",
                        ft_node.config.digest_dir);
        }
    }
}

static void ft_digest_make(bool full)
{
    uint64_t start_ns = ft_now_ns();

    x86_cpu_fetch_next(first_cpu);
    ftc_digest_clear(digest.sum);
    ft_dump_open();
    ft_digest_devices();
    ft_digest_tlbs();
    ft_digest_ram(full);
    ft_dump_close();
    digest.count++;
    digest.ns = ft_now_ns() - start_ns;
    trace_ft_digest(icount_get_raw(), full, digest.ns);
}

/* The event's fields: recording behind it, replaying the same against ours. */
void ft_digest_event(bool full)
{
    const uint8_t *bytes;
    g_autofree uint8_t *theirs = NULL;
    size_t len;
    FtError why = { "" };

    if (replay_mode == REPLAY_MODE_RECORD) {
        ft_digest_make(full);
        bytes = ftc_digest_encode(digest.sum, &len);
        replay_put_array(bytes, len);
        return;
    }
    replay_get_array_alloc(&theirs, &len);
    if (!digest.blocks) {
        return;
    }
    ft_digest_flip();
    ft_digest_make(full);
    if (!ftc_digest_compare(digest.sum, theirs, len, &why)) {
        digest.count--;
        ft_log_diverged(why.text);
    }
}

bool ft_digest_take(bool full, Error **errp)
{
    g_assert(replay_mutex_locked());
    if (replay_mode != REPLAY_MODE_RECORD || !digest.blocks) {
        error_setg(errp, "only a primary with a secondary takes a digest; the "
                   "secondary makes its own at the same instruction");
        return false;
    }
    if (!runstate_is_running() || first_cpu->stop || first_cpu->stopped) {
        /*
         * The log of a handover ends where the guest was stopped; and replay
         * reads nothing while its CPU waits for a reset that comes next.
         */
        error_setg(errp, "the guest is stopped");
        return false;
    }
    replay_digest(full);
    return true;
}

uint64_t ft_digest_count(void)
{
    return digest.count;
}

uint64_t ft_digest_last_ns(void)
{
    return digest.ns;
}

const FtDigest *ft_digest_last(void)
{
    return digest.sum;
}

/* -- from the cut to the end of the pair --------------------------------------------- */

static void ft_digest_timer(void *opaque)
{
    if (!digest.blocks) {
        return;
    }
    if (replay_mode == REPLAY_MODE_RECORD) {
        ft_digest_take(false, NULL);
    }
    timer_mod(digest.timer, ft_now_ns() + ft_node.config.digest_ns);
}

void ft_digest_begin(void)
{
    ft_digest_end();
    if (!digest.sum) {
        digest.sum = ftc_digest_new();
        digest.timer = timer_new_ns(QEMU_CLOCK_REALTIME, ft_digest_timer, NULL);
    }
    digest.count = 0;
    digest.scrub_block = 0;
    digest.scrub_page = 0;
    digest.blocks = g_array_new(false, true, sizeof(FtDigestBlock));
    qemu_ram_foreach_block(ft_add_block, NULL);
    memory_global_dirty_log_start(GLOBAL_DIRTY_DIRTY_RATE, &error_abort);
    if (ft_node.config.digest_ns && replay_mode == REPLAY_MODE_RECORD) {
        timer_mod(digest.timer, ft_now_ns() + ft_node.config.digest_ns);
    }
}

void ft_digest_end(void)
{
    if (!digest.blocks) {
        return;
    }
    timer_del(digest.timer);
    memory_global_dirty_log_stop(GLOBAL_DIRTY_DIRTY_RATE);
    for (guint i = 0; i < digest.blocks->len; i++) {
        ftc_ram_hash_free(g_array_index(digest.blocks, FtDigestBlock, i).hash);
    }
    g_array_free(g_steal_pointer(&digest.blocks), true);
}

/* -- faults for tests ------------------------------------------------------------------- */

static void ft_flip_cpu(void)
{
    g_autoptr(GByteArray) rax = g_byte_array_new();
    CPUClass *cc = first_cpu->cc;

    cc->gdb_read_register(first_cpu, rax, 0);
    rax->data[0] ^= 1;
    cc->gdb_write_register(first_cpu, rax->data, 0);
}

static void ft_flip_bytes(AddressSpace *as, hwaddr addr, const uint8_t *xor)
{
    uint8_t byte;

    address_space_read(as, addr, MEMTXATTRS_UNSPECIFIED, &byte, 1);
    byte ^= *xor;
    address_space_write(as, addr, MEMTXATTRS_UNSPECIFIED, &byte, 1);
}

/* A difference that a test asks for, a moment before the second digest. */
static void ft_digest_flip(void)
{
    static const uint8_t one = 1;

    if (digest.count != 1) {
        return;
    }
    if (ftc_fault("flip-ram")) {
        ft_flip_bytes(&address_space_memory, 64 * MiB + 5, &one);
    }
    if (ftc_fault("flip-cpu")) {
        ft_flip_cpu();
    }
    if (ftc_fault("flip-device")) {
        ft_flip_bytes(&address_space_io, 0x61, &one);   /* PIT, channel 2 gate */
    }
}
