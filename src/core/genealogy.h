/* The variance of log Z from one run: walkers that descend from the same walker of k = 0 are a
 * family, and how unequal families are tells how uncertain the normalising constant is.
 *
 *   H. P. Chan, T. L. Lai: A general theory of particle filters in hidden Markov models and some
 *       applications. Annals of Statistics 41 (2013).
 *   A. Lee, N. Whiteley: Variance estimation in the particle filter. Biometrika 105 (2018).
 *
 * They take the walkers' protocol as given, so they hold for an evaluation population; a population
 * that steers theta has a bias besides, which no variance shows (docs/BIAS.md). What no walker has
 * reached shows in none either.
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
 *   multinomial   1 - (n/(n-1))^{r+1} (1 - S), r resamplings so far (Lee and Whiteley): consistent,
 *                 but it scatters where r/n is not small
 *   others        S - 1/n, in practice an upper bound: their resampling adds less noise than
 *                 multinomial's, which the factor above would subtract, and no consistent estimate
 *                 from one run is known for all of them
 *
 * and 0 where that is negative, as Lee and Whiteley's may be. Chan and Lai sum squares over
 * families as well, but centred, of deviations from a mean: for the constant function, whose
 * integral Z is, their estimate is 0.
 *
 * It is at most 1, and near 1 when few families are left: then it says that the error is not known
 * from this run. Measured on a prescribed path (tests/core/test_genealogy.c), estimated over true
 * standard error, and share of runs in which the 95 % interval holds log Z:
 *
 *                         multinomial  stratified  systematic  residual    ssp         killing
 *   ESS < 0.6, n = 500    1.00  0.92   1.10  0.97  1.02  0.94  1.03  0.94  1.03  0.95  1.16  0.98
 *   each of 30, n = 6000  1.04  0.95   1.15  0.99  1.06  0.91  1.09  0.98  1.03  0.96  1.25  0.98
 *   each of 200, n = 6000 1.31  0.55   3.16  1.00  2.00  1.00  4.31  1.00  2.07  1.00  3.67  1.00
 *
 *   scratch  [2 n] doubles
 * NAN if the log-weights cannot be normalised, or n is 1. */
JEBM_API double jebm_log_z_variance(jebm_resampling scheme, size_t n, const double *logw,
                                    const uint32_t *eve, uint64_t resamplings, double *scratch);

#ifdef __cplusplus
}
#endif

#endif
