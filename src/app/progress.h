/* What a person sees of a running campaign, on standard error.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_PROGRESS_H
#define JEBM_APP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct jebm_progress {
    const char *figure;
    bool quiet, terminal, line_open;
    uint64_t done, total; /* steps of the whole campaign */
    uint64_t first_done; /* steps that an earlier process had done */
    double started, shown;
} jebm_progress;

typedef struct jebm_progress_place {
    const char *method, *variant;
    uint64_t run, runs, step, iterations;
} jebm_progress_place;

/* done: steps that a checkpoint brought along. */
void jebm_progress_start(jebm_progress *progress, const char *figure, bool quiet, uint64_t done,
                         uint64_t total);
/* Before the first step of a run, after each step, after the last. On a terminal one line is
 * rewritten five times a second; elsewhere a line at the start and end of a run and one each
 * 30 seconds. */
void jebm_progress_begin(jebm_progress *progress, const jebm_progress_place *place);
void jebm_progress_step(jebm_progress *progress, const jebm_progress_place *place);
void jebm_progress_end(jebm_progress *progress, const jebm_progress_place *place);
/* Leave the rewritten line, so that other text may follow. */
void jebm_progress_clear(jebm_progress *progress);

#endif
