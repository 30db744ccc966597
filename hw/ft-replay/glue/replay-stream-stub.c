/*
 * Programs without record/replay: qemu-img and its kin, and QEMU without TCG.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/ft-replay/glue/icount-stream.h"
#include "system/replay.h"

bool replay_log_in_use(void)
{
    return false;
}

bool replay_chr_write(Chardev *s, const uint8_t *buf, int len)
{
    return false;
}

bool replay_chr_be_break(Chardev *s)
{
    return false;
}

void replay_chr_closed(Chardev *s)
{
}

bool replay_chr_is_behind(Chardev *s)
{
    return false;
}

bool icount_shorten_budget(CPUState *cpu)
{
    return false;
}
