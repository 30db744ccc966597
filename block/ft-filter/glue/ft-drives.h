/*
 * The guest's drives, as the other wings see them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef BLOCK_FT_FILTER_GLUE_FT_DRIVES_H
#define BLOCK_FT_FILTER_GLUE_FT_DRIVES_H

#include "accel/ft/glue/ft-node.h"

/* -- ft-disk-setup.c, -table.c, -request.c, -complete.c, -drain.c: the drives ------- */
typedef struct FtDiskStats {
    const char *name;
    uint64_t in_flight, copy_left;      /* now                              */
    uint64_t reads, writes, flushes, errors, read_bytes, written_bytes;
    uint64_t held;              /* now: requests that wait for an ack       */
    bool open;                  /* this node has the image open for writing */
    uint64_t copied_bytes;      /* at the last attach, sent to the secondary */
} FtDiskStats;
bool ft_disks_add(Error **errp);                               /* main        */
/* Main. Adds lines about the drives to the fingerprint. */
void ft_disks_describe(GPtrArray *lines);
/* Main, at the cut, on both, nothing in flight: requests count from 0 again. */
void ft_disk_begin(void);
void ft_disk_go_live(void);    /* main: replay has just become recording      */
unsigned ft_disk_in_flight(void);      /* BQL: requests the guest waits for   */
void ft_disk_look(void);       /* main, RL: before it waits                    */
bool ft_disk_event(void);              /* replay/: the next event is DISK     */
bool ft_disk_event_ready(void);        /* replay/: would it be taken now?     */
/* Secondary, any: a completion of a later frame was read, but not carried out. */
uint64_t ft_disk_executed_limit(void);
/* -- ft-disk-io.c: answers of the host's disks ------------- */
bool ft_io_ready(void);                                        /* any         */
/* vCPU or main, BQL, recording RL as well: takes all that there are. */
void ft_io_look(void);
/* Main: until it is over the main loop takes them, whatever the vCPU does. */
void ft_io_main_looks(bool on);
/* -- ft-disk-image.c: who has it open ---------------------- */
/* Main. Opens all images for writing, however long that takes, then calls. */
void ft_images_open_then(void (*then)(void));
void ft_images_close(void);            /* main: as soon as nothing is in flight  */
const char *ft_images_wait_for(void);  /* main: what an opening waits for, or NULL */
/* Secondary, a primary has come, any thread: does it have them open? */
bool ft_images_check_peer(Error **errp);
/* Secondary, main: its guest will run soon. */
bool ft_images_load_begin(Error **errp);
/* -- ft-disk-copy.c: their images at an attach ----------- */
/* Primary. @moves is called for each step. */
void ft_copy_begin(void (*moves)(void));
void ft_copy_abort(void);                                      /* primary     */
uint64_t ft_copy_left(void);           /* primary: bytes still to be looked at */
uint64_t ft_copy_few(void);            /* primary: so little can wait for the cut */
/* Primary: answers to writes that are delayed for the copy go on (ft-disk-pace.c). */
void ft_copy_hurry(void);
bool ft_copy_told_all(void);           /* primary: what the secondary holds is known */
bool ft_copy_sends(void);              /* primary: something was sent a moment ago */
/*
 * Primary, at the cut, nothing in flight: sends the rest, within @allowed_ns. NULL, or why
 * it could not; the caller's to free.
 */
char *ft_copy_finish(uint64_t allowed_ns);
/* Primary, receiver thread: what DISK_SUMS holds, and DISK_ZEROS. */
bool ft_copy_sums(unsigned gen, uint64_t disk, uint64_t first, const uint8_t *data,
                  size_t len, Error **errp);
bool ft_copy_told_zeros(unsigned gen, uint64_t disk, uint64_t first, const uint8_t *data,
                        size_t len, Error **errp);
/* -- ft-disk-load.c: the secondary's side of it ------------- */
/* Secondary, main. @fails is called when it comes to nothing later, with a sentence. */
bool ft_copy_load_begin(void (*fails)(const char *what), Error **errp);
void ft_copy_load_abort(void);                                 /* secondary   */
/* Secondary, receiver thread: 1 taken, 0 later, -1 bad. What DISK holds, and DISK_ZEROS. */
int ft_copy_receive(unsigned gen, uint64_t disk, uint64_t offset, const uint8_t *data,
                    size_t len, Error **errp);
int ft_copy_receive_zeros(unsigned gen, uint64_t disk, uint64_t first, const uint8_t *data,
                          size_t len, Error **errp);
/* Secondary, receiver thread: asks for a flush behind all that was received. */
uint64_t ft_copy_ask_durable(unsigned gen);
bool ft_copy_is_durable(uint64_t ticket);       /* or will never be: ask has_failed */
bool ft_copy_has_failed(void);         /* secondary, any: an image cannot be written */

/* Main. NULL behind the last one. */
const FtDiskStats *ft_disk_stats(unsigned i);

#endif
