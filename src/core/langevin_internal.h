/* One walker's move and the log-ratio of its densities, vectorised.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_LANGEVIN_INTERNAL_H
#define JEBM_LANGEVIN_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

/* a jebm_move as the kernels want it */
typedef struct jebm_move_terms {
    double h;
    double clip; /* INFINITY: none */
    double bound; /* INFINITY: none */
    double deviation; /* of the noise */
    double variance_2; /* twice the variance that the densities assume */
    bool weigh_refusal;
} jebm_move_terms;

typedef struct jebm_langevin_kernels {
    /* y[d] = x - h b + noise, b the clipped grad; where that leaves [-bound, bound], y = x and
     * noise = 1; elsewhere noise = 0 on return */
    void (*move)(const jebm_move_terms *m, size_t d, const float *x, const float *grad,
                 float *noise, float *y);
    /* log q_{k+1}(x|y) - log q_k(y|x), refused[d] being what move() left in noise */
    double (*path)(const jebm_move_terms *m, size_t d, const float *x, const float *y,
                   const float *grad_x, const float *grad_y, const float *refused);
} jebm_langevin_kernels;

extern const jebm_langevin_kernels jebm_langevin_kernels_baseline;
extern const jebm_langevin_kernels jebm_langevin_kernels_avx2;
extern const jebm_langevin_kernels jebm_langevin_kernels_avx512;

#endif
