/* The verdicts counted: one line a figure, the paper's own claims apart from ours.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_SUMMARY_H
#define JEBM_ANALYSIS_SUMMARY_H

#include "app/preset.h"
#include "judge.h"

#include <stdio.h>

/* What a verdict comes to, whatever the scale. */
#define JEBM_STANDING_LIST(X)               \
    X(JEBM_STANDING_HOLDS, "holds")         \
    X(JEBM_STANDING_UNCLEAR, "unclear")     \
    X(JEBM_STANDING_FAILS, "does not hold") \
    X(JEBM_STANDING_NOT_RUN, "not run")

typedef enum jebm_standing {
#define JEBM_X(code, text) code,
    JEBM_STANDING_LIST(JEBM_X)
#undef JEBM_X
        JEBM_NSTANDINGS
} jebm_standing;

const char *jebm_standing_text(jebm_standing standing);
jebm_standing jebm_standing_of(jebm_verdict verdict, jebm_direction direction);

/* Claims of one figure by their standing. */
typedef struct jebm_tally {
    char figure[32];
    size_t paper[JEBM_NSTANDINGS], ours[JEBM_NSTANDINGS];
    size_t after; /* of all these, those that were written after the runs */
    bool scales[JEBM_NSCALES]; /* at which of jebm_scales they were judged */
} jebm_tally;

/* One tally a figure in the order of the claims, then their sum, whose figure is "all"; *tallies
 * [*n] is the caller's to free. Errors: JEBM_ENOMEM. */
jebm_status jebm_summary_count(const jebm_judgement *list, size_t nlist, jebm_tally **tallies,
                               size_t *n, jebm_error *err);

/* A line a figure, of at most 100 columns. Errors: JEBM_ENOMEM. */
jebm_status jebm_summary_print(FILE *out, const jebm_judgement *list, size_t n, jebm_error *err);

/* The same as a table in Markdown, in a file that appears whole or not at all. Errors: JEBM_ENOMEM,
 * JEBM_EIO. */
jebm_status jebm_summary_markdown(const char *path, const jebm_judgement *list, size_t n,
                                  jebm_error *err);

#endif
