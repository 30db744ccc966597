/*
 * The session: what FT decides.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_SESSION_H
#define ACCEL_FT_API_SESSION_H

#include "accel/ft/api/base.h"

FT_API_BEGIN

/*
 * What FT decides: step(event, now) -> actions. One thread (main).
 */
typedef enum FtRole { FT_ROLE_OFF, FT_ROLE_PRIMARY, FT_ROLE_SECONDARY } FtRole;

typedef enum FtState {
    FT_STATE_OFF,          /* built in, not used                             */
    FT_STATE_WAITING,      /* secondary, no primary yet                      */
    FT_STATE_SYNCING,      /* handshake or state transfer                    */
    FT_STATE_PROTECTED,    /* both run, output is held until acked           */
    FT_STATE_EXPOSED,      /* primary without a secondary, output free       */
    FT_STATE_GOING_LIVE,   /* who goes on alone is being decided, output is
                            * held; on the secondary also: draining          */
    FT_STATE_FENCED,       /* lost the right to output, stopped for good     */
    FT_STATE_FAILED        /* secondary unusable (diverged, load error)      */
} FtState;

typedef enum FtInputKind {
    FT_IN_CONNECTED,       /* primary: log channel up, hellos agreed         */
    FT_IN_CUT_DONE,        /* primary: devices sent, log started, VM resumed */
    FT_IN_STATE_LOADED,    /* secondary: RAM + devices loaded, VM replays    */
    FT_IN_PEER_READY,      /* primary: READY received                        */
    FT_IN_ATTACH_FAILED,   /* either: text says why                          */
    FT_IN_CONNECTION_LOST, /* log channel closed or unusable; text. Secondary:
                            * value = ns until which the peer may still release
                            * under its lease (last ping received + timeout),
                            * 0 if it is known not to (it closed both)       */
    FT_IN_PEER_SILENT,     /* nothing heard for the timeout                  */
    FT_IN_PEER_GOODBYE,    /* text                                           */
    FT_IN_DIVERGED,        /* secondary: text names the first difference     */
    FT_IN_ARBITER_WON,     /* value = epoch                                  */
    FT_IN_ARBITER_LOST,    /* value = epoch                                  */
    FT_IN_ARBITER_UNREACHABLE, /* value = epoch; asked again by timer        */
    FT_IN_TIMER,           /* the timer set by FT_ACT_SET_TIMER fired        */
    FT_IN_DRAINED,         /* secondary: every received frame is consumed    */
    FT_IN_LIVE_DONE,       /* secondary: replay left, VM runs as primary     */
    FT_IN_ATTACH,          /* primary, operator or start-up: attach          */
    FT_IN_FAILOVER,        /* operator on either side                        */
    FT_IN_DETACH,          /* operator                                       */
    FT_IN_PAUSED_ACKED,    /* primary in a handover: paused, all acked and
                            * released                                       */
    FT_IN_HANDOVER,        /* secondary: HANDOVER received, value = last seq */
    FT_IN_PEER_LIVE,       /* primary in a handover: LIVE received           */
    FT_IN_PEER_STUCK,      /* primary: the secondary executes nothing; text  */
    FT_IN_STATE_RECEIVED,  /* secondary: RAM and devices have come whole; loading */
    FT_IN_GUEST_OFF,       /* either: the guest has ended here and this process
                            * goes on (-no-shutdown, a panic); text: how         */
    FT_IN_REFUSED,         /* secondary: it took no primary that came; text      */
    FT_IN__COUNT
} FtInputKind;

typedef struct FtInput {
    FtInputKind kind;
    uint64_t value;
    const char *text;      /* may be NULL; copied                            */
} FtInput;

typedef enum FtActionKind {
    FT_ACT_CONNECT,        /* primary: open log + heartbeat, then CONNECTED  */
    FT_ACT_TRANSFER,       /* primary: RAM pass and cut for epoch = value    */
    FT_ACT_CLAIM,          /* test-and-set at the arbiter, epoch = value     */
    FT_ACT_SET_TIMER,      /* one shot, value = absolute ns; replaces        */
    FT_ACT_RELEASE_ACKED,  /* from now on acked output may leave             */
    FT_ACT_RELEASE_ALL,    /* exposed: held output leaves, holding stops,
                            * recording goes to the null log                 */
    FT_ACT_DESTROY_OUTPUT, /* fenced: held output is destroyed               */
    FT_ACT_STOP_VM,        /* fenced or failed: the VM stops for good        */
    FT_ACT_DRAIN,          /* consume what was received, then DRAINED        */
    FT_ACT_GO_LIVE,        /* swap replay for record, then LIVE_DONE         */
    FT_ACT_CLOSE,          /* close both connections, after what was sent; text
                            * = goodbye reason sent first when not NULL. Ends
                            * RELEASE_ACKED at once                          */
    FT_ACT_PAUSE_VM,       /* handover: stop, flush, then PAUSED_ACKED       */
    FT_ACT_RESUME_VM,      /* handover given up: run on                      */
    FT_ACT_SEND_HANDOVER,  /* ends RELEASE_ACKED: nothing may follow it      */
    FT_ACT_SEND_LIVE,
    FT_ACT_SEND_READY,
    FT_ACT_STATE_CHANGED   /* emit FT_STATE_CHANGE; read the getters         */
} FtActionKind;

typedef struct FtAction {
    FtActionKind kind;
    uint64_t value;
    const char *text;      /* owned by the session, valid until next step    */
} FtAction;

typedef struct FtSession FtSession;
/* epoch0: the epoch to count on from (0 for a new VM). */
FtSession *ftc_session_new(FtRole role, uint64_t epoch0, uint64_t timeout_ns) FT_NOEXCEPT;
void ftc_session_free(FtSession *s) FT_NOEXCEPT;
/* Decides what the input means, sets the new state, and lists the actions in the order
 * in which they have to be done. *n <= FT_ACTIONS_MAX. An operator's input that cannot
 * be served now returns false, names the reason and changes nothing; a late or stray
 * event from outside is ignored. */
enum { FT_ACTIONS_MAX = 16 };
bool ftc_session_step(FtSession *s, const FtInput *in, uint64_t now_ns,
                      FtAction actions[FT_ACTIONS_MAX], size_t *n, FtError *err) FT_NOEXCEPT;
/* The secondary learns the epoch from the primary's first message. */
void ftc_session_set_epoch(FtSession *s, uint64_t epoch) FT_NOEXCEPT;
FtRole ftc_session_role(const FtSession *s) FT_NOEXCEPT;
FtState ftc_session_state(const FtSession *s) FT_NOEXCEPT;
uint64_t ftc_session_epoch(const FtSession *s) FT_NOEXCEPT;
const char *ftc_session_reason(const FtSession *s) FT_NOEXCEPT; /* why not protected */
const char *ftc_state_name(FtState s) FT_NOEXCEPT;              /* "protected" ...   */
const char *ftc_role_name(FtRole r) FT_NOEXCEPT;

FT_API_END

#endif
