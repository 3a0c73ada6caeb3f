/* The training loop: what it must give whatever runs it, and each policy against a loop by hand.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/trainer.h"

#include "energy/gmm.h"
#include "gmm_reference.h"
#include "quartic.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

enum { D = 5, MODES = 2, PARAMS = MODES * D + MODES - 1, N = 300, DATA = 450 };

static void *get(size_t n, size_t size) {
    void *p = calloc(n + 1, size);
    cr_assert_not_null(p);
    return p;
}

/* ---- one experiment ------------------------------------------------------------------------- */

/* modes at -first and first along the first axis */
static jebm_energy *mixture(double first, double z) {
    jebm_energy *e = NULL;
    cr_assert_eq(jebm_gmm_new(D, MODES, &e, NULL), JEBM_OK);
    e->theta[0] = -first;
    e->theta[D] = first;
    e->theta[MODES * D] = z;
    e->ops->refresh(e);
    return e;
}

/* p* = 0.25 in mode a */
static float *teacher_data(size_t n) {
    jebm_energy *teacher = mixture(3.0, -log(3.0));
    float *data = get(n * D, sizeof *data);
    teacher->ops->sample(teacher, jebm_rng_make(77, 0), false, n, 0, n, data);
    jebm_energy_free(teacher);
    return data;
}

static jebm_trainer_config settings(jebm_method method) {
    return (jebm_trainer_config){
        .method = method,
        .rule = JEBM_WEIGHTS_EXACT,
        .npopulations = 1,
        .walkers = {N, 200, 129},
        .batch = {N, 200, 129},
        .inner = 1,
        .cd_steps = 3,
        .h = 0.1,
        .scheme = JEBM_SYSTEMATIC,
        .trigger = JEBM_TRIGGER_ESS,
        .threshold = 0.8,
        .interval = 5,
        .optimizer = {.kind = JEBM_GRADIENT_DESCENT, .schedule = JEBM_SCHEDULE_CONSTANT},
        .rate = {0.05, 0.05},
        .rng = {{{1, 2}}, {{3, 4}}, {{5, 6}}}};
}

static jebm_trainer *trainer_on(const jebm_trainer_config *c, const jebm_energy *e, size_t n,
                                const float *data) {
    jebm_trainer *t = NULL;
    jebm_error err = {0};
    cr_assert_eq(jebm_trainer_new(c, e, n, data, &t, &err), JEBM_OK, "%s", err.text);
    return t;
}

/* from modes that overlap, as in the paper */
static jebm_trainer *trainer(const jebm_trainer_config *c, const float *data) {
    jebm_energy *student = mixture(0.5, 0.0);
    jebm_trainer *t = trainer_on(c, student, DATA, data);
    jebm_energy_free(student);
    return t;
}

static void advance(jebm_trainer *t, size_t steps) {
    jebm_error err = {0};
    for (size_t i = 0; i < steps; i++) {
        cr_assert_eq(jebm_trainer_step(t, &err), JEBM_OK, "%s", err.text);
    }
}

static void settle(jebm_trainer *t) {
    jebm_error err = {0};
    cr_assert_eq(jebm_trainer_settle(t, &err), JEBM_OK, "%s", err.text);
}

static size_t bytes_of(const jebm_array *a) {
    size_t bytes = a->type == JEBM_F32 || a->type == JEBM_U32 ? 4 : 8;
    for (size_t r = 0; r < a->rank; r++) {
        bytes *= a->shape[r];
    }
    return bytes;
}

#define MAX_ARRAYS 32

/* every bit of state, and of what is seen of it */
static void expect_same(const char *what, jebm_trainer *a, jebm_trainer *b, size_t populations) {
    jebm_array x[MAX_ARRAYS], y[MAX_ARRAYS];
    settle(a);
    settle(b);
    const size_t n = jebm_trainer_arrays(a, MAX_ARRAYS, x);
    cr_assert_eq(n, jebm_trainer_arrays(b, MAX_ARRAYS, y));
    for (size_t i = 0; i < n; i++) {
        cr_assert_eq(bytes_of(&x[i]), bytes_of(&y[i]));
        cr_expect_eq(memcmp(x[i].data, y[i].data, bytes_of(&x[i])), 0, "%s: array %s differs", what,
                     x[i].name);
    }
    /* with gradient = batch the direction is that of the step just made, which no checkpoint keeps
     */
    cr_expect(strstr(what, "just restored") != NULL ||
                  memcmp(jebm_trainer_direction(a), jebm_trainer_direction(b),
                         jebm_trainer_energy(a)->nparams * sizeof(double)) == 0,
              "%s: the direction differs", what);
    for (size_t p = 0; p < populations; p++) {
        const jebm_observation o = jebm_trainer_observe(a, p), q = jebm_trainer_observe(b, p);
        cr_expect_eq(memcmp(&o, &q, sizeof o), 0, "%s: population %zu looks different", what, p);
    }
}

/* ---- settings to go through ----------------------------------------------------------------- */

typedef struct named {
    char name[64];
    jebm_trainer_config c;
} named;

/* every method, full and mini-batch, averages over all and over the batch, one population and more,
 * both optimizers and two weight rules */
static size_t list_settings(named *list) {
    size_t n = 0;
    for (int method = 0; method < JEBM_METHOD_COUNT; method++) {
        for (int variant = 0; variant < 6; variant++) {
            if (variant >= 4 && method == JEBM_METHOD_CD) {
                continue;
            }
            named *s = &list[n];
            s->c = settings((jebm_method)method);
            if (variant % 2 == 1 && method != JEBM_METHOD_CD) {
                s->c.batch[0] = N / 4;
            }
            if (variant % 2 == 1) {
                s->c.cd_schedule = JEBM_CD_INTERLEAVED;
                s->c.optimizer = (jebm_optimizer_config){.kind = JEBM_ADAM,
                                                         .schedule = JEBM_SCHEDULE_LINEAR,
                                                         .end = 0.1,
                                                         .horizon = 50,
                                                         .beta_1 = 0.9,
                                                         .beta_2 = 0.999,
                                                         .epsilon = 1e-8};
                s->c.stale_trigger = true;
            }
            if (variant == 4) {
                s->c.gradient = JEBM_GRADIENT_BATCH;
                s->c.batch[0] = 70;
                s->c.data_batch = 200;
                s->c.npopulations = 2;
                s->c.batch[1] = 50;
            } else if (variant == 5) {
                s->c.gradient = JEBM_GRADIENT_BATCH;
                s->c.stale_trigger = false;
                s->c.ess_every = 3;
                s->c.inner = 2;
            } else if (variant >= 2) {
                s->c.npopulations = 3;
                s->c.rule = JEBM_WEIGHTS_RELEASED;
                s->c.scheme = JEBM_MULTINOMIAL;
                s->c.threshold = 0.95;
                s->c.inner = 2;
            }
            snprintf(s->name, sizeof s->name, "%s, variant %d", jebm_method_name(s->c.method),
                     variant);
            n++;
        }
    }
    return n;
}

static void use_threads(int n) {
#ifdef _OPENMP
    omp_set_num_threads(n);
#else
    (void)n;
#endif
}

Test(trainer, no_bit_depends_on_the_number_of_threads, .timeout = 120) {
    static const int teams[] = {2, 3, 8};
    named list[32];
    float *data = teacher_data(DATA);
    const size_t n = list_settings(list);
    for (size_t i = 0; i < n; i++) {
        use_threads(1);
        jebm_trainer *one = trainer(&list[i].c, data);
        advance(one, 25);
        for (size_t k = 0; k < sizeof teams / sizeof *teams; k++) {
            char what[96];
            snprintf(what, sizeof what, "%s, %d threads", list[i].name, teams[k]);
            use_threads(teams[k]);
            jebm_trainer *many = trainer(&list[i].c, data);
            advance(many, 25);
            expect_same(what, one, many, list[i].c.npopulations);
            jebm_trainer_free(many);
        }
        jebm_trainer_free(one);
    }
    free(data);
}

/* save, make a new trainer of the same settings, load, go on: at an iteration that has resampled
 * where there is one */
static void expect_restorable(const named *s, const float *data) {
    jebm_trainer *whole = trainer(&s->c, data);
    jebm_array from[MAX_ARRAYS], to[MAX_ARRAYS];
    jebm_error err = {0};
    advance(whole, 17);
    settle(whole);
    while (jebm_trainer_observe(whole, 0).resamplings == 0 &&
           jebm_trainer_observe(whole, 0).k < 60 && s->c.method == JEBM_METHOD_JARZYNSKI) {
        advance(whole, 1);
        settle(whole);
    }
    if (s->c.method == JEBM_METHOD_JARZYNSKI) {
        cr_expect_gt(jebm_trainer_observe(whole, 0).resamplings, 0, "%s never resampled", s->name);
    }
    jebm_trainer *second = trainer(&s->c, data);
    const size_t n = jebm_trainer_arrays(whole, MAX_ARRAYS, from);
    cr_assert_eq(n, jebm_trainer_arrays(second, MAX_ARRAYS, to));
    for (size_t i = 0; i < n; i++) {
        cr_assert_str_eq(from[i].name, to[i].name);
        memcpy(to[i].data, from[i].data, bytes_of(&from[i]));
    }
    cr_assert_eq(jebm_trainer_restored(second, &err), JEBM_OK, "%s", err.text);
    expect_same("just restored", whole, second, s->c.npopulations);
    advance(whole, 20);
    advance(second, 20);
    expect_same(s->name, whole, second, s->c.npopulations);
    jebm_trainer_free(whole);
    jebm_trainer_free(second);
}

Test(trainer, a_restored_trainer_goes_on_to_the_bit, .timeout = 120) {
    named list[32];
    float *data = teacher_data(DATA);
    const size_t n = list_settings(list);
    for (size_t i = 0; i < n; i++) {
        expect_restorable(&list[i], data);
    }
    free(data);
}

Test(trainer, arrays_beyond_the_capacity_are_not_written) {
    float *data = teacher_data(DATA);
    const jebm_trainer_config c = settings(JEBM_METHOD_PCD);
    jebm_trainer *t = trainer(&c, data);
    jebm_array list[4];
    memset(list, 0x5a, sizeof list);
    cr_expect_eq(jebm_trainer_arrays(t, 3, list), 3);
    cr_expect_eq(list[3].name[0], 0x5a);
    jebm_trainer_free(t);
    jebm_trainer_free(NULL);
    free(data);
}

/* ---- the gradient --------------------------------------------------------------------------- */

/* eq. (11) in double, from nothing but walkers, weights, data and theta */
static void naive_direction(const jebm_trainer *t, size_t n, const float *data, double *g) {
    const jebm_ensemble *e = jebm_trainer_ensemble(t, 0);
    const gmm_reference m = {D, MODES, jebm_trainer_energy(t)->theta};
    double max = -INFINITY, total = 0.0, x[D];
    for (size_t i = 0; i < e->n; i++) {
        max = fmax(max, e->logw[i]);
    }
    for (size_t i = 0; i < e->n; i++) {
        total += exp(e->logw[i] - max);
    }
    memset(g, 0, PARAMS * sizeof *g);
    for (size_t i = 0; i < e->n + n; i++) {
        const bool walker = i < e->n;
        const float *row = walker ? e->x + i * D : data + (i - e->n) * D;
        for (size_t j = 0; j < D; j++) {
            x[j] = row[j];
        }
        gmm_reference_grad_theta(&m, x, walker ? exp(e->logw[i] - max) / total : -1.0 / (double)n,
                                 g);
    }
}

/* single precision in each term of order 5, averaged: 1e-5 leaves a factor of 5 */
Test(trainer, direction_is_the_weighted_model_mean_minus_the_data_mean) {
    named list[32];
    float *data = teacher_data(DATA);
    const size_t n = list_settings(list);
    for (size_t i = 0; i < n; i++) {
        jebm_trainer *t = trainer(&list[i].c, data);
        double expected[PARAMS];
        /* with gradient = batch: tests/core/test_trainer_batch.c */
        for (size_t k = 0; k < 12 && list[i].c.gradient == JEBM_GRADIENT_ALL; k++) {
            naive_direction(t, DATA, data, expected);
            for (size_t j = 0; j < PARAMS; j++) {
                cr_expect_float_eq(jebm_trainer_direction(t)[j], expected[j], 1e-5,
                                   "%s, k %zu, parameter %zu: %.9g, expected %.9g", list[i].name, k,
                                   j, jebm_trainer_direction(t)[j], expected[j]);
            }
            advance(t, 1);
        }
        jebm_trainer_free(t);
    }
    free(data);
}

Test(trainer, theta_follows_the_direction_with_each_groups_rate) {
    float *data = teacher_data(DATA);
    jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI);
    c.rate[0] = 0.25;
    c.rate[1] = 0.5;
    jebm_trainer *t = trainer(&c, data);
    for (size_t k = 0; k < 5; k++) {
        double expected[PARAMS];
        for (size_t j = 0; j < PARAMS; j++) {
            expected[j] = jebm_trainer_energy(t)->theta[j] +
                          (j < MODES * D ? 0.25 : 0.5) * jebm_trainer_direction(t)[j];
        }
        advance(t, 1);
        for (size_t j = 0; j < PARAMS; j++) {
            cr_expect_float_eq(jebm_trainer_energy(t)->theta[j], expected[j], 1e-14);
        }
    }
    jebm_trainer_free(t);
    free(data);
}

Test(trainer, observes_the_mean_energy_of_the_data) {
    float *data = teacher_data(DATA);
    const jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI);
    jebm_trainer *t = trainer(&c, data);
    advance(t, 7);
    const gmm_reference m = {D, MODES, jebm_trainer_energy(t)->theta};
    double sum = 0.0, x[D];
    for (size_t i = 0; i < DATA; i++) {
        for (size_t j = 0; j < D; j++) {
            x[j] = data[i * D + j];
        }
        sum += gmm_reference_energy(&m, x, NULL);
    }
    cr_expect_float_eq(jebm_trainer_observe(t, 0).data_energy, sum / DATA, 1e-5);
    cr_expect_eq(jebm_trainer_observe(t, 0).k, 7);
    jebm_trainer_free(t);
    free(data);
}

/* ---- methods by hand ------------------------------------------------------------------------ */

static void hand_reset(jebm_rng rng, uint64_t step, const float *data, jebm_ensemble *e) {
    for (uint32_t i = 0; i < e->n; i++) {
        const double u = 1.0 - jebm_rng_uniform(rng, i, JEBM_LANE_RESET, step);
        memcpy(e->x + i * D, data + (size_t)floor(u * DATA) * D, D * sizeof *e->x);
    }
}

/* Algorithm 3: restart at data points, P moves under theta_k, gradient. The gradient that goes with
 * theta_0 is one of P moves too. */
Test(trainer, cd_per_iteration_is_a_restart_and_p_moves) {
    float *data = teacher_data(DATA), scratch[JEBM_LANGEVIN_ROWS * D];
    const jebm_trainer_config c = settings(JEBM_METHOD_CD);
    jebm_trainer *t = trainer(&c, data);
    uint32_t ids[N];
    jebm_ensemble e;
    cr_assert_eq(jebm_ensemble_init(&e, N, D, MODES, NULL), JEBM_OK);
    for (uint32_t i = 0; i < N; i++) {
        ids[i] = i;
    }
    for (size_t k = 0; k < 6; k++) {
        const jebm_energy *theta = jebm_trainer_energy(t);
        const uint64_t step = k == 0 ? UINT64_MAX : k - 1;
        hand_reset(c.rng[0], step, data, &e);
        jebm_langevin_begin(theta, N, ids, &e);
        for (uint32_t s = 0; s < c.cd_steps; s++) {
            const jebm_move move = {.h = c.h,
                                    .rng = c.rng[0],
                                    .lane = JEBM_LANE_NOISE + s * JEBM_LANE_STRIDE,
                                    .step = step};
            jebm_langevin_step(theta, theta, &move, N, ids, &e, scratch);
        }
        const jebm_ensemble *found = jebm_trainer_ensemble(t, 0);
        cr_expect_eq(memcmp(found->x, e.x, N * D * sizeof *e.x), 0, "walkers at k = %zu", k);
        cr_expect_eq(memcmp(found->U, e.U, N * sizeof *e.U), 0, "energies at k = %zu", k);
        advance(t, 1);
    }
    jebm_ensemble_free(&e);
    jebm_trainer_free(t);
    free(data);
}

static bool is_data_row(const float *data, const float *row, unsigned char *used) {
    for (size_t j = 0; j < DATA; j++) {
        if (memcmp(data + j * D, row, D * sizeof *row) == 0) {
            used[j] = 1;
            return true;
        }
    }
    return false;
}

static size_t at_data(const jebm_trainer *t, const float *data, size_t *distinct) {
    const jebm_ensemble *e = jebm_trainer_ensemble(t, 0);
    unsigned char used[DATA] = {0};
    size_t count = 0;
    for (size_t i = 0; i < e->n; i++) {
        count += is_data_row(data, e->x + i * D, used);
    }
    *distinct = 0;
    for (size_t j = 0; j < DATA; j++) {
        *distinct += used[j];
    }
    return count;
}

/* With replacement: of n points, n (1 - (1-1/n)^N) distinct ones are met on average, here 219, with
 * a standard deviation below sqrt(n)/3 = 7.1 */
Test(trainer, pcd_starts_at_data_points_drawn_with_replacement_and_leaves_them) {
    float *data = teacher_data(DATA);
    const jebm_trainer_config c = settings(JEBM_METHOD_PCD);
    jebm_trainer *t = trainer(&c, data);
    size_t distinct = 0;
    cr_expect_eq(at_data(t, data, &distinct), N);
    const double expected = DATA * (1.0 - pow(1.0 - 1.0 / DATA, N));
    cr_expect(fabs((double)distinct - expected) < 4.5 * 7.1, "%zu distinct, expected %g", distinct,
              expected);
    advance(t, 1);
    cr_expect_eq(at_data(t, data, &distinct), 0, "a walker rests");
    const jebm_observation o = jebm_trainer_observe(t, 0);
    cr_expect(isnan(o.log_z) && o.ess == 1.0 && o.resamplings == 0);
    jebm_trainer_free(t);
    free(data);
}

/* the released script: after iterations 0, P, 2P, ... the walkers stand at data points */
Test(trainer, interleaved_cd_restarts_every_p_iterations) {
    float *data = teacher_data(DATA);
    jebm_trainer_config c = settings(JEBM_METHOD_CD);
    c.cd_schedule = JEBM_CD_INTERLEAVED;
    jebm_trainer *t = trainer(&c, data);
    size_t distinct = 0;
    for (size_t k = 0; k < 10; k++) {
        advance(t, 1);
        cr_expect_eq(at_data(t, data, &distinct), k % c.cd_steps == 0 ? N : 0, "iteration %zu", k);
    }
    jebm_trainer_free(t);
    free(data);
}

/* the unweighted method is the first with its weights left out: same start, and same walkers until
 * the first gradient that weights enter */
Test(trainer, unweighted_is_jarzynski_without_weights) {
    float *data = teacher_data(DATA);
    const jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI),
                              u = settings(JEBM_METHOD_UNWEIGHTED);
    jebm_trainer *with = trainer(&c, data), *without = trainer(&u, data);
    const size_t size = N * D * sizeof(float);
    advance(with, 1);
    advance(without, 1);
    cr_expect_eq(
        memcmp(jebm_trainer_ensemble(with, 0)->x, jebm_trainer_ensemble(without, 0)->x, size), 0);
    cr_expect_neq(jebm_trainer_ensemble(with, 0)->logw[0], 0.0);
    cr_expect_eq(jebm_trainer_ensemble(without, 0)->logw[0], 0.0);
    jebm_trainer_free(with);
    jebm_trainer_free(without);
    free(data);
}

Test(trainer, pcd_can_start_at_every_data_point) {
    float *data = teacher_data(DATA);
    jebm_trainer_config c = settings(JEBM_METHOD_PCD);
    c.start_each = true;
    c.walkers[0] = c.batch[0] = DATA + 10;
    jebm_trainer *t = trainer(&c, data);
    const float *x = jebm_trainer_ensemble(t, 0)->x;
    cr_expect_eq(memcmp(x, data, DATA * D * sizeof *x), 0);
    cr_expect_eq(memcmp(x + DATA * D, data, 10 * D * sizeof *x), 0);
    jebm_trainer_free(t);
    free(data);
}

/* ---- mini-batches --------------------------------------------------------------------------- */

/* Algorithm 2 */
Test(trainer, a_mini_batch_moves_exactly_its_walkers_and_weighs_the_others) {
    float *data = teacher_data(DATA), *x = get(N * D, sizeof *x);
    double *logw = get(N, sizeof *logw), *U = get(N, sizeof *U), *now = get(N, sizeof *now);
    jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI);
    size_t ever = 0;
    unsigned char met[N] = {0};
    c.batch[0] = 77;
    c.trigger = JEBM_TRIGGER_NEVER;
    jebm_trainer *t = trainer(&c, data);
    const jebm_ensemble *e = jebm_trainer_ensemble(t, 0);
    for (size_t k = 0; k < 30; k++) {
        memcpy(x, e->x, N * D * sizeof *x);
        memcpy(logw, e->logw, N * sizeof *logw);
        memcpy(U, e->U, N * sizeof *U);
        advance(t, 1);
        const jebm_energy *energy = jebm_trainer_energy(t);
        energy->ops->eval(energy, N, e->x, now, NULL);
        size_t moved = 0;
        for (size_t i = 0; i < N; i++) {
            cr_expect_float_eq(e->U[i], now[i], 1e-12, "U of walker %zu is not that of theta", i);
            if (memcmp(x + i * D, e->x + i * D, D * sizeof *x) != 0) {
                moved++;
                met[i] = 1;
            } else {
                cr_expect_float_eq(e->logw[i], logw[i] + U[i] - now[i], 1e-12, "walker %zu", i);
            }
        }
        cr_expect_eq(moved, 77, "%zu moved in iteration %zu", moved, k);
    }
    for (size_t i = 0; i < N; i++) {
        ever += met[i];
    }
    /* a walker is left out 30 times running with probability 0.7433^30 = 1.4e-4 */
    cr_expect_geq(ever, N - 3, "only %zu of %d walkers were ever drawn", ever, N);
    jebm_trainer_free(t);
    free(data);
    free(x);
    free(logw);
    free(U);
    free(now);
}

/* ---- resampling ----------------------------------------------------------------------------- */

/* Steps through a run and holds each resampling against the rule, given the ESS that is seen now,
 * the one that a stale trigger sees, and the iteration k that has just been reached. */
static size_t expect_resamplings(const char *what, const jebm_trainer_config *c,
                                 bool (*due)(const jebm_trainer_config *, double, double,
                                             uint64_t)) {
    float *data = teacher_data(DATA);
    jebm_trainer *t = trainer(c, data);
    const jebm_ensemble *e = jebm_trainer_ensemble(t, 0);
    uint64_t before = 0;
    double stale = 1.0, smallest = 1.0;
    for (uint64_t k = 1; k <= 60; k++) {
        advance(t, 1);
        const jebm_observation o = jebm_trainer_observe(t, 0);
        const bool resampled = o.resamplings > before;
        cr_expect_eq(resampled, due(c, o.ess, stale, k), "%s: k %d, ESS %g, before %g", what,
                     (int)k, o.ess, stale);
        bool equal = true;
        for (size_t i = 0; i < e->n; i++) {
            equal &= e->logw[i] == 0.0;
        }
        cr_expect_eq(equal, resampled, "%s: log-weights at k %d", what, (int)k);
        smallest = fmin(smallest, o.ess);
        cr_expect_eq(o.ess_min, smallest);
        stale = resampled ? 1.0 : o.ess;
        before = o.resamplings;
    }
    jebm_trainer_forget(t);
    cr_expect_eq(jebm_trainer_observe(t, 0).ess_min, INFINITY);
    jebm_trainer_free(t);
    free(data);
    return before;
}

static bool due_ess(const jebm_trainer_config *c, double ess, double stale, uint64_t k) {
    return k >= c->resample_from && (c->stale_trigger ? stale : ess) < c->threshold;
}

static bool due_cv(const jebm_trainer_config *c, double ess, double stale, uint64_t k) {
    (void)stale;
    (void)k;
    return ess < 1.0 / (1.0 + c->threshold * c->threshold);
}

static bool due_interval(const jebm_trainer_config *c, double ess, double stale, uint64_t k) {
    (void)ess;
    (void)stale;
    return k >= c->resample_from && k % c->interval == 0;
}

static bool due_never(const jebm_trainer_config *c, double ess, double stale, uint64_t k) {
    (void)c;
    (void)ess;
    (void)stale;
    (void)k;
    return false;
}

Test(trainer, resamples_when_the_trigger_says_so_and_at_no_other_time) {
    jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI);
    c.threshold = 0.9;
    cr_expect_gt(expect_resamplings("ess", &c, due_ess), 2);
    c.stale_trigger = true;
    cr_expect_gt(expect_resamplings("stale ess", &c, due_ess), 2);
    c.stale_trigger = false;
    c.resample_from = 31;
    c.threshold = 0.95;
    cr_expect_gt(expect_resamplings("ess from 31", &c, due_ess), 2);
    c.resample_from = 0;
    c.threshold = 0.8;
    c.batch[0] = 100;
    cr_expect_gt(expect_resamplings("ess, mini-batch", &c, due_ess), 2);
    c.batch[0] = N;
    c.trigger = JEBM_TRIGGER_CV;
    c.threshold = 0.4;
    cr_expect_gt(expect_resamplings("cv", &c, due_cv), 2);
    c.trigger = JEBM_TRIGGER_INTERVAL;
    c.interval = 7;
    cr_expect_eq(expect_resamplings("interval", &c, due_interval), 8);
    c.resample_from = 21;
    cr_expect_eq(expect_resamplings("interval from 21", &c, due_interval), 6);
    c.trigger = JEBM_TRIGGER_NEVER;
    c.resample_from = 0;
    cr_expect_eq(expect_resamplings("never", &c, due_never), 0);
    c = settings(JEBM_METHOD_UNWEIGHTED);
    c.rule = JEBM_WEIGHTS_EXACT;
    float *data = teacher_data(DATA);
    jebm_trainer *t = trainer(&c, data);
    advance(t, 30);
    cr_expect_eq(jebm_trainer_observe(t, 0).resamplings, 0);
    jebm_trainer_free(t);
    free(data);
}

/* the iteration that resamples ends with the log Z of one that does not */
Test(trainer, log_z_runs_on_through_a_resampling) {
    float *data = teacher_data(DATA);
    for (int scheme = 0; scheme < JEBM_RESAMPLING_COUNT; scheme++) {
        jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI), never = c;
        c.scheme = (jebm_resampling)scheme;
        c.trigger = JEBM_TRIGGER_INTERVAL;
        c.interval = 12;
        never.trigger = JEBM_TRIGGER_NEVER;
        jebm_trainer *a = trainer(&c, data), *b = trainer(&never, data);
        advance(a, 12);
        advance(b, 12);
        cr_expect_eq(jebm_trainer_observe(a, 0).resamplings, 1);
        cr_expect_eq(jebm_trainer_observe(a, 0).ess, jebm_trainer_observe(b, 0).ess);
        cr_expect_float_eq(jebm_trainer_observe(a, 0).log_z, jebm_trainer_observe(b, 0).log_z,
                           1e-12, "scheme %d", scheme);
        cr_expect_neq(jebm_trainer_ensemble(a, 0)->log_z, jebm_trainer_ensemble(b, 0)->log_z);
        jebm_trainer_free(a);
        jebm_trainer_free(b);
    }
    free(data);
}

/* ---- the identity in a trainer -------------------------------------------------------------- */

/* weighted share of walkers in mode a, and its standard error (see test_langevin.c) */
static double weighted_mass(const jebm_ensemble *e, double *se) {
    double *p = get(e->n, sizeof *p), mass = 0.0, variance = 0.0;
    cr_assert_eq(jebm_weights_normalise(e->n, e->logw, p), JEBM_OK);
    for (size_t i = 0; i < e->n; i++) {
        mass += e->cache[i * MODES] > 0.5f ? p[i] : 0.0;
    }
    for (size_t i = 0; i < e->n; i++) {
        const double f = e->cache[i * MODES] > 0.5f;
        variance += p[i] * p[i] * (f - mass) * (f - mass);
    }
    free(p);
    *se = sqrt(variance);
    return mass;
}

/* theta* held fast (rates 0), h so large that plain ULA is wrong: mass and log Z stay, for the full
 * batch and a mini-batch, within 4.5 errors */
Test(trainer, at_rest_the_weights_keep_mass_and_log_z) {
    float *data = teacher_data(DATA);
    for (size_t batch = 0; batch < 2; batch++) {
        jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI);
        jebm_energy *teacher = mixture(4.0, -log(3.0));
        c.walkers[0] = 8000;
        c.batch[0] = batch == 0 ? 8000 : 2000;
        c.h = 0.4;
        c.rate[0] = c.rate[1] = 0.0;
        c.trigger = JEBM_TRIGGER_NEVER;
        jebm_trainer *t = trainer_on(&c, teacher, DATA, data);
        advance(t, 40);
        const jebm_observation o = jebm_trainer_observe(t, 0);
        double se = 0.0;
        const double mass = weighted_mass(jebm_trainer_ensemble(t, 0), &se);
        const double log_z = teacher->ops->log_z(teacher);
        cr_expect(fabs(mass - 0.25) < 4.5 * se, "mass %g +- %g", mass, se);
        cr_expect(fabs(o.log_z - log_z) < 4.5 * sqrt((1.0 / o.ess - 1.0) / 8000.0),
                  "log Z %.9g, exact %.9g, ESS %g", o.log_z, log_z, o.ess);
        cr_expect(o.ess < 0.999, "nothing was corrected: ESS %g", o.ess);
        jebm_energy_free(teacher);
        jebm_trainer_free(t);
    }
    free(data);
}

/* A population that enters no gradient sees a protocol that does not depend on it: its log Z is
 * right while theta learns, through resamplings. Resampled walkers are not independent, so the
 * error is measured: over 12 populations with streams of their own, Student's t. */
Test(trainer, an_evaluation_population_has_the_right_log_z_and_changes_nothing, .timeout = 60) {
    enum { RUNS = 12, STEPS = 120 };
    float *data = teacher_data(DATA);
    jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI), alone = c;
    double sum = 0.0, sum_2 = 0.0;
    jebm_trainer *without = trainer(&alone, data);
    advance(without, STEPS);
    c.npopulations = 2;
    c.walkers[1] = 1000;
    for (uint32_t r = 0; r < RUNS; r++) {
        c.rng[1] = jebm_rng_make(900, r);
        jebm_trainer *t = trainer(&c, data);
        advance(t, STEPS);
        const jebm_energy *e = jebm_trainer_energy(t);
        cr_expect_eq(memcmp(e->theta, jebm_trainer_energy(without)->theta, PARAMS * sizeof(double)),
                     0, "the second population entered theta");
        cr_expect_eq(memcmp(jebm_trainer_ensemble(t, 0)->x, jebm_trainer_ensemble(without, 0)->x,
                            N * D * sizeof(float)),
                     0, "the second population moved the first");
        const double off = jebm_trainer_observe(t, 1).log_z - e->ops->log_z(e);
        cr_expect_gt(jebm_trainer_observe(t, 1).resamplings, 0);
        sum += off;
        sum_2 += off * off;
        jebm_trainer_free(t);
    }
    const double mean = sum / RUNS;
    const double se = sqrt((sum_2 / RUNS - mean * mean) / (RUNS - 1));
    /* t of 11 degrees of freedom beyond 6 has probability 9e-5 */
    cr_expect(fabs(mean) < 6.0 * se, "log Z is off by %g +- %g", mean, se);
    cr_expect_lt(se, 0.05);
    jebm_trainer_free(without);
    free(data);
}

/* ---- a path fixed beforehand ---------------------------------------------------------------- */

/* z falls and one mode walks off; context counts the calls */
static void ramp(void *context, uint64_t k, double *theta) {
    theta[0] = -0.5 - 0.01 * (double)k;
    theta[MODES * D] = -0.02 * (double)k;
    ++*(size_t *)context;
}

/* The identity holds for any path that is fixed, so log Z of the last theta is right, whatever the
 * data; as above the error is that over runs, Student's t of 11 degrees of freedom. */
Test(trainer, a_prescribed_theta_is_followed_and_its_log_z_is_right, .timeout = 60) {
    enum { RUNS = 12, STEPS = 100 };
    float *data = teacher_data(DATA + 1);
    for (int lazy = 0; lazy < 2; lazy++) {
        size_t calls = 0;
        jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI);
        c.optimizer =
            (jebm_optimizer_config){.kind = JEBM_PRESCRIBED, .path = ramp, .context = &calls};
        c.walkers[0] = 600;
        c.batch[0] = lazy ? 150 : 600;
        c.gradient = lazy ? JEBM_GRADIENT_BATCH : JEBM_GRADIENT_ALL;
        double sum = 0.0, sum_2 = 0.0;
        for (uint32_t r = 0; r < RUNS; r++) {
            c.rng[0] = jebm_rng_make(901, r);
            jebm_trainer *t = trainer(&c, r % 2 == 0 ? data : data + D);
            const jebm_energy *e = jebm_trainer_energy(t);
            cr_expect_eq(e->theta[0], -0.5);
            for (size_t k = 1; k <= STEPS; k++) {
                advance(t, 1);
                e = jebm_trainer_energy(t);
                cr_expect_eq(e->theta[0], -0.5 - 0.01 * (double)k);
                cr_expect_eq(e->theta[MODES * D], -0.02 * (double)k);
                cr_expect_eq(e->theta[D], 0.5, "the path left it alone");
            }
            settle(t);
            const double off = jebm_trainer_observe(t, 0).log_z - e->ops->log_z(e);
            sum += off;
            sum_2 += off * off;
            jebm_trainer_free(t);
        }
        cr_expect_eq(calls, RUNS * STEPS);
        const double mean = sum / RUNS, se = sqrt((sum_2 / RUNS - mean * mean) / (RUNS - 1));
        cr_expect(fabs(mean) < 6.0 * se, "lazy %d: log Z is off by %g +- %g", lazy, mean, se);
        cr_expect_lt(se, 0.05);
    }
    free(data);
}

/* ---- threads that become more ---------------------------------------------------------------- */

/* A clipped drift takes the general path, whose scratch is one row set a thread: with d = 200 a
 * thread too many writes far beyond the end. The address sanitizer sees any. */
Test(trainer, more_threads_may_step_than_made_the_trainer, .timeout = 60) {
    enum { DIMENSION = 200, POINTS = 512 };
    jebm_energy *student = NULL;
    cr_assert_eq(jebm_gmm_new(DIMENSION, MODES, &student, NULL), JEBM_OK);
    float *data = get(POINTS * DIMENSION, sizeof *data);
    student->ops->sample(student, jebm_rng_make(77, 0), false, POINTS, 0, POINTS, data);
    for (int gradient = 0; gradient < 2; gradient++) {
        jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI);
        c.walkers[0] = c.batch[0] = 8 * JEBM_BLOCK;
        c.clip = 5.0;
        c.gradient = gradient == 0 ? JEBM_GRADIENT_ALL : JEBM_GRADIENT_BATCH;
        use_threads(8);
        jebm_trainer *always = trainer_on(&c, student, POINTS, data);
        use_threads(1);
        jebm_trainer *grown = trainer_on(&c, student, POINTS, data);
        static const int teams[] = {1, 2, 8, 3};
        for (size_t i = 0; i < 4; i++) {
            use_threads(teams[i]);
            advance(grown, 1);
            use_threads(8);
            advance(always, 1);
        }
        expect_same("more threads than before", always, grown, 1);
        jebm_trainer_free(always);
        jebm_trainer_free(grown);
    }
    jebm_energy_free(student);
    free(data);
}

/* ---- leave one out -------------------------------------------------------------------------- */

/* theta_{k+1} as it would be without walker i, from eq. (11) in double */
static void theta_without(const jebm_trainer *t, const jebm_trainer_config *c, const double *p,
                          size_t i, const double *data_mean, double *theta) {
    const jebm_ensemble *e = jebm_trainer_ensemble(t, 0);
    const gmm_reference m = {D, MODES, jebm_trainer_energy(t)->theta};
    double g[PARAMS] = {0}, x[D];
    for (size_t o = 0; o < e->n; o++) {
        for (size_t j = 0; j < D; j++) {
            x[j] = e->x[o * D + j];
        }
        gmm_reference_grad_theta(&m, x, o == i ? 0.0 : p[o] / (1.0 - p[i]), g);
    }
    for (size_t j = 0; j < PARAMS; j++) {
        theta[j] = m.theta[j] + c->rate[j < MODES * D ? 0 : 1] * (g[j] - data_mean[j]);
    }
}

/* Leaving walker i out of the coming step of theta changes U(X_i) by some delta, and that is what
 * its weight gains. delta is of first order in p_i; the rest of it, of second order, is below
 * rate p_i^2 |g_i|^2 = 0.05 (2/300)^2 60 = 1.3e-4 here, where delta itself is up to 0.04. */
Test(trainer, leave_one_out_weights_undo_what_a_walker_does_to_its_own_energy) {
    float *data = teacher_data(DATA);
    jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI), loo = c;
    double data_mean[PARAMS], walkers[PARAMS], p[N], after[PARAMS], x[D], largest = 0.0;
    loo.leave_one_out = true;
    jebm_trainer *t = trainer(&c, data);
    advance(t, 12);
    jebm_array from[MAX_ARRAYS], to[MAX_ARRAYS];
    jebm_trainer *other = trainer(&loo, data);
    const size_t n = jebm_trainer_arrays(t, MAX_ARRAYS, from);
    jebm_trainer_arrays(other, MAX_ARRAYS, to);
    for (size_t i = 0; i < n; i++) {
        memcpy(to[i].data, from[i].data, bytes_of(&from[i]));
    }
    cr_assert_eq(jebm_trainer_restored(other, NULL), JEBM_OK);

    const jebm_ensemble *e = jebm_trainer_ensemble(t, 0);
    float *before = get(N * D, sizeof *before);
    double *expected = get(N, sizeof *expected);
    memcpy(before, e->x, N * D * sizeof *before);
    cr_assert_eq(jebm_weights_normalise(N, e->logw, p), JEBM_OK);
    naive_direction(t, DATA, data, walkers); /* with all walkers: model mean - data mean */
    double full[PARAMS] = {0};
    const gmm_reference now = {D, MODES, jebm_trainer_energy(t)->theta};
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < D; j++) {
            x[j] = before[i * D + j];
        }
        gmm_reference_grad_theta(&now, x, p[i], full);
    }
    for (size_t j = 0; j < PARAMS; j++) {
        data_mean[j] = full[j] - walkers[j];
        after[j] = now.theta[j] + c.rate[j < MODES * D ? 0 : 1] * walkers[j];
    }
    for (size_t i = 0; i < N; i++) {
        double without[PARAMS];
        theta_without(t, &c, p, i, data_mean, without);
        for (size_t j = 0; j < D; j++) {
            x[j] = before[i * D + j];
        }
        const gmm_reference a = {D, MODES, after}, b = {D, MODES, without};
        expected[i] = gmm_reference_energy(&a, x, NULL) - gmm_reference_energy(&b, x, NULL);
        largest = fmax(largest, expected[i]);
    }
    advance(t, 1);
    advance(other, 1);
    const jebm_ensemble *f = jebm_trainer_ensemble(other, 0);
    cr_expect_eq(jebm_trainer_observe(t, 0).resamplings,
                 jebm_trainer_observe(other, 0).resamplings);
    for (size_t i = 0; i < N; i++) {
        cr_expect_float_eq(f->logw[i] - e->logw[i], expected[i], 1.5e-4, "walker %zu: %g, %g", i,
                           f->logw[i] - e->logw[i], expected[i]);
    }
    cr_expect_gt(largest, 1e-3, "the largest of all is %g: this tests nothing", largest);
    free(before);
    free(expected);
    jebm_trainer_free(t);
    jebm_trainer_free(other);
    free(data);
}

/* A walker with much of the weight: the change is rate p/(1 - p) (g - mean g) . g to first order in
 * the step, and the denominator is then no detail. The formula in double; g from the cache in
 * single precision, of order 10 each. */
Test(trainer, leave_one_out_divides_by_the_weight_of_the_others) {
    enum { FEW = 5 };
    float *data = teacher_data(DATA);
    jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI), loo = c;
    c.walkers[0] = c.batch[0] = loo.walkers[0] = loo.batch[0] = FEW;
    c.trigger = loo.trigger = JEBM_TRIGGER_NEVER;
    loo.leave_one_out = true;
    jebm_trainer *t = trainer(&c, data), *other = trainer(&loo, data);
    jebm_array from[MAX_ARRAYS], to[MAX_ARRAYS];
    advance(t, 15);
    const size_t n = jebm_trainer_arrays(t, MAX_ARRAYS, from);
    jebm_trainer_arrays(other, MAX_ARRAYS, to);
    for (size_t i = 0; i < n; i++) {
        memcpy(to[i].data, from[i].data, bytes_of(&from[i]));
    }
    cr_assert_eq(jebm_trainer_restored(other, NULL), JEBM_OK);
    const jebm_ensemble *e = jebm_trainer_ensemble(t, 0);
    const gmm_reference m = {D, MODES, jebm_trainer_energy(t)->theta};
    double p[FEW], g[FEW][PARAMS] = {{0}}, mean[PARAMS] = {0}, expected[FEW] = {0}, largest = 0.0;
    cr_assert_eq(jebm_weights_normalise(FEW, e->logw, p), JEBM_OK);
    for (size_t i = 0; i < FEW; i++) {
        double x[D];
        for (size_t j = 0; j < D; j++) {
            x[j] = e->x[i * D + j];
        }
        gmm_reference_grad_theta(&m, x, 1.0, g[i]);
        for (size_t j = 0; j < PARAMS; j++) {
            mean[j] += p[i] * g[i][j];
        }
        largest = fmax(largest, p[i]);
    }
    cr_assert(largest > 0.3 && largest < 0.95, "the largest weight is %g", largest);
    for (size_t i = 0; i < FEW; i++) {
        for (size_t j = 0; j < PARAMS; j++) {
            expected[i] += c.rate[j < MODES * D ? 0 : 1] * (g[i][j] - mean[j]) * g[i][j];
        }
        expected[i] *= p[i] / (1.0 - p[i]);
    }
    advance(t, 1);
    advance(other, 1);
    const jebm_ensemble *f = jebm_trainer_ensemble(other, 0);
    for (size_t i = 0; i < FEW; i++) {
        cr_expect_float_eq(f->logw[i] - e->logw[i], expected[i], 1e-5, "walker %zu: %g, %g", i,
                           f->logw[i] - e->logw[i], expected[i]);
    }
    jebm_trainer_free(t);
    jebm_trainer_free(other);
    free(data);
}

/* ---- genealogy ------------------------------------------------------------------------------ */

static const uint32_t *eve_of(jebm_trainer *t) {
    jebm_array list[MAX_ARRAYS];
    const size_t n = jebm_trainer_arrays(t, MAX_ARRAYS, list);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i].name, "eve0") == 0) {
            return list[i].data;
        }
    }
    cr_assert_fail("no genealogy");
    return NULL;
}

static bool same_place(const float *x, size_t i, const float *y, size_t j) {
    return memcmp(x + i * D, y + j * D, D * sizeof *x) == 0;
}

/* Places are all different until a resampling copies some, so they tell who comes from whom: a
 * walker has the ancestor of the walker at the same place in a run that did not resample in the
 * iteration just made. And log_z_se is by those families. */
static void expect_genealogy(jebm_gradient gradient, jebm_resampling scheme, const float *data) {
    jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI), never;
    c.gradient = gradient;
    c.trigger = JEBM_TRIGGER_INTERVAL;
    c.interval = 4;
    c.scheme = scheme;
    c.rate[0] = c.rate[1] = 0.3;
    never = c;
    never.trigger = JEBM_TRIGGER_NEVER;
    jebm_trainer *t = trainer(&c, data), *before = trainer(&never, data);
    jebm_array from[MAX_ARRAYS], to[MAX_ARRAYS];
    for (size_t round = 0; round < 3; round++) {
        advance(t, 3);
        const size_t n = jebm_trainer_arrays(t, MAX_ARRAYS, from);
        jebm_trainer_arrays(before, MAX_ARRAYS, to);
        for (size_t i = 0; i < n; i++) {
            memcpy(to[i].data, from[i].data, bytes_of(&from[i]));
        }
        cr_assert_eq(jebm_trainer_restored(before, NULL), JEBM_OK);
        advance(t, 1);
        advance(before, 1);
        settle(t);
        const float *x = jebm_trainer_ensemble(t, 0)->x, *y = jebm_trainer_ensemble(before, 0)->x;
        const uint32_t *eve = eve_of(t), *old = eve_of(before);
        double family[N] = {0}, squares = 0.0;
        size_t moved = 0;
        for (size_t i = 0; i < N; i++) {
            size_t j = 0;
            while (j < N && !same_place(x, i, y, j)) {
                j++;
            }
            cr_assert_lt(j, N, "walker %zu comes from nowhere", i);
            cr_expect_eq(eve[i], old[j],
                         "round %zu: walker %zu came from %zu, whose ancestor is "
                         "%u, not %u",
                         round, i, j, old[j], eve[i]);
            moved += i != j;
            family[eve[i]] += 1.0 / N; /* right after resampling all weights are equal */
        }
        for (size_t i = 0; i < N; i++) {
            squares += family[i] * family[i];
        }
        cr_expect_gt(moved, N / 20, "%zu walkers came from elsewhere", moved);
        const double resamplings = (double)round + 1.0,
                     expected = scheme == JEBM_MULTINOMIAL
                                    ? 1.0 - pow(N / (N - 1.0), resamplings + 1.0) * (1.0 - squares)
                                    : squares - 1.0 / N;
        cr_expect_float_eq(jebm_trainer_observe(t, 0).log_z_se, sqrt(expected), 1e-9);
    }
    jebm_trainer_free(t);
    jebm_trainer_free(before);
}

Test(trainer, ancestors_follow_their_walkers_through_resampling) {
    float *data = teacher_data(DATA);
    for (int gradient = 0; gradient < 2; gradient++) {
        expect_genealogy(gradient == 0 ? JEBM_GRADIENT_ALL : JEBM_GRADIENT_BATCH, JEBM_SYSTEMATIC,
                         data);
        expect_genealogy(gradient == 0 ? JEBM_GRADIENT_ALL : JEBM_GRADIENT_BATCH, JEBM_MULTINOMIAL,
                         data);
    }
    free(data);
}

/* ---- any energy ----------------------------------------------------------------------------- */

/* data of theta* = 1, by inverting the distribution function on a fine grid */
static float *quartic_data(size_t n) {
    float *data = get(n, sizeof *data);
    const double Z = quartic_integral(1.0, 0), width = 1e-4;
    double sum = 0.0, x = -6.0;
    for (size_t i = 0; i < n; i++) {
        const double u = ((double)i + 0.5) / (double)n;
        for (; sum < u; x += width) {
            quartic_integrand q = {1.0, 0};
            sum += width * quartic_density(x + 0.5 * width, &q) / Z;
        }
        data[i] = (float)x;
    }
    return data;
}

/* From theta = 0, which it can sample, to theta* = 1. log Z at theta_0 is unknown and so is every
 * later one. The Fisher information is var(x^4/4) = 0.083 at theta*, so 10000 walkers know theta to
 * 0.035 a step; the mean over the last 100 steps is better. */
Test(trainer, trains_an_energy_with_the_required_members_and_a_sampler) {
    enum { WALKERS = 10000 };
    float *data = quartic_data(500);
    jebm_energy *e = quartic_new(&quartic_sampling_ops, 0.0);
    jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI);
    c.walkers[0] = c.batch[0] = WALKERS;
    c.h = 0.1;
    c.clip = 6.0;
    c.rate[0] = 1.0;
    c.threshold = 0.5;
    jebm_trainer *t = trainer_on(&c, e, 500, data);
    cr_expect(isnan(jebm_trainer_observe(t, 0).log_z));
    double mean = 0.0;
    for (size_t k = 0; k < 300; k++) {
        advance(t, 1);
        mean += k >= 200 ? jebm_trainer_energy(t)->theta[0] / 100.0 : 0.0;
    }
    cr_expect_float_eq(mean, 1.0, 0.1, "theta %g", mean);
    cr_expect(isnan(jebm_trainer_observe(t, 0).log_z));
    jebm_trainer_free(t);
    jebm_energy_free(e);
    free(data);
}

Test(trainer, an_energy_without_a_sampler_starts_from_data_or_is_refused) {
    float *data = quartic_data(500);
    jebm_energy *e = quartic_new(&quartic_ops, 0.5);
    for (int method = 0; method < JEBM_METHOD_COUNT; method++) {
        jebm_error err = {0};
        jebm_trainer *t = NULL;
        jebm_trainer_config c = settings((jebm_method)method);
        c.clip = 6.0;
        const jebm_status status = jebm_trainer_new(&c, e, 500, data, &t, &err);
        if (method == JEBM_METHOD_PCD || method == JEBM_METHOD_CD) {
            cr_expect_eq(status, JEBM_OK, "%s", err.text);
            advance(t, 5);
        } else {
            cr_expect_eq(status, JEBM_EUNSUPPORTED);
            cr_expect_not_null(strstr(err.text, "which energy quartic cannot draw"), "%s",
                               err.text);
        }
        jebm_trainer_free(t);
    }
    jebm_energy_free(e);
    free(data);
}

/* ---- what goes wrong ------------------------------------------------------------------------ */

static void expect_divergence(const char *what, const jebm_trainer_config *c, const float *data,
                              uint64_t latest, const char *text) {
    jebm_error err = {0};
    jebm_trainer *t = trainer(c, data);
    jebm_status status = JEBM_OK;
    uint64_t k = 0;
    for (; status == JEBM_OK && k <= latest; k++) {
        status = jebm_trainer_step(t, &err);
    }
    char expected[64];
    snprintf(expected, sizeof expected, "iteration %d: ", (int)k - 1);
    cr_expect_eq(status, JEBM_EDIVERGE, "%s: %d steps went through", what, (int)k);
    cr_expect_eq(strncmp(err.text, expected, strlen(expected)), 0, "%s: %s, expected %s", what,
                 err.text, expected);
    cr_expect_not_null(strstr(err.text, text), "%s: %s", what, err.text);
    cr_expect_null(strchr(err.text, '\n'));
    jebm_trainer_free(t);
}

Test(trainer, divergence_is_reported_with_its_iteration) {
    float *data = teacher_data(DATA);
    for (int method = 0; method < JEBM_METHOD_COUNT; method++) {
        jebm_trainer_config c = settings((jebm_method)method);
        const char *name = jebm_method_name(c.method);
        c.rate[0] = 1e300;
        expect_divergence(name, &c, data, 5, "");
        c = settings((jebm_method)method);
        c.trigger = JEBM_TRIGGER_NEVER;
        c.h = 50.0;
        if (method != JEBM_METHOD_CD) {
            expect_divergence(name, &c, data, 100,
                              "the energy or log-weight of a walker is not finite");
        }
    }
    jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI);
    c.rate[0] = 1e4;
    expect_divergence("one heavy walker", &c, data, 20, "one walker has all the weight");
    data[D * 100 + 3] = NAN;
    c = settings(JEBM_METHOD_JARZYNSKI);
    expect_divergence("NaN in the data", &c, data, 0, "a parameter is not finite");
    free(data);
}

Test(trainer, a_start_that_is_not_finite_is_refused) {
    float *data = teacher_data(DATA);
    for (size_t i = 0; i < DATA; i++) {
        data[i * D] = INFINITY;
    }
    static const jebm_method methods[] = {JEBM_METHOD_PCD, JEBM_METHOD_CD};
    for (size_t i = 0; i < 2; i++) {
        jebm_error err = {0};
        jebm_trainer *t = NULL;
        jebm_energy *e = mixture(1.0, 0.0);
        const jebm_trainer_config c = settings(methods[i]);
        cr_expect_eq(jebm_trainer_new(&c, e, DATA, data, &t, &err), JEBM_EDIVERGE);
        cr_expect_null(t);
        cr_expect_not_null(strstr(err.text, "not finite"), "%s", err.text);
        jebm_energy_free(e);
    }
    free(data);
}

/* a setting to spoil, and what the refusal must say */
typedef struct bad {
    void (*spoil)(jebm_trainer_config *c);
    const char *text;
} bad;

#define SPOIL(name, statement)                 \
    static void name(jebm_trainer_config *c) { \
        statement;                             \
    }
SPOIL(no_method, c->method = JEBM_METHOD_COUNT)
SPOIL(no_scheme, c->scheme = JEBM_RESAMPLING_COUNT)
SPOIL(nan_rate, c->rate[1] = NAN)
SPOIL(no_population, c->npopulations = 0)
SPOIL(many_populations, c->npopulations = JEBM_MAX_POPULATIONS + 1)
SPOIL(no_walkers, c->walkers[0] = c->batch[0] = 0)
SPOIL(no_second_walkers, c->npopulations = 2; c->walkers[1] = 0)
SPOIL(no_batch, c->batch[0] = 0)
SPOIL(large_batch, c->batch[0] = N + 1)
SPOIL(cd_batch, c->batch[0] = N - 1; c->method = JEBM_METHOD_CD)
SPOIL(cd_gradient, c->gradient = JEBM_GRADIENT_BATCH; c->method = JEBM_METHOD_CD;
      c->cd_schedule = JEBM_CD_INTERLEAVED)
SPOIL(stale_gradient, c->gradient = JEBM_GRADIENT_BATCH; c->stale_trigger = true)
SPOIL(data_all, c->data_batch = 5)
SPOIL(data_large, c->gradient = JEBM_GRADIENT_BATCH; c->data_batch = DATA + 1)
SPOIL(loo_pcd, c->leave_one_out = true; c->method = JEBM_METHOD_PCD)
SPOIL(loo_adam, c->leave_one_out = true; c->optimizer.kind = JEBM_ADAM)
SPOIL(loo_batch, c->leave_one_out = true; c->gradient = JEBM_GRADIENT_BATCH)
SPOIL(zero_h, c->h = 0.0)
SPOIL(negative_h, c->h = -0.1)
SPOIL(nan_h, c->h = NAN)
SPOIL(infinite_h, c->h = INFINITY)
SPOIL(negative_final_h, c->final_h = -1e-3; c->h_horizon = 1)
SPOIL(no_h_horizon, c->final_h = 1e-3)
SPOIL(negative_clip, c->clip = -1.0)
SPOIL(nan_clip, c->clip = NAN)
SPOIL(no_inner, c->inner = 0)
SPOIL(no_cd_steps, c->cd_steps = 0; c->method = JEBM_METHOD_CD)
SPOIL(no_interval, c->interval = 0; c->trigger = JEBM_TRIGGER_INTERVAL)
SPOIL(zero_threshold, c->threshold = 0.0)
SPOIL(large_threshold, c->threshold = 1.5)
SPOIL(nan_threshold, c->threshold = NAN)
SPOIL(zero_cv, c->threshold = 0.0; c->trigger = JEBM_TRIGGER_CV)
SPOIL(bad_adam, c->optimizer.kind = JEBM_ADAM; c->optimizer.beta_1 = 1.0)
SPOIL(no_path, c->optimizer.kind = JEBM_PRESCRIBED)
SPOIL(path_cost, c->optimizer.kind = JEBM_PRESCRIBED; c->ess_cost = 0.1;
      c->gradient = JEBM_GRADIENT_BATCH)
SPOIL(bad_schedule, c->optimizer.schedule = JEBM_SCHEDULE_LINEAR; c->optimizer.end = 2.0)
SPOIL(walkers_beyond_noise, c->walkers[0] = c->batch[0] = (size_t)3 << 30)

Test(trainer, impossible_settings_are_refused_by_name) {
    static const bad table[] = {
        {no_method, "method 4, "},
        {no_scheme, "resampling 6, "},
        {nan_rate, "group 'z' is nan"},
        {no_population, "1 to 4 populations, found 0"},
        {many_populations, "1 to 4 populations, found 5"},
        {no_walkers, "batch is 0"},
        {no_second_walkers, "batch is 200, expected 1 to walkers = 0"},
        {no_batch, "batch is 0, expected 1 to walkers = 300"},
        {large_batch, "batch is 301, expected 1 to walkers = 300"},
        {cd_batch, "cd restarts all its walkers: batch is 299"},
        {cd_gradient, "gradient = batch goes with neither cd_schedule interleaved"},
        {stale_gradient, "nor stale_trigger"},
        {data_all, "data_batch is 5, expected 0"},
        {data_large, "data_batch is 451, expected 0, or with gradient = batch at most 450"},
        {loo_pcd, "leave_one_out needs method jarzynski"},
        {loo_adam, "and gradient descent"},
        {loo_batch, "nor leave_one_out"},
        {zero_h, "h is 0 "},
        {negative_h, "h is -0.1 "},
        {nan_h, "h is nan "},
        {infinite_h, "h is inf "},
        {negative_final_h, "final_h is -0.001 "},
        {no_h_horizon, "final_h is 0.001 and its horizon 0"},
        {negative_clip, "clip -1"},
        {nan_clip, "clip nan"},
        {no_inner, "at least one ULA step"},
        {no_cd_steps, "at least one ULA step"},
        {no_interval, "interval is 0"},
        {zero_threshold, "ESS threshold is 0"},
        {large_threshold, "ESS threshold is 1.5"},
        {nan_threshold, "ESS threshold is nan"},
        {zero_cv, "CV threshold is 0"},
        {bad_adam, "Adam: beta_1 1"},
        {no_path, "needs its path"},
        {path_cost, "ess_cost is 0.1, but a prescribed theta"},
        {bad_schedule, "final factor 2"},
        {walkers_beyond_noise, "use at most"},
    };
    float *data = teacher_data(DATA);
    jebm_energy *e = mixture(1.0, 0.0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        jebm_error err = {0};
        jebm_trainer *t = NULL;
        jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI);
        table[i].spoil(&c);
        cr_expect_eq(jebm_trainer_new(&c, e, DATA, data, &t, &err), JEBM_EINVAL, "case %zu: %s", i,
                     err.text);
        cr_expect_null(t);
        cr_expect_not_null(strstr(err.text, table[i].text), "case %zu: %s", i, err.text);
    }
    jebm_error err = {0};
    jebm_trainer *t = NULL;
    const jebm_trainer_config c = settings(JEBM_METHOD_JARZYNSKI);
    cr_expect_eq(jebm_trainer_new(&c, e, 0, data, &t, &err), JEBM_EINVAL);
    cr_expect_not_null(strstr(err.text, "needs data"), "%s", err.text);
    jebm_energy *other = quartic_new(&quartic_sampling_ops, 0.0);
    jebm_trainer_config loo = settings(JEBM_METHOD_JARZYNSKI);
    loo.leave_one_out = true;
    cr_expect_eq(jebm_trainer_new(&loo, other, DATA, data, &t, &err), JEBM_EUNSUPPORTED);
    cr_expect_not_null(strstr(err.text, "quartic has no leave-one-out"), "%s", err.text);
    jebm_energy_free(other);
    jebm_energy_free(e);
    free(data);
}
