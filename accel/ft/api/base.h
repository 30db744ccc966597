/*
 * What every part of the border needs: the version, errors, the hash, faults for tests.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_BASE_H
#define ACCEL_FT_API_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define FT_NOEXCEPT noexcept
#define FT_API_BEGIN extern "C" {
#define FT_API_END }
#else
#define FT_NOEXCEPT
#define FT_API_BEGIN
#define FT_API_END
#endif

FT_API_BEGIN

/* What the file VERSION says. Both nodes must run the same. */
#define FT_CORE_VERSION "0.9.0"

typedef struct FtError {
    char text[256];
} FtError;

uint64_t ftc_hash(const uint8_t *data, size_t len) FT_NOEXCEPT;   /* XXH3 64   */

/* Faults for tests, compiled in only with -Dft_faults=true; otherwise always
 * false. Names are listed in docs/HACKING.md; set by the environment variable
 * FT_FAULT=name[,name]. */
bool ftc_fault(const char *name) FT_NOEXCEPT;

FT_API_END

#endif
