/* One claim against the stored results.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_JUDGE_H
#define JEBM_ANALYSIS_JUDGE_H

#include "claims.h"
#include "figure_data.h"
#include "tree.h"
#include "verdict.h"

typedef struct jebm_judgement {
    const jebm_claim *claim; /* borrowed */
    jebm_verdict verdict;
    jebm_direction direction;
    jebm_interval interval;
    bool has_region;
    jebm_region region;
    double *values; /* [interval.n] of the runs that count, by run index */
    size_t *runs; /* [interval.n] */
    size_t diverged; /* runs left out because they diverged */
    char scale[16]; /* empty where there are no data */
    char data[288]; /* trajectory.csv with its directory below the results, or empty */
    char sha256[JEBM_DIGEST_TEXT];
    char reason[256]; /* why not run, or which runs diverged; may be empty */
} jebm_judgement;

/* A results directory; figures are read once and kept. scale NULL: for each claim the largest
 * scale with complete data. */
typedef struct jebm_results {
    const char *directory, *scale;
    jebm_tree tree;
    struct jebm_loaded *loaded;
    size_t nloaded;
} jebm_results;

/* Find what the directory holds, jebm_tree_walk(); _free also after an error. */
jebm_status jebm_results_open(jebm_results *results, const char *directory, const char *scale,
                              jebm_error *err);
void jebm_results_free(jebm_results *results);

/* No data, or data that lack what the claim needs, are no error: the verdict is `not run` and
 * `reason` says why. Errors: what jebm_figure_data_load() returns, JEBM_ENOMEM. */
jebm_status jebm_judge(const jebm_claim *claim, jebm_results *results, jebm_judgement *judgement,
                       jebm_error *err);
void jebm_judgement_free(jebm_judgement *judgement);

#endif
