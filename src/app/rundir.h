/* The directory of a run: who may write there, and what it holds already.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_RUNDIR_H
#define JEBM_APP_RUNDIR_H

#include "app/campaign.h"

/* mkdir -p. */
jebm_status jebm_rundir_make(const char *directory, jebm_error *err);

/* Take the directory for this process until fd is closed or the process ends.
 *
 * Errors   JEBM_EIO if another process has it. */
jebm_status jebm_rundir_lock(const char *directory, int *fd, jebm_error *err);

typedef enum jebm_rundir_state {
    JEBM_RUNDIR_EMPTY,
    JEBM_RUNDIR_COMPLETE, /* with the campaign's settings, files as the manifest says */
    JEBM_RUNDIR_INCOMPLETE, /* with the campaign's settings, and --resume was given */
    JEBM_RUNDIR_REPLACE /* some run, and --force was given */
} jebm_rundir_state;

/* What the campaign's directory holds. manifest is set where the state is COMPLETE.
 *
 * Errors   JEBM_EINVAL if it holds foreign files, a run with other settings, or a run that
 *          needs --resume; JEBM_EFORMAT if its manifest or files are damaged. */
jebm_status jebm_rundir_inspect(const jebm_campaign *campaign, jebm_rundir_state *state,
                                json_t **manifest, jebm_error *err);

/* Refuse a directory that holds files, but no manifest. */
jebm_status jebm_rundir_check_foreign(const char *directory, bool *has_manifest, jebm_error *err);

/* Remove one file if it is there; remove what a replaced run left when the new trajectory.csv
 * stands in its place: summary, pictures and artefacts. */
void jebm_rundir_remove(const char *directory, const char *name);
void jebm_rundir_clear(const char *directory, const jebm_preset *preset);

#endif
