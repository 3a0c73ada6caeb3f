/* The variance of log Z from one run: walkers that descend from the same walker of k = 0 are a
 * family, and how unequal families are tells how uncertain the normalising constant is.
 *
 *   H. P. Chan, T. L. Lai: A general theory of particle filters in hidden Markov models and some
 *       applications. Annals of Statistics 41 (2013).
 *   A. Lee, N. Whiteley: Variance estimation in the particle filter. Biometrika 105 (2018).
 *
 * Both take the walkers' protocol as given, so they hold for an evaluation population; a population
 * that steers theta has a bias besides, which no variance shows (docs/BIAS.md). Once few families
 * are left they see too little: below about ten, take no comfort from a small value.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_GENEALOGY_H
#define JEBM_GENEALOGY_H

#include "core/resample.h"

#ifdef __cplusplus
extern "C" {
#endif

/* eve[n] of the walkers at k = 0: each is its own ancestor. */
JEBM_API void jebm_eve_start(size_t n, uint32_t *eve);

/* After jebm_resample() has filled parent[n]. */
JEBM_API void jebm_eve_resample(size_t n, const uint32_t *parent, uint32_t *eve);

/* Variance of log Z. With S = sum over families of (share of the weight)^2,
 *
 *   multinomial   1 - (n/(n-1))^{r+1} (1 - S)   (Lee and Whiteley), r resamplings so far
 *   others        S - 1/n   (Chan and Lai): their resampling adds less noise than multinomial's,
 * which the factor above would subtract
 *
 * and 0 where that is negative, as Lee and Whiteley's may be.
 *   scratch  [2 n] doubles
 * NAN if the log-weights cannot be normalised, or n is 1. */
JEBM_API double jebm_log_z_variance(jebm_resampling scheme, size_t n, const double *logw,
                                    const uint32_t *eve, uint64_t resamplings, double *scratch);

#ifdef __cplusplus
}
#endif

#endif
