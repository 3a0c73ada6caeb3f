/* Masses of the modes of a weighted population, and how sure they are.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_MASSES_H
#define JEBM_MASSES_H

#include "core/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JEBM_CLASSES_MAX 16

/* Of each class j < nclasses. */
typedef struct jebm_masses {
    size_t nclasses;
    double mass[JEBM_CLASSES_MAX]; /* p_j = sum of the normalised weights of its walkers */
    double share[JEBM_CLASSES_MAX]; /* the same with all weights equal: count / n */
    /* of p_j, from the bootstrap; NAN without one, or if there is only one unit to draw */
    double error[JEBM_CLASSES_MAX]; /* standard error */
    double low[JEBM_CLASSES_MAX], high[JEBM_CLASSES_MAX]; /* equal-tailed 95 % interval */
    size_t units; /* walkers, or families of them, that the bootstrap draws; 0 without one */
} jebm_masses;

/* What is drawn anew in each replicate: with replacement, as many as there are. */
typedef struct jebm_bootstrap {
    size_t replicates; /* 0: no bootstrap; at least 2 otherwise, 1000 for an interval */
    uint64_t seed; /* of draws of its own, not those of a run of that seed */
    const uint32_t *family; /* [n] ids < n, e.g. genealogy's eve: families are drawn whole, because
                             * walkers of one ancestor are not independent. NULL: walkers are. */
} jebm_bootstrap;

/* Masses of n walkers.
 *   class_of  [n] class of each, < nclasses <= JEBM_CLASSES_MAX
 *   logw      [n] log-weights, any offset, -inf is weight 0; NULL: all equal
 *   bootstrap NULL: none. A replicate that happens to draw weight 0 altogether repeats p.
 * JEBM_EINVAL for a count or class out of range, JEBM_EDIVERGE if the weights cannot be normalised,
 * JEBM_ENOMEM. */
JEBM_API jebm_status jebm_masses_of(size_t n, size_t nclasses, const uint8_t *class_of,
                                    const double *logw, const jebm_bootstrap *bootstrap,
                                    jebm_masses *out, jebm_error *err);

/* sum_j |p_j - q_j| / 2 */
JEBM_API double jebm_total_variation(size_t n, const double *p, const double *q);

/* relative[n] = p_j / target_j - 1; targets are positive. */
JEBM_API void jebm_relative_errors(size_t n, const double *p, const double *target,
                                   double *relative);

#ifdef __cplusplus
}
#endif

#endif
