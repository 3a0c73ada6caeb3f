/* gradient = batch: settling weights when they are wanted against Algorithm 2's bookkeeping of all
 * walkers at every iteration.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/batch.h"
#include "core/trainer.h"
#include "energy/gmm.h"
#include "gmm_reference.h"
#include "quartic.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { D = 5, MODES = 2, PARAMS = MODES * D + MODES - 1, N = 300, BATCH = 64, DATA = 450 };

static jebm_energy *mixture(double first, double z) {
    jebm_energy *e = NULL;
    cr_assert_eq(jebm_gmm_new(D, MODES, &e, NULL), JEBM_OK);
    e->theta[0] = -first;
    e->theta[D] = first;
    e->theta[MODES * D] = z;
    e->ops->refresh(e);
    return e;
}

static float *teacher_data(size_t n) {
    jebm_energy *teacher = mixture(3.0, -log(3.0));
    float *data = calloc(n * D, sizeof *data);
    cr_assert_not_null(data);
    teacher->ops->sample(teacher, jebm_rng_make(77, 0), false, n, 0, n, data);
    jebm_energy_free(teacher);
    return data;
}

static jebm_trainer_config settings(void) {
    return (jebm_trainer_config){
        .method = JEBM_METHOD_JARZYNSKI,
        .rule = JEBM_WEIGHTS_EXACT,
        .npopulations = 1,
        .walkers = {N, 1000},
        .batch = {BATCH, 250},
        .gradient = JEBM_GRADIENT_BATCH,
        .ess_every = 4,
        .inner = 1,
        .h = 0.1,
        .scheme = JEBM_SYSTEMATIC,
        .trigger = JEBM_TRIGGER_ESS,
        .threshold = 0.9,
        .optimizer = {.kind = JEBM_GRADIENT_DESCENT, .schedule = JEBM_SCHEDULE_CONSTANT},
        .rate = {0.05, 0.05},
        .rng = {{{1, 2}}, {{3, 4}}}};
}

static jebm_trainer *trainer(const jebm_trainer_config *c, const float *data) {
    jebm_trainer *t = NULL;
    jebm_error err = {0};
    jebm_energy *student = mixture(0.5, 0.0);
    cr_assert_eq(jebm_trainer_new(c, student, DATA, data, &t, &err), JEBM_OK, "%s", err.text);
    jebm_energy_free(student);
    return t;
}

static void advance(jebm_trainer *t, size_t steps) {
    jebm_error err = {0};
    for (size_t i = 0; i < steps; i++) {
        cr_assert_eq(jebm_trainer_step(t, &err), JEBM_OK, "%s", err.text);
    }
}

/* ---- the twin: every walker at every iteration ---------------------------------------------- */

typedef struct twin {
    jebm_trainer_config c;
    const float *data;
    jebm_energy *now, *next;
    jebm_ensemble all, mini;
    uint32_t ids[N], members[BATCH], rest[N];
    size_t nrest, resamplings;
    double ess;
} twin;

static void twin_start(twin *w, const jebm_trainer_config *c, const float *data) {
    memset(w, 0, sizeof *w);
    w->c = *c;
    w->data = data;
    w->now = mixture(0.5, 0.0);
    w->next = mixture(0.5, 0.0);
    cr_assert_eq(jebm_ensemble_init(&w->all, N, D, MODES, NULL), JEBM_OK);
    cr_assert_eq(jebm_ensemble_init(&w->mini, BATCH, D, MODES, NULL), JEBM_OK);
    for (uint32_t i = 0; i < N; i++) {
        w->ids[i] = i;
    }
    w->now->ops->sample(w->now, c->rng[0], false, N, 0, N, w->all.x);
    jebm_langevin_begin(w->now, N, w->ids, &w->all);
    w->all.log_z = w->now->ops->log_z(w->now);
}

static void twin_free(twin *w) {
    jebm_energy_free(w->now);
    jebm_energy_free(w->next);
    jebm_ensemble_free(&w->all);
    jebm_ensemble_free(&w->mini);
}

static void add_gradient(const jebm_energy *e, const float *row, double weight, double *g) {
    const gmm_reference m = {D, MODES, e->theta};
    double x[D];
    for (size_t j = 0; j < D; j++) {
        x[j] = row[j];
    }
    gmm_reference_grad_theta(&m, x, weight, g);
}

/* D_k of eq. (11) over the batch, in double */
static void twin_direction(twin *w, size_t points, const uint32_t *drawn, double *g) {
    double max = -INFINITY, total = 0.0;
    memset(g, 0, PARAMS * sizeof *g);
    for (size_t i = 0; i < BATCH; i++) {
        max = fmax(max, w->all.logw[w->members[i]]);
    }
    for (size_t i = 0; i < BATCH; i++) {
        total += exp(w->all.logw[w->members[i]] - max);
    }
    for (size_t i = 0; i < BATCH; i++) {
        const uint32_t m = w->members[i];
        add_gradient(w->now, w->all.x + m * D, exp(w->all.logw[m] - max) / total, g);
    }
    for (size_t i = 0; i < points; i++) {
        const size_t j = drawn != NULL ? drawn[i] : i;
        add_gradient(w->now, w->data + j * D, -1.0 / (double)points, g);
    }
}

static void twin_choose(twin *w, uint64_t k) {
    const jebm_shuffle shuffle = jebm_shuffle_make(w->c.rng[0], k, N);
    unsigned char member[N] = {0};
    for (uint32_t i = 0; i < BATCH; i++) {
        w->members[i] = jebm_shuffle_at(&shuffle, i);
        member[w->members[i]] = 1;
    }
    w->nrest = 0;
    for (uint32_t i = 0; i < N; i++) {
        if (!member[i]) {
            w->rest[w->nrest++] = i;
        }
    }
}

/* lines 8 to 15 of Algorithm 2, theta_{k+1} being in `next` */
static void twin_move(twin *w, uint64_t k) {
    float scratch[JEBM_LANGEVIN_ROWS * D];
    for (size_t i = 0; i < BATCH; i++) {
        const uint32_t m = w->members[i];
        memcpy(w->mini.x + i * D, w->all.x + m * D, D * sizeof(float));
        w->mini.logw[i] = w->all.logw[m];
    }
    jebm_langevin_begin(w->now, BATCH, w->ids, &w->mini);
    for (uint32_t s = 0; s < w->c.inner; s++) {
        const jebm_move move = {.h = w->c.h,
                                .rule = w->c.rule,
                                .rng = w->c.rng[0],
                                .lane = JEBM_LANE_NOISE + s * JEBM_LANE_STRIDE,
                                .step = k};
        jebm_langevin_step(s == 0 ? w->now : w->next, w->next, &move, BATCH, w->ids, &w->mini,
                           scratch);
    }
    jebm_langevin_frozen(w->next, w->c.rule, w->nrest, w->rest, &w->all);
    for (size_t i = 0; i < BATCH; i++) {
        const uint32_t m = w->members[i];
        memcpy(w->all.x + m * D, w->mini.x + i * D, D * sizeof(float));
        w->all.logw[m] = w->mini.logw[i];
    }
    jebm_langevin_begin(w->next, BATCH, w->members, &w->all);
}

static void twin_judge(twin *w, uint64_t k) {
    uint32_t parent[N], copies[N];
    double scratch[2 * N + 2];
    jebm_weight_stats stats;
    cr_assert_eq(jebm_weight_stats_of(N, w->all.logw, &stats), JEBM_OK);
    w->ess = stats.ess;
    if (w->c.trigger == JEBM_TRIGGER_ESS && (k + 1) % w->c.ess_every == 0 &&
        stats.ess < w->c.threshold) {
        cr_assert_eq(jebm_resample(w->c.scheme, &w->all, w->c.rng[0], k, parent, copies, scratch),
                     JEBM_OK);
        w->resamplings++;
    }
}

/* Theta is taken from the trainer after its direction has been checked, so that positions agree to
 * the bit and weights to the rounding of a handful of energies of order 100. */
static size_t expect_as_twin(const jebm_trainer_config *c, const float *data, size_t steps) {
    twin w;
    jebm_trainer *t = trainer(c, data);
    twin_start(&w, c, data);
    const size_t points = c->data_batch > 0 ? c->data_batch : DATA;
    for (uint64_t k = 0; k < steps; k++) {
        double g[PARAMS];
        uint32_t drawn[DATA];
        const jebm_shuffle shuffle = jebm_shuffle_make(
            jebm_rng_make((uint64_t)c->rng[0].key[1] << 32 | c->rng[0].key[0], 1), k, DATA);
        for (uint32_t i = 0; i < points; i++) {
            drawn[i] = jebm_shuffle_at(&shuffle, i);
        }
        twin_choose(&w, k);
        twin_direction(&w, points, c->data_batch > 0 ? drawn : NULL, g);
        advance(t, 1);
        for (size_t j = 0; j < PARAMS; j++) {
            /* single precision in each term of order 5, averaged */
            cr_expect_float_eq(jebm_trainer_direction(t)[j], g[j], 1e-5, "k %d, parameter %zu",
                               (int)k, j);
        }
        jebm_energy_set(w.next, jebm_trainer_energy(t)->theta);
        twin_move(&w, k);
        twin_judge(&w, k);
        jebm_energy *old = w.now;
        w.now = w.next;
        w.next = old;
    }
    jebm_error err = {0};
    cr_assert_eq(jebm_trainer_settle(t, &err), JEBM_OK, "%s", err.text);
    const jebm_ensemble *e = jebm_trainer_ensemble(t, 0);
    const jebm_observation o = jebm_trainer_observe(t, 0);
    cr_expect_eq(memcmp(e->x, w.all.x, N * D * sizeof(float)), 0, "walkers differ");
    for (size_t i = 0; i < N; i++) {
        cr_expect_float_eq(e->logw[i], w.all.logw[i], 1e-11, "walker %zu: %.17g, eagerly %.17g", i,
                           e->logw[i], w.all.logw[i]);
    }
    cr_expect_eq(o.resamplings, w.resamplings);
    cr_expect_float_eq(o.ess, w.ess, 1e-9);
    const size_t resamplings = w.resamplings;
    twin_free(&w);
    jebm_trainer_free(t);
    return resamplings;
}

Test(trainer_batch, lazy_weights_are_the_eager_ones_of_algorithm_2) {
    float *data = teacher_data(DATA);
    jebm_trainer_config c = settings();
    cr_expect_gt(expect_as_twin(&c, data, 90), 1, "it never resampled");
    c.trigger = JEBM_TRIGGER_NEVER;
    c.inner = 2;
    c.rule = JEBM_WEIGHTS_RELEASED;
    expect_as_twin(&c, data, 30);
    c = settings();
    c.data_batch = 100;
    expect_as_twin(&c, data, 30);
    free(data);
}

/* what a run does, and every later number, whether somebody looks at it or not */
Test(trainer_batch, looking_changes_nothing) {
    float *data = teacher_data(DATA);
    const jebm_trainer_config c = settings();
    jebm_trainer *seen = trainer(&c, data), *unseen = trainer(&c, data);
    for (size_t k = 0; k < 60; k++) {
        advance(seen, 1);
        advance(unseen, 1);
        cr_assert_eq(jebm_trainer_settle(seen, NULL), JEBM_OK);
        cr_expect_eq(memcmp(jebm_trainer_energy(seen)->theta, jebm_trainer_energy(unseen)->theta,
                            PARAMS * sizeof(double)),
                     0, "theta differs at k %zu", k + 1);
    }
    cr_assert_eq(jebm_trainer_settle(unseen, NULL), JEBM_OK);
    const jebm_ensemble *a = jebm_trainer_ensemble(seen, 0), *b = jebm_trainer_ensemble(unseen, 0);
    cr_expect_eq(memcmp(a->x, b->x, N * D * sizeof(float)), 0);
    cr_expect_eq(memcmp(a->logw, b->logw, N * sizeof(double)), 0);
    cr_expect_gt(jebm_trainer_observe(seen, 0).resamplings, 0);
    cr_expect_eq(jebm_trainer_observe(seen, 0).log_z, jebm_trainer_observe(unseen, 0).log_z);
    jebm_trainer_free(seen);
    jebm_trainer_free(unseen);
    free(data);
}

/* ---- noise ---------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* neighbours in size that are nearer than single precision tells normals apart */
static size_t count_equal(size_t n, double *xi) {
    size_t equal = 0;
    qsort(xi, n, sizeof *xi, by_size);
    for (size_t i = 1; i < n; i++) {
        equal += xi[i] - xi[i - 1] < 1e-6;
    }
    return equal;
}

/* Under U = x^2/2 a move is x - h x + sqrt(2h) xi, so that its xi can be told from both ends. Two
 * batches of 256 of 4096 walkers have some 16 in common, which move twice and give no xi; the 480
 * others have different ones. Single precision tells xi to 1e-6; of 480 independent normals 0.06
 * pairs on average are that near, and 4 or more with probability 5e-7. */
Test(trainer_batch, mini_batches_of_one_iteration_share_no_noise) {
    enum { WALKERS = 4096, MOVED = 256 };
    jebm_trainer_config c = settings();
    c.method = JEBM_METHOD_UNWEIGHTED;
    c.walkers[0] = WALKERS;
    c.batch[0] = MOVED;
    c.batches = 2;
    c.rate[0] = 0.0;
    c.trigger = JEBM_TRIGGER_NEVER;
    const float point = 0.0f;
    jebm_energy *e = quartic_new(&quartic_sampling_ops, 0.0);
    jebm_trainer *t = NULL;
    cr_assert_eq(jebm_trainer_new(&c, e, 1, &point, &t, NULL), JEBM_OK);
    jebm_energy_free(e);
    double before[WALKERS], xi[2 * MOVED];
    size_t n = 0;
    const float *x = jebm_trainer_ensemble(t, 0)->x;
    for (size_t i = 0; i < WALKERS; i++) {
        before[i] = x[i];
    }
    unsigned char moved[WALKERS] = {0};
    for (uint64_t j = 0; j < 2; j++) {
        const jebm_shuffle s = jebm_shuffle_make(c.rng[0], j << 48, WALKERS);
        for (uint32_t i = 0; i < MOVED; i++) {
            moved[jebm_shuffle_at(&s, i)]++;
        }
    }
    advance(t, 1);
    for (size_t i = 0; i < WALKERS; i++) {
        cr_expect_eq(moved[i] > 0, (double)x[i] != before[i], "walker %zu", i);
        if (moved[i] == 1) {
            xi[n++] = ((double)x[i] - (1.0 - c.h) * before[i]) / sqrt(2.0 * c.h);
        }
    }
    cr_assert_gt(n, 400);
    const size_t equal = count_equal(n, xi);
    cr_expect_lt(equal, 4, "%zu of %zu walkers have another one's noise", equal, n);
    jebm_trainer_free(t);
}

/* The burn-in moves all walkers, a batch at a time. Of 1024 independent normals 0.3 pairs are that
 * near on average. */
Test(trainer_batch, no_walker_shares_its_noise_of_the_burn_in) {
    enum { WALKERS = 1024 };
    jebm_trainer_config c = settings();
    c.method = JEBM_METHOD_UNWEIGHTED;
    c.walkers[0] = WALKERS;
    c.batch[0] = 256;
    c.burn_in = 1;
    const float point = 0.0f;
    float before[WALKERS];
    double xi[WALKERS];
    jebm_energy *e = quartic_new(&quartic_sampling_ops, 0.0);
    jebm_trainer *t = NULL;
    quartic_sample(e, c.rng[0], false, WALKERS, 0, WALKERS, before);
    cr_assert_eq(jebm_trainer_new(&c, e, 1, &point, &t, NULL), JEBM_OK);
    jebm_energy_free(e);
    for (size_t i = 0; i < WALKERS; i++) {
        const double x = jebm_trainer_ensemble(t, 0)->x[i];
        xi[i] = (x - (1.0 - c.h) * before[i]) / sqrt(2.0 * c.h);
    }
    const size_t equal = count_equal(WALKERS, xi);
    cr_expect_lt(equal, 6, "%zu of %d walkers have another one's noise", equal, (int)WALKERS);
    jebm_trainer_free(t);
}

/* With points x_i^4/4 = 2^i the direction's part of the data spells out which 8 of 16 points an
 * iteration drew, and what moved tells which 8 of 16 walkers. Chosen by draws of their own, they
 * are the same numbers with probability 1/12870 an iteration. */
Test(trainer_batch, points_and_walkers_are_chosen_by_draws_of_their_own) {
    enum { CHOSEN = 8, ALL = 16, STEPS = 6 };
    jebm_trainer_config c = settings();
    c.method = JEBM_METHOD_UNWEIGHTED;
    c.walkers[0] = ALL;
    c.batch[0] = c.data_batch = CHOSEN;
    c.rate[0] = 0.0;
    c.trigger = JEBM_TRIGGER_NEVER;
    float points[ALL];
    for (int i = 0; i < ALL; i++) {
        points[i] = (float)pow(4.0 * exp2(i), 0.25);
    }
    jebm_energy *e = quartic_new(&quartic_sampling_ops, 0.0);
    jebm_trainer *t = NULL;
    cr_assert_eq(jebm_trainer_new(&c, e, ALL, points, &t, NULL), JEBM_OK);
    jebm_energy_free(e);
    const float *x = jebm_trainer_ensemble(t, 0)->x;
    for (size_t k = 0; k < STEPS; k++) {
        float before[ALL];
        double walkers = 0.0;
        unsigned moved = 0, drawn = 0;
        memcpy(before, x, sizeof before);
        advance(t, 1);
        for (int i = 0; i < ALL; i++) {
            if (x[i] != before[i]) {
                moved |= 1U << i;
                walkers += pow(before[i], 4.0) / 4.0 / CHOSEN;
            }
        }
        /* 2^16 in single precision, to the power of 4: off by less than 0.1 */
        drawn = (unsigned)lround(CHOSEN * (walkers - jebm_trainer_direction(t)[0]));
        cr_expect_eq(__builtin_popcount(moved), CHOSEN, "%x", moved);
        cr_expect_eq(__builtin_popcount(drawn), CHOSEN, "%x", drawn);
        cr_expect_neq(moved, drawn, "iteration %zu: points and walkers are both %x", k, moved);
    }
    jebm_trainer_free(t);
}

/* A population that steers nothing has the right log Z, drawn piece by piece as it is: mean over 16
 * streams against its own standard error; t of 15 degrees of freedom beyond 6 has probability 2e-5
 */
Test(trainer_batch, an_evaluation_population_has_the_right_log_z, .timeout = 60) {
    enum { RUNS = 16 };
    float *data = teacher_data(DATA);
    double sum = 0.0, sum_2 = 0.0;
    for (uint32_t r = 0; r < RUNS; r++) {
        jebm_trainer_config c = settings();
        c.npopulations = 2;
        c.rng[1] = jebm_rng_make(901, r);
        jebm_trainer *t = trainer(&c, data);
        advance(t, 200);
        cr_assert_eq(jebm_trainer_settle(t, NULL), JEBM_OK);
        const jebm_energy *e = jebm_trainer_energy(t);
        const double off = jebm_trainer_observe(t, 1).log_z - e->ops->log_z(e);
        cr_expect_gt(jebm_trainer_observe(t, 1).resamplings, 0);
        sum += off;
        sum_2 += off * off;
        jebm_trainer_free(t);
    }
    const double mean = sum / RUNS, se = sqrt((sum_2 / RUNS - mean * mean) / (RUNS - 1));
    cr_expect(fabs(mean) < 6.0 * se, "log Z is off by %g +- %g", mean, se);
    cr_expect_lt(se, 0.1);
    free(data);
}

/* ---- when resampling is considered ----------------------------------------------------------- */

static bool same_walkers(const jebm_trainer *a, const jebm_trainer *b) {
    const jebm_ensemble *x = jebm_trainer_ensemble(a, 0), *y = jebm_trainer_ensemble(b, 0);
    return memcmp(x->x, y->x, x->n * x->d * sizeof *x->x) == 0;
}

/* N/N' = 300/64: five iterations cost what one look at all walkers does, four cost less */
Test(trainer_batch, by_default_all_are_looked_at_every_n_over_batch_iterations_rounded_up) {
    float *data = teacher_data(DATA);
    static const uint64_t every[] = {0, 5, 4};
    jebm_trainer *t[3];
    for (size_t i = 0; i < 3; i++) {
        jebm_trainer_config c = settings();
        c.ess_every = every[i];
        t[i] = trainer(&c, data);
        advance(t[i], 40);
    }
    cr_expect(same_walkers(t[0], t[1]));
    cr_expect_not(same_walkers(t[0], t[2]), "the look must have decided something");
    for (size_t i = 0; i < 3; i++) {
        jebm_trainer_free(t[i]);
    }
    free(data);
}

Test(trainer_batch, the_first_resampling_is_that_of_iteration_resample_from) {
    enum { FROM = 7 };
    float *data = teacher_data(DATA);
    for (int all = 0; all < 2; all++) {
        jebm_trainer_config c = settings();
        c.gradient = all ? JEBM_GRADIENT_ALL : JEBM_GRADIENT_BATCH;
        c.ess_every = all ? 0 : 1;
        c.trigger = JEBM_TRIGGER_INTERVAL;
        c.interval = 1;
        c.resample_from = FROM;
        jebm_trainer *t = trainer(&c, data);
        advance(t, FROM - 1);
        cr_assert_eq(jebm_trainer_settle(t, NULL), JEBM_OK);
        cr_expect_eq(jebm_trainer_observe(t, 0).resamplings, 0, "gradient %d", all);
        advance(t, 1);
        cr_assert_eq(jebm_trainer_settle(t, NULL), JEBM_OK);
        cr_expect_eq(jebm_trainer_observe(t, 0).resamplings, 1, "gradient %d", all);
        jebm_trainer_free(t);
    }
    free(data);
}

Test(trainer_batch, the_smallest_ess_is_forgotten_in_every_population) {
    float *data = teacher_data(DATA);
    jebm_trainer_config c = settings();
    c.gradient = JEBM_GRADIENT_ALL;
    c.ess_every = 0;
    c.npopulations = 2;
    for (size_t p = 0; p < 2; p++) {
        jebm_trainer *t = trainer(&c, data);
        // until a resampling has brought the ESS up again
        jebm_observation o;
        size_t steps = 0;
        do {
            advance(t, 1);
            o = jebm_trainer_observe(t, p);
        } while (o.ess < o.ess_min + 0.02 && ++steps < 500);
        cr_assert_lt(steps, 500, "population %zu", p);
        jebm_trainer_forget(t);
        advance(t, 1);
        const jebm_observation next = jebm_trainer_observe(t, p);
        cr_expect_eq(next.ess_min, next.ess, "population %zu", p);
        cr_expect_gt(next.ess_min, o.ess_min, "population %zu", p);
        jebm_trainer_free(t);
    }
    free(data);
}
