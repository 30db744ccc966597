/*
 * What the glue files of FT's block filter share with each other.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef BLOCK_FT_FILTER_GLUE_FT_DISK_H
#define BLOCK_FT_FILTER_GLUE_FT_DISK_H

#include "accel/ft/glue/ft-node.h"
#include "block/block_int.h"
#include "qemu/queue.h"

#define FT_DISKS_MAX 64

typedef struct FtDiskRequest FtDiskRequest;

/* One drive of the guest: the filter node above its image. Main, BQL. */
typedef struct FtDisk {
    unsigned id;                /* the same on both nodes                   */
    char *name;                 /* as the user knows it                     */
    char *path;                 /* of its device                            */
    BlockBackend *blk;          /* the device's                             */
    BlockDriverState *bs;       /* the filter                               */
    int64_t bytes;
    uint64_t next_request;      /* counts from 0 at each cut                */
    bool write_cache;           /* in the device state: has the guest one on */
    unsigned in_flight;         /* the guest waits for so many              */
    QTAILQ_HEAD(, FtDiskRequest) requests;      /* oldest first             */
    FtCopyMap *copy;            /* primary, of the image, during an attach  */
    FtDiskStats stats;
} FtDisk;

extern FtDisk ft_disks[FT_DISKS_MAX];
extern unsigned ft_disks_count;

/* A write of the guest to this range has reached the image. */
void ft_copy_written(FtDisk *d, int64_t offset, int64_t bytes);
/* Delays the completion of a write while the copy cannot keep up. */
void coroutine_fn ft_copy_slow_down(FtDisk *d);

#endif
