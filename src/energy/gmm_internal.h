/* What the mixture's kernels see, and the table of their per-ISA entry points.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_GMM_INTERNAL_H
#define JEBM_GMM_INTERNAL_H

#include "core/rng_internal.h"
#include "energy/gmm.h"

/* rows of means are padded with zeros to a multiple of this many floats, the widest vector */
#define JEBM_GMM_PAD 16

typedef struct jebm_gmm_view {
    size_t d, padded, modes;
    const float *means; /* [modes][padded] */
    const float *z; /* [modes], z[0] = 0 */
} jebm_gmm_view;

typedef struct jebm_gmm_kernels {
    /* U[JEBM_BLOCK] and resp [modes][JEBM_BLOCK] at x [n][d], n <= JEBM_BLOCK; entries beyond n are
     * scratch */
    void (*eval)(const jebm_gmm_view *v, size_t n, const float *x, float *U, float *resp);
    /* the same at walkers ids[0..m), into the ensemble, its cache being [walkers][modes] */
    void (*begin)(const jebm_gmm_view *v, size_t m, const uint32_t *ids, jebm_ensemble *e);
    /* the fused move: noise, ULA, evaluation at theta_{k+1}, log-weights */
    void (*step)(const jebm_gmm_view *now, const jebm_gmm_view *next, double h,
                 jebm_weight_rule rule, const jebm_rng_site *site, size_t m, const uint32_t *ids,
                 jebm_ensemble *e);
    /* g, laid out as theta, += sums over i of coef_ki (m_k - x_i) and of coef_ki;
     * coef [modes][JEBM_BLOCK], n <= JEBM_BLOCK */
    void (*accumulate)(const jebm_gmm_view *v, size_t n, const float *x, const float *coef,
                       double *g);
    /* out[i] = sum over groups of rate_g (g_i - mean)_g . g_i,g at x [n][d] with responsibilities
     * resp [n][modes]; the mean of the means' group is toward [modes][padded], z_mean [modes - 1]
     */
    void (*influence)(const jebm_gmm_view *v, size_t n, const float *x, const float *resp,
                      const float *toward, const double rate[2], const double *z_mean, double *out);
} jebm_gmm_kernels;

extern const jebm_gmm_kernels jebm_gmm_kernels_baseline;
extern const jebm_gmm_kernels jebm_gmm_kernels_avx2;
extern const jebm_gmm_kernels jebm_gmm_kernels_avx512;

#endif
