/* Energies of images against finite differences, quadrature and each other.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "energy/convnet.h"

#include "core/langevin.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ERRORS 4.5

static void *get(size_t n, size_t size) {
    void *p = calloc(n + 1, size);
    cr_assert_not_null(p);
    return p;
}

/* 6x6 images through two convolutions */
static jebm_convnet_config small(void) {
    return (jebm_convnet_config){
        .spec = "conv 4 k3 s1 p1 | silu | conv 6 k3 s2 p1 | silu | linear 8 | silu | linear 1",
        .shape = {1, 6, 6},
        .temperature = 0.25,
        .backend = JEBM_GEMM_REFERENCE,
        .drift = JEBM_GEMM_REFERENCE};
}

/* points of a plane through a layer of 12: log Z by quadrature */
static jebm_convnet_config plane(jebm_gemm_backend backend, jebm_gemm_backend drift) {
    return (jebm_convnet_config){.spec = "linear 12 | silu | linear 8 | silu | linear 1",
                                 .shape = {1, 1, 2},
                                 .temperature = 0.05,
                                 .backend = backend,
                                 .drift = drift};
}

static jebm_energy *energy(const jebm_convnet_config *c) {
    jebm_energy *e = NULL;
    jebm_error err = {0};
    cr_assert_eq(jebm_convnet_new(c, jebm_rng_make(4, 2), &e, &err), JEBM_OK, "%s", err.text);
    return e;
}

static void uniform_points(size_t n, size_t d, float *x) {
    for (uint32_t i = 0; i < n * d; i++) {
        x[i] = (float)(1.0 - 2.0 * jebm_rng_uniform(jebm_rng_make(7, 7), i, JEBM_LANE_INIT, 0));
    }
}

static double energy_at(const jebm_energy *e, const float *x) {
    double U = 0.0;
    e->ops->eval(e, 1, x, &U, NULL);
    return U;
}

/* central differences of a float function: step 1e-2 leaves truncation 1e-4 of third derivatives
 * of order 1 and rounding 1e-5 of U of order 1 */
Test(convnet, grad_x_is_the_slope_of_U_on_the_cube_and_confined) {
    jebm_convnet_config c = small();
    for (int confined = 0; confined < 2; confined++) {
        c.confine = confined ? 0.8 : 0.0;
        jebm_energy *e = energy(&c);
        float x[36], grad[36];
        double U = 0.0;
        uniform_points(1, 36, x);
        e->ops->eval(e, 1, x, &U, grad);
        cr_expect_float_eq(U, energy_at(e, x), 1e-6);
        for (size_t j = 0; j < 36; j++) {
            const float at = x[j];
            x[j] = at + 1e-2f;
            const double above = energy_at(e, x);
            x[j] = at - 1e-2f;
            const double below = energy_at(e, x);
            x[j] = at;
            cr_expect_float_eq(grad[j], (above - below) / 2e-2, 1e-3, "coordinate %zu: %g, %g", j,
                               (double)grad[j], (above - below) / 2e-2);
        }
        jebm_energy_free(e);
    }
}

Test(convnet, grad_theta_is_the_weighted_slope_of_U_and_data_is_both_at_once) {
    enum { n = 37 };
    const jebm_convnet_config c = small();
    jebm_energy *e = energy(&c);
    float x[n * 36], w[n];
    double *g = get(e->nparams, sizeof *g), *ones = get(e->nparams, sizeof *ones),
           *both = get(e->nparams, sizeof *both), U[n], sum = 0.0;
    uniform_points(n, 36, x);
    for (size_t i = 0; i < n; i++) {
        w[i] = (float)(i % 5) - 1.0f;
    }
    e->ops->theta_grad(e, n, x, w, g);
    e->ops->theta_grad(e, n, x, NULL, ones);
    e->ops->eval(e, n, x, U, NULL);
    for (size_t i = 0; i < n; i++) {
        sum += U[i];
    }
    const double total = e->ops->data(e, n, x, both);
    cr_expect_float_eq(total, sum, 1e-4);
    for (size_t p = 0; p < e->nparams; p++) {
        cr_expect_float_eq(both[p], ones[p], 1e-9 + 1e-6 * fabs(ones[p]));
    }
    for (size_t p = 0; p < e->nparams; p += 13) {
        const double at = e->theta[p];
        double side[2] = {0.0, 0.0};
        for (int s = 0; s < 2; s++) {
            e->theta[p] = at + (s == 0 ? 1e-2 : -1e-2);
            e->ops->refresh(e);
            e->ops->eval(e, n, x, U, NULL);
            for (size_t i = 0; i < n; i++) {
                side[s] += (double)w[i] * U[i];
            }
        }
        e->theta[p] = at;
        e->ops->refresh(e);
        const double slope = (side[0] - side[1]) / 2e-2;
        cr_expect_float_eq(g[p], slope, 2e-3 * (1.0 + fabs(slope)), "parameter %zu: %g, %g", p,
                           g[p], slope);
    }
    free(g);
    free(ones);
    free(both);
    jebm_energy_free(e);
}

Test(convnet, a_copy_is_independent_and_outlives_its_original) {
    const jebm_convnet_config c = small();
    jebm_energy *e = energy(&c), *twin = e->ops->copy(e);
    float x[36];
    uniform_points(1, 36, x);
    const double before = energy_at(e, x);
    for (size_t p = 0; p < e->nparams; p++) {
        e->theta[p] *= 2.0;
    }
    e->ops->refresh(e);
    cr_expect_neq(energy_at(e, x), before);
    jebm_energy_free(e);
    cr_expect_eq(energy_at(twin, x), before);
    jebm_energy_free(twin);
}

Test(convnet, with_a_last_layer_of_zeros_U_is_that_of_the_reference) {
    jebm_convnet_config c = small();
    c.zero_last = true;
    for (int confined = 0; confined < 2; confined++) {
        c.confine = confined ? 0.5 : 0.0;
        jebm_energy *e = energy(&c);
        float x[50 * 36];
        double U[50], U_ref[50];
        const double log_z = e->ops->reference(e, jebm_rng_make(1, 1), 0, 50, x, U_ref);
        const double pi = acos(-1.0);
        cr_expect_float_eq(log_z, confined ? 18.0 * log(2.0 * pi * 0.25) : 36.0 * log(2.0), 1e-12);
        e->ops->eval(e, 50, x, U, NULL);
        for (size_t i = 0; i < 50; i++) {
            cr_expect_float_eq(U[i], U_ref[i], 1e-12);
        }
        jebm_energy_free(e);
    }
}

/* mean 0 and variance 1/3 of 50 * 36 * 100 coordinates: 5 standard errors */
Test(convnet, the_cube_s_reference_is_uniform_and_addressed_by_walker) {
    enum { n = 5000, d = 36 };
    const jebm_convnet_config c = small();
    jebm_energy *e = energy(&c);
    float *x = get(n * d, sizeof *x), some[3 * d];
    double *U_ref = get(n, sizeof *U_ref), mean = 0.0, square = 0.0;
    e->ops->reference(e, jebm_rng_make(1, 1), 0, n, x, U_ref);
    e->ops->reference(e, jebm_rng_make(1, 1), 11, 3, some, U_ref);
    cr_expect_eq(memcmp(some, x + 11 * d, sizeof some), 0);
    for (size_t i = 0; i < n * d; i++) {
        cr_assert(fabsf(x[i]) <= 1.0f);
        mean += x[i];
        square += (double)x[i] * (double)x[i];
    }
    mean /= n * d;
    square /= n * d;
    cr_expect_float_eq(mean, 0.0, 5.0 * sqrt(1.0 / 3.0 / (n * d)));
    cr_expect_float_eq(square, 1.0 / 3.0, 5.0 * sqrt(4.0 / 45.0 / (n * d)));
    free(x);
    free(U_ref);
    jebm_energy_free(e);
}

/* ---- the Jarzynski identity with drifts of any precision ---------------------------------------
 */

/* log of the integral of exp(-U) over [-1, 1]^2 by Simpson's rule on 200 x 200 intervals: the
 * network is smooth on the scale of 1, so the error is far below that of the walkers */
static double log_z_by_quadrature(const jebm_energy *e) {
    enum { M = 200 };
    double sum = 0.0;
    for (int i = 0; i <= M; i++) {
        for (int j = 0; j <= M; j++) {
            const float x[2] = {(float)(2.0 * i / M - 1.0), (float)(2.0 * j / M - 1.0)};
            const double wi = i == 0 || i == M ? 1.0 : i % 2 == 1 ? 4.0 : 2.0;
            const double wj = j == 0 || j == M ? 1.0 : j % 2 == 1 ? 4.0 : 2.0;
            sum += wi * wj * exp(-energy_at(e, x));
        }
    }
    return log(sum * (2.0 / M) * (2.0 / M) / 9.0);
}

static void expect_identity(jebm_gemm_backend backend, jebm_gemm_backend drift) {
    enum { N = 20000, STEPS = 15 };
    const jebm_convnet_config c = plane(backend, drift);
    jebm_energy *now = energy(&c), *next = now->ops->copy(now);
    double *theta = get(now->nparams, sizeof *theta);
    memcpy(theta, now->theta, now->nparams * sizeof *theta);
    jebm_ensemble ens;
    uint32_t *ids = get(N, sizeof *ids);
    float *scratch = get(JEBM_LANGEVIN_ROWS * 2, sizeof *scratch);
    cr_assert_eq(jebm_ensemble_init(&ens, N, 2, 2, NULL), JEBM_OK);
    jebm_move move = {
        .h = 0.02, .rule = JEBM_WEIGHTS_EXACT, .bound = 1.0, .rng = jebm_rng_make(3, 3)};
    /* from parameters 0 to three times the initial ones, U going from 0 to a range of some nats */
    for (int k = 0; k <= STEPS; k++) {
        for (size_t p = 0; p < now->nparams; p++) {
            next->theta[p] = 3.0 * k / STEPS * theta[p];
        }
        next->ops->refresh(next);
        if (k == 0) {
            now->ops->reference(now, move.rng, 0, N, ens.x, ens.logw);
            for (uint32_t i = 0; i < N; i++) {
                ids[i] = i;
            }
            jebm_langevin_begin(next, N, ids, &ens);
            for (size_t i = 0; i < N; i++) {
                ens.logw[i] -= ens.U[i];
            }
        } else {
            move.step = (uint64_t)k;
            jebm_langevin_walk(now, next, &move, 2, N, ids, &ens, scratch);
        }
        jebm_energy_set(now, next->theta);
    }
    jebm_weight_stats s;
    cr_assert_eq(jebm_weight_stats_of(N, ens.logw, &s), JEBM_OK);
    const double exact = log_z_by_quadrature(now), se = sqrt((1.0 / s.ess - 1.0) / N);
    const double estimate = 2.0 * log(2.0) + s.log_mean_exp;
    cr_expect(fabs(exact - 2.0 * log(2.0)) > 100 * se, "the protocol goes nowhere: log Z %g",
              exact);
    cr_expect(fabs(estimate - exact) <= ERRORS * se, "%s, drift %s: log Z %.5f +- %.5f, exact %.5f",
              jebm_gemm_name(backend), jebm_gemm_name(drift), estimate, se, exact);
    free(theta);
    free(ids);
    free(scratch);
    jebm_ensemble_free(&ens);
    jebm_energy_free(now);
    jebm_energy_free(next);
}

Test(convnet, the_identity_holds_on_every_back_end_also_with_a_drift_of_8_bits) {
    for (int b = 0; b < JEBM_GEMM_COUNT; b++) {
        const jebm_gemm_backend backend = (jebm_gemm_backend)b;
        if (jebm_gemm_available(backend)) {
            const bool low = backend == JEBM_GEMM_BF16;
            expect_identity(low ? jebm_gemm_default() : backend, backend);
        }
    }
}

Test(convnet, what_cannot_be_an_energy_is_refused_by_name) {
    const struct {
        jebm_convnet_config config;
        const char *text;
    } table[] = {
        {{.spec = "linear 2", .shape = {1, 2, 2}, .temperature = 1.0}, "has 2 outputs"},
        {{.spec = "linear 1", .shape = {1, 2, 2}, .temperature = 0.0}, "temperature is 0"},
        {{.spec = "linear 1", .shape = {1, 2, 2}, .temperature = NAN}, "temperature is nan"},
        {{.spec = "linear 1", .shape = {1, 2, 2}, .temperature = 1.0, .confine = -1.0},
         "confining deviation is -1"},
        {{.spec = "conv 1 q2", .shape = {1, 2, 2}, .temperature = 1.0}, "q2"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        jebm_error err = {0};
        jebm_energy *e = NULL;
        cr_expect_eq(jebm_convnet_new(&table[i].config, jebm_rng_make(1, 1), &e, &err),
                     JEBM_EINVAL);
        cr_expect_null(e);
        cr_expect_not_null(strstr(err.text, table[i].text), "case %zu: %s", i, err.text);
    }
}
