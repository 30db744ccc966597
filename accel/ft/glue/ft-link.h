/*
 * The link to the peer, for those who send by it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_GLUE_FT_LINK_H
#define ACCEL_FT_GLUE_FT_LINK_H

#include "accel/ft/glue/ft-node.h"

/* What a primary's state transfer hears from the link. */
typedef struct FtAttachListener {
    void (*sent)(void);         /* sender: what was queued is nearly sent    */
    /* Receiver: the answer to MARK, the secondary has caught up. */
    void (*caught_up)(void);
    /* Receiver: what DISK_SUMS holds, and DISK_ZEROS. */
    bool (*sums)(unsigned gen, uint64_t disk, uint64_t first, const uint8_t *data,
                 size_t len, Error **errp);
    bool (*zeros)(unsigned gen, uint64_t disk, uint64_t first, const uint8_t *data,
                  size_t len, Error **errp);
} FtAttachListener;
void ft_link_attach_listener(const FtAttachListener *listener);        /* main, at start */

/* What a secondary's hears. Receiver, but for the first one. */
typedef struct FtLoadListener {
    void (*prepare)(void);      /* any: a peer is being taken                */
    /*
     * A pipe to the loader, the caller's to close, or -1. It is full while the loader
     * is behind, and breaks when it has given up.
     */
    int (*open)(void);
    void (*devices)(GByteArray *blob);  /* takes it                          */
    /* 1 taken, 0 later, -1 bad. What DISK holds, and DISK_ZEROS. */
    int (*chunk)(unsigned gen, uint64_t disk, uint64_t offset, const uint8_t *data,
                 size_t len, Error **errp);
    int (*zeros)(unsigned gen, uint64_t disk, uint64_t first, const uint8_t *data,
                 size_t len, Error **errp);
    /* Asks for a flush behind all that was received; has it been done? */
    uint64_t (*ask_durable)(unsigned gen);
    bool (*is_durable)(uint64_t ticket);        /* or will never be: ask disk_failed */
    bool (*disk_failed)(void);  /* an image cannot be written                 */
} FtLoadListener;
void ft_link_load_listener(const FtLoadListener *listener);            /* main, at start */

void ft_link_start(void);              /* main, at start: it carries the log   */
/* Primary, main: connects in a thread; CONNECTED or ATTACH_FAILED follows. */
void ft_link_connect(const char *address);
bool ft_link_listen(const char *address, Error **errp);        /* main        */
/* Main. Sends GOODBYE first if @goodbye is set, then forgets the peer. */
void ft_link_close(const char *goodbye);
/* Main. Queues a message behind all that was queued before; takes @body. */
void ft_link_send(FtMsgType type, GByteArray *body);
/* The same with numbers in the header, and from a secondary as well. */
void ft_link_queue(FtMsgType type, uint64_t seq, uint64_t seq_last, GByteArray *body);
/* Main. What is queued and not yet written; the attach waits on it. */
size_t ft_link_queued(void);
/* Main. The same, with what the kernel has and the peer's has not acknowledged. */
size_t ft_link_under_way(void);
/* Main. From here on the log of @w goes out, under @epoch. */
void ft_link_start_log(FtLogWriter *w);
/* Main. No connection that was closed sends from its log any more, or soon? */
bool ft_link_log_is_unused(void);
void ft_link_set_epoch(uint64_t epoch);                        /* main        */
uint64_t ft_link_epoch(void);                                  /* main        */
/* Secondary, main: the state is loaded, received frames may be acked. */
void ft_link_send_ready(void);
const char *ft_link_address(void);                             /* main        */
/* Main. Waits until the secondary has all that was published, but not for long. */
void ft_link_wait_acked(void);

#endif
