/* Gaussian mixture with K isotropic unit-variance modes in d dimensions, eq. (15) of the paper (its
 * K is 2):
 *
 *   U_theta(x) = -log sum_k exp(-|x - m_k|^2 / 2 - z_k),   z_1 = 0,
 *   Z_theta    = (2 pi)^{d/2} sum_k exp(-z_k).
 *
 *   theta  [K d + K - 1]  the means m_1 .. m_K (group "means"), then z_2 .. z_K (group "z")
 *
 * The mass of mode k is exp(-z_k) / sum_l exp(-z_l). Distances are formed from differences and the
 * sum over modes relative to its largest term, so modes hundreds apart are safe. Samples, means and
 * the gradient sums of one block of walkers are single precision inside, theta and sums over blocks
 * double.
 *
 * The cache of a walker is its K responsibilities r_k(x) = exp(-|x - m_k|^2/2 - z_k + U(x)), from
 * which grad_x U = x - sum r_k m_k, grad_{m_k} U = r_k (m_k - x) and grad_{z_k} U = r_k.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_GMM_H
#define JEBM_GMM_H

#include "energy/energy.h"

#ifdef __cplusplus
extern "C" {
#endif

#define JEBM_GMM_MAX_MODES 64
#define JEBM_GMM_MAX_D 4096

/* A mixture of `modes` modes in d dimensions, theta all 0. Owned by the caller, who frees it with
 * jebm_energy_free(). JEBM_EINVAL beyond the limits above, JEBM_ENOMEM. */
JEBM_API jebm_status jebm_gmm_new(size_t d, size_t modes, jebm_energy **out, jebm_error *err);

/* Number of modes of an energy made by jebm_gmm_new(). */
JEBM_API size_t jebm_gmm_modes(const jebm_energy *e);

/* mass[modes]: exp(-z_k) / sum_l exp(-z_l). */
JEBM_API void jebm_gmm_masses(const jebm_energy *e, double *mass);

/* resp[modes] of one point x[d], as in the cache. */
JEBM_API void jebm_gmm_responsibilities(const jebm_energy *e, const float *x, float *resp);

#ifdef __cplusplus
}
#endif

#endif
