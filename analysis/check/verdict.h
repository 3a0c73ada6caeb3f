/* From the numbers of some runs to a verdict, and which of two verdicts is worse.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_VERDICT_H
#define JEBM_ANALYSIS_VERDICT_H

#include "claims.h"

#include <stdbool.h>
#include <stddef.h>

/* code, text; best to worst, the first two being equally good */
#define JEBM_VERDICT_LIST(X)                     \
    X(JEBM_VERDICT_EXACT, "exact")               \
    X(JEBM_VERDICT_WITHIN, "within")             \
    X(JEBM_VERDICT_SCALED, "scaled")             \
    X(JEBM_VERDICT_UNDERPOWERED, "underpowered") \
    X(JEBM_VERDICT_NOT_RUN, "not run")           \
    X(JEBM_VERDICT_DEVIATES, "deviates")

typedef enum jebm_verdict {
#define JEBM_X(code, text) code,
    JEBM_VERDICT_LIST(JEBM_X)
#undef JEBM_X
} jebm_verdict;

/* What a claim measured at reduced size points to; best to worst. */
#define JEBM_DIRECTION_LIST(X)           \
    X(JEBM_DIRECTION_NONE, "")           \
    X(JEBM_DIRECTION_HOLDS, "holds")     \
    X(JEBM_DIRECTION_UNCLEAR, "unclear") \
    X(JEBM_DIRECTION_FAILS, "does not hold")

typedef enum jebm_direction {
#define JEBM_X(code, text) code,
    JEBM_DIRECTION_LIST(JEBM_X)
#undef JEBM_X
} jebm_direction;

/* Mean over runs with its 95 % Student-t interval; low and high are NaN where n < 2, and the mean
 * too where n = 0. */
typedef struct jebm_interval {
    size_t n;
    double mean, low, high;
} jebm_interval;

#define JEBM_CONFIDENCE 0.95

jebm_interval jebm_interval_over_runs(const double *values, size_t n);

/* How an interval lies to a region: HOLDS inside, FAILS apart from it, UNCLEAR otherwise or where
 * there is no interval. */
jebm_direction jebm_interval_against(const jebm_interval *interval, const jebm_region *region);

/* The verdict of a claim of this kind; published: measured at the paper's size. */
jebm_verdict jebm_verdict_of(jebm_claim_kind kind, jebm_direction direction, bool published);

const char *jebm_verdict_text(jebm_verdict verdict);
const char *jebm_direction_text(jebm_direction direction);
/* The value of a text; false where there is none. */
bool jebm_verdict_parse(const char *text, jebm_verdict *verdict);
bool jebm_direction_parse(const char *text, jebm_direction *direction);

/* Is `now` worse than `before`? Order: exact = within > scaled > underpowered > not run > deviates;
 * two scaled ones go by direction. */
bool jebm_verdict_is_worse(jebm_verdict now, jebm_direction now_direction, jebm_verdict before,
                           jebm_direction before_direction);

#endif
