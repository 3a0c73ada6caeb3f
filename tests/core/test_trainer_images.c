/* What training on images adds to the trainer, each against its definition: starts from a reference
 * density, controlled steps, several mini-batches, CD in batches, and the switches that turn on
 * what the released image code does otherwise.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/batch.h"
#include "core/threads.h"
#include "core/trainer.h"
#include "energy/convnet.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { D = 16, N = 64, BATCH = 32, POINTS = 90 };
#define ERRORS 4.5

static float data[POINTS * D];

/* two classes of 4x4 images: bright above or bright left, with noise */
static void make_data(void) {
    for (uint32_t i = 0; i < POINTS; i++) {
        for (uint32_t j = 0; j < D; j++) {
            const bool bright = i % 3 == 0 ? j < D / 2 : j % 4 < 2;
            const double u = jebm_rng_uniform(jebm_rng_make(9, 9), i * D + j, JEBM_LANE_INIT, 0);
            data[i * D + j] = (float)((bright ? 0.8 : -0.8) + 0.2 * (u - 0.5));
        }
    }
}

static jebm_energy *energy_at(double temperature, bool zero_last, jebm_gemm_backend drift) {
    const jebm_convnet_config c = {.spec = "conv 6 k3 s1 p1 | silu | linear 10 | silu | linear 1",
                                   .shape = {1, 4, 4},
                                   .temperature = temperature,
                                   .backend = jebm_gemm_default(),
                                   .drift = drift,
                                   .zero_last = zero_last};
    jebm_energy *e = NULL;
    jebm_error err = {0};
    cr_assert_eq(jebm_convnet_new(&c, jebm_rng_make(5, 5), &e, &err), JEBM_OK, "%s", err.text);
    return e;
}

static jebm_energy *energy(bool zero_last, jebm_gemm_backend drift) {
    return energy_at(0.2, zero_last, drift);
}

static jebm_trainer_config settings(void) {
    return (jebm_trainer_config){.method = JEBM_METHOD_JARZYNSKI,
                                 .rule = JEBM_WEIGHTS_EXACT,
                                 .npopulations = 1,
                                 .walkers = {N},
                                 .batch = {BATCH},
                                 .gradient = JEBM_GRADIENT_BATCH,
                                 .data_batch = 40,
                                 .ess_every = 1,
                                 .inner = 2,
                                 .cd_steps = 3,
                                 .h = 0.01,
                                 .bound = 1.0,
                                 .scheme = JEBM_SYSTEMATIC,
                                 .trigger = JEBM_TRIGGER_NEVER,
                                 .optimizer = {.kind = JEBM_ADAM, .beta_2 = 0.999, .epsilon = 1e-8},
                                 .rate = {0.01},
                                 .rng = {{{1, 2}}, {{3, 4}}}};
}

static jebm_trainer *trainer_of(const jebm_trainer_config *c, jebm_energy *e) {
    jebm_trainer *t = NULL;
    jebm_error err = {0};
    make_data();
    cr_assert_eq(jebm_trainer_new(c, e, POINTS, data, &t, &err), JEBM_OK, "%s", err.text);
    jebm_energy_free(e);
    return t;
}

static jebm_trainer *trainer(const jebm_trainer_config *c) {
    return trainer_of(c, energy(false, jebm_gemm_default()));
}

static void advance(jebm_trainer *t, size_t steps) {
    jebm_error err = {0};
    for (size_t i = 0; i < steps; i++) {
        cr_assert_eq(jebm_trainer_step(t, &err), JEBM_OK, "%s", err.text);
    }
    cr_assert_eq(jebm_trainer_settle(t, &err), JEBM_OK, "%s", err.text);
}

static void uniform_walkers(const jebm_trainer_config *c, double *U_ref, float *x) {
    jebm_energy *e = energy(false, jebm_gemm_default());
    e->ops->reference(e, c->rng[0], 0, N, x, U_ref);
    jebm_energy_free(e);
}

/* ---- starts ---------------------------------------------------------------------------------- */

Test(trainer_images, weights_start_at_the_difference_from_the_reference) {
    const jebm_trainer_config c = settings();
    jebm_trainer *t = trainer(&c);
    const jebm_ensemble *e = jebm_trainer_ensemble(t, 0);
    float x[N * D];
    double U_ref[N], mean = 0.0;
    uniform_walkers(&c, U_ref, x);
    cr_expect_eq(memcmp(x, e->x, sizeof x), 0);
    for (size_t i = 0; i < N; i++) {
        double U = 0.0;
        jebm_trainer_energy(t)->ops->eval(jebm_trainer_energy(t), 1, x + i * D, &U, NULL);
        cr_expect_float_eq(e->logw[i], -U, 1e-6);
        mean += exp(-U) / N;
    }
    cr_expect_float_eq(jebm_trainer_observe(t, 0).log_z, D * log(2.0) + log(mean), 1e-6);
    jebm_trainer_free(t);
    t = trainer_of(&c, energy(true, jebm_gemm_default()));
    cr_expect_float_eq(jebm_trainer_observe(t, 0).log_z, D * log(2.0), 1e-12);
    cr_expect_eq(jebm_trainer_observe(t, 0).ess, 1.0);
    jebm_trainer_free(t);
}

/* the same log Z with and without 10 weighed steps at theta_0, from 6000 walkers each */
Test(trainer_images, a_weighed_burn_in_leaves_log_z_unbiased) {
    jebm_trainer_config c = settings();
    jebm_observation o[2];
    c.walkers[0] = 6000;
    c.batch[0] = 2500; /* a last batch that is not full */
    for (int i = 0; i < 2; i++) {
        c.burn_in = i == 0 ? 0 : 10;
        c.rng[0] = jebm_rng_make(6, (uint64_t)i);
        jebm_trainer *t = trainer_of(&c, energy_at(0.01, false, jebm_gemm_default()));
        o[i] = jebm_trainer_observe(t, 0);
        jebm_trainer_free(t);
    }
    const double se = sqrt((1.0 / o[0].ess - 1.0) / 6000 + (1.0 / o[1].ess - 1.0) / 6000);
    cr_expect(fabs(o[0].log_z - o[1].log_z) <= ERRORS * se, "%.5f and %.5f +- %.5f", o[0].log_z,
              o[1].log_z, se);
    cr_expect(fabs(o[1].ess - o[0].ess) > 1e-3, "the burn-in did nothing: ESS %g, %g", o[0].ess,
              o[1].ess);
}

Test(trainer_images, a_stale_start_weighs_by_the_energies_before_the_burn_in) {
    jebm_trainer_config c = settings();
    c.burn_in = 20;
    c.stale_start = c.released_log_z = true;
    jebm_trainer *t = trainer(&c);
    const jebm_ensemble *e = jebm_trainer_ensemble(t, 0);
    const jebm_energy *theta = jebm_trainer_energy(t);
    float x[N * D];
    double U_ref[N], before[N], after[N], mean = 0.0, weight = 0.0;
    uniform_walkers(&c, U_ref, x);
    theta->ops->eval(theta, N, x, before, NULL);
    theta->ops->eval(theta, N, e->x, after, NULL);
    for (size_t i = 0; i < N; i++) {
        cr_expect_neq(memcmp(x + i * D, e->x + i * D, D * sizeof *x), 0, "walker %zu rests", i);
        cr_expect_float_eq(e->logw[i], before[i] - after[i], 1e-6, "walker %zu", i);
        mean += exp(-after[i]) / N;
        weight += exp(e->logw[i]) / N;
    }
    cr_expect_float_eq(jebm_trainer_observe(t, 0).log_z, log(mean) + log(weight), 1e-6);
    jebm_trainer_free(t);
}

/* ---- the gradient -----------------------------------------------------------------------------
 */

/* D of all walkers with these log-weights and all data, in double sums of single gradients */
static void direction_of(const jebm_energy *e, const float *x, const double *logw, double alpha,
                         double *g) {
    double p[N], U;
    double *one = calloc(e->nparams, sizeof *one);
    cr_assert_not_null(one);
    cr_assert_eq(jebm_weights_normalise(N, logw, p), JEBM_OK);
    memset(g, 0, e->nparams * sizeof *g);
    for (size_t i = 0; i < N + POINTS; i++) {
        const float *point = i < N ? x + i * D : data + (i - N) * D;
        e->ops->eval(e, 1, point, &U, NULL);
        const double factor =
            i < N ? p[i] * (1.0 - 2.0 * alpha * U) : -1.0 / POINTS * (1.0 + 2.0 * alpha * U);
        memset(one, 0, e->nparams * sizeof *one);
        e->ops->theta_grad(e, 1, point, NULL, one);
        for (size_t j = 0; j < e->nparams; j++) {
            g[j] += factor * one[j];
        }
    }
    free(one);
}

static void expect_direction(const jebm_trainer *t, const double *expected, const char *what) {
    const double *found = jebm_trainer_direction(t);
    double worst = 0.0, size = 0.0;
    for (size_t j = 0; j < jebm_trainer_energy(t)->nparams; j++) {
        worst = fmax(worst, fabs(found[j] - expected[j]));
        size = fmax(size, fabs(expected[j]));
    }
    /* single-precision products of tens of terms, weights of 24 bits */
    cr_expect(worst <= 1e-5 * size, "%s: off by %g of %g", what, worst, size);
}

Test(trainer_images, the_gradient_is_weighed_regularised_and_stale_as_it_says) {
    for (int stale = 0; stale < 2; stale++) {
        for (int regular = 0; regular < 2; regular++) {
            jebm_trainer_config c = settings();
            c.batch[0] = N;
            c.data_batch = 0;
            c.alpha = regular ? 0.05 : 0.0;
            c.stale_weights = stale;
            jebm_trainer *t = trainer(&c);
            advance(t, 3);
            jebm_energy *old = jebm_trainer_energy(t)->ops->copy(jebm_trainer_energy(t));
            advance(t, 1);
            const jebm_energy *theta = jebm_trainer_energy(t);
            const jebm_ensemble *e = jebm_trainer_ensemble(t, 0);
            double logw[N], before[N], *expected = calloc(theta->nparams, sizeof *expected);
            cr_assert_not_null(expected);
            old->ops->eval(old, N, e->x, before, NULL);
            for (size_t i = 0; i < N; i++) {
                logw[i] = e->logw[i] + (stale ? e->U[i] - before[i] : 0.0);
            }
            direction_of(theta, e->x, logw, c.alpha, expected);
            advance(t, 1); /* direction: of the step just made */
            expect_direction(t, expected, stale ? "stale" : "present");
            free(expected);
            jebm_energy_free(old);
            jebm_trainer_free(t);
        }
    }
}

/* with a step in x that is next to nothing, an update is all that the ESS can fall by */
Test(trainer_images, an_update_costs_no_more_of_the_ess_than_it_may) {
    jebm_trainer_config c = settings();
    c.batch[0] = N;
    c.h = 1e-10;
    c.rate[0] = 0.3;
    double worst[2] = {1.0, 1.0};
    for (int controlled = 0; controlled < 2; controlled++) {
        c.ess_cost = controlled ? 0.04 : 0.0;
        jebm_trainer *t = trainer(&c);
        for (size_t k = 0; k < 20; k++) {
            const double before = jebm_trainer_observe(t, 0).ess;
            advance(t, 1);
            worst[controlled] = fmin(worst[controlled], jebm_trainer_observe(t, 0).ess / before);
        }
        const double scale = jebm_trainer_observe(t, 0).step_scale;
        cr_expect(controlled ? scale < 0.9 : scale == 1.0, "mean scale %g", scale);
        jebm_trainer_free(t);
    }
    cr_expect(worst[1] >= 0.96 - 1e-3, "a controlled update kept %g", worst[1]);
    cr_expect(worst[1] <= 0.97, "the control holds back: at worst %g is kept", worst[1]);
    cr_expect(worst[0] < 0.8, "without control all is well, too: %g", worst[0]);
}

/* The second step is a millionth of the first, and costs next to nothing at any scale: that the
 * control goes on from the scale of the last step, by 1.25 each time, is then all that holds it
 * back. */
Test(trainer_images, a_controlled_step_is_at_most_a_quarter_larger_than_the_last) {
    jebm_trainer_config c = settings();
    c.batch[0] = N;
    c.h = 1e-10;
    c.rate[0] = 0.3;
    c.ess_cost = 0.04;
    c.optimizer.schedule = JEBM_SCHEDULE_LINEAR;
    c.optimizer.end = 1e-6;
    c.optimizer.horizon = 1;
    jebm_trainer *t = trainer(&c);
    advance(t, 1);
    double expected = jebm_trainer_observe(t, 0).step_scale;
    cr_assert_lt(expected, 0.5, "the first step is not shortened: %g", expected);
    for (size_t k = 1; k < 8; k++) {
        expected = fmin(1.25 * expected, 1.0);
        jebm_trainer_forget(t);
        advance(t, 1);
        cr_expect_float_eq(jebm_trainer_observe(t, 0).step_scale, expected, 1e-12,
                           "step %zu: scale %g, expected %g", k,
                           jebm_trainer_observe(t, 0).step_scale, expected);
    }
    jebm_trainer_free(t);
}

/* ---- the moves --------------------------------------------------------------------------------
 */

static void expect_moved(const float *before, const float *after, const unsigned char *expected) {
    for (size_t i = 0; i < N; i++) {
        const bool moved = memcmp(before + i * D, after + i * D, D * sizeof *after) != 0;
        cr_expect_eq(moved, expected[i] != 0, "walker %zu", i);
    }
}

Test(trainer_images, each_mini_batch_moves_once_and_fresh_ones_leave_the_gradient_s_alone) {
    for (int fresh = 0; fresh < 2; fresh++) {
        jebm_trainer_config c = settings();
        c.batch[0] = 12;
        c.batches = 2;
        c.fresh_gradient = fresh;
        jebm_trainer *t = trainer(&c);
        float before[N * D];
        unsigned char member[N] = {0};
        memcpy(before, jebm_trainer_ensemble(t, 0)->x, sizeof before);
        advance(t, 1);
        for (uint64_t j = 0; j < 2; j++) {
            const uint64_t address = (j + (fresh ? 1 : 0)) << 48;
            const jebm_shuffle s = jebm_shuffle_make(c.rng[0], address, N);
            for (uint32_t i = 0; i < 12; i++) {
                member[jebm_shuffle_at(&s, i)] = 1;
            }
        }
        expect_moved(before, jebm_trainer_ensemble(t, 0)->x, member);
        jebm_trainer_free(t);
    }
}

Test(trainer_images, cd_in_batches_starts_at_data_and_weighs_nothing) {
    jebm_trainer_config c = settings();
    c.method = JEBM_METHOD_CD;
    c.batch[0] = N;
    c.h = 1e-12;
    jebm_trainer *t = trainer(&c);
    advance(t, 3);
    const jebm_ensemble *e = jebm_trainer_ensemble(t, 0);
    for (size_t i = 0; i < N; i++) {
        float best = INFINITY;
        for (size_t j = 0; j < POINTS; j++) {
            float far = 0.0f;
            for (size_t q = 0; q < D; q++) {
                far = fmaxf(far, fabsf(e->x[i * D + q] - data[j * D + q]));
            }
            best = fminf(best, far);
        }
        cr_expect(best < 1e-4f, "walker %zu is %g from data", i, (double)best);
        cr_expect_eq(e->logw[i], 0.0);
    }
    jebm_trainer_free(t);
}

/* the same run without resampling has the walkers of before */
Test(trainer_images, unpermuted_energies_stay_at_the_places_of_the_walkers_before) {
    jebm_trainer_config c = settings();
    jebm_trainer *never = trainer(&c);
    c.trigger = JEBM_TRIGGER_INTERVAL;
    c.interval = 4;
    jebm_trainer *plain = trainer(&c);
    c.unpermuted_energies = true;
    jebm_trainer *quirk = trainer(&c);
    advance(never, 4);
    advance(plain, 4);
    advance(quirk, 4);
    const jebm_ensemble *before = jebm_trainer_ensemble(never, 0),
                        *right = jebm_trainer_ensemble(plain, 0),
                        *wrong = jebm_trainer_ensemble(quirk, 0);
    size_t differ = 0;
    cr_expect_eq(memcmp(right->x, wrong->x, N * D * sizeof(float)), 0);
    for (size_t i = 0; i < N; i++) {
        cr_expect_eq(right->logw[i], 0.0);
        cr_expect_float_eq(wrong->logw[i], before->U[i] - right->U[i], 1e-9, "walker %zu", i);
        differ += before->U[i] != right->U[i];
    }
    cr_expect(differ > 3, "nothing was resampled");
    jebm_trainer_free(never);
    jebm_trainer_free(plain);
    jebm_trainer_free(quirk);
}

/* ---- all at once ------------------------------------------------------------------------------
 */

static jebm_trainer_config everything(void) {
    jebm_trainer_config c = settings();
    c.npopulations = 2;
    c.walkers[1] = 40;
    c.batch[1] = 20;
    c.burn_in = 3;
    c.batches = 2;
    c.alpha = 0.01;
    c.ess_cost = 0.05;
    c.stale_weights = c.unpermuted_energies = c.fresh_gradient = true;
    c.trigger = JEBM_TRIGGER_ESS;
    c.threshold = 0.8;
    c.optimizer.max_norm = 1.0;
    return c;
}

static jebm_gemm_backend low(void) {
    return jebm_gemm_available(JEBM_GEMM_BF16) ? JEBM_GEMM_BF16 : jebm_gemm_default();
}

static void expect_same(jebm_trainer *a, jebm_trainer *b, const char *what) {
    for (size_t p = 0; p < 2; p++) {
        const jebm_ensemble *x = jebm_trainer_ensemble(a, p), *y = jebm_trainer_ensemble(b, p);
        cr_expect_eq(memcmp(x->x, y->x, x->n * D * sizeof(float)), 0, "%s: walkers %zu", what, p);
        cr_expect_eq(memcmp(x->logw, y->logw, x->n * sizeof(double)), 0, "%s: weights", what);
    }
    cr_expect_eq(memcmp(jebm_trainer_energy(a)->theta, jebm_trainer_energy(b)->theta,
                        jebm_trainer_energy(a)->nparams * sizeof(double)),
                 0, "%s: theta", what);
}

#if defined(_OPENMP)
Test(trainer_images, threads_change_no_bit) {
    const jebm_trainer_config c = everything();
    jebm_trainer *t[3];
    for (int threads = 1; threads <= 3; threads++) {
        omp_set_num_threads(threads);
        t[threads - 1] = trainer_of(&c, energy(false, low()));
        advance(t[threads - 1], 12);
    }
    cr_expect_gt(jebm_trainer_observe(t[0], 0).resamplings, 0);
    expect_same(t[0], t[1], "2 threads");
    expect_same(t[0], t[2], "3 threads");
    for (int i = 0; i < 3; i++) {
        jebm_trainer_free(t[i]);
    }
}

/* the network's workspaces, too, are one a thread */
Test(trainer_images, more_threads_may_step_than_made_the_energy) {
    const jebm_trainer_config c = everything();
    jebm_energy *e = NULL;
    jebm_trainer *t[2];
    for (int i = 0; i < 2; i++) {
        omp_set_num_threads(i == 0 ? 3 : 1);
        e = energy(false, low());
        omp_set_num_threads(i == 0 ? 3 : 2);
        t[i] = trainer_of(&c, e);
        omp_set_num_threads(3);
        advance(t[i], 3);
    }
    expect_same(t[0], t[1], "3 threads after 2 after 1");
    jebm_trainer_free(t[0]);
    jebm_trainer_free(t[1]);
}
#endif

static size_t size_of(const jebm_array *a) {
    size_t bytes = a->type == JEBM_F32 || a->type == JEBM_U32 ? 4 : 8;
    for (size_t i = 0; i < a->rank; i++) {
        bytes *= a->shape[i];
    }
    return bytes;
}

static void restore(jebm_trainer *from, jebm_trainer *to) {
    jebm_array source[40], target[40];
    jebm_error err = {0};
    const size_t n = jebm_trainer_arrays(from, 40, source);
    cr_assert_eq(jebm_trainer_arrays(to, 40, target), n);
    for (size_t i = 0; i < n; i++) {
        cr_assert_str_eq(source[i].name, target[i].name);
        memcpy(target[i].data, source[i].data, size_of(&source[i]));
    }
    cr_assert_eq(jebm_trainer_restored(to, &err), JEBM_OK, "%s", err.text);
}

Test(trainer_images, a_restored_run_goes_on_to_the_bit) {
    const jebm_trainer_config c = everything();
    jebm_trainer *whole = trainer_of(&c, energy(false, low()));
    jebm_trainer *other = trainer_of(&c, energy(false, low()));
    advance(whole, 5);
    restore(whole, other);
    advance(whole, 6);
    advance(other, 6);
    expect_same(whole, other, "restored");
    cr_expect_eq(jebm_trainer_observe(whole, 0).step_scale,
                 jebm_trainer_observe(other, 0).step_scale);
    jebm_trainer_free(whole);
    jebm_trainer_free(other);
}

/* an iteration with a falling h is one of a constant h_k: 0.01, 0.005, then 0.0025 */
Test(trainer_images, h_falls_geometrically_to_its_last_value) {
    jebm_trainer_config c = everything();
    c.h = 0.01;
    c.final_h = 0.0025;
    c.h_horizon = 2;
    jebm_trainer *falling = trainer_of(&c, energy(false, low()));
    c.final_h = 0.0;
    const double h[] = {0.01, 0.005, 0.0025, 0.0025};
    for (size_t k = 0; k < 4; k++) {
        c.h = h[k];
        jebm_trainer *constant = trainer_of(&c, energy(false, low()));
        restore(falling, constant);
        advance(falling, 1);
        advance(constant, 1);
        expect_same(falling, constant, "constant h");
        jebm_trainer_free(constant);
    }
    jebm_trainer_free(falling);
}

/* 64 MiB of partial sums hold 35 parts of 234001 parameters: fewer than there are blocks */
Test(trainer_images, a_gradient_in_few_parts_is_that_of_one_part_a_block) {
    jebm_convnet_config net = {.spec = "linear 13000 | silu | linear 1",
                               .shape = {1, 4, 4},
                               .temperature = 1.0,
                               .backend = jebm_gemm_default(),
                               .drift = jebm_gemm_default()};
    jebm_energy *e = NULL;
    cr_assert_eq(jebm_convnet_new(&net, jebm_rng_make(5, 5), &e, NULL), JEBM_OK);
    const size_t P = e->nparams;
    make_data();
    double *found[2];
    for (int coarse = 0; coarse < 2; coarse++) {
        jebm_trainer_config c = settings();
        c.batch[0] = N;
        c.walkers[0] = c.batch[0] = 320;
        c.data_batch = 0;
        e->block = coarse ? 8 : 64; /* 40 blocks of walkers in 35 parts, or 5 in 5 */
        jebm_trainer *t = NULL;
        cr_assert_eq(jebm_trainer_new(&c, e, POINTS, data, &t, NULL), JEBM_OK);
        advance(t, 1);
        found[coarse] = calloc(P, sizeof(double));
        cr_assert_not_null(found[coarse]);
        memcpy(found[coarse], jebm_trainer_direction(t), P * sizeof(double));
        jebm_trainer_free(t);
    }
    double worst = 0.0, size = 0.0;
    for (size_t i = 0; i < P; i++) {
        worst = fmax(worst, fabs(found[0][i] - found[1][i]));
        size = fmax(size, fabs(found[0][i]));
    }
    cr_expect(worst <= 1e-5 * size, "off by %g of %g", worst, size);
    free(found[0]);
    free(found[1]);
    jebm_energy_free(e);
}

Test(trainer_images, what_needs_a_batch_is_refused_without) {
    make_data();
    jebm_energy *e = energy(false, jebm_gemm_default());
    for (int i = 0; i < 6; i++) {
        jebm_trainer_config c = settings();
        jebm_trainer *t = NULL;
        jebm_error err = {0};
        c.gradient = JEBM_GRADIENT_ALL;
        c.data_batch = 0;
        c.batches = i == 0 ? 2 : 0;
        c.ess_cost = i == 1 ? 0.1 : 0.0;
        c.burn_in = i == 2 ? 1 : 0;
        c.stale_weights = i == 3;
        c.fresh_gradient = i == 4;
        c.released_log_z = i == 5;
        cr_expect_eq(jebm_trainer_new(&c, e, POINTS, data, &t, &err), JEBM_EINVAL, "case %d", i);
        cr_expect_not_null(strstr(err.text, "need gradient = batch"), "%s", err.text);
    }
    jebm_energy_free(e);
}
