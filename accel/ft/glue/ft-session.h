/*
 * The session core and those who carry out what it asks for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_GLUE_FT_SESSION_H
#define ACCEL_FT_GLUE_FT_SESSION_H

#include "accel/ft/glue/ft-node.h"

/* -- ft-session.c: hosts the core ------------------------------------------------- */
/* Main. Runs one step; false with the core's reason if it refused. */
bool ft_input(FtInputKind kind, uint64_t value, const char *text, Error **errp);
/* Main, at start. @act does what the core asks for. */
void ft_session_start(void (*act)(const FtAction *a));
void ft_session_set_timer(uint64_t at_ns);                     /* main        */

/* -- ft-actions.c: what the core asks for ------------------------------------------ */
void ft_actions_start(void);                                   /* main        */

/* -- ft-claim.c: an epoch of the arbiter ------------------------------------------- */
void ft_claims_start(void);                                    /* main        */
void ft_claim(uint64_t epoch);         /* main: the answer is a post          */

/* -- ft-start.c -------------------------------------------------------------------- */
void ft_start_soon(void);       /* main: the guest starts after its first attach */
void ft_start_now(void);        /* main: that came to an end, or takes too long */

/* -- ft-takeover.c ------------------------------------------------------------------ */
void ft_go_live(void);          /* main: LIVE_DONE or DIVERGED follows         */

/* -- ft-handover.c ------------------------------------------------------------------ */
void ft_stop_guest(void);                                      /* main        */
void ft_pause_for_handover(void);      /* main: PAUSED_ACKED follows          */
void ft_resume(void);                  /* main: it came to nothing            */

/* -- ft-ending.c --------------------------------------------------------------------- */
/* Main. True: @p is given to @then when this node's guest has ended, or takes too long. */
bool ft_end_with_guest(FtPosted *p, void (*then)(FtPosted *goodbye));

/* -- ft-respawn.c -------------------------------------------------------------------- */
void ft_respawn(FtState before);       /* main: exposed now                    */

/* -- ft-arbiter.c -------------------------------------------------------------------- */
/* Main, at start: from the main loop, tries what a claim will need; exits if it cannot. */
void ft_arbiter_prove_soon(void);

/* -- ft-fingerprint.c: the machine in words, to compare; the caller's to free ---------- */
char *ft_fingerprint_new(Error **errp);                        /* main        */

/* -- ft-device-allow.c ------------------------------------------------------------------ */
bool ft_check_devices(Error **errp);                           /* main        */
bool ft_replay_chardevs(Error **errp);                         /* main        */

#endif
