/*
 * A log for QEMU's record/replay that is a stream instead of a file: what the
 * owner of the log and the other parts of QEMU call. Part of system/replay.h,
 * which is the header to include.
 *
 * The code is in replay-stream*.c and icount-stream.c beside this file; the
 * patches to replay/ and accel/tcg/ are calls of it. As long as nobody has called
 * replay_use_log() all of it is inert, and replay is as it was.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_GLUE_REPLAY_STREAM_H
#define HW_FT_REPLAY_GLUE_REPLAY_STREAM_H

/* How the guest's clock (QEMU_CLOCK_VIRTUAL) goes on from an instruction. */
typedef struct ReplayGuestClock {
    int64_t step_ns;            /* it goes forward at once                  */
    uint32_t rate;              /* then so much for each instruction, in
                                   1/65536 ns; 0: by icount's shift         */
} ReplayGuestClock;

/*
 * What the owner of such a log does. Unless a comment says otherwise each is
 * called with the replay mutex held, and none may block.
 */
typedef struct ReplayLogOps {
    /*
     * Whoever records or replays an event. Integers and arrays are the fields of
     * the event last put or got. commit() ends a group of events that belong
     * together: it is called whenever the replay mutex is released after recording.
     * get_event() answers false when nothing has arrived yet. The bytes of
     * get_array() are good until the group after the next one begins.
     */
    void (*put_event)(unsigned event);
    void (*put_int)(uint64_t value);
    void (*put_array)(const uint8_t *buf, size_t size);
    void (*commit)(void);
    bool (*get_event)(unsigned *event);
    uint64_t (*get_int)(void);
    void (*get_array)(const uint8_t **buf, size_t *size);
    /* Replay does not match the log; the replica is of no more use. */
    void (*diverged)(const char *what);

    /*
     * The vCPU thread, in the order of its turn. throttle(), with no lock held, may
     * sleep while the log is not taken away. poll_input() takes what has come from
     * outside, recording as events. guest_clock() says how the guest's clock goes on,
     * by decision and into the log, or as the log says at this instruction; false: as
     * it did. turn_limit(), recording: after so many instructions the clock is to be
     * looked at. wait(), with the BQL and without the replay mutex, when there is
     * nothing to do: sleeps until kick() or, recording, until a timer of the idle
     * guest is due; false: it is due. kick() comes from any thread.
     */
    void (*throttle)(void);
    void (*poll_input)(void);
    bool (*guest_clock)(ReplayGuestClock *next);
    int64_t (*turn_limit)(void);
    bool (*wait)(void);
    void (*kick)(void);

    /*
     * At the place of an event that QEMU does not know. digest(): puts its array, or
     * gets and compares it. operator_input(): what an operator does to the guest
     * happens here, on both nodes. disk(), replaying: takes the event, or answers
     * false while this node's own disk is behind; disk_ready(), with the BQL alone:
     * would it take it now?
     */
    void (*digest)(bool full);
    void (*operator_input)(uint64_t what);
    bool (*disk)(void);
    bool (*disk_ready)(void);

    /*
     * Character devices, recording: the guest writes to a back end, which succeeds at
     * once in any case; and whoever reads there has gone.
     */
    void (*chr_write)(struct Chardev *chr, const uint8_t *buf, size_t len);
    void (*chr_closed)(struct Chardev *chr);
} ReplayLogOps;

/* -- the owner of the log ------------------------------------------------------ */

/* Record to or replay from @ops instead of a file, from start-up on. */
void replay_use_log(const ReplayLogOps *ops, ReplayMode mode);
/* Replay becomes recording where it is; everything in the log was consumed. */
void replay_go_live(void);
/* Forget what was recorded or fetched: a new log starts here. */
void replay_restart_log(void);
/* The guest puts out @len bytes with hash @hash through device @id. */
void replay_output(unsigned id, uint64_t len, uint64_t hash);
/* Recording: a digest of the machine's state belongs to this instruction. */
void replay_digest(bool full);
/* What an operator does to the guest is an event of the vCPU's next turn. */
void replay_add_operator_event(uint64_t what);
/* Recording, the vCPU stands: the log has that event at this instruction. */
void replay_operator_now(uint64_t what);

/* -- everybody ----------------------------------------------------------------- */

/* Is the log one of ReplayLogOps? */
bool replay_log_in_use(void);
/* Is the next event one that only the main loop can consume? */
bool replay_main_loop_is_next(void);

/* -- the vCPU thread ----------------------------------------------------------- */

/* Slows it down while the log is full; no lock is held. */
void replay_throttle_vcpu(void);
/* Does it execute nothing until somebody starts it? Called with the BQL held. */
bool replay_vcpu_stands(CPUState *cpu);
/* Can it sleep? Called with the BQL held. */
bool replay_vcpu_can_wait(CPUState *cpu);
/* Sleeps in its place; false when the guest's next timer is due. */
bool replay_vcpu_wait(CPUState *cpu);
/* Ends that sleep; any thread. */
void replay_vcpu_kick(void);
/* At the top of its turn: input that it reads itself. */
void replay_poll_input(void);
/*
 * With a log of ReplayLogOps the guest's clock is its instructions, at a rate and
 * with steps that are in the log. True: @next says how it goes on from here.
 */
bool replay_guest_clock(ReplayGuestClock *next);
/* Recording: how many instructions may run before the next look at the clock. */
int64_t replay_turn_limit(void);

/* -- character devices; replay-stream-stub.c answers where replay is not built -- */

/* The guest writes to a back end. True: that has succeeded, and is no event. */
bool replay_chr_write(struct Chardev *s, const uint8_t *buf, int len);
/* A back end reports a break. True: it reaches the guest by the log. */
bool replay_chr_be_break(struct Chardev *s);
/* Nobody is behind a back end any more. */
void replay_chr_closed(struct Chardev *s);
/* Has input for this device been queued that it has not got yet? */
bool replay_chr_is_behind(struct Chardev *s);

#endif
