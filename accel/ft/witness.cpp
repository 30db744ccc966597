/*
 * What the end of a witness connection proves. The glue and the simulator ask the same
 * question here, so that neither answers it by itself. Pure functions, any thread.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "accel/ft/ft.h"

/* THREAD: any, no lock needed. OWNERSHIP: @words stays the caller's. */
FtWitnessWord ftc_witness_hear(FtWitnessWord last, const uint8_t *words,
                               size_t count) noexcept {
    for (size_t i = 0; i < count; i++) {
        const bool alive = words[i] == FT_WITNESS_ALIVE;
        /* A peer that has said goodbye, or anything unknown, proves nothing by its
         * end. */
        if (!alive || (last != FT_WITNESS_SILENT && last != FT_WITNESS_ALIVE)) {
            return FT_WITNESS_CLOSES;
        }
        last = FT_WITNESS_ALIVE;
    }
    return last;
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing is handed over. */
bool ftc_witness_proves_death(FtWitnessWord last) noexcept {
    return last == FT_WITNESS_ALIVE;
}
