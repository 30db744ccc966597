/*
 * What the glue files of FT's block filter share with each other.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef BLOCK_FT_FILTER_GLUE_FT_DISK_H
#define BLOCK_FT_FILTER_GLUE_FT_DISK_H

#include "accel/ft/glue/ft-node.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "block/block_int.h"
#include "qemu/coroutine.h"
#include "qemu/queue.h"
#include "qemu/units.h"

#define FT_DISKS_MAX 64
/* With ft-disk=shared requests are cut into such pieces: an event's data. */
#define FT_PIECE_BYTES (1 * MiB)

typedef enum FtDiskOp {
    FT_DISK_READ, FT_DISK_WRITE, FT_DISK_ZEROES, FT_DISK_DISCARD, FT_DISK_FLUSH
} FtDiskOp;

/* What becomes of a request with ft-disk=shared. */
typedef enum FtTurn {
    FT_TURN_WAIT,               /* not decided yet                          */
    FT_TURN_DO,                 /* it goes to the image now                 */
    FT_TURN_ANSWERED,           /* its result is known without that         */
    FT_TURN_LOGGED              /* the primary has done it and logged that  */
} FtTurn;

typedef struct FtDisk FtDisk;

/* It lives on the stack of its coroutine. */
typedef struct FtDiskRequest {
    FtDisk *disk;
    uint64_t id;
    FtDiskOp op;
    int64_t offset, bytes;
    BdrvRequestFlags flags;
    uint8_t *buf;               /* bounce buffer of a read or a write       */
    Coroutine *co;
    int ret;                    /* here; from its event on: the log's       */
    uint64_t hash;
    bool done;                  /* our image has answered, or is not asked  */
    bool event_came;            /* of its completion, in the log            */
    QTAILQ_ENTRY(FtDiskRequest) next;
    QTAILQ_ENTRY(FtDiskRequest) next_answered;
    /* ft-disk=shared */
    uint64_t seq;               /* done when this frame is acked; 0: at once */
    FtTurn turn;
    bool ordered;               /* the drive's order knows it               */
    bool again;                 /* secondary: read once more                */
    bool read_again;            /* it was                                   */
    bool reissue;               /* we went live before its event came       */
    QTAILQ_ENTRY(FtDiskRequest) next_held;
} FtDiskRequest;

/* The image of a drive, as this node has it with ft-disk=shared. */
typedef enum FtImage {
    FT_IMAGE_OPEN,              /* for writing, with its locks              */
    FT_IMAGE_ASLEEP,            /* secondary: the peer's, no locks          */
    FT_IMAGE_CLOSED             /* it was ours                              */
} FtImage;

/* One drive of the guest: the filter node above its image. Main, BQL. */
struct FtDisk {
    unsigned id;                /* the same on both nodes                   */
    char *name;                 /* as the user knows it                     */
    char *path;                 /* of its device                            */
    BlockBackend *blk;          /* the device's                             */
    BlockDriverState *bs;       /* the filter                               */
    int64_t bytes;
    uint64_t next_request;      /* counts from 0 at each cut                */
    bool write_cache;           /* the guest has switched it on; part of the device state */
    unsigned in_flight;         /* requests that the guest waits for        */
    QTAILQ_HEAD(, FtDiskRequest) requests;      /* oldest first             */
    uint64_t writing;           /* bytes of writes that the image has not done */
    FtCopyMap *copy;            /* primary, of the image, during an attach  */
    unsigned delayed;           /* completions that ft-disk-pace.c delays   */
    uint64_t copy_reach;        /* so many chunks are looked at next        */
    uint64_t copy_round;        /* which round through the map is under way */
    uint64_t copy_round_ns;     /* when it began                            */
    FtDiskStats stats;
    /* ft-disk=shared */
    FtImage image;
    char *lock_path;            /* secondary: what the primary must have locked */
    BlockDriverState *tables;   /* qcow2, whose tables must not stay in memory */
    FtDiskOrder *order;
    unsigned reissuing;         /* requests of before we went live          */
    QTAILQ_HEAD(, FtDiskRequest) owed;  /* writes that a reset left behind  */
    unsigned owed_count;        /* in the list or under way                 */
    bool owing;                 /* a coroutine does them                    */
};

extern FtDisk ft_disks[FT_DISKS_MAX];
extern unsigned ft_disks_count;

/* What the filter node keeps. */
typedef struct FtDiskState {
    FtDisk *disk;
    bool asleep;                /* the image below is the peer's            */
} FtDiskState;
extern BlockDriver ft_filter_driver;    /* ft-disk-driver.c                  */

/* -- ft-disk-table.c: the drives -- */
const char *ft_disk_op_name(FtDiskOp op);
bool ft_disk_follows_log(void); /* does the guest depend on an event of the log? */
bool ft_disk_changes(const FtDiskRequest *r);    /* the image             */
bool ft_disk_logs_data(const FtDiskRequest *r);
void ft_disk_drain_soon(void);  /* a drain waits: look what can be done      */
void ft_disk_drained_by(QEMUBHFunc *drain);     /* at start-up               */

/* -- ft-disk-do.c: at the image -- */
int coroutine_fn GRAPH_RDLOCK ft_disk_do(BlockDriverState *bs, FtDiskRequest *r);
uint64_t ft_disk_hash(const FtDiskRequest *r);
bool ft_disk_is_used(void);
/* Written at start: called when the last request has left the images. */
void ft_disk_unused_listener(void (*unused)(void));

/* -- ft-disk-io.c: to the images and back, without the main loop -- */
bool ft_io_setup(Error **errp);
/* Has the image done what @r says. Goes on where the guest may see the answer. */
int coroutine_fn GRAPH_RDLOCK ft_io_do(FtDiskRequest *r);
/* Any thread: there is something to take. */
void ft_io_tell(void);
/* Continues @r in its own AioContext. */
void coroutine_fn ft_io_turn(FtDiskRequest *r);
/* Written at start: called where answers were taken. */
void ft_io_listener(void (*after)(void));

/* -- ft-disk-image.c: who has the image open -- */
bool ft_image_check(FtDisk *d, Error **errp);   /* at start-up               */
bool ft_image_setup(FtDisk *d, Error **errp);   /* its filter is in place    */
bool ft_image_begins_asleep(void);
void ft_image_reads(int more);   /* secondary: a read of its own begins, or ends */

/* -- ft-disk-complete.c: completions by the log -- */
void ft_disk_log(FtDiskRequest *r);     /* recording: it belongs to this instruction */
/* Secondary: its image has answered, and the log may wait for that. */
void ft_disk_answered(FtDiskRequest *r);
void ft_disk_unload_head(void);
/* The log says nothing any more: this node's own image's answers count. */
void ft_disk_release_done(void);

/* -- ft-disk-shared.c: requests to an image that both nodes use -- */
/* A request begins: what is to be done with it? Returns when that is known. */
FtTurn coroutine_fn GRAPH_RDLOCK ft_shared_begin(BlockDriverState *bs, FtDiskRequest *r);
/* Its completion is in the log, in this frame, or in none (0). */
void ft_shared_finished(FtDiskRequest *r, uint64_t seq);
/* Before the data of a read enter the log. */
void coroutine_fn ft_shared_wait_for_log(FtDiskRequest *r);
void ft_shared_go_live(void);
void ft_shared_restart(void);   /* at the cut                                */
void ft_shared_drain(void);     /* main or vCPU: nobody waits for held requests */
void ft_shared_destroy(void);   /* main: what is held or owed is never done   */
void ft_shared_init(FtDisk *d);

/* -- ft-disk-request.c: a request's life -- */
int coroutine_fn GRAPH_RDLOCK ft_disk_request(BlockDriverState *bs, FtDiskRequest *r);

/* -- ft-disk-drain.c -- */
void ft_disk_drain_setup(void);
void ft_filter_drain_begin(BlockDriverState *bs);
void ft_filter_drain_end(BlockDriverState *bs);

/* -- ft-disk-look.c: what an image holds, for the copy at an attach -- */
/* How long a coroutine has kept the main loop; it sleeps before that is too much. */
typedef struct FtSlice {
    bool guest;                 /* one runs, and needs the locks            */
    uint64_t busy_ns, since_ns;
    QemuCoSleep sleep;
} FtSlice;
void ft_slice_begin(FtSlice *s, bool guest);
void coroutine_fn ft_slice_step(FtSlice *s);

/* So many chunks are read and hashed at once. */
#define FT_LOOK_CHUNKS 16
typedef struct FtLook {
    uint64_t first, n;          /* chunks that were looked at               */
    bool zeros;                 /* all of them, and they were not read      */
    /* if not */
    int64_t bytes;
    uint8_t *buf;
    uint64_t sums[FT_LOOK_CHUNKS];
} FtLook;
FtLook *ft_look_new(void);
void ft_look_free(FtLook *l);
/* At the chunks from @first on, at most @max and at least one. A negative errno. */
int coroutine_fn ft_look(FtLook *l, FtDisk *d, uint64_t first, uint64_t max);
static inline const uint8_t *ft_look_chunk(const FtLook *l, uint64_t i)
{
    return l->buf + i * FT_DISK_CHUNK_BYTES;
}
static inline int64_t ft_look_chunk_bytes(const FtLook *l, uint64_t i)
{
    return MIN(l->bytes - (int64_t)(i * FT_DISK_CHUNK_BYTES), FT_DISK_CHUNK_BYTES);
}
/* The length of @n chunks from @first on, which the image's end may cut. */
int64_t ft_chunks_bytes(const FtDisk *d, uint64_t first, uint64_t n);
uint64_t ft_disk_chunks(const FtDisk *d);

/* -- ft-disk-copy.c -- */
/* There is nothing to copy: no drives, or both nodes use the same images. */
bool ft_copies_nothing(void);

/* -- ft-disk-pace.c: delays the guest's writes while they are copied -- */
void ft_pace_begin(unsigned drives);
void ft_pace_end(void);         /* after the maps are freed; wakes the delayed */
void ft_pace_looked_at_all(void);       /* each chunk was compared once      */
/* The copy has read @bytes in the last @ns, its waits for the link included. */
void ft_pace_copied(uint64_t bytes, uint64_t ns);
/* True: @left is more than @few and does not shrink, the guest writes too much. */
bool ft_pace_is_hopeless(uint64_t left, uint64_t few);
/* The reason, in *why; returns the number of the drive that was written to most. */
unsigned ft_pace_why(uint64_t left, FtError *why);
/* A write of the guest to this range has reached the image. Delays its completion if
 * the copy cannot keep up. */
void coroutine_fn ft_pace_write(FtDisk *d, int64_t offset, int64_t bytes);

#endif
