/* Walkers with log-weights: the population that a method moves and weighs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ENSEMBLE_H
#define JEBM_ENSEMBLE_H

#include "core/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Walkers are worked on in fixed blocks of this many; every sum over walkers is taken inside a
 * block and then over blocks in their order, so no result depends on the number of threads. */
#define JEBM_BLOCK 128

typedef struct jebm_ensemble {
    size_t n; /* walkers N */
    size_t d; /* dimension */
    size_t cache_width; /* floats that the energy keeps a walker: its gradient, or less */
    float *x; /* [n][d] walkers, row-major */
    double *logw; /* [n] log-weights A_i, nats */
    double *U; /* [n] energy at x under the theta of the last evaluation */
    float *cache; /* [n][cache_width] what the energy's next move needs, from that evaluation */
    double log_z; /* log Z_{theta_0} + sum over resamplings of log mean exp(A), eq. (12) */
    void *storage; /* the one block that the arrays above point into */
} jebm_ensemble;

/* Allocate n walkers, zeroed, log-weights 0. JEBM_EINVAL if n or d is 0 or the noise of n walkers
 * exceeds the generator's 2^32 blocks; JEBM_ENOMEM. */
JEBM_API jebm_status jebm_ensemble_init(jebm_ensemble *e, size_t n, size_t d, size_t cache_width,
                                        jebm_error *err);
JEBM_API void jebm_ensemble_free(jebm_ensemble *e);

/* Bytes that jebm_ensemble_init() takes. */
JEBM_API uint64_t jebm_ensemble_bytes(size_t n, size_t d, size_t cache_width);

/* What log-weights say about themselves. */
typedef struct jebm_weight_stats {
    double max; /* largest A_i */
    double log_mean_exp; /* log (1/n) sum exp(A_i) */
    double ess; /* eq. (13): (mean w)^2 / mean w^2, in (0, 1] */
} jebm_weight_stats;

/* Statistics of n log-weights in double, safe for any finite values and for -inf (weight 0).
 * JEBM_EDIVERGE, stats untouched, if one is NaN or +inf or all are -inf. */
JEBM_API jebm_status jebm_weight_stats_of(size_t n, const double *logw, jebm_weight_stats *stats);

/* p[n]: normalised weights exp(A_i) / sum_j exp(A_j), which sum to 1 to rounding. Same errors. */
JEBM_API jebm_status jebm_weights_normalise(size_t n, const double *logw, double *p);

#ifdef __cplusplus
}
#endif

#endif
