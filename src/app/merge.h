/* Merging: the parts of a figure that --runs-from and --runs-to made, read back as the rows of one
 * campaign, which then writes what a run that was never split would have written.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_MERGE_H
#define JEBM_APP_MERGE_H

#include "app/campaign.h"
#include "io/csv.h"

typedef struct jebm_part {
    char *directory; /* where manifest.json lies */
    json_t *manifest;
    size_t first, end; /* its runs [first, end) */
    jebm_csv *csv; /* trajectory.csv */
    double *values; /* [ncolumns][rows] */
    size_t row; /* next one to take */
} jebm_part;

typedef struct jebm_merge {
    jebm_part *parts; /* [nparts] */
    size_t nparts;
} jebm_merge;

/* Find the parts of the figure: DIR/FIGURE or DIR itself for each DIR of --merge. Release by _close
 * whatever the outcome.
 *
 * Errors   JEBM_EIO if there is none, JEBM_EFORMAT if its manifest cannot be read. */
jebm_status jebm_merge_open(jebm_merge *merge, const jebm_options *options, const char *figure,
                            jebm_error *err);
void jebm_merge_close(jebm_merge *merge);

/* Scale, fidelity, seed and overrides of the first part, as if they had been given on the command
 * line. The options borrow them from the merge. */
jebm_status jebm_merge_settings(const jebm_merge *merge, jebm_options *options, jebm_error *err);

/* Check the parts against the campaign, which is planned for all runs, and against each other, and
 * give it their rows, times and diverged runs; nothing is written. jebm_campaign_run then does the
 * rest.
 *
 * Errors   JEBM_EINVAL if a part has other settings or is unfinished, if a run is in two parts or
 * in none, or if the campaign would write over a part; JEBM_EFORMAT if a file was changed, cut or
 * lacks rows. */
jebm_status jebm_merge_read(jebm_merge *merge, jebm_campaign *campaign, jebm_error *err);

#endif
