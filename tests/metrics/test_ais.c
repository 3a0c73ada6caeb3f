/* Annealed importance sampling against quadrature: an energy of two coordinates on the square.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/ais.h"

#include "core/threads.h"
#include "energy/convnet.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* bounds of 4.5 standard errors, as in core/test_langevin.c */
#define ERRORS 4.5
enum { N = 4000 };

static jebm_energy *energy(void) {
    const jebm_convnet_config c = {.spec = "linear 12 | silu | linear 8 | silu | linear 1",
                                   .shape = {1, 1, 2},
                                   .temperature = 0.02,
                                   .backend = JEBM_GEMM_REFERENCE,
                                   .drift = JEBM_GEMM_REFERENCE};
    jebm_energy *e = NULL;
    cr_assert_eq(jebm_convnet_new(&c, jebm_rng_make(4, 2), &e, NULL), JEBM_OK);
    return e;
}

static jebm_ais_config settings(void) {
    return (jebm_ais_config){
        .move = {.h = 0.02, .rule = JEBM_WEIGHTS_EXACT, .bound = 1.0, .rng = jebm_rng_make(3, 1)},
        .walkers = N,
        .steps = 20,
        .power = 1.0,
        .inner = 2,
        .path = jebm_convnet_temper};
}

enum { M = 160 };

static void grid_point(size_t i, float x[2]) {
    x[0] = (float)(2.0 * ((double)(i / M) + 0.5) / M - 1.0);
    x[1] = (float)(2.0 * ((double)(i % M) + 0.5) / M - 1.0);
}

/* exp(-U) on the midpoints of M x M cells, and log Z: second order, far below the bounds here */
static double log_z(const jebm_energy *e, double *density) {
    double sum = 0.0;
    for (size_t i = 0; i < M * M; i++) {
        float x[2];
        double U = 0.0;
        grid_point(i, x);
        e->ops->eval(e, 1, x, &U, NULL);
        density[i] = exp(-U);
        sum += density[i];
    }
    return log(sum * 4.0 / (M * M));
}

/* model samples by inversion over the cells, uniform within one, in mixed order */
static void sample(const double *density, float *x) {
    double total = 0.0, below = density[0];
    for (size_t i = 0; i < M * M; i++) {
        total += density[i];
    }
    for (size_t i = 0, cell = 0; i < N; i++) {
        while (below < total * ((double)i + 0.5) / N && cell + 1 < M * M) {
            below += density[++cell];
        }
        float *point = x + 2 * (i * 1009 % N);
        grid_point(cell, point);
        for (uint32_t j = 0; j < 2; j++) {
            const double u = jebm_rng_uniform(jebm_rng_make(8, 8), (uint32_t)(2 * i) + j, 0, 0);
            point[j] += (float)((2.0 * u - 1.0) / M);
        }
    }
}

static void expect(const char *what, jebm_ais_estimate a, double exact) {
    cr_expect(fabs(a.log_z - exact) <= ERRORS * a.se, "%s: %.5f +- %.5f, exact %.5f", what, a.log_z,
              a.se, exact);
    cr_expect(a.se < 0.2 && a.se > 1e-4, "%s: standard error %g", what, a.se);
}

static void expect_both_ends(double h_max) {
    jebm_energy *e = energy();
    double *density = calloc(M * M, sizeof *density);
    float *x = calloc(2 * N, sizeof *x);
    jebm_ais_config c = settings();
    c.h_max = h_max;
    jebm_ais_estimate a;
    jebm_error err = {0};
    const double exact = log_z(e, density);
    cr_expect(fabs(exact - 2.0 * log(2.0)) > 1.0, "the path goes nowhere: log Z %g", exact);
    cr_assert_eq(jebm_ais_forward(e, &c, &a, &err), JEBM_OK, "%s", err.text);
    expect("forward", a, exact);
    c.threshold = 0.9;
    cr_assert_eq(jebm_ais_forward(e, &c, &a, &err), JEBM_OK, "%s", err.text);
    cr_expect_gt(a.resamplings, 0);
    expect("forward, resampled", a, exact);
    sample(density, x);
    cr_assert_eq(jebm_ais_reverse(e, &c, x, &a, &err), JEBM_OK, "%s", err.text);
    cr_expect_eq(a.resamplings, 0);
    expect("reverse", a, exact);
    free(density);
    free(x);
    jebm_energy_free(e);
}

Test(ais, both_ends_give_the_log_z_of_quadrature) {
    expect_both_ends(0.0);
}

/* 0.02 at the model, five times that where beta is below a fifth */
Test(ais, steps_that_are_larger_at_the_reference_do_so_too) {
    expect_both_ends(0.1);
    // as large as at the model: nothing changes; larger: something does
    const double h_max[] = {0.0, 0.02, 0.1};
    jebm_ais_estimate a[3];
    jebm_energy *e = energy();
    for (size_t i = 0; i < 3; i++) {
        jebm_ais_config c = settings();
        c.h_max = h_max[i];
        cr_assert_eq(jebm_ais_forward(e, &c, &a[i], NULL), JEBM_OK);
    }
    jebm_energy_free(e);
    cr_expect_eq(a[0].log_z, a[1].log_z);
    cr_expect_neq(a[0].log_z, a[2].log_z);
}

/* ---- the step rule --------------------------------------------------------------------------- */

/* An energy without any, which notes the h of each move; walkers are one block, so one at a time
 * notes. */
enum { NOTES = 64 };
static double noted[NOTES];
static size_t nnoted;

static size_t spy_width(const jebm_energy *e) {
    (void)e;
    return 1;
}

static void spy_begin(const jebm_energy *e, size_t m, const uint32_t *ids, jebm_ensemble *ens) {
    (void)e;
    for (size_t i = 0; i < m; i++) {
        ens->U[ids[i]] = 0.0;
    }
}

static void spy_step(const jebm_energy *now, const jebm_energy *next, const jebm_move *move,
                     size_t m, const uint32_t *ids, jebm_ensemble *ens) {
    (void)now, (void)next, (void)m, (void)ids, (void)ens;
    cr_assert_lt(nnoted, NOTES);
    noted[nnoted++] = move->h;
}

static double spy_reference(const jebm_energy *e, jebm_rng rng, size_t first, size_t n, float *x,
                            double *U_ref) {
    jebm_rng_normals(rng, JEBM_LANE_INIT, 0, first, n, e->d, 1.0f, x);
    memset(U_ref, 0, n * sizeof *U_ref);
    return 0.0;
}

static jebm_energy *spy_copy(const jebm_energy *e) {
    jebm_energy *copy = malloc(sizeof *copy);
    cr_assert_not_null(copy);
    *copy = *e;
    return copy;
}

static void spy_free(jebm_energy *e) {
    free(e);
}

static void spy_path(const double *theta, double beta, jebm_energy *e) {
    (void)theta, (void)beta, (void)e;
}

/* Step k starts at beta, and h there is such that h beta is that of the model, but at most h_max:
 * the smaller of h/beta and h_max, in either direction; without h_max it is h throughout. */
Test(ais, a_step_is_the_smaller_of_h_over_beta_and_h_max) {
    enum { STEPS = 12 };
    static const jebm_energy_ops ops = {.name = "spy",
                                        .copy = spy_copy,
                                        .free = spy_free,
                                        .reference = spy_reference,
                                        .cache_width = spy_width,
                                        .begin = spy_begin,
                                        .step = spy_step};
    jebm_energy e = {.ops = &ops, .d = 1};
    const float start[5] = {0};
    for (int way = 0; way < 2; way++) {
        for (int growing = 0; growing < 2; growing++) {
            const double h = 0.02, h_max = growing ? 0.13 : 0.0;
            jebm_ais_config c = {.move = {.h = h, .rule = JEBM_WEIGHTS_EXACT},
                                 .h_max = h_max,
                                 .walkers = 5,
                                 .steps = STEPS,
                                 .power = 2.0,
                                 .inner = 1,
                                 .path = spy_path};
            jebm_ais_estimate a;
            size_t at_most = 0;
            nnoted = 0;
            cr_assert_eq(way == 0 ? jebm_ais_forward(&e, &c, &a, NULL)
                                  : jebm_ais_reverse(&e, &c, start, &a, NULL),
                         JEBM_OK);
            cr_assert_eq(nnoted, STEPS);
            for (size_t k = 0; k < STEPS; k++) {
                const double t = (double)(way == 0 ? k : STEPS - k) / STEPS, beta = t * t;
                double expected = h;
                if (growing) {
                    expected = h > h_max * beta ? h_max : h / beta;
                    at_most += expected == h_max;
                }
                cr_expect_float_eq(noted[k], expected, 1e-15, "step %zu at beta %g: h %g, not %g",
                                   k, beta, noted[k], expected);
            }
            cr_expect(!growing || (at_most > 2 && at_most < STEPS - 2), "%zu steps at h_max",
                      at_most);
        }
    }
}

/* ---- walkers at the end ---------------------------------------------------------------------- */

/* mean of a coordinate by their weights, against quadrature */
Test(ais, the_walkers_at_the_end_are_those_of_the_model) {
    jebm_energy *e = energy();
    double *density = calloc(M * M, sizeof *density), *logw = calloc(N, sizeof *logw);
    float *x = calloc(2 * N, sizeof *x);
    jebm_ais_config c = settings();
    c.x = x;
    c.logw = logw;
    jebm_ais_estimate a;
    (void)log_z(e, density);
    double mean = 0.0, square = 0.0, total = 0.0, found = 0.0, weights = 0.0, most = -INFINITY;
    cr_assert_eq(jebm_ais_forward(e, &c, &a, NULL), JEBM_OK);
    for (size_t i = 0; i < M * M; i++) {
        float point[2];
        grid_point(i, point);
        total += density[i];
        mean += density[i] * point[0];
        square += density[i] * point[0] * point[0];
    }
    mean /= total;
    for (size_t i = 0; i < N; i++) {
        most = fmax(most, logw[i]);
    }
    for (size_t i = 0; i < N; i++) {
        weights += exp(logw[i] - most);
        found += exp(logw[i] - most) * x[2 * i];
    }
    found /= weights;
    const double se = sqrt((square / total - mean * mean) / (a.ess * N));
    cr_expect(fabs(mean) > 10.0 * se, "a mean of %g says nothing", mean);
    cr_expect(fabs(found - mean) <= ERRORS * se, "mean %g, exact %g, error %g", found, mean, se);
    cr_expect_float_eq(most + log(weights / N) + 2.0 * log(2.0), a.log_z, 1e-9);
    free(density);
    free(logw);
    free(x);
    jebm_energy_free(e);
}

/* Resampled at every step, the last one included: walkers that are at one place are copies, and
 * have one ancestor. Without resampling each is its own. */
Test(ais, copies_have_one_ancestor) {
    enum { FEW = 200 };
    jebm_energy *e = energy();
    float x[2 * FEW];
    uint32_t ancestor[FEW];
    jebm_ais_config c = settings();
    jebm_ais_estimate a;
    size_t copies = 0, left = 0;
    unsigned char alive[FEW] = {0};
    c.walkers = FEW;
    c.x = x;
    c.ancestor = ancestor;
    cr_assert_eq(jebm_ais_forward(e, &c, &a, NULL), JEBM_OK);
    for (uint32_t i = 0; i < FEW; i++) {
        cr_expect_eq(ancestor[i], i);
    }
    c.threshold = 1.0;
    cr_assert_eq(jebm_ais_forward(e, &c, &a, NULL), JEBM_OK);
    cr_assert_eq(a.resamplings, c.steps);
    for (size_t i = 0; i < FEW; i++) {
        left += !alive[ancestor[i]];
        alive[ancestor[i]] = 1;
        for (size_t j = 0; j < i; j++) {
            if (memcmp(x + 2 * i, x + 2 * j, 2 * sizeof *x) == 0) {
                cr_expect_eq(ancestor[i], ancestor[j], "walkers %zu and %zu", j, i);
                copies++;
            }
        }
    }
    cr_expect_gt(copies, 3);
    cr_expect_lt(left, 3 * FEW / 4, "%zu ancestors are left", left);
    jebm_energy_free(e);
}

/* one step of annealing is importance sampling: forward too low, reverse from one place too high */
Test(ais, a_short_path_brackets_the_truth) {
    jebm_energy *e = energy();
    double *density = calloc(M * M, sizeof *density), low = 0.0, high = 0.0;
    float *x = calloc(2 * N, sizeof *x);
    const double exact = log_z(e, density);
    jebm_ais_config c = settings();
    jebm_ais_estimate a;
    c.steps = 1;
    c.walkers = 8;
    c.move.h = 1e-4;
    sample(density, x);
    for (uint64_t r = 0; r < 200; r++) {
        c.move.rng = jebm_rng_make(3, r);
        cr_assert_eq(jebm_ais_forward(e, &c, &a, NULL), JEBM_OK);
        low += a.log_z / 200;
        cr_assert_eq(jebm_ais_reverse(e, &c, x + 16 * r, &a, NULL), JEBM_OK);
        high += a.log_z / 200;
    }
    cr_expect(low < exact && exact < high, "%g < %g < %g", low, exact, high);
    free(density);
    free(x);
    jebm_energy_free(e);
}

#if defined(_OPENMP)
/* the last energy was made for one thread, and three walk under it */
Test(ais, threads_change_no_bit) {
    static const int makers[] = {1, 3, 1}, walkers[] = {1, 3, 3};
    jebm_ais_config c = settings();
    jebm_ais_estimate a[3];
    c.threshold = 0.9;
    for (int i = 0; i < 3; i++) {
        omp_set_num_threads(makers[i]);
        jebm_energy *e = energy();
        omp_set_num_threads(walkers[i]);
        cr_assert_eq(jebm_ais_forward(e, &c, &a[i], NULL), JEBM_OK);
        jebm_energy_free(e);
    }
    for (int i = 1; i < 3; i++) {
        cr_expect_eq(a[0].log_z, a[i].log_z);
        cr_expect_eq(a[0].ess, a[i].ess);
    }
}
#endif
