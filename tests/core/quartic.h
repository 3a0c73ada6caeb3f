/* An energy that knows only what it must: U(x) = theta x^4/4 + x^2/2 in one dimension. No cache of
 * its own, no fused move, no log Z, no sampler (quartic_sampling_ops adds one, right at theta = 0).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_TESTS_QUARTIC_H
#define JEBM_TESTS_QUARTIC_H

#include "energy/energy.h"

#include <criterion/criterion.h>
#include <gsl/gsl_integration.h>
#include <math.h>
#include <stdlib.h>

static inline void quartic_eval(const jebm_energy *e, size_t n, const float *x, double *U,
                                float *grad) {
    for (size_t i = 0; i < n; i++) {
        const double v = x[i];
        if (U != NULL) {
            U[i] = 0.25 * e->theta[0] * v * v * v * v + 0.5 * v * v;
        }
        if (grad != NULL) {
            grad[i] = (float)(e->theta[0] * v * v * v + v);
        }
    }
}

static inline void quartic_theta_grad(const jebm_energy *e, size_t n, const float *x,
                                      const float *w, double *g) {
    (void)e;
    for (size_t i = 0; i < n; i++) {
        const double v = x[i];
        g[0] += (w != NULL ? w[i] : 1.0) * 0.25 * v * v * v * v;
    }
}

static inline void quartic_refresh(jebm_energy *e) {
    (void)e;
}

static inline void quartic_free(jebm_energy *e) {
    free(e->theta);
    free(e);
}

static inline jebm_energy *quartic_new(const jebm_energy_ops *ops, double theta) {
    jebm_energy *e = calloc(1, sizeof *e);
    cr_assert_not_null(e);
    *e = (jebm_energy){.ops = ops, .d = 1, .nparams = 1, .ngroups = 1};
    e->groups[0] = (jebm_group){"theta", 0, 1};
    e->theta = malloc(sizeof *e->theta);
    cr_assert_not_null(e->theta);
    e->theta[0] = theta;
    return e;
}

static inline jebm_energy *quartic_copy(const jebm_energy *e) {
    return quartic_new(e->ops, e->theta[0]);
}

static inline void quartic_sample(const jebm_energy *e, jebm_rng rng, bool split, size_t total,
                                  size_t first, size_t n, float *x) {
    (void)split;
    (void)total;
    cr_assert_eq(e->theta[0], 0.0, "the quartic's sampler knows theta = 0 only");
    jebm_rng_normals(rng, JEBM_LANE_INIT, 0, first, n, 1, 1.0f, x);
}

static const jebm_energy_ops quartic_ops = {.name = "quartic",
                                            .eval = quartic_eval,
                                            .theta_grad = quartic_theta_grad,
                                            .refresh = quartic_refresh,
                                            .copy = quartic_copy,
                                            .free = quartic_free};

static const jebm_energy_ops quartic_sampling_ops = {.name = "quartic",
                                                     .eval = quartic_eval,
                                                     .theta_grad = quartic_theta_grad,
                                                     .refresh = quartic_refresh,
                                                     .copy = quartic_copy,
                                                     .free = quartic_free,
                                                     .sample = quartic_sample};

typedef struct quartic_integrand {
    double theta;
    int power;
} quartic_integrand;

static inline double quartic_density(double x, void *p) {
    const quartic_integrand *q = p;
    return pow(x, q->power) * exp(-0.25 * q->theta * x * x * x * x - 0.5 * x * x);
}

/* Integral of x^power exp(-U) over the line, relative error 1e-10. */
static inline double quartic_integral(double theta, int power) {
    quartic_integrand q = {theta, power};
    gsl_function f = {quartic_density, &q};
    gsl_integration_workspace *w = gsl_integration_workspace_alloc(200);
    double value = 0.0, error = 0.0;
    cr_assert_eq(gsl_integration_qagi(&f, 0.0, 1e-10, 200, w, &value, &error), 0);
    gsl_integration_workspace_free(w);
    return value;
}

#endif
