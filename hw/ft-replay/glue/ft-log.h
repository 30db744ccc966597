/*
 * The log under replay/, for the other wings: recording, replaying, the lag, the guest's
 * clock, the vCPU thread's sleep, digests and consoles.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_GLUE_FT_LOG_H
#define HW_FT_REPLAY_GLUE_FT_LOG_H

#include <poll.h>
#include "accel/ft/glue/ft-node.h"
#include "chardev/char.h"

/* -- ft-log-ops.c: the log under replay/ ------------------------------------------- */
void ft_log_setup(bool secondary);                             /* main        */

/* -- ft-event-numbers.c -------------------------------------------------------------- */
void ft_event_numbers_setup(void);
uint8_t ft_event_to_wire(unsigned event);
unsigned ft_event_from_wire(uint8_t wire);      /* EVENT_COUNT: not known    */

/* Who carries the log between the nodes; recording and replaying each know of one. */
typedef struct FtLogCarrier {
    /* vCPU, RL or BQL: sends what is in it at once. False: wake the sender thread. */
    bool (*send_now)(FtLogWriter *w);
    /* Secondary, RL: the primary waits for what was executed: tell it now. */
    void (*report)(void);
    bool (*is_over)(void);      /* secondary, BQL: no frame will follow      */
} FtLogCarrier;

/* -- ft-record.c ---------------------------------------------------------------------- */
void ft_record_carrier(const FtLogCarrier *carrier);           /* main, at start */
bool ft_record_is_on(void);                                    /* any         */
/* Main, VM stopped. Recording goes to @w from now on; NULL: nowhere. */
void ft_log_record_to(FtLogWriter *w, QemuEvent *wake);
void ft_log_put_event_op(unsigned event);                      /* RL          */
void ft_log_put_int_op(uint64_t value);                        /* RL          */
void ft_log_put_array_op(const uint8_t *buf, size_t size);     /* RL          */
void ft_log_commit_op(void);                                   /* RL          */
void ft_log_flush(void);                                       /* RL or BQL   */
bool ft_log_is_silent(uint64_t now_ns);                        /* RL          */
void ft_log_sleeps_until(int64_t until_ns);                    /* vCPU, BQL   */
uint64_t ft_log_next_seq(void);                                /* RL          */
size_t ft_log_backlog(void);                                   /* any         */
/*
 * RL. May the ring take more, with so much in it? If not, @tell is called once it
 * may, by any thread. It is the same function in each call.
 */
bool ft_log_has_room(size_t most, void (*tell)(void));
void ft_log_taken(void);        /* sender: frames have left the ring           */
uint64_t ft_log_lag_instructions(void);                        /* any         */
/* Primary, main: what was executed until now is on its way to the secondary. */
void ft_log_publish(void);
/* RL: the same, if much was recorded; between two events. */
void ft_log_commit_large(void);

/* -- ft-replay.c ------------------------------------------------------------------------ */
void ft_replay_setup(void);                                    /* secondary, main */
void ft_replay_carrier(const FtLogCarrier *carrier);           /* main, at start */
/* Main. Replay reads from @r from now on. */
void ft_log_replay_from(FtLogReader *r);
bool ft_replay_is_on(void);                                    /* RL          */
FtLogReader *ft_log_reader(void);
bool ft_log_get_event_op(unsigned *event);                     /* RL          */
uint64_t ft_log_get_int_op(void);                              /* RL          */
void ft_log_get_array_op(const uint8_t **buf, size_t *size);   /* RL          */
void ft_log_arrived(void);                                     /* any         */
/* Secondary, RL: as soon as this frame is executed the primary is told. */
void ft_log_report_frame(void);
void ft_log_drain(void);               /* main: DRAINED follows when all is read */
/* Secondary, main: the guest has come to the end of the log. */
bool ft_log_is_done(void);
/* Secondary, RL: all that ever came is consumed, and no more will come. */
bool ft_log_has_ended(void);
void ft_log_diverged(const char *what);                        /* RL          */
/* RL. What a difference that replay/ finds is about: a drive, or NULL again. */
void ft_log_about(const char *drive);
bool ft_log_readable(void);       /* BQL: replay would get an event now        */
/* Main, RL. Is all of the log executed? Then this node need not replay any more. */
bool ft_replay_may_end(Error **errp);
void ft_replay_end(void);                                      /* main, RL    */

/* -- ft-log-count.c ----------------------------------------------------------------------- */
void ft_log_count_from_here(void);     /* main, RL: the cut                    */
void ft_log_count(uint64_t last_seq, size_t bytes);            /* any         */
uint64_t ft_log_bytes(void);                                   /* any         */
uint64_t ft_log_frames(void);                                  /* any         */
uint64_t ft_log_executed_icount(void);  /* any: instructions since the cut */

/* -- ft-lag.c ------------------------------------------------------------------------------- */
void ft_lag_setup(void);                                       /* main        */
void ft_lag_restart(void);              /* RL: a log begins                    */
void ft_lag_committed(uint64_t seq, uint64_t now_ns);  /* RL: the frame is in the ring */
uint64_t ft_log_lag_ns(void);                                  /* any         */
uint64_t ft_lag_to_come_ns(uint64_t now_ns);                   /* vCPU        */
void ft_lag_count(uint64_t lag_ns);                            /* vCPU        */
bool ft_log_lag_bin(size_t *at, uint64_t *upto, uint64_t *count);   /* any    */
void ft_lag_slowed(uint64_t ns);        /* vCPU: it has waited for so long     */
uint64_t ft_log_slowed_ns(void);                               /* any         */

/* -- ft-throttle.c ---------------------------------------------------------------------------- */
void ft_log_throttle_op(void);                                 /* vCPU, no lock */

/* -- ft-nap.c: the vCPU thread's sleep ---------------------------------------------------------- */
#define FT_NAP_FDS_MAX 64
/* What ends the sleep of a node that records. vCPU, BQL. */
typedef struct FtNapSource {
    bool (*ready)(void);        /* something is there: no sleep              */
    /* Adds descriptors, and is told afterwards what came of them; may be NULL. */
    unsigned (*begin)(struct pollfd *fds);
    void (*end)(const struct pollfd *fds, unsigned n);
} FtNapSource;
void ft_nap_source(const FtNapSource *source);  /* main, at start; one has descriptors */
bool ft_nap_has_work(void);
unsigned ft_nap_watch(struct pollfd *fds);
void ft_nap_watched(const struct pollfd *fds, unsigned n);
/* vCPU, no lock. @until_ns: CLOCK_MONOTONIC, or 0 for no end. @fds[0] is for the kick. */
void ft_nap(struct pollfd *fds, unsigned n, uint64_t until_ns);
void ft_nap_end(void);                                         /* any         */
bool ft_has_napped(void);              /* vCPU: since it was asked last       */

/* -- ft-clock.c: the guest's time ------------------------------------------------------------------ */
void ft_clock_setup(void);                                     /* main        */
bool ft_clock_op(ReplayGuestClock *next);                      /* vCPU, RL    */
int64_t ft_clock_turn_limit_op(void);                          /* vCPU, RL    */
bool ft_clock_wait_op(void);                                   /* vCPU, BQL   */
void ft_clock_live(void);              /* main: this node decides from now on  */
void ft_clock_stops(bool stops);       /* RL + BQL: the guest does not see this time */
int64_t ft_clock_behind_ns(void);                              /* main        */
uint64_t ft_clock_steps(void);                                 /* any         */

/* -- ft-digest.c: proof of equality ------------------------ */
/* Main, at the cut, on both: the next log is accompanied by digests. */
void ft_digest_begin(void);
void ft_digest_end(void);                                      /* main        */
/* Main. Puts a digest into the log. @full: hash all RAM again. */
bool ft_digest_take(bool full, Error **errp);
void ft_digest_event(bool full);       /* replay/: behind the DIGEST event    */
/* Primary: made, secondary: found equal, since the cut. */
uint64_t ft_digest_count(void);                                /* main        */
uint64_t ft_digest_last_ns(void);      /* how long the last one took          */
const FtDigest *ft_digest_last(void);                          /* main        */

/* -- ft-console.c: what the guest writes to character devices - */
void ft_console_write(Chardev *chr, const uint8_t *buf, size_t len);   /* BQL   */
void ft_console_closed(Chardev *chr);                          /* BQL         */
/* BQL. Bytes that no back end took: it was full for too long, or failed. */
uint64_t ft_console_dropped(void);

#endif
