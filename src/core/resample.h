/* Resampling: replace weighted walkers by equally likely ones (paper, Section 3.2 and App. A.4).
 *
 * Every scheme is unbiased: walker i gets N p_i copies on average, p_i = exp(A_i) / sum exp(A_j).
 *
 *   multinomial   N independent draws. Sorted uniforms by exponential spacings, so O(N).
 *   stratified    one draw in each of N strata ((n-1)/N, n/N].
 *   systematic    one uniform for all strata; each walker gets floor(N p_i) or ceil(N p_i) copies.
 *   residual      floor(N p_i) copies for certain, the rest multinomially on the residuals.
 *   ssp           Srinivasan's sampling process: like systematic floor(N p_i) or ceil(N p_i)
 * copies, but negatively associated, whatever the order of the walkers (Gerber, Chopin, Whiteley,
 * Ann. Statist. 47 (2019) 2236). killing       walker i stays with probability p_i / max p; each
 * place that became free is filled by an independent draw (Del Moral, Feynman-Kac Formulae, 2004).
 *
 * Survivors stay where they are; extra copies fill the places of walkers that got none, in order.
 * So only those rows move, and nothing else is needed to move them in place.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_RESAMPLE_H
#define JEBM_RESAMPLE_H

#include "core/ensemble.h"
#include "core/rng.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum jebm_resampling {
    JEBM_MULTINOMIAL,
    JEBM_STRATIFIED,
    JEBM_SYSTEMATIC,
    JEBM_RESIDUAL,
    JEBM_SSP,
    JEBM_KILLING,
    JEBM_RESAMPLING_COUNT
} jebm_resampling;

/* "multinomial", ...; NULL beyond the last. */
JEBM_API const char *jebm_resampling_name(jebm_resampling scheme);

/* copies[n]: how often each of n walkers is chosen; they sum to n. A walker of weight 0 gets none.
 * Random   uniforms at (index, JEBM_LANE_RESAMPLE, step); killing fills places with those of lane
 *          JEBM_LANE_RESAMPLE + JEBM_LANE_STRIDE.   Cost  O(n).
 * Scratch  [jebm_resample_scratch(n)] doubles.
 * Errors   JEBM_EDIVERGE, copies untouched, if a log-weight is NaN or +inf or all are -inf. */
JEBM_API jebm_status jebm_resample_copies(jebm_resampling scheme, size_t n, const double *logw,
                                          jebm_rng rng, uint64_t step, uint32_t *copies,
                                          double *scratch);
JEBM_API size_t jebm_resample_scratch(size_t n);

/* parent[n] from copies[n]: parent[i] = i where walker i survives; otherwise a walker with copies
 * to spare, in ascending order. */
JEBM_API void jebm_resample_parents(size_t n, const uint32_t *copies, uint32_t *parent);

/* Resample an ensemble in place: walkers, cached energies and caches move, log_z takes up log mean
 * exp(A), every A becomes 0.
 * parent, copies [e->n] out; scratch as above. Errors as above, the ensemble untouched. */
JEBM_API jebm_status jebm_resample(jebm_resampling scheme, jebm_ensemble *e, jebm_rng rng,
                                   uint64_t step, uint32_t *parent, uint32_t *copies,
                                   double *scratch);

#ifdef __cplusplus
}
#endif

#endif
