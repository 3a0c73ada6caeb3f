/* What a person sees of a running campaign: on standard error, or on standard output where a
 * caller's heading makes it a log of several campaigns.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_PROGRESS_H
#define JEBM_APP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#define JEBM_PROGRESS_TEXT 256

/* What is going on, for the whole of a campaign. */
typedef struct jebm_progress_task {
    const char *figure;
    /* NULL, or what a caller of several campaigns puts in front of what this one is: `figure 5 of
     * 26`. Then there is one live line on a terminal, and elsewhere one at the start, one half-way
     * if it takes minutes, and the caller of this file writes one at the end. */
    const char *heading;
    char what[JEBM_PROGRESS_TEXT]; /* `fig08, the released script (code), 3 cells x 5 runs` */
    double afterwards; /* seconds that the caller's other campaigns will take; 0 if unknown */
    bool quiet;
    uint64_t done; /* steps that a checkpoint brought along */
    uint64_t total; /* steps of the whole campaign */
} jebm_progress_task;

typedef struct jebm_progress {
    jebm_progress_task task;
    bool terminal, line_open, half_said;
    uint64_t done, total;
    double started, shown;
} jebm_progress;

typedef struct jebm_progress_place {
    const char *method, *variant;
    uint64_t run, runs, step, iterations;
} jebm_progress_place;

void jebm_progress_start(jebm_progress *progress, const jebm_progress_task *task);
/* Before the first step of a run, after each step, after the last. On a terminal one line is
 * rewritten five times a second; elsewhere, without a heading, a line at the start and end of a run
 * and one each 30 seconds. */
void jebm_progress_begin(jebm_progress *progress, const jebm_progress_place *place);
void jebm_progress_step(jebm_progress *progress, const jebm_progress_place *place);
void jebm_progress_end(jebm_progress *progress, const jebm_progress_place *place);
/* Seconds as a person says them: 42s, 3m05s, 2h10m, 3d04h. */
void jebm_duration(double seconds, char text[32]);
/* Leave the rewritten line, so that other text may follow. */
void jebm_progress_clear(jebm_progress *progress);

#endif
