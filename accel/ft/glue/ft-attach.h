/*
 * State transfer: the primary attaches a secondary, and the secondary loads its state.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_GLUE_FT_ATTACH_H
#define ACCEL_FT_GLUE_FT_ATTACH_H

#include "accel/ft/glue/ft-node.h"
#include "qapi/qapi-types-migration.h"

void ft_attach_start(void);             /* main, at start                       */
void ft_load_start(void);               /* main, at start                       */
void ft_attach_begin(uint64_t epoch);                          /* primary     */
void ft_attach_abort(void);                                    /* primary     */
void ft_attach_done(void);                   /* primary: the secondary is ready */
bool ft_attach_active(void);                 /* primary, main: until the cut    */
bool ft_attach_drives_first(void);           /* primary, main: memory waits     */
void ft_load_begin(void);                                      /* secondary   */
void ft_load_abort(void);                                      /* secondary   */

/* -- ft-attach-stream.c: what is sent of the memory; primary, main ---------------------- */
bool ft_stream_open(size_t bytes, Error **errp);
struct QEMUFile *ft_stream_file(void);
void ft_stream_flush(void);     /* hands what was written to the sender        */
void ft_stream_close(MigrationStatus end);
void ft_attach_fail(const char *what);
void ft_attach_be_patient(void);        /* the cut is over: is it loaded soon? */

/* -- ft-cut.c; primary, main ---------------------------------------------------------- */
void ft_cut(void);
/*
 * The guest asked for a reset or its end, and the main loop has not come to it. Cut
 * now, the log would have the main loop's part of it and the secondary no request.
 */
bool ft_main_loop_owes(void);
uint64_t ft_cut_devices_bytes(void);    /* what they took at the last one       */

/* -- ft-devices.c; main, VM stopped ---------------------------------------------------- */
GByteArray *ft_save_devices(void);
bool ft_restore_devices(const GByteArray *blob);       /* what the former made */
void ft_settle_cpu(void);       /* what a restore has left for the vCPU thread */

#endif
