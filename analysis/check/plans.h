/* Claims against what runs would leave, as the drivers' --plan prints it: no run is needed to see
 * that a claim can never be answered at some scale.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_PLANS_H
#define JEBM_ANALYSIS_PLANS_H

#include "claims.h"
#include "figure_data.h"

#include <stdio.h>

typedef struct jebm_plans {
    jebm_figure_data *list; /* [n] one run of each cell, made-up values at the recorded steps */
    size_t n;
} jebm_plans;

/* Add the plans of a file; a claim's figure must be among those of all files. Free by _free
 * whatever the outcome. Errors: JEBM_EIO, JEBM_EFORMAT for a line that no --plan printed,
 * JEBM_ENOMEM. */
jebm_status jebm_plans_read(const char *path, jebm_plans *plans, jebm_error *err);
void jebm_plans_free(jebm_plans *plans);

/* Print a line for each claim and scale of its `scales` that lacks a cell, column, setting or
 * recorded step, and for each claim that no plan can answer; counts them in *failures. At a scale
 * of `partial` it is enough that one claim of the section has an answer. Only the claims that
 * `wanted` (NULL: all) is true of. Errors: JEBM_ENOMEM. */
jebm_status jebm_plans_check(FILE *out, const jebm_claims *claims, const jebm_plans *plans,
                             bool (*wanted)(const jebm_claim *claim, const void *context),
                             const void *context, size_t *failures, jebm_error *err);

#endif
