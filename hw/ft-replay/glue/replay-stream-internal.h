/*
 * A log that is a stream: what the files of replay/ call in replay-stream*.c. Part
 * of replay/replay-internal.h, which is the header to include.
 *
 * All are called with the replay mutex held, unless a comment says otherwise. With
 * a log in a file each does nothing, or answers that the caller has to do its work.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_GLUE_REPLAY_STREAM_INTERNAL_H
#define HW_FT_REPLAY_GLUE_REPLAY_STREAM_INTERNAL_H

/* The log that is used instead of the file, or NULL. */
extern const ReplayLogOps *replay_log;

/* Is there a log of either kind? */
static inline bool replay_log_active(void)
{
    return replay_file || replay_log;
}

/* -- fields of events: true if the stream took or gave them ---------------------- */

bool replay_log_put_event(unsigned event);
bool replay_log_put(uint64_t value);
bool replay_log_put_array(const uint8_t *buf, size_t size);
/* 0 without a stream. */
uint64_t replay_log_get(void);
/* At most *@size bytes are copied to @buf. */
bool replay_log_get_array(uint8_t *buf, size_t *size);
bool replay_log_get_array_alloc(uint8_t **buf, size_t *size);
/* *@buf stays the log's, see ReplayLogOps.get_array. */
bool replay_log_borrow_array(uint8_t **buf, size_t *size);

/* -- the head of the log --------------------------------------------------------- */

/* Reads the next event into replay_state, if there is one and none is unread. */
bool replay_log_fetch(void);
/* The same where all instructions before it have been executed. */
void replay_log_look(void);
/* Is the event at the head, if there is one, the main loop's? BQL is enough. */
bool replay_log_is_main_loops(void);
/* The two threads hand the log to each other: wakes the one whose event is next. */
void replay_log_wake_next(void);
/* Consumes the events at the head that QEMU does not know. False: a disk is behind. */
bool replay_log_take_own_events(void);

/* -- groups of events ------------------------------------------------------------- */

/* Recording: a group ends here. */
void replay_log_commit(void);
/* Any thread, replay mutex not held: it has to wait for the replay mutex. */
void replay_log_mutex_is_wanted(void);
/* Does the vCPU thread consume the event of its own turn, and needs no kick? */
bool replay_log_needs_no_kick(void);
/*
 * Recording, the vCPU thread reads what has come from outside: an event of @kind that
 * it has just read need not be queued. True: its fields are to be put now.
 */
bool replay_log_takes_event_now(ReplayAsyncEventKind kind);

/* -- exceptions --------------------------------------------------------------------- */

/* True: this exception of the guest needs no event. */
bool replay_log_exception(void);
/* Recording, before another event: those exceptions that it must not precede. */
void replay_log_put_exceptions(void);
/* Another log begins. */
void replay_log_forget_exceptions(void);

/* -- character devices --------------------------------------------------------------- */

/* Recording: input for @chr has been queued. */
void replay_log_chr_queued(Chardev *chr);
/*
 * Queued or logged input of @len bytes reaches @chr, or nobody if that is NULL. True:
 * there are no characters, and the device has been told of the break that this means.
 */
bool replay_log_chr_arrives(Chardev *chr, size_t len);

#endif
