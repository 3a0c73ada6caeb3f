/* Optimizers and learning-rate schedules: theta_{k+1} = opt(theta_k, D_k) of the paper's
 * algorithms; or a path of theta that is fixed beforehand, for which the Jarzynski identity (7) is
 * exact and no training takes place.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_OPTIMIZER_H
#define JEBM_OPTIMIZER_H

#include "core/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum jebm_optimizer_kind {
    JEBM_GRADIENT_DESCENT, /* theta += rate D, eq. (10) */
    JEBM_ADAM, /* Kingma & Ba 2015, Algorithm 1, with bias correction */
    JEBM_PRESCRIBED /* theta_k = path(k), whatever the direction; rates and schedule are not used */
} jebm_optimizer_kind;

/* Write theta_k [nparams], k >= 1; k = 0 is where the energy stands at the start. Called by one
 * thread, for each k once and in order. */
typedef void (*jebm_theta_path)(void *context, uint64_t k, double *theta);

typedef enum jebm_schedule {
    JEBM_SCHEDULE_CONSTANT,
    JEBM_SCHEDULE_LINEAR /* rate times 1 + (end - 1) k / horizon, `end` from k = horizon on */
} jebm_schedule;

typedef struct jebm_optimizer_config {
    jebm_optimizer_kind kind;
    jebm_schedule schedule;
    double end; /* schedule: final factor, in [0, 1] */
    uint64_t horizon; /* schedule: iterations until then, >= 1 */
    double beta_1, beta_2, epsilon; /* Adam */
    double
        max_norm; /* a direction longer than this, in Euclidean norm, is shortened to it; 0: no */
    jebm_theta_path path; /* prescribed; must give the same after a restore */
    void *context; /* of path; borrowed */
} jebm_optimizer_config;

typedef struct jebm_optimizer {
    jebm_optimizer_config config;
    size_t nparams;
    double *rate; /* [nparams] learning rate of each parameter, before the schedule */
    double *moment_1; /* [nparams] Adam's first and second moments; NULL for gradient descent */
    double *moment_2;
} jebm_optimizer;

/* All rates 0 until set. JEBM_EINVAL for settings out of range, JEBM_ENOMEM. */
JEBM_API jebm_status jebm_optimizer_init(jebm_optimizer *o, const jebm_optimizer_config *config,
                                         size_t nparams, jebm_error *err);
JEBM_API void jebm_optimizer_free(jebm_optimizer *o);

/* Learning rate of parameters first .. first + count. */
JEBM_API void jebm_optimizer_set_rate(jebm_optimizer *o, size_t first, size_t count, double rate);

/* Factor of the schedule at iteration k. */
JEBM_API double jebm_schedule_factor(const jebm_optimizer_config *config, uint64_t k);

/* theta[nparams] after iteration k (0-based), from D = -grad of the cross-entropy: D is the ascent
 * direction of the log-likelihood, as the paper signs it in eq. (8). */
JEBM_API void jebm_optimizer_step(jebm_optimizer *o, uint64_t k, const double *direction,
                                  double *theta);

#ifdef __cplusplus
}
#endif

#endif
