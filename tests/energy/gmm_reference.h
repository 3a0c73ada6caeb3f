/* A naive twin of the Gaussian mixture and of its Langevin move, in double, written from the
 * formulas of the paper and from nothing of the library: what the kernels are tested against.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_TESTS_GMM_REFERENCE_H
#define JEBM_TESTS_GMM_REFERENCE_H

#include <stddef.h>

/* theta as in src/energy/gmm.h, borrowed */
typedef struct gmm_reference {
    size_t d, modes;
    const double *theta;
} gmm_reference;

/* z_k, which is 0 for k = 0. */
double gmm_reference_z(const gmm_reference *m, size_t k);

/* U(x) of eq. (15); resp[modes], unless NULL, the share of each mode in exp(-U(x)). */
double gmm_reference_energy(const gmm_reference *m, const double *x, double *resp);

/* grad_x U(x) [d]. */
void gmm_reference_grad_x(const gmm_reference *m, const double *x, double *grad);

/* g[K d + K - 1] += w grad_theta U(x). */
void gmm_reference_grad_theta(const gmm_reference *m, const double *x, double w, double *g);

/* log Z = d/2 log 2 pi + log sum exp(-z_k). */
double gmm_reference_log_z(const gmm_reference *m);

/* y = x - h grad U(x) + noise, noise being sqrt(2h) xi. */
void gmm_reference_move(const gmm_reference *m, double h, const double *x, const double *noise,
                        double *y);

/* What a move from x under `now` to y under `next` adds to A: by eq. (5)-(6) of the paper, and by
 * the released script, whose x is an alias of y. */
double gmm_reference_exact(const gmm_reference *now, const gmm_reference *next, double h,
                           const double *x, const double *y);
double gmm_reference_released(const gmm_reference *now, const gmm_reference *next, double h,
                              const double *y);

#endif
