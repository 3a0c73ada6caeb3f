/* A campaign: all runs of all cells of one figure, written to one directory.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_CAMPAIGN_H
#define JEBM_APP_CAMPAIGN_H

#include "app/driver.h"
#include "app/options.h"
#include "app/progress.h"
#include "io/checkpoint.h"
#include "io/digest.h"
#include "io/table.h"

#include <jansson.h>

typedef struct jebm_campaign {
    const jebm_driver *driver;
    const jebm_options *options;
    const jebm_preset *preset;
    const char *figure;
    char *directory; /* DIR/FIGURE */
    int lock;
    json_t *inputs; /* what the driver read; NULL where it reads nothing */
    char fingerprint[JEBM_DIGEST_TEXT]; /* of everything that decides the numbers of a run */
    jebm_cell cells[JEBM_MAX_CELLS];
    size_t ncells, runs;
    size_t first, end; /* runs [first, end) of each cell are computed here: all, or a part */
    uint64_t iterations, record_every, record_first, record_until;
    double checkpoint_seconds;

    /* position: the run in progress, or the next one; step is meaningful within a run only */
    size_t cell, run;
    uint64_t step;
    void *state; /* the driver's, NULL between runs */

    jebm_table table;
    double *row; /* [ncolumns] */
    double *seconds; /* [ncells][runs] spent in each run so far */
    uint64_t *steps; /* [ncells][runs] made of each run so far */
    json_t *diverged; /* list of {method, variant, run, step, why} */
    json_t
        *merged_from; /* the parts whose runs these are, for the manifest; NULL if computed here */
    json_t *copies; /* artefacts of those parts, {from, name} each; NULL if computed here */
    char started[32];
    double earlier_seconds, began; /* of earlier processes; when this one began */
    double saved; /* when the last checkpoint was written */
    jebm_checkpoint *loaded; /* while the state of the run in progress waits to be read */
    jebm_progress progress;
} jebm_campaign;

/* Plan the cells, read the driver's inputs, check what can be checked without touching the
 * directory, take the fingerprint. Release by _free whatever the outcome.
 *
 * Errors   JEBM_EINVAL from the driver's plan, for runs that there are not, or for a run that
 * cannot fit into memory; those of the driver's inputs. */
jebm_status jebm_campaign_init(jebm_campaign *campaign, const jebm_driver *driver,
                               const jebm_options *options, const jebm_preset *preset,
                               const char *directory, jebm_error *err);
void jebm_campaign_free(jebm_campaign *campaign);

/* Are there runs that are computed elsewhere? */
bool jebm_campaign_is_part(const jebm_campaign *campaign);

/* Run what is not yet run and leave a complete directory.
 *
 *   manifest  out  that of the directory, complete; the caller's to release
 *   fresh     out  false if the directory was complete already
 *
 * A campaign to which a merge gave all rows runs nothing and is only written.
 *
 * Errors   JEBM_EINTERRUPT after SIGINT or SIGTERM, a checkpoint written; JEBM_EINVAL if the
 *          directory holds something else; JEBM_EIO. A run that diverges is no error here: it
 *          stands in the manifest. */
jebm_status jebm_campaign_run(jebm_campaign *campaign, json_t **manifest, bool *fresh,
                              jebm_error *err);

/* What is run, in words: `fig08, the released script (code), 3 cells x 5 runs`. */
void jebm_campaign_task(const jebm_campaign *campaign, char text[JEBM_PROGRESS_TEXT]);

/* The step of the row that follows the one of `step`; iterations at the end. */
uint64_t jebm_campaign_next_row(const jebm_campaign *campaign, uint64_t step);

/* The signal that interrupted the campaign, 0 if none. */
int jebm_campaign_signal(void);

/* checkpoint.h5: everything that decides the rest. The campaign must be planned (init). */
jebm_status jebm_campaign_save(jebm_campaign *campaign, jebm_error *err);
/* Read it back; where a run was in progress, its state waits for jebm_campaign_restore. A directory
 * without a checkpoint is a campaign at its beginning. */
jebm_status jebm_campaign_load(jebm_campaign *campaign, jebm_error *err);
/* Overwrite the arrays of the run that was just opened. */
jebm_status jebm_campaign_restore(jebm_campaign *campaign, jebm_error *err);

#endif
