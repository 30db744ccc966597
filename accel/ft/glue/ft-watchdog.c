/*
 * The watchdog: a thread that sees whether main loop and vCPU thread move, says so if
 * one does not, and lets the peer know. What follows is decided in accel/ft/watchdog.cpp.
 *
 * The main loop is asked by a bottom half of a context that nothing but the main loop
 * itself runs: one that polls in a drain, for a disk that does not answer, serves
 * nobody. The vCPU thread is seen in each of its turns, a millisecond long while the
 * guest works, and is woken to be seen when it sleeps. With a guest that is stopped it
 * may rest.
 *
 * The thread takes no lock of QEMU's, because those may be what everybody waits for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-watchdog.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "hw/core/cpu.h"
#include "qapi/qapi-events-ft.h"
#include "qemu/main-loop.h"
#include "system/runstate.h"
#include "accel/ft/glue/trace.h"

/* The faults hang-main and hang-vcpu: longer than the limit of the shortest ft-timeout. */
#define FT_HANG_US (16 * G_USEC_PER_SEC)
#define FT_DISK_HANG_NS (20 * NANOSECONDS_PER_SECOND)

QEMU_BUILD_BUG_ON((int)FT_NODE_PART_MAIN_LOOP != (int)FT_PART_MAIN_LOOP);
QEMU_BUILD_BUG_ON((int)FT_NODE_PART_VCPU != (int)FT_PART_VCPU);

static FtWatchdog *watchdog;
static uint64_t limit_ns;
static QEMUBH *question;
static bool asked;              /* atomic: the main loop has not answered yet */
static unsigned turns;          /* atomic: of the vCPU thread               */
static uint64_t stalls;         /* atomic                                   */
static bool vcpu_hangs;         /* atomic: the fault                        */
static uint64_t disk_hangs_ns;  /* atomic: the fault, until then            */

/* -- those who are watched ------------------------------------------------------ */

static void ft_answer(void *opaque)
{
    qatomic_set(&asked, false);
}

void ft_vcpu_moves(void)
{
    qatomic_inc(&turns);
    if (qatomic_read(&vcpu_hangs) && qatomic_xchg(&vcpu_hangs, false)) {
        g_usleep(FT_HANG_US);
    }
}

void ft_still_at_work(void)
{
    ft_answer(NULL);
    qatomic_inc(&turns);
}

void ft_hang_here(void)
{
    qatomic_set(&vcpu_hangs, ftc_fault("hang-vcpu"));
    if (ftc_fault("hang-disk")) {
        qatomic_set(&disk_hangs_ns, ft_now_ns() + FT_DISK_HANG_NS);
    }
    if (ftc_fault("hang-main")) {
        g_usleep(FT_HANG_US);
    }
}

bool ft_disk_hangs(void)
{
    return ft_now_ns() < qatomic_read(&disk_hangs_ns);
}

/* -- the look --------------------------------------------------------------------- */

static bool ft_main_loop_moved(void)
{
    if (qatomic_read(&asked)) {
        return false;
    }
    qatomic_set(&asked, true);
    qemu_bh_schedule(question);
    return true;
}

static bool ft_vcpu_moved(void)
{
    static unsigned seen;
    unsigned now = qatomic_read(&turns);

    if (now == seen) {
        return !runstate_is_running() || qatomic_read(&first_cpu->stopped);
    }
    seen = now;
    ft_nap_end();               /* one that sleeps turns over, until the next look */
    return true;
}

static void ft_tell_motion(FtPart part, FtMotion motion)
{
    bool moves = motion == FT_MOTION_BEGINS;
    uint64_t ns = moves ? ftc_watchdog_stood_ns(watchdog, part)
                        : ftc_watchdog_still_ns(watchdog, part);
    uint64_t seconds = ns / (uint64_t)NANOSECONDS_PER_SECOND;

    if (!moves) {
        qatomic_set(&stalls, stalls + 1);
    }
    trace_ft_motion(ftc_part_name(part), moves, ns);
    ft_stderr_say(moves ? "ft: the %s moves again after %" PRIu64 " s\n"
                 : "ft: the %s has not moved for %" PRIu64 " s\n", ftc_part_name(part), seconds);
    qapi_event_send_ft_watchdog((FtNodePart)part, moves, ns);
}

static void ft_look(FtPart part, bool moved)
{
    FtMotion motion = ftc_watchdog_look(watchdog, part, moved, ft_now_ns());

    if (motion != FT_MOTION_AS_BEFORE) {
        ft_tell_motion(part, motion);
    }
}

static void *ft_watchdog_thread(void *opaque)
{
    for (;;) {
        bool main_loop = ft_main_loop_moved(), vcpu = ft_vcpu_moved();

        ft_look(FT_PART_MAIN_LOOP, main_loop);
        ft_look(FT_PART_VCPU, vcpu);
        g_usleep(limit_ns / FT_LOOKS_PER_LIMIT / SCALE_US);
    }
    return NULL;
}

void ft_watchdog_start(void)
{
    QemuThread t;

    limit_ns = ftc_watchdog_limit_ns(ft_node.config.timeout_ns);
    watchdog = ftc_watchdog_new(limit_ns);
    g_assert(watchdog);
    question = aio_bh_new(iohandler_get_aio_context(), ft_answer, NULL);
    qemu_thread_create(&t, "ft-watchdog", ft_watchdog_thread, NULL, QEMU_THREAD_DETACHED);
}

/* -- what is known of both nodes ---------------------------------------------------- */

uint64_t ft_still_ns(FtPart part)
{
    return watchdog ? ftc_watchdog_still_ns(watchdog, part) : 0;
}

uint64_t ft_stalls(void)
{
    return qatomic_read(&stalls);
}

bool ft_is_unwell(uint64_t still_ns)
{
    return ftc_watchdog_is_seen(still_ns, limit_ns);
}

/* The longer of the two. */
static FtPart ft_stiller(uint64_t (*of)(FtPart part))
{
    return of(FT_PART_VCPU) > of(FT_PART_MAIN_LOOP) ? FT_PART_VCPU : FT_PART_MAIN_LOOP;
}

static char *ft_stillness(uint64_t (*of)(FtPart part))
{
    FtPart part = ft_stiller(of);

    if (!ft_is_unwell(of(part))) {
        return NULL;
    }
    return g_strdup_printf("%s has not moved for %" PRIu64 " s", ftc_part_name(part),
                           of(part) / (uint64_t)NANOSECONDS_PER_SECOND);
}

char *ft_own_stillness(void)
{
    return ft_stillness(ft_still_ns);
}

char *ft_peer_stillness(void)
{
    return ft_stillness(ft_peer_still_ns);
}

static uint64_t ft_longest(uint64_t (*of)(FtPart part))
{
    return of(ft_stiller(of));
}

bool ft_gives_way(void)
{
    return ftc_watchdog_gives_up(ft_longest(ft_still_ns), ft_peer_well_ns(), limit_ns);
}

bool ft_peer_should_give_way(void)
{
    return ftc_watchdog_gives_up(ft_longest(ft_peer_still_ns),
                                 ftc_watchdog_well_ns(watchdog, ft_now_ns()), limit_ns);
}
