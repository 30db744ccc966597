/*
 * Digests: proof that the nodes are equal.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_DIGEST_H
#define ACCEL_FT_API_DIGEST_H

#include "accel/ft/api/base.h"

FT_API_BEGIN

/*
 * The state of a node at one instruction count, as a list of named hashes: CPU, RAM,
 * each device's section. The primary puts the hashes into a DIGEST event, the
 * secondary makes its own at the same instruction and compares. Thread: RL.
 */
enum { FT_RAM_PAGE_BYTES = 4096 };
typedef struct FtDigest FtDigest;
FtDigest *ftc_digest_new(void) FT_NOEXCEPT;
void ftc_digest_free(FtDigest *d) FT_NOEXCEPT;
void ftc_digest_clear(FtDigest *d) FT_NOEXCEPT;
void ftc_digest_add(FtDigest *d, const char *name, uint64_t hash) FT_NOEXCEPT;
/* The bytes for the log; valid until the next encode. */
const uint8_t *ftc_digest_encode(FtDigest *d, size_t *len) FT_NOEXCEPT;
/* False names the sections that differ. */
bool ftc_digest_compare(const FtDigest *d, const uint8_t *theirs, size_t len,
                        FtError *err) FT_NOEXCEPT;
/* Section i, in order; false after the last one. */
bool ftc_digest_section(const FtDigest *d, size_t i, const char **name,
                        uint64_t *hash) FT_NOEXCEPT;
/* One block of guest RAM; only pages that were written need be hashed again. */
typedef struct FtRamHash FtRamHash;
FtRamHash *ftc_ram_hash_new(const char *name, uint64_t bytes) FT_NOEXCEPT;
void ftc_ram_hash_free(FtRamHash *r) FT_NOEXCEPT;
void ftc_ram_hash_page(FtRamHash *r, uint64_t page, const uint8_t *data) FT_NOEXCEPT;
void ftc_ram_hash_add(const FtRamHash *r, FtDigest *d) FT_NOEXCEPT;

FT_API_END

#endif
