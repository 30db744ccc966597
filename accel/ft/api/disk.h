/*
 * Drives: the copy of their images, and the order of requests to a shared one.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_DISK_H
#define ACCEL_FT_API_DISK_H

#include "accel/ft/api/base.h"

FT_API_BEGIN

/*
 * Which chunks of a drive's image the secondary does not have yet. An attach starts
 * with all of them. The secondary reports its image as checksums and runs of zeros, and
 * chunks that agree need not be sent; a chunk that the guest writes to must be compared
 * again. Thread: main, on the primary.
 */
enum { FT_DISK_CHUNK_BYTES = 64 * 1024, FT_DISK_SUMS_MAX = 1024 };
typedef struct FtCopyMap FtCopyMap;
/* NULL: not enough memory for a drive of this size (2 MiB for each TiB). */
FtCopyMap *ftc_copy_map_new(uint64_t bytes) FT_NOEXCEPT;
void ftc_copy_map_free(FtCopyMap *m) FT_NOEXCEPT;
/* The guest's write to this range is in the image now; called after it, never
 * before: a chunk that is read in between would count as copied too early. */
void ftc_copy_map_written(FtCopyMap *m, uint64_t offset, uint64_t bytes) FT_NOEXCEPT;
/* The secondary's report of its image from chunk @first on: sums, or zeros. Both come in
 * the order of the chunks, each chunk once. */
bool ftc_copy_map_sums(FtCopyMap *m, uint64_t first, const uint64_t *sums, size_t n,
                       FtError *err) FT_NOEXCEPT;
bool ftc_copy_map_zeros(FtCopyMap *m, uint64_t first, uint64_t n, FtError *err) FT_NOEXCEPT;
/* The next run of at most @max chunks to compare; from here on they count as copied.
 * False: none is left, or the secondary has not yet reported those that are left. */
bool ftc_copy_map_next(FtCopyMap *m, uint64_t max, uint64_t *first,
                       uint64_t *n) FT_NOEXCEPT;
/* The end of such a run was not compared after all: the next call gives it again. */
void ftc_copy_map_give_back(FtCopyMap *m, uint64_t first, uint64_t n) FT_NOEXCEPT;
/* The chunk that was read has this sum: is the secondary's another one, so that the
 * chunk must be sent? From then on the secondary counts as having it. */
bool ftc_copy_map_differs(FtCopyMap *m, uint64_t chunk, uint64_t sum) FT_NOEXCEPT;
/* Our chunks [*first, *first + *n) are zeros (the last chunk of a drive may be short).
 * True: the secondary must make the chunks [*run, *first) zeros, at most @max of them,
 * and counts as having them from then on. *first and *n become what comes after. */
bool ftc_copy_map_differs_from_zeros(FtCopyMap *m, uint64_t *first, uint64_t *n,
                                     uint64_t max, uint64_t *run) FT_NOEXCEPT;
/* Bytes that are still to be compared, and how often all were compared. */
uint64_t ftc_copy_map_left(const FtCopyMap *m) FT_NOEXCEPT;
uint64_t ftc_copy_map_rounds(const FtCopyMap *m) FT_NOEXCEPT;
/* Has the secondary reported its whole image? */
bool ftc_copy_map_told_all(const FtCopyMap *m) FT_NOEXCEPT;

/* How fast the guest may write meanwhile (block/ft-filter/copy_pace.hpp). */
typedef struct FtCopyPace FtCopyPace;
FtCopyPace *ftc_copy_pace_new(unsigned drives) FT_NOEXCEPT;
void ftc_copy_pace_free(FtCopyPace *p) FT_NOEXCEPT;
/* Each chunk was compared once: from now on writes are counted and delayed. */
void ftc_copy_pace_begin(FtCopyPace *p) FT_NOEXCEPT;
/* The copy has read @bytes in the last @ns, its waits for the link included. */
void ftc_copy_pace_copied(FtCopyPace *p, uint64_t bytes, uint64_t ns) FT_NOEXCEPT;
/* A write has reached the image: for how many ns its completion is to be delayed. */
typedef struct FtCopyWrite {
    uint64_t now_ns, bytes;
    uint64_t anew;                     /* bytes of chunks to be copied again */
    unsigned waiting;                  /* delayed completions of this drive   */
    uint64_t link_rate;                /* bytes a second; 0: not known      */
} FtCopyWrite;
uint64_t ftc_copy_pace_written(FtCopyPace *p, unsigned drive,
                               const FtCopyWrite *write) FT_NOEXCEPT;
/* True: @left is more than @few and does not shrink, the guest writes too much. */
bool ftc_copy_pace_hopeless(FtCopyPace *p, uint64_t now_ns, uint64_t left,
                            uint64_t few) FT_NOEXCEPT;
/* The reason, in *err; returns the drive that was written to most. */
unsigned ftc_copy_pace_why(const FtCopyPace *p, uint64_t now_ns, uint64_t left,
                           FtError *err) FT_NOEXCEPT;

/* The body of DISK_ZEROS (any thread). A primary's message names at most
 * FT_DISK_ZEROS_MAX chunks, because the secondary may have to write them all. */
enum { FT_DISK_ZEROS_BYTES = 8, FT_DISK_ZEROS_MAX = 256 };
void ftc_disk_zeros_encode(uint64_t n, uint8_t *body) FT_NOEXCEPT;
bool ftc_disk_zeros_decode(const uint8_t *body, size_t len, uint64_t *n,
                           FtError *err) FT_NOEXCEPT;
/* May a primary ask for this run of zeros, in a drive of @bytes? */
bool ftc_disk_zeros_check(uint64_t bytes, uint64_t first, uint64_t n,
                          FtError *err) FT_NOEXCEPT;

/*
 * With ft-disk=shared: which requests of a drive may go to the image now
 * (block/ft-filter/disk_order.hpp). Thread: any, BQL.
 */
typedef enum FtDiskKind {
    FT_DISK_KIND_READ,
    FT_DISK_KIND_WRITE,                /* of data, zeros, or a discard      */
    FT_DISK_KIND_FLUSH
} FtDiskKind;
typedef struct FtDiskOrder FtDiskOrder;
/* Remembers at most reads_max finished reads that the secondary has not executed. */
FtDiskOrder *ftc_disk_order_new(size_t reads_max) FT_NOEXCEPT;
void ftc_disk_order_free(FtDiskOrder *o) FT_NOEXCEPT;
/* In the order of their submission; each id once. */
void ftc_disk_order_add(FtDiskOrder *o, uint64_t id, FtDiskKind kind, uint64_t offset,
                        uint64_t bytes) FT_NOEXCEPT;
/* May this request start now? executed_seq: the secondary has executed all frames up to
 * here; UINT64_MAX without a secondary. */
bool ftc_disk_order_may_start(FtDiskOrder *o, uint64_t id, uint64_t executed_seq) FT_NOEXCEPT;
/* seq: the frame with its completion, if the secondary will read it too; else 0. */
void ftc_disk_order_finish(FtDiskOrder *o, uint64_t id, uint64_t seq) FT_NOEXCEPT;
/* Has the secondary executed every read that was finished? */
bool ftc_disk_order_reads_executed(FtDiskOrder *o, uint64_t executed_seq) FT_NOEXCEPT;

FT_API_END

#endif
