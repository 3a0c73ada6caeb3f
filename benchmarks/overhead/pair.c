/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pair.h"

#include "core/threads.h"
#include "energy/convnet.h"
#include "energy/gmm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GMM_D = 50 };

static const struct {
    const char *spec;
    jebm_shape shape;
} networks[PAIR_COUNT] = {
    [PAIR_MNIST] = {"conv 16 k5 s2 p4 | silu | conv 32 k3 s2 p1 | silu | conv 64 k3 s2 p1 | silu | "
                    "conv 64 k3 s2 p1 | silu | flatten | linear 64 | silu | linear 1",
                    {1, 28, 28}},
    [PAIR_CIFAR32] = {"conv 32 k3 s1 p1 | leaky 0.2 | conv 64 k4 s2 p1 | leaky 0.2 | "
                      "conv 128 k4 s2 p1 | leaky 0.2 | conv 256 k4 s2 p1 | leaky 0.2 | "
                      "conv 1 k4 s1 p0",
                      {3, 32, 32}},
    [PAIR_CIFAR64] = {"conv 64 k3 s1 p1 | leaky 0.2 | conv 128 k4 s2 p1 | leaky 0.2 | "
                      "conv 256 k4 s2 p1 | leaky 0.2 | conv 512 k4 s2 p1 | leaky 0.2 | "
                      "conv 1 k4 s1 p0",
                      {3, 32, 32}},
};

static double clock_ns(pair_clock which) {
    struct timespec t;
    clock_gettime(which == PAIR_CPU ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

struct pair {
    pair_config c;
    size_t n; /* data points */
    float *data;
    jebm_trainer *jarzynski, *pcd;
    size_t period; /* iterations between two looks at the ESS */
    uint64_t k; /* iterations of each so far */
    size_t repeat; /* periods that are timed at once */

    /* for the parts */
    jebm_energy *flat; /* costs nothing, of the same dimension */
    jebm_ensemble batch, flat_batch, all;
    uint32_t *ids, *parent, *copies;
    float *scratch; /* [threads][JEBM_LANGEVIN_ROWS][d] */
    double *resample, *gradient; /* gradient [threads][nparams] */
};

/* ---- an energy that costs nothing ----------------------------------------------------------- */

static void flat_eval(const jebm_energy *e, size_t n, const float *x, double *U, float *grad) {
    (void)x;
    if (U != NULL) {
        memset(U, 0, n * sizeof *U);
    }
    if (grad != NULL) {
        memset(grad, 0, n * e->d * sizeof *grad);
    }
}

static jebm_energy *flat_new(size_t d) {
    static const jebm_energy_ops ops = {.name = "flat", .eval = flat_eval};
    jebm_energy *e = calloc(1, sizeof *e);
    if (e != NULL) {
        *e = (jebm_energy){.ops = &ops, .d = d};
    }
    return e;
}

/* ---- what is trained ------------------------------------------------------------------------ */

static jebm_status mixture(double a, double b, double z, jebm_energy **out, jebm_error *err) {
    const double theta[2 * GMM_D + 1] = {[0] = a, [GMM_D] = b, [2 * GMM_D] = z};
    JEBM_TRY(jebm_gmm_new(GMM_D, 2, out, err));
    jebm_energy_set(*out, theta);
    return JEBM_OK;
}

static jebm_status network(const pair_config *c, jebm_energy **out, jebm_error *err) {
    const jebm_convnet_config config = {.spec = networks[c->energy].spec,
                                        .shape = networks[c->energy].shape,
                                        .temperature = 1.0,
                                        .backend = c->backend,
                                        .drift = c->backend,
                                        .zero_last = true};
    return jebm_convnet_new(&config, jebm_rng_make(c->seed, 1), out, err);
}

static jebm_status make_energy(const pair_config *c, jebm_energy **out, jebm_error *err) {
    return c->energy == PAIR_GMM ? mixture(-0.1, 0.1, 0.0, out, err) : network(c, out, err);
}

/* A mixture whose walkers all move is best trained by gradient = all. */
static bool takes_all(const pair_config *c) {
    return c->energy == PAIR_GMM && c->share == 1;
}

/* Images: of MNIST four pixels in five are background, at the edge of the cube, where moves are
 * refused and weighed; those of CIFAR-10 are inside. */
static void draw_image(const pair *p, jebm_rng rng, size_t d, size_t i, double *u, float *x) {
    jebm_rng_uniforms(rng, JEBM_LANE_INIT, 0, i * 2 * d, 2 * d, u);
    for (size_t j = 0; j < d; j++) {
        const bool background = p->c.energy == PAIR_MNIST && u[d + j] < 0.8;
        x[j] = background ? -1.0f : (float)(1.8 * u[j] - 0.9);
    }
}

static jebm_status make_data(pair *p, size_t d, jebm_error *err) {
    const jebm_rng rng = jebm_rng_make(p->c.seed, 2);
    p->n = takes_all(&p->c) ? p->c.batch : 2 * p->c.batch;
    p->data = malloc(p->n * d * sizeof *p->data);
    double *u = malloc(2 * d * sizeof *u);
    jebm_energy *teacher = NULL;
    jebm_status status = p->data != NULL && u != NULL
                             ? mixture(-10.0, 6.0, -log(3.0), &teacher, err)
                             : jebm_fail(err, JEBM_ENOMEM, "no memory for %zu data points", p->n);
    if (status == JEBM_OK && p->c.energy == PAIR_GMM) {
        teacher->ops->sample(teacher, rng, false, p->n, 0, p->n, p->data);
    }
    for (size_t i = 0; i < p->n && status == JEBM_OK && p->c.energy != PAIR_GMM; i++) {
        draw_image(p, rng, d, i, u, p->data + i * d);
    }
    jebm_energy_free(teacher);
    free(u);
    return status;
}

/* ---- trainers ------------------------------------------------------------------------------- */

/* A network's walkers are all looked at, and resampled, in every iteration, so that few iterations
 * have to be timed; what looks cost beyond one every N/N' iterations is timed apart and taken off.
 * A mixture takes its time. */
static size_t period_of(const pair_config *c) {
    return c->energy == PAIR_GMM ? c->share : 1;
}

static jebm_trainer_config settings(const pair_config *c, jebm_method method) {
    const bool gmm = c->energy == PAIR_GMM, whole = takes_all(c);
    return (jebm_trainer_config){.method = method,
                                 .rule = JEBM_WEIGHTS_EXACT,
                                 .npopulations = 1,
                                 .walkers = {c->batch * c->share},
                                 .batch = {c->batch},
                                 .gradient = whole ? JEBM_GRADIENT_ALL : JEBM_GRADIENT_BATCH,
                                 .data_batch = whole ? 0 : c->batch,
                                 .ess_every = period_of(c),
                                 .inner = c->inner,
                                 .cd_steps = 1,
                                 .h = gmm ? 0.1 : 1e-4,
                                 .bound = gmm ? 0.0 : 1.0,
                                 .start_each = !gmm,
                                 .scheme = JEBM_SYSTEMATIC,
                                 .trigger = JEBM_TRIGGER_ESS,
                                 .threshold = gmm ? 1.0 / 1.1 : 1.0,
                                 .interval = 1,
                                 .optimizer = {.kind = gmm ? JEBM_GRADIENT_DESCENT : JEBM_ADAM,
                                               .beta_1 = 0.9,
                                               .beta_2 = 0.999,
                                               .epsilon = 1e-8},
                                 .rate = {gmm ? 0.0025 : 1e-4, 0.0125},
                                 .rng = {jebm_rng_make(c->seed, 3)}};
}

/* Walkers of both methods start at the data: a network's energy is 0 everywhere at the start, so
 * no weight knows the difference. */
static jebm_status start_at_data(pair *p, jebm_error *err) {
    jebm_array arrays[32];
    const size_t count = jebm_trainer_arrays(p->jarzynski, 32, arrays);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(arrays[i].name, "walkers0") == 0) {
            const size_t d = arrays[i].shape[1];
            float *x = arrays[i].data;
            for (size_t w = 0; w < arrays[i].shape[0]; w++) {
                memcpy(x + w * d, p->data + w % p->n * d, d * sizeof *x);
            }
        }
    }
    return jebm_trainer_restored(p->jarzynski, err);
}

static jebm_status time_step(const pair *p, jebm_trainer *t, double *time, jebm_error *err) {
    const double start = clock_ns(p->c.clock);
    JEBM_TRY(jebm_trainer_step(t, err));
    *time = clock_ns(p->c.clock) - start;
    return JEBM_OK;
}

/* an iteration of each; who goes second finds the data in the cache, so they change places */
static jebm_status step(pair *p, double *jarzynski, double *pcd, jebm_error *err) {
    const bool first = p->k++ % 2 == 0;
    if (first) {
        JEBM_TRY(time_step(p, p->jarzynski, jarzynski, err));
    }
    JEBM_TRY(time_step(p, p->pcd, pcd, err));
    return first ? JEBM_OK : time_step(p, p->jarzynski, jarzynski, err);
}

/* did it learn, and is everything finite? */
static jebm_status verify(jebm_trainer *t, const double *before, bool weighed, jebm_error *err) {
    JEBM_TRY(jebm_trainer_settle(t, err));
    const jebm_energy *e = jebm_trainer_energy(t);
    const jebm_observation seen = jebm_trainer_observe(t, 0);
    double moved = 0.0;
    for (size_t i = 0; i < e->nparams; i++) {
        moved += fabs(e->theta[i] - before[i]);
    }
    const bool uneven = seen.ess_min < 1.0 && seen.ess_min > 0.0;
    if (moved > 0.0 && isfinite(moved) && isfinite(seen.data_energy) && (!weighed || uneven)) {
        return JEBM_OK;
    }
    return jebm_fail(err, JEBM_EDIVERGE,
                     "%s did no work to time: theta moved by %g, the energy of the data is %g, the "
                     "smallest ESS %g",
                     weighed ? "jarzynski" : "pcd", moved, seen.data_energy, seen.ess_min);
}

/* Both go until they have been looked at; what they learned then is verified. */
static jebm_status warm_up(pair *p, const jebm_energy *start, jebm_error *err) {
    enum { ENOUGH = 100000000 /* ns that a repeat shall last */, MOST = 1000 };
    double jarzynski = 0.0, pcd = 0.0, last = 0.0;
    for (size_t i = 0; i < p->period; i++) {
        JEBM_TRY(step(p, &jarzynski, &pcd, err));
        last += jarzynski + pcd;
    }
    const double repeats = ENOUGH / last;
    p->repeat = repeats < 1.0 ? 1 : repeats > MOST ? MOST : (size_t)repeats;
    JEBM_TRY(verify(p->jarzynski, start->theta, true, err));
    return verify(p->pcd, start->theta, false, err);
}

/* ---- parts ---------------------------------------------------------------------------------- */

static size_t block_of(const jebm_energy *e) {
    return e->block != 0 ? e->block : JEBM_BLOCK;
}

static size_t count_of(size_t n, size_t block, size_t first) {
    return n - first < block ? n - first : block;
}

/* one move of a batch, as the trainer makes it */
static double time_move(pair *p, const jebm_energy *e, jebm_ensemble *batch,
                        jebm_weight_rule rule) {
    const pair_config *c = &p->c;
    const jebm_trainer_config s = settings(c, JEBM_METHOD_JARZYNSKI);
    const jebm_move move = {.h = s.h,
                            .rule = rule,
                            .bound = s.bound,
                            .rng = jebm_rng_make(c->seed, 4),
                            .lane = JEBM_LANE_NOISE,
                            .step = p->k};
    const size_t block = block_of(e);
    const double start = clock_ns(p->c.clock);
#pragma omp parallel for schedule(static)
    for (size_t first = 0; first < c->batch; first += block) {
        jebm_langevin_walk(e, e, &move, 1, count_of(c->batch, block, first), p->ids + first, batch,
                           p->scratch + jebm_thread_index() * JEBM_LANGEVIN_ROWS * e->d);
    }
    return clock_ns(p->c.clock) - start;
}

static double time_noise(pair *p, const jebm_energy *e) {
    const size_t n = p->c.batch, d = e->d, block = block_of(e);
    const double deviation = sqrt(2.0 * settings(&p->c, JEBM_METHOD_JARZYNSKI).h);
    const double start = clock_ns(p->c.clock);
#pragma omp parallel for schedule(static)
    for (size_t first = 0; first < n; first += block) {
        float *out = p->scratch + jebm_thread_index() * JEBM_LANGEVIN_ROWS * d;
        const size_t end = first + count_of(n, block, first);
        for (size_t i = first; i < end; i += JEBM_LANGEVIN_TILE) {
            jebm_rng_normals(jebm_rng_make(p->c.seed, 4), JEBM_LANE_NOISE, p->k, i,
                             count_of(end, JEBM_LANGEVIN_TILE, i), d, (float)deviation, out);
        }
    }
    return clock_ns(p->c.clock) - start;
}

static double time_gradient(pair *p, const jebm_energy *e) {
    const size_t n = p->c.batch, d = e->d, block = block_of(e);
    const double start = clock_ns(p->c.clock);
#pragma omp parallel for schedule(static)
    for (size_t first = 0; first < n; first += block) {
        const size_t count = count_of(n, block, first);
        double *g = p->gradient + jebm_thread_index() * e->nparams;
        jebm_energy_accumulate(e, first, count, NULL, &p->batch, g);
        jebm_energy_data(e, count, p->data + first * d, g);
    }
    return clock_ns(p->c.clock) - start;
}

static double time_settle(pair *p, const jebm_energy *e) {
    const size_t n = p->all.n, d = e->d, block = block_of(e);
    const double start = clock_ns(p->c.clock);
#pragma omp parallel for schedule(static)
    for (size_t first = 0; first < n; first += block) {
        e->ops->eval(e, count_of(n, block, first), p->all.x + first * d, p->all.U + first, NULL);
    }
    return clock_ns(p->c.clock) - start;
}

static double time_resample(pair *p) {
    for (size_t i = 0; i < p->all.n; i++) {
        p->all.logw[i] = 0.3 * sin((double)i); /* an ESS of 0.96 */
    }
    const double start = clock_ns(p->c.clock);
    (void)jebm_resample(JEBM_SYSTEMATIC, &p->all, jebm_rng_make(p->c.seed, 5), p->k, p->parent,
                        p->copies, p->resample);
    return clock_ns(p->c.clock) - start;
}

/* An unweighed move but for its noise is its drift. What weighing adds is small beside a network,
 * and timed with an energy that costs nothing; a mixture's kernel does both at once. */
static void time_parts(pair *p, pair_times *times) {
    enum { MOST = 20 };
    const jebm_energy *e = jebm_trainer_energy(p->jarzynski);
    const bool gmm = p->c.energy == PAIR_GMM;
    const jebm_energy *other = gmm ? e : p->flat;
    jebm_ensemble *batch = gmm ? &p->batch : &p->flat_batch;
    const size_t repeats = p->repeat < MOST ? p->repeat : MOST;
    const double one = 1.0 / (double)repeats, steps = one * (double)p->c.inner;
    double drift = 0.0;
    for (size_t i = 0; i < repeats; i++) {
        const double noise = time_noise(p, e);
        drift += time_move(p, e, &p->batch, JEBM_WEIGHTS_FROZEN) - noise;
        times->noise += steps * noise;
        times->weights -= steps * time_move(p, other, batch, JEBM_WEIGHTS_FROZEN);
        times->weights += steps * time_move(p, other, batch, JEBM_WEIGHTS_EXACT);
        times->gradient += one * time_gradient(p, e);
        times->settle += one * time_settle(p, e) / (double)p->c.share;
        times->resample += one * time_resample(p) / (double)p->c.share;
    }
    times->drift = steps * drift;
    /* a mixture's kernel makes it in any case */
    times->last = gmm ? 0.0 : one * drift;
}

static jebm_status make_parts(pair *p, const jebm_energy *e, jebm_error *err) {
    const size_t n = p->c.batch * p->c.share, d = e->d, threads = jebm_thread_count();
    JEBM_TRY(jebm_ensemble_init(&p->batch, p->c.batch, d, jebm_energy_cache_width(e), err));
    JEBM_TRY(jebm_ensemble_init(&p->flat_batch, p->c.batch, d, d, err));
    JEBM_TRY(jebm_ensemble_init(&p->all, n, d, 1, err));
    p->flat = flat_new(d);
    p->ids = malloc(p->c.batch * sizeof *p->ids);
    p->parent = malloc(n * sizeof *p->parent);
    p->copies = malloc(n * sizeof *p->copies);
    p->scratch = malloc(threads * JEBM_LANGEVIN_ROWS * d * sizeof *p->scratch);
    p->resample = malloc(jebm_resample_scratch(n) * sizeof *p->resample);
    p->gradient = calloc(threads * e->nparams, sizeof *p->gradient);
    if (p->flat == NULL || p->ids == NULL || p->parent == NULL || p->copies == NULL ||
        p->scratch == NULL || p->resample == NULL || p->gradient == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for %zu walkers", n);
    }
    for (size_t i = 0; i < p->c.batch; i++) {
        p->ids[i] = (uint32_t)i;
        memcpy(p->batch.x + i * d, p->data + i * d, d * sizeof(float));
        memcpy(p->flat_batch.x + i * d, p->data + i * d, d * sizeof(float));
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(p->all.x + i * d, p->data + i % p->n * d, d * sizeof(float));
    }
    jebm_langevin_begin(e, p->c.batch, p->ids, &p->batch);
    return JEBM_OK;
}

/* ---- life cycle ----------------------------------------------------------------------------- */

void pair_free(pair *p) {
    if (p == NULL) {
        return;
    }
    jebm_trainer_free(p->jarzynski);
    jebm_trainer_free(p->pcd);
    jebm_ensemble_free(&p->batch);
    jebm_ensemble_free(&p->flat_batch);
    jebm_ensemble_free(&p->all);
    free(p->flat);
    free(p->data);
    free(p->ids);
    free(p->parent);
    free(p->copies);
    free(p->scratch);
    free(p->resample);
    free(p->gradient);
    free(p);
}

static jebm_status make(pair *p, const jebm_energy *start, jebm_error *err) {
    const jebm_trainer_config jarzynski = settings(&p->c, JEBM_METHOD_JARZYNSKI),
                              pcd = settings(&p->c, JEBM_METHOD_PCD);
    JEBM_TRY(make_data(p, start->d, err));
    JEBM_TRY(jebm_trainer_new(&jarzynski, start, p->n, p->data, &p->jarzynski, err));
    JEBM_TRY(jebm_trainer_new(&pcd, start, p->n, p->data, &p->pcd, err));
    if (p->c.energy != PAIR_GMM) {
        JEBM_TRY(start_at_data(p, err));
    }
    JEBM_TRY(warm_up(p, start, err));
    return make_parts(p, start, err);
}

jebm_status pair_new(const pair_config *config, pair **out, jebm_error *err) {
    pair *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for two trainers");
    }
    p->c = *config;
    p->period = period_of(config);
    jebm_energy *start = NULL;
    jebm_status status = make_energy(config, &start, err);
    if (status == JEBM_OK) {
        status = make(p, start, err);
    }
    jebm_energy_free(start);
    if (status != JEBM_OK) {
        pair_free(p);
        return status;
    }
    *out = p;
    return JEBM_OK;
}

uint64_t pair_bytes(const pair_config *config) {
    const jebm_trainer_config c = settings(config, JEBM_METHOD_JARZYNSKI);
    const size_t walkers = config->batch * (config->share + 2);
    jebm_energy *e = NULL;
    uint64_t bytes = 0;
    if (make_energy(config, &e, NULL) == JEBM_OK) {
        bytes = 2 * jebm_trainer_bytes(&c, e, 2 * config->batch) +
                jebm_ensemble_bytes(walkers, e->d, e->d) + 2 * config->batch * e->d * sizeof(float);
    }
    jebm_energy_free(e);
    return bytes;
}

jebm_status pair_iterate(pair *p, jebm_error *err) {
    return jebm_trainer_step(p->jarzynski, err);
}

jebm_status pair_time(pair *p, pair_times *times, jebm_error *err) {
    const size_t iterations = p->repeat * p->period;
    double jarzynski = 0.0, pcd = 0.0;
    for (size_t i = 0; i < iterations; i++) {
        double one, other;
        JEBM_TRY(step(p, &one, &other, err));
        jarzynski += one;
        pcd += other;
    }
    *times =
        (pair_times){.jarzynski = jarzynski / (double)iterations, .pcd = pcd / (double)iterations};
    time_parts(p, times);
    /* looks that were too many, each of N/N' times what they cost an iteration */
    const double looks = 1.0 / (double)p->period - 1.0 / (double)p->c.share;
    times->jarzynski -= looks * (double)p->c.share * (times->settle + times->resample);
    return JEBM_OK;
}
