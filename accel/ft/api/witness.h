/*
 * The witness connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_WITNESS_H
#define ACCEL_FT_API_WITNESS_H

#include "accel/ft/api/base.h"

FT_API_BEGIN

/*
 * What a witness connection has said until now. The end of its stream proves that the
 * peer's process has died only if the stream has said "alive" and nothing else. A
 * connection that was closed before the secondary served it, or by a proxy in between,
 * proves nothing. */
typedef enum FtWitnessWord {
    FT_WITNESS_SILENT = 0,      /* nothing yet                              */
    FT_WITNESS_ALIVE = 'a',     /* and nothing else                         */
    FT_WITNESS_CLOSES = 'c',    /* it ends on purpose, or is no witness     */
} FtWitnessWord;
/* What it has said, after @count more bytes of the stream. */
FtWitnessWord ftc_witness_hear(FtWitnessWord last, const uint8_t *words, size_t count) FT_NOEXCEPT;
/* Does the orderly end of the stream, after @last, prove that the peer's process died? */
bool ftc_witness_proves_death(FtWitnessWord last) FT_NOEXCEPT;

FT_API_END

#endif
