/*
 * The numbers of events, written out both ways: the wire must not change when QEMU's enum
 * does.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "system/replay.h"
#include "replay/replay-internal.h"

static const struct {
    unsigned qemu;
    uint8_t wire;
} event_numbers[] = {
    { EVENT_INSTRUCTION, FT_EV_INSTRUCTION },
    { EVENT_INTERRUPT, FT_EV_INTERRUPT },
    { EVENT_EXCEPTION, FT_EV_EXCEPTION },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_BH, FT_EV_BH },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_BH_ONESHOT, FT_EV_BH_ONESHOT },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_INPUT, FT_EV_INPUT },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_INPUT_SYNC, FT_EV_INPUT_SYNC },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_CHAR_READ, FT_EV_CHAR_READ },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_BLOCK, FT_EV_BLOCK },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_NET, FT_EV_NET },
    { EVENT_ASYNC + REPLAY_ASYNC_EVENT_OPERATOR, FT_EV_OPERATOR },
    { EVENT_CHAR_WRITE, FT_EV_CHAR_WRITE },
    { EVENT_CHAR_READ_ALL, FT_EV_CHAR_READ_ALL },
    { EVENT_CHAR_READ_ALL_ERROR, FT_EV_CHAR_READ_ALL_ERROR },
    { EVENT_RANDOM, FT_EV_RANDOM },
    { EVENT_CLOCK + REPLAY_CLOCK_HOST, FT_EV_CLOCK_HOST },
    { EVENT_CLOCK + REPLAY_CLOCK_VIRTUAL_RT, FT_EV_CLOCK_VIRTUAL_RT },
    { EVENT_GUEST_CLOCK, FT_EV_GUEST_CLOCK },
    { EVENT_CHECKPOINT + CHECKPOINT_CLOCK_WARP_START, FT_EV_CHECKPOINT + 0 },
    { EVENT_CHECKPOINT + CHECKPOINT_CLOCK_WARP_ACCOUNT, FT_EV_CHECKPOINT + 1 },
    { EVENT_CHECKPOINT + CHECKPOINT_RESET_REQUESTED, FT_EV_CHECKPOINT + 2 },
    { EVENT_CHECKPOINT + CHECKPOINT_SUSPEND_REQUESTED, FT_EV_CHECKPOINT + 3 },
    { EVENT_CHECKPOINT + CHECKPOINT_CLOCK_VIRTUAL, FT_EV_CHECKPOINT + 4 },
    { EVENT_CHECKPOINT + CHECKPOINT_CLOCK_HOST, FT_EV_CHECKPOINT + 5 },
    { EVENT_CHECKPOINT + CHECKPOINT_CLOCK_VIRTUAL_RT, FT_EV_CHECKPOINT + 6 },
    { EVENT_CHECKPOINT + CHECKPOINT_INIT, FT_EV_CHECKPOINT + 7 },
    { EVENT_CHECKPOINT + CHECKPOINT_RESET, FT_EV_CHECKPOINT + 8 },
    { EVENT_OUTPUT, FT_EV_OUTPUT },
    { EVENT_DIGEST, FT_EV_DIGEST },
    { EVENT_DISK, FT_EV_DISK },
};

static uint8_t to_wire[EVENT_COUNT];
static uint8_t from_wire[256];

void ft_event_numbers_setup(void)
{
    memset(from_wire, EVENT_COUNT, sizeof(from_wire));
    for (size_t i = 0; i < ARRAY_SIZE(event_numbers); i++) {
        to_wire[event_numbers[i].qemu] = event_numbers[i].wire;
        from_wire[event_numbers[i].wire] = event_numbers[i].qemu;
    }
}

uint8_t ft_event_to_wire(unsigned event)
{
    return to_wire[event];
}

unsigned ft_event_from_wire(uint8_t wire)
{
    return from_wire[wire];
}
