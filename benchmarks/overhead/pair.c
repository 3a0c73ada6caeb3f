/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pair.h"

#include "core/batch.h"
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
    uint64_t k; /* turns so far */
    size_t iterations; /* of each so far */
    size_t repeat; /* periods that are timed at once */
    size_t rounds; /* how often both are, in a turn */
    double resamplings; /* of Algorithm 2, an iteration */

    /* for the parts */
    jebm_energy *flat; /* costs nothing, of the same dimension */
    jebm_ensemble batch, flat_batch, all;
    uint32_t *ids, *parent, *copies;
    float *scratch; /* [threads][JEBM_LANGEVIN_ROWS][d] */
    double *resample, *gradient; /* gradient [threads][nparams] */
    jebm_energy *twin; /* whose theta the part PAIR_UPDATE moves */
    jebm_optimizer optimizer;
    size_t nsums; /* parts that gradients are added up from */
    double *sums, *direction; /* [nsums][nparams], [nparams] */
    float *rows; /* [batch][d] data */
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

/* Where looking at all walkers every N/N' iterations would make many iterations of a network to be
 * timed, none is looked at, and what a look costs, timed apart, is added. */
static bool looks_apart(const pair_config *c) {
    return c->energy != PAIR_GMM && c->share > 1;
}

static size_t period_of(const pair_config *c) {
    return looks_apart(c) ? 1 : c->share;
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
                                 .trigger = looks_apart(c) ? JEBM_TRIGGER_NEVER : JEBM_TRIGGER_ESS,
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

/* mean of so many iterations */
static jebm_status time_steps(const pair *p, jebm_trainer *t, size_t iterations, double *time,
                              jebm_error *err) {
    const double start = clock_ns(p->c.clock);
    for (size_t i = 0; i < iterations; i++) {
        JEBM_TRY(jebm_trainer_step(t, err));
    }
    *time = (clock_ns(p->c.clock) - start) / (double)iterations;
    return JEBM_OK;
}

/* Iterations of each, in rounds; who goes second may find a faster machine, so they change places.
 * Mean times of an iteration. */
static jebm_status take_turns(pair *p, size_t rounds, size_t iterations, double *jarzynski,
                              double *pcd, jebm_error *err) {
    double time[2] = {0.0, 0.0};
    for (size_t i = 0; i < 2 * rounds; i++) {
        const size_t who = (i + 1) / 2 % 2 ^ p->k % 2;
        double now;
        JEBM_TRY(time_steps(p, who == 0 ? p->jarzynski : p->pcd, iterations, &now, err));
        time[who] += now / (double)rounds;
    }
    p->k++;
    p->iterations += rounds * iterations;
    *jarzynski = time[0];
    *pcd = time[1];
    return JEBM_OK;
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

/* how often Algorithm 2 has resampled, an iteration */
static jebm_status count_resamplings(pair *p, jebm_error *err) {
    if (looks_apart(&p->c)) {
        p->resamplings = 1.0 / (double)p->c.share;
        return JEBM_OK;
    }
    JEBM_TRY(jebm_trainer_settle(p->jarzynski, err));
    const double count = (double)jebm_trainer_observe(p->jarzynski, 0).resamplings;
    p->resamplings = count / (double)p->iterations;
    return JEBM_OK;
}

/* Both go until they have been looked at; what they learned then is verified. */
static jebm_status warm_up(pair *p, const jebm_energy *start, jebm_error *err) {
    /* Short turns, and many of them: a disturbance spoils a few, which medians leave out. ns that
     * iterations timed at once last at least, and at most if they have a second round. */
    const double enough = 2e6, most = 10e6;
    double jarzynski, pcd;
    JEBM_TRY(take_turns(p, 2, p->period, &jarzynski, &pcd, err));
    const double period = (jarzynski + pcd) * (double)p->period;
    p->repeat = (size_t)fmax(ceil(2.0 * enough / period), 1.0);
    p->rounds = period * (double)p->repeat < most ? 2 : 1;
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

/* moves that parts are timed with */
static size_t moves_of(const pair_config *c) {
    enum { MOST = 8 };
    return c->inner < MOST ? c->inner : MOST;
}

/* some moves of a batch, as the trainer makes them */
static double time_moves(pair *p, const jebm_energy *e, jebm_ensemble *batch,
                         jebm_weight_rule rule) {
    const pair_config *c = &p->c;
    const jebm_trainer_config s = settings(c, JEBM_METHOD_JARZYNSKI);
    /* as the trained energy has it, whatever e is */
    const size_t block = block_of(jebm_trainer_energy(p->jarzynski));
    const jebm_move move = {.h = s.h,
                            .rule = rule,
                            .bound = s.bound,
                            .rng = jebm_rng_make(c->seed, 4),
                            .lane = JEBM_LANE_NOISE,
                            .step = p->k};
    const double start = clock_ns(p->c.clock);
#pragma omp parallel for schedule(static)
    for (size_t first = 0; first < c->batch; first += block) {
        jebm_langevin_walk(e, e, &move, moves_of(c), count_of(c->batch, block, first),
                           p->ids + first, batch,
                           p->scratch + jebm_thread_index() * JEBM_LANGEVIN_ROWS * e->d);
    }
    return clock_ns(p->c.clock) - start;
}

/* as a mixture's kernel makes them: whole blocks of four, side by side */
static double time_noise(pair *p, const jebm_energy *e) {
    const size_t n = p->c.batch, d = e->d, padded = (d + 3) / 4 * 4, block = block_of(e);
    const double deviation = sqrt(2.0 * settings(&p->c, JEBM_METHOD_JARZYNSKI).h);
    const double start = clock_ns(p->c.clock);
#pragma omp parallel for schedule(static)
    for (size_t first = 0; first < n; first += block) {
        float *out = p->scratch + jebm_thread_index() * JEBM_LANGEVIN_ROWS * d;
        const size_t end = first + count_of(n, block, first);
        for (size_t j = 0; j < moves_of(&p->c); j++) {
            for (size_t i = first; i < end; i += JEBM_LANGEVIN_TILE) {
                jebm_rng_normals(jebm_rng_make(p->c.seed, 4),
                                 JEBM_LANE_NOISE + (uint32_t)j * JEBM_LANE_STRIDE, p->k, i, 1,
                                 count_of(end, JEBM_LANGEVIN_TILE, i) * padded, (float)deviation,
                                 out);
            }
        }
    }
    return clock_ns(p->c.clock) - start;
}

static void accumulate(pair *p, const jebm_energy *e, bool data) {
    const size_t n = p->c.batch, d = e->d, block = block_of(e);
#pragma omp parallel for schedule(static)
    for (size_t first = 0; first < n; first += block) {
        const size_t count = count_of(n, block, first);
        double *g = p->gradient + jebm_thread_index() * e->nparams;
        jebm_energy_accumulate(e, first, count, NULL, &p->batch, g);
        if (data) {
            jebm_energy_data(e, count, p->data + first * d, g);
        }
    }
}

static double time_gradient(pair *p, const jebm_energy *e) {
    const double start = clock_ns(p->c.clock);
    accumulate(p, e, true);
    return clock_ns(p->c.clock) - start;
}

static double time_settle(pair *p, const jebm_energy *e, jebm_ensemble *walkers) {
    const size_t n = walkers->n, d = e->d, block = block_of(e);
    const double start = clock_ns(p->c.clock);
#pragma omp parallel for schedule(static)
    for (size_t first = 0; first < n; first += block) {
        e->ops->eval(e, count_of(n, block, first), walkers->x + first * d, walkers->U + first,
                     NULL);
    }
    return clock_ns(p->c.clock) - start;
}

static double time_resample(pair *p, const jebm_energy *e) {
    for (size_t i = 0; i < p->all.n; i++) {
        p->all.logw[i] = 0.3 * sin((double)i); /* an ESS of 0.96 */
    }
    const double start = clock_ns(p->c.clock);
    (void)jebm_resample(JEBM_SYSTEMATIC, &p->all, jebm_rng_make(p->c.seed, 5), p->k, p->parent,
                        p->copies, p->resample);
    if (takes_all(&p->c)) {
        accumulate(p, e, false);
    }
    return clock_ns(p->c.clock) - start;
}

#define AHEAD 16 /* rows that lie anywhere are asked for this much earlier, as the trainer does */

static void copy_row(const float *from, size_t d, float *to) {
    memcpy(to, from, d * sizeof *to);
}

static void prefetch_row(const float *row, size_t d) {
    for (size_t j = 0; j < d; j += 16) {
        __builtin_prefetch(row + j);
    }
}

/* n random rows of total to `side`, with their numbers in ids; and back if `back` */
static void copy_rows(jebm_rng rng, uint64_t k, size_t total, size_t n, size_t d, size_t block,
                      uint32_t *ids, float *rows, float *side, bool back) {
    const jebm_shuffle shuffle = jebm_shuffle_make(rng, k, (uint32_t)total);
#pragma omp parallel for schedule(static)
    for (size_t first = 0; first < n; first += block) {
        const size_t end = first + count_of(n, block, first);
        for (size_t i = first; i < end; i++) {
            ids[i] = jebm_shuffle_at(&shuffle, (uint32_t)i);
        }
        for (size_t i = first; i < end; i++) {
            if (i + AHEAD < end) {
                prefetch_row(rows + ids[i + AHEAD] * d, d);
            }
            copy_row(rows + ids[i] * d, d, side + i * d);
        }
    }
#pragma omp parallel for schedule(static) if (back)
    for (size_t i = 0; i < (back ? n : 0); i++) {
        copy_row(side + i * d, d, rows + ids[i] * d);
    }
}

static double time_copy(pair *p, const jebm_energy *e) {
    const size_t block = block_of(e), n = p->c.batch, d = e->d;
    const double start = clock_ns(p->c.clock);
    if (!takes_all(&p->c)) {
        copy_rows(jebm_rng_make(p->c.seed, 7), p->k, p->all.n, n, d, block, p->copies, p->all.x,
                  p->rows, true);
        copy_rows(jebm_rng_make(p->c.seed, 8), p->k, p->n, n, d, block, p->copies, p->data, p->rows,
                  false);
    }
    return clock_ns(p->c.clock) - start;
}

static double time_update(pair *p) {
    const size_t P = p->twin->nparams, chunk = 512, nchunks = (P + chunk - 1) / chunk;
    const double start = clock_ns(p->c.clock);
#pragma omp parallel for schedule(static) if (nchunks > 8)
    for (size_t c = 0; c < nchunks; c++) {
        const size_t first = c * chunk, count = count_of(P, chunk, first);
        memset(p->direction + first, 0, count * sizeof *p->direction);
        for (size_t i = 0; i < p->nsums; i++) {
            for (size_t j = first; j < first + count; j++) {
                p->direction[j] += p->sums[i * P + j];
            }
        }
    }
    jebm_optimizer_step(&p->optimizer, p->k, p->direction, p->twin->theta);
    p->twin->ops->refresh(p->twin);
    return clock_ns(p->c.clock) - start;
}

/* parts are timed where the trainer's walkers are */
static void take_walkers(pair *p, const jebm_energy *e) {
    const size_t size = p->c.batch * e->d * sizeof(float);
    memcpy(p->batch.x, jebm_trainer_ensemble(p->jarzynski, 0)->x, size);
    memcpy(p->flat_batch.x, p->batch.x, size);
    jebm_langevin_begin(e, p->c.batch, p->ids, &p->batch);
}

/* An unweighed move but for its noise is its drift. What weighing adds is small beside a network,
 * and timed with an energy that costs nothing; a mixture's kernel does both at once, and evaluates
 * where a walker ends in any case. A network's M moves and their start are M + 1 evaluations, a
 * mixture's M, and one more where its mini-batch is gathered. */
static void time_parts(pair *p, double part[PAIR_PARTS]) {
    enum { MOST = 2 };
    const jebm_energy *e = jebm_trainer_energy(p->jarzynski);
    const bool gmm = p->c.energy == PAIR_GMM;
    const jebm_energy *other = gmm ? e : p->flat;
    jebm_ensemble *batch = gmm ? &p->batch : &p->flat_batch;
    const size_t repeats = p->repeat < MOST ? p->repeat : MOST;
    const double one = 1.0 / (double)repeats, each = one / (double)moves_of(&p->c);
    const double steps = each * (double)p->c.inner;
    double drift = 0.0, begin = 0.0;
    take_walkers(p, e);
    for (size_t i = 0; i < repeats; i++) {
        /* what differences are taken of finds the walkers in the cache */
        (void)time_moves(p, other, batch, JEBM_WEIGHTS_EXACT);
        const double noise = time_noise(p, e);
        const double unweighed = time_moves(p, e, &p->batch, JEBM_WEIGHTS_FROZEN);
        const double frozen = gmm ? unweighed : time_moves(p, other, batch, JEBM_WEIGHTS_FROZEN);
        const double weighed = time_moves(p, other, batch, JEBM_WEIGHTS_EXACT);
        drift += unweighed - noise;
        part[PAIR_NOISE] += steps * noise;
        part[PAIR_WEIGHTS] += steps * (weighed - frozen);
        part[PAIR_GRADIENT] += one * time_gradient(p, e);
        part[PAIR_COPY] += one * time_copy(p, e);
        part[PAIR_UPDATE] += one * time_update(p);
        part[PAIR_RESAMPLE] += one * time_resample(p, e) * p->resamplings;
        if (!takes_all(&p->c)) {
            part[PAIR_SETTLE] += one * time_settle(p, e, &p->all) / (double)p->c.share;
            begin += gmm ? one * time_settle(p, e, &p->batch) : 0.0;
        }
    }
    part[PAIR_DRIFT] = steps * drift + begin;
    part[PAIR_LAST] = gmm ? 0.0 : each * drift;
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
    const jebm_trainer_config c = settings(&p->c, JEBM_METHOD_JARZYNSKI);
    const size_t most = ((size_t)64 << 20) / (e->nparams * sizeof(double));
    const size_t blocks = 2 * ((p->c.batch + block_of(e) - 1) / block_of(e));
    p->nsums = blocks < most ? blocks : most;
    p->twin = e->ops->copy(e);
    p->sums = calloc(p->nsums * e->nparams, sizeof *p->sums);
    p->direction = calloc(e->nparams, sizeof *p->direction);
    p->rows = malloc(p->c.batch * d * sizeof *p->rows);
    JEBM_TRY(jebm_optimizer_init(&p->optimizer, &c.optimizer, e->nparams, err));
    if (p->twin == NULL || p->sums == NULL || p->direction == NULL || p->rows == NULL ||
        p->flat == NULL || p->ids == NULL || p->parent == NULL || p->copies == NULL ||
        p->scratch == NULL || p->resample == NULL || p->gradient == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for %zu walkers", n);
    }
    for (size_t i = 0; i < p->c.batch; i++) {
        p->ids[i] = (uint32_t)i;
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(p->all.x + i * d, p->data + i % p->n * d, d * sizeof(float));
    }
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
    jebm_energy_free(p->twin);
    jebm_optimizer_free(&p->optimizer);
    free(p->sums);
    free(p->direction);
    free(p->rows);
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
    *times = (pair_times){0};
    JEBM_TRY(take_turns(p, p->rounds, p->repeat * p->period, &times->jarzynski, &times->pcd, err));
    JEBM_TRY(count_resamplings(p, err));
    time_parts(p, times->part);
    if (looks_apart(&p->c)) {
        times->jarzynski += times->part[PAIR_SETTLE] + times->part[PAIR_RESAMPLE];
    }
    return JEBM_OK;
}
