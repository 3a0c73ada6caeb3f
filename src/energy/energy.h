/* What an energy is to the rest of the library: the one seam.
 *
 * An energy is U_theta(x) on R^d with parameters theta of its own. It must evaluate U, grad_x U and
 * weighted sums of grad_theta U. What else it knows it says through optional members; the library
 * uses what is there. A new energy is a file, its test and one line where a driver makes it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ENERGY_H
#define JEBM_ENERGY_H

#include "core/ensemble.h"
#include "core/langevin.h"
#include "core/rng.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A run of consecutive parameters that share a learning rate. */
typedef struct jebm_group {
    const char *name;
    size_t first, count;
} jebm_group;

#define JEBM_MAX_GROUPS 8

typedef struct jebm_energy_ops {
    const char *name;

    /* required --------------------------------------------------------------------------------- */

    /* At x [n][d]: U[n] (nats), and grad [n][d] = grad_x U; either may be NULL. Thread-safe. The
     * drift may be of lower precision than U. */
    void (*eval)(const jebm_energy *e, size_t n, const float *x, double *U, float *grad);

    /* g[nparams] += sum_i w_i grad_theta U(x_i); w NULL means all ones. n <= JEBM_BLOCK. */
    void (*theta_grad)(const jebm_energy *e, size_t n, const float *x, const float *w, double *g);

    /* Called after e->theta was written: bring derived state up to date. */
    void (*refresh)(jebm_energy *e);

    /* An independent copy, or NULL without memory. It may share scratch with the original. */
    jebm_energy *(*copy)(const jebm_energy *e);
    void (*free)(jebm_energy *e);

    /* optional, NULL where unknown ------------------------------------------------------------- */

    /* Of an energy with scratch for each thread: make room for the scratch of `threads` threads.
     * Called outside parallel regions. Errors JEBM_ENOMEM; the energy is as before then. */
    jebm_status (*room)(jebm_energy *e, size_t threads, jebm_error *err);

    /* Exact log Z_theta. */
    double (*log_z)(const jebm_energy *e);

    /* Exact samples of rho_theta: x [n][d], sample i being draw first + i of rng; `total` samples
     * will be drawn in all. With split, components get their expected share (floor, the rest to the
     * last) in order instead of a random one. */
    void (*sample)(const jebm_energy *e, jebm_rng rng, bool split, size_t total, size_t first,
                   size_t n, float *x);

    /* A density to start from where rho_theta cannot be sampled: x [n][d], draws first + i of rng,
     * from exp(-U_ref)/Z_ref, with U_ref[n] at them; returns log Z_ref. */
    double (*reference)(const jebm_energy *e, jebm_rng rng, size_t first, size_t n, float *x,
                        double *U_ref);

    /* eval() and theta_grad() with unit weights in one pass over points x [n][d]; returns sum U. */
    double (*data)(const jebm_energy *e, size_t n, const float *x, double *g);

    /* A fused implementation of moving and weighing; all four or none (cache_width NULL).
     * The cache is the energy's own: whatever its next move and its theta gradient need. */
    size_t (*cache_width)(const jebm_energy *e);
    void (*begin)(const jebm_energy *e, size_t m, const uint32_t *ids, jebm_ensemble *ens);
    void (*step)(const jebm_energy *now, const jebm_energy *next, const jebm_move *move, size_t m,
                 const uint32_t *ids, jebm_ensemble *ens);
    /* theta_grad() of walkers first .. first + n from their cache. n <= JEBM_BLOCK. */
    void (*accumulate)(const jebm_energy *e, size_t first, size_t n, const float *w,
                       const jebm_ensemble *ens, double *g);
    /* For leave-one-out weights, both or neither: out[i] = sum over parameter groups of rate_g (g_i
     * - mean)_g . g_i,g with g_i = grad_theta U of walker first + i, from its cache; rate
     * [ngroups], mean [nparams]. scratch has influence_scratch() floats. n <= JEBM_BLOCK */
    size_t (*influence_scratch)(const jebm_energy *e);
    void (*self_influence)(const jebm_energy *e, size_t first, size_t n, const double *rate,
                           const double *mean, const jebm_ensemble *ens, float *scratch,
                           double *out);
} jebm_energy_ops;

struct jebm_energy {
    const jebm_energy_ops *ops;
    size_t d;
    size_t block; /* walkers that a thread takes at a time, <= JEBM_BLOCK; 0: JEBM_BLOCK */
    size_t nparams;
    double *theta; /* [nparams] */
    size_t ngroups;
    jebm_group groups[JEBM_MAX_GROUPS];
};

/* Floats that an ensemble must cache a walker under this energy. */
JEBM_API size_t jebm_energy_cache_width(const jebm_energy *e);

/* Write theta[nparams] and refresh. */
JEBM_API void jebm_energy_set(jebm_energy *e, const double *theta);

/* Make room for as many threads as the next parallel region may have: call it before a region whose
 * threads evaluate e, for there may be more of them than when e was made. JEBM_ENOMEM. */
JEBM_API jebm_status jebm_energy_room(jebm_energy *e, jebm_error *err);

/* Accumulate grad_theta U of walkers first .. first + n, n <= JEBM_BLOCK, weights w (NULL: ones).
 */
JEBM_API void jebm_energy_accumulate(const jebm_energy *e, size_t first, size_t n, const float *w,
                                     const jebm_ensemble *ens, double *g);

/* g += sum grad_theta U over points x [n][d]; returns sum U. n <= JEBM_BLOCK. */
JEBM_API double jebm_energy_data(const jebm_energy *e, size_t n, const float *x, double *g);

/* ops->free, NULL allowed. */
JEBM_API void jebm_energy_free(jebm_energy *e);

#ifdef __cplusplus
}
#endif

#endif
