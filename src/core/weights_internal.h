/* The weights of one block of walkers, vectorised, and their combination over blocks.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_WEIGHTS_INTERNAL_H
#define JEBM_WEIGHTS_INTERNAL_H

#include "core/ensemble.h"

#include <stdbool.h>

/* Sums over one block relative to its largest log-weight. */
typedef struct jebm_block_weights {
    double max; /* largest A_i of the block */
    double sum; /* sum exp(A_i - max) */
    double sum_2; /* sum exp(2 (A_i - max)) */
    bool finite; /* every A_i and U_i is */
} jebm_block_weights;

typedef struct jebm_weights_kernels {
    /* w[n] = exp(A_i - max) as floats, sums in double; n <= JEBM_BLOCK */
    jebm_block_weights (*block)(size_t n, const double *logw, const double *U, float *w);
    /* are all v[n] finite? */
    bool (*finite)(size_t n, const double *v);
    /* p[n] = exp(A_i - max) in double; returns their sum */
    double (*masses)(size_t n, const double *logw, double max, double *p);
} jebm_weights_kernels;

extern const jebm_weights_kernels jebm_weights_kernels_baseline;
extern const jebm_weights_kernels jebm_weights_kernels_avx2;
extern const jebm_weights_kernels jebm_weights_kernels_avx512;

/* the variant in use */
const jebm_weights_kernels *jebm_weights_kernels_current(void);

/* Largest of n log-weights; JEBM_EDIVERGE if one is NaN or +inf or all are -inf. */
jebm_status jebm_weights_largest(size_t n, const double *logw, double *max);

/* Fold nblocks partial sums, in order; n walkers in all. JEBM_EDIVERGE if a block is not finite. */
jebm_status jebm_weights_combine(size_t nblocks, const jebm_block_weights *part, size_t n,
                                 jebm_weight_stats *stats);

#endif
