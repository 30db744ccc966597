/*
 * The border between the C++ core and the C glue inside QEMU.
 *
 * Plain C: opaque handles, fixed-width integers, pointer + length. The core
 * includes no QEMU header and the glue no C++ header; both include this one.
 * Nothing throws across: every function here is noexcept on the C++ side.
 * Each handle is made by ft_x_new() and freed by ft_x_free(). One header in
 * accel/ft/api/ for each subject; this one includes them all.
 *
 * Units: times are nanoseconds of one monotonic host clock (the caller passes
 * now_ns, the core never reads a clock), sizes are bytes, positions are guest
 * instructions counted from the cut. Threads: each block says who may call;
 * "RL" is QEMU's replay mutex, "BQL" the big lock, "main" the main-loop thread.
 *
 * Errors: functions that can fail return false (or a negative number) and fill
 * FtError with one sentence that names the field; FtError is untouched on
 * success. A broken invariant of our own stops the process (FT_ASSERT).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_FT_H
#define ACCEL_FT_FT_H

#include "accel/ft/api/arbiter.h"
#include "accel/ft/api/attach.h"
#include "accel/ft/api/base.h"
#include "accel/ft/api/clock.h"
#include "accel/ft/api/digest.h"
#include "accel/ft/api/disk.h"
#include "accel/ft/api/lag.h"
#include "accel/ft/api/log.h"
#include "accel/ft/api/output.h"
#include "accel/ft/api/packets.h"
#include "accel/ft/api/seen.h"
#include "accel/ft/api/session.h"
#include "accel/ft/api/watchdog.h"
#include "accel/ft/api/wire.h"
#include "accel/ft/api/witness.h"

#endif
