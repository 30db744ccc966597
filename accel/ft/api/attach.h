/*
 * The pace of an attach.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_ATTACH_H
#define ACCEL_FT_API_ATTACH_H

#include "accel/ft/api/base.h"

FT_API_BEGIN

/*
 * How the copy of a running guest's memory goes on (accel/ft/attach_pace.hpp).
 * Thread: main, but pause: any.
 */
typedef enum FtAttachVerdict {
    FT_ATTACH_GO_ON,
    FT_ATTACH_CUT,                     /* the rest is carried in a moment   */
    FT_ATTACH_GIVE_UP                  /* ftc_attach_pace_why() says why     */
} FtAttachVerdict;
typedef struct FtAttachLook {          /* what a look at dirty memory found */
    uint64_t now_ns;
    uint64_t left_before;              /* bytes to be sent, before the look */
    uint64_t left;                     /* with what the guest wrote to anew */
    uint64_t written;                  /* pages written since the last look */
    uint64_t beside;                   /* devices and drives, sent at the cut */
} FtAttachLook;
typedef struct FtAttachStats {
    unsigned looks, slowed;            /* slowed: thousandths of its time   */
    uint64_t written_rate, link_rate;  /* bytes a second                    */
    bool link_known;                   /* it has shown what it can do       */
    uint64_t moved_ns;                 /* when the link last carried something */
} FtAttachStats;
typedef struct FtAttachPace FtAttachPace;
FtAttachPace *ftc_attach_pace_new(uint64_t now_ns, uint64_t memory) FT_NOEXCEPT;
void ftc_attach_pace_free(FtAttachPace *p) FT_NOEXCEPT;
/* given: bytes handed to the link so far; under_way: those not yet acknowledged. */
void ftc_attach_pace_link(FtAttachPace *p, uint64_t now_ns, uint64_t given,
                          uint64_t under_way) FT_NOEXCEPT;
/* Decides after a look at the dirty memory, at the end of a pass or when one was due. */
FtAttachVerdict ftc_attach_pace_look(FtAttachPace *p, const FtAttachLook *look) FT_NOEXCEPT;
bool ftc_attach_pace_due(const FtAttachPace *p, uint64_t now_ns) FT_NOEXCEPT;
/* How many bytes to hand to the link at once; most is the caller's own limit. */
uint64_t ftc_attach_pace_slice(const FtAttachPace *p, uint64_t most) FT_NOEXCEPT;
void ftc_attach_pace_stats(FtAttachPace *p, FtAttachStats *s) FT_NOEXCEPT;
void ftc_attach_pace_why(const FtAttachPace *p, FtError *err) FT_NOEXCEPT;
/* How long to pause after a turn of ran_ns, for a guest that is to stand still for slowed
 * thousandths of its time. */
uint64_t ftc_attach_pause(uint64_t ran_ns, unsigned slowed) FT_NOEXCEPT;

FT_API_END

#endif
