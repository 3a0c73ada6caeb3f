/* The numbers of two results trees against each other, CSV by CSV.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_COMPARE_H
#define JEBM_ANALYSIS_COMPARE_H

#include "core/status.h"

#include <stddef.h>
#include <stdio.h>

/* Two numbers agree where |a - b| <= atol + rtol max(|a|, |b|); nan agrees with nan, an infinity
 * with the same one. */
typedef struct jebm_tolerance {
    double rtol, atol;
    double until; /* rows of a later step are passed over: trajectories are chaotic */
} jebm_tolerance;

/* Compare the results of the same figure, scale and fidelity below two directories. Prints on which
 * machines they were made, what only one tree holds, and a line for each column that differs, the
 * largest excess over the tolerance first. summary.csv follows from trajectory.csv and is left out.
 *
 *   beyond  out  columns beyond the tolerance, and CSVs of a result in both trees that one lacks or
 *                whose rows do not belong together
 *
 * Errors   JEBM_EINVAL where a tree has no results, or they have none in common; those of
 *          jebm_tree_walk() and jebm_csv_read(); JEBM_ENOMEM. */
jebm_status jebm_compare(FILE *out, const char *a, const char *b, const jebm_tolerance *tolerance,
                         size_t *beyond, jebm_error *err);

#endif
