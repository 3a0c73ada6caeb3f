/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/trainer.h"

#include "core/batch.h"
#include "core/weights_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const method_names[JEBM_METHOD_COUNT] = {"jarzynski", "unweighted", "pcd", "cd"};

const char *jebm_method_name(jebm_method method) {
    return (unsigned)method < JEBM_METHOD_COUNT ? method_names[method] : NULL;
}

/* what a checkpoint keeps of a population besides its arrays */
typedef struct population_state {
    double log_z; /* of the ensemble */
    double ess, ess_min; /* before resampling */
    double ess_now; /* after it: what a stale trigger sees next */
    double resamplings;
} population_state;
#define STATE_DOUBLES (sizeof(population_state) / sizeof(double))

typedef struct population {
    jebm_ensemble e;
    jebm_rng rng;
    population_state s;
    double log_mean_exp; /* of the present log-weights */
    size_t nblocks;
    uint32_t *order; /* [n] walkers of each block, those that move first */
    uint32_t *movers; /* [nblocks] how many of a block move */
    float *w; /* [n] exp(A_i - max of the block) */
    jebm_block_weights *part; /* [nblocks] */
    float *scratch; /* [nblocks][JEBM_LANGEVIN_ROWS][d] */
    uint32_t *parent, *copies;
    double *resample;
} population;

struct jebm_trainer {
    jebm_trainer_config c;
    jebm_weight_rule rule; /* frozen unless the method is jarzynski */
    jebm_energy *now, *next;
    jebm_optimizer optimizer;
    size_t n; /* data points */
    const float *data;
    size_t data_blocks;
    double *data_part; /* [data_blocks][nparams + 1], the last is sum U */
    double *walker_part; /* [blocks of population 0][nparams] */
    double *direction; /* [nparams] */
    double data_energy;
    size_t npopulations;
    population pop[JEBM_MAX_POPULATIONS];
    uint64_t k;
};

/* ---- settings ------------------------------------------------------------------------------- */

static jebm_status check_walkers(const jebm_trainer_config *c, jebm_error *err) {
    if (c->npopulations == 0 || c->npopulations > JEBM_MAX_POPULATIONS) {
        return jebm_fail(err, JEBM_EINVAL, "a trainer has 1 to %d populations, found %zu",
                         JEBM_MAX_POPULATIONS, c->npopulations);
    }
    if (c->batch == 0 || c->batch > c->walkers[0]) {
        return jebm_fail(err, JEBM_EINVAL, "batch is %zu, expected 1 to walkers = %zu", c->batch,
                         c->walkers[0]);
    }
    if (c->batch < c->walkers[0] && c->method == JEBM_METHOD_CD) {
        return jebm_fail(err, JEBM_EINVAL,
                         "method cd restarts all its walkers: batch is %zu, expected walkers = %zu",
                         c->batch, c->walkers[0]);
    }
    return JEBM_OK;
}

static jebm_status check_choices(const jebm_trainer_config *c, const jebm_energy *energy,
                                 jebm_error *err) {
    if (jebm_method_name(c->method) == NULL || jebm_resampling_name(c->scheme) == NULL ||
        (unsigned)c->rule > JEBM_WEIGHTS_RELEASED || (unsigned)c->trigger > JEBM_TRIGGER_INTERVAL) {
        return jebm_fail(
            err, JEBM_EINVAL,
            "method %d, weight rule %d, resampling %d, trigger %d: one is none of its kind",
            (int)c->method, (int)c->rule, (int)c->scheme, (int)c->trigger);
    }
    for (size_t i = 0; i < energy->ngroups; i++) {
        if (!isfinite(c->rate[i])) {
            return jebm_fail(err, JEBM_EINVAL,
                             "the learning rate of group '%s' is %g, expected a number",
                             energy->groups[i].name, c->rate[i]);
        }
    }
    return JEBM_OK;
}

static jebm_status check(const jebm_trainer_config *c, const jebm_energy *energy, size_t n,
                         jebm_error *err) {
    JEBM_TRY(check_choices(c, energy, err));
    JEBM_TRY(check_walkers(c, err));
    if (n == 0) {
        return jebm_fail(err, JEBM_EINVAL, "training needs data, found none");
    }
    if (!(c->h > 0.0 && isfinite(c->h)) || !(c->clip >= 0.0)) {
        return jebm_fail(err, JEBM_EINVAL, "h is %g and clip %g, expected h > 0 and clip >= 0",
                         c->h, c->clip);
    }
    if (c->inner == 0 || (c->method == JEBM_METHOD_CD && c->cd_steps == 0)) {
        return jebm_fail(err, JEBM_EINVAL, "an iteration needs at least one ULA step");
    }
    if (c->trigger == JEBM_TRIGGER_INTERVAL && c->interval == 0) {
        return jebm_fail(err, JEBM_EINVAL, "the resampling interval is 0, expected at least 1");
    }
    if (c->trigger == JEBM_TRIGGER_ESS && !(c->threshold > 0.0 && c->threshold <= 1.0)) {
        return jebm_fail(err, JEBM_EINVAL, "the ESS threshold is %g, expected (0, 1]",
                         c->threshold);
    }
    if (c->trigger == JEBM_TRIGGER_CV && !(c->threshold > 0.0)) {
        return jebm_fail(err, JEBM_EINVAL, "the CV threshold is %g, expected > 0", c->threshold);
    }
    return JEBM_OK;
}

static size_t blocks_of(size_t n) {
    return (n + JEBM_BLOCK - 1) / JEBM_BLOCK;
}

uint64_t jebm_trainer_bytes(const jebm_trainer_config *c, const jebm_energy *energy, size_t n) {
    const size_t width = jebm_energy_cache_width(energy);
    uint64_t bytes = (uint64_t)blocks_of(n) * (energy->nparams + 1) * sizeof(double);
    for (size_t p = 0; p < c->npopulations; p++) {
        const uint64_t walkers = c->walkers[p], blocks = blocks_of(c->walkers[p]);
        bytes += jebm_ensemble_bytes(c->walkers[p], energy->d, width);
        bytes +=
            walkers * (3 * sizeof(uint32_t) + sizeof(float)) + (2 * walkers + 2) * sizeof(double);
        bytes += blocks * (JEBM_LANGEVIN_ROWS * energy->d * sizeof(float) +
                           (p == 0 ? energy->nparams * sizeof(double) : 0));
    }
    return bytes;
}

/* ---- one block ------------------------------------------------------------------------------ */

/* walkers first .. first + count return to data points chosen with replacement */
static void reset_block(const jebm_trainer *t, population *p, uint64_t step, size_t first,
                        size_t count) {
    const size_t d = p->e.d;
    for (size_t i = first; i < first + count; i++) {
        /* u is in (0, 1]: 1 - u is in [0, 1) */
        const double u = 1.0 - jebm_rng_uniform(p->rng, (uint32_t)i, JEBM_LANE_RESET, step);
        const size_t j = (size_t)(u * (double)t->n);
        memcpy(p->e.x + i * d, t->data + j * d, d * sizeof(float));
    }
}

static bool reset_before_moves(const jebm_trainer *t) {
    return t->c.method == JEBM_METHOD_CD && t->c.cd_schedule == JEBM_CD_PER_ITERATION;
}

static bool reset_after_moves(const jebm_trainer *t, uint64_t k) {
    return t->c.method == JEBM_METHOD_CD && t->c.cd_schedule == JEBM_CD_INTERLEAVED &&
           k % t->c.cd_steps == 0;
}

/* iteration k for the walkers of block b: from `now`, under which they were evaluated, to `next` */
static void move_block(jebm_trainer *t, population *p, size_t b, uint64_t k) {
    const size_t first = b * JEBM_BLOCK;
    const size_t count = p->e.n - first < JEBM_BLOCK ? p->e.n - first : JEBM_BLOCK;
    const uint32_t *ids = p->order + first;
    const bool cd = reset_before_moves(t);
    const size_t moves = cd ? t->c.cd_steps : t->c.inner;
    jebm_move move = {.h = t->c.h,
                      .rule = t->rule,
                      .clip = t->c.clip,
                      .rng = p->rng,
                      .lane = JEBM_LANE_NOISE,
                      .step = k};
    if (cd) {
        reset_block(t, p, k, first, count);
        jebm_langevin_begin(t->next, count, ids, &p->e);
    }
    const jebm_energy *from = cd ? t->next : t->now;
    for (size_t s = 0; s < moves; s++) {
        jebm_langevin_step(from, t->next, &move, p->movers[b], ids, &p->e,
                           p->scratch + b * JEBM_LANGEVIN_ROWS * p->e.d);
        from = t->next;
        move.lane += JEBM_LANE_STRIDE;
    }
    jebm_langevin_frozen(t->next, t->rule, count - p->movers[b], ids + p->movers[b], &p->e);
    if (reset_after_moves(t, k)) {
        reset_block(t, p, k, first, count);
        jebm_langevin_begin(t->next, count, ids, &p->e);
    }
}

static bool all_finite(size_t n, const double *v) {
    return jebm_weights_kernels_current()->finite(n, v);
}

/* weights of block b and, for population 0, its share of the weighted gradient */
static void weigh_block(jebm_trainer *t, population *p, const jebm_energy *energy, size_t b) {
    const size_t first = b * JEBM_BLOCK;
    const size_t count = p->e.n - first < JEBM_BLOCK ? p->e.n - first : JEBM_BLOCK;
    const float *w = NULL;
    if (t->rule == JEBM_WEIGHTS_FROZEN) {
        p->part[b] = (jebm_block_weights){.sum = (double)count,
                                          .sum_2 = (double)count,
                                          .finite = all_finite(count, p->e.U + first)};
    } else {
        w = p->w + first;
        p->part[b] = jebm_weights_kernels_current()->block(count, p->e.logw + first, p->e.U + first,
                                                           p->w + first);
    }
    if (p == &t->pop[0] && p->part[b].finite) {
        double *g = t->walker_part + b * energy->nparams;
        memset(g, 0, energy->nparams * sizeof *g);
        jebm_energy_accumulate(energy, first, count, w, &p->e, g);
    }
}

static void data_block(jebm_trainer *t, const jebm_energy *energy, size_t b) {
    const size_t first = b * JEBM_BLOCK, width = energy->nparams + 1;
    const size_t count = t->n - first < JEBM_BLOCK ? t->n - first : JEBM_BLOCK;
    double *part = t->data_part + b * width;
    memset(part, 0, width * sizeof *part);
    part[width - 1] = jebm_energy_data(energy, count, t->data + first * energy->d, part);
}

/* ---- all blocks ----------------------------------------------------------------------------- */

static void move_all(jebm_trainer *t) {
    const uint64_t k = t->k;
    /* one team for walkers and data: whoever is done with the former goes on with the latter */
#pragma omp parallel default(none) shared(t, k)
    {
        for (size_t i = 0; i < t->npopulations; i++) {
            population *p = &t->pop[i];
#pragma omp for schedule(static) nowait
            for (size_t b = 0; b < p->nblocks; b++) {
                move_block(t, p, b, k);
                weigh_block(t, p, t->next, b);
            }
        }
#pragma omp for schedule(static) nowait
        for (size_t b = 0; b < t->data_blocks; b++) {
            data_block(t, t->next, b);
        }
    }
}

static void weigh_all(jebm_trainer *t, population *p, const jebm_energy *energy) {
#pragma omp parallel for default(none) shared(t, p, energy) schedule(static)
    for (size_t b = 0; b < p->nblocks; b++) {
        weigh_block(t, p, energy, b);
    }
}

static jebm_status diverged(const jebm_trainer *t, jebm_error *err, const char *what) {
    return jebm_fail(err, JEBM_EDIVERGE, "iteration %llu: %s; lower h or the learning rates",
                     (unsigned long long)t->k, what);
}

static jebm_status combine_weights(jebm_trainer *t, population *p, jebm_error *err) {
    jebm_weight_stats stats;
    if (jebm_weights_combine(p->nblocks, p->part, p->e.n, &stats) != JEBM_OK) {
        return diverged(t, err, "the energy or log-weight of a walker is not finite");
    }
    p->log_mean_exp = stats.log_mean_exp;
    p->s.ess_now = stats.ess;
    return JEBM_OK;
}

/* D_k of eq. (11), from the parts in block order */
static void combine_gradient(jebm_trainer *t) {
    const population *p = &t->pop[0];
    const size_t P = t->now->nparams;
    double max = -INFINITY, total = 0.0;
    for (size_t b = 0; b < p->nblocks; b++) {
        max = fmax(max, p->part[b].max);
    }
    memset(t->direction, 0, P * sizeof *t->direction);
    for (size_t b = 0; b < p->nblocks; b++) {
        const double scale = exp(p->part[b].max - max);
        const double *g = t->walker_part + b * P;
        total += scale * p->part[b].sum;
        for (size_t i = 0; i < P; i++) {
            t->direction[i] += scale * g[i];
        }
    }
    for (size_t i = 0; i < P; i++) {
        t->direction[i] /= total;
    }
    double energy = 0.0;
    for (size_t b = 0; b < t->data_blocks; b++) {
        const double *g = t->data_part + b * (P + 1);
        for (size_t i = 0; i < P; i++) {
            t->direction[i] -= g[i] / (double)t->n;
        }
        energy += g[P];
    }
    t->data_energy = energy / (double)t->n;
}

static bool resampling_due(const jebm_trainer *t, const population *p, double ess_before) {
    const double ess = t->c.stale_trigger ? ess_before : p->s.ess;
    if (t->rule == JEBM_WEIGHTS_FROZEN || t->k + 1 < t->c.resample_from) {
        return false;
    }
    switch (t->c.trigger) {
    case JEBM_TRIGGER_ESS:
        return ess < t->c.threshold;
    case JEBM_TRIGGER_CV:
        return sqrt(fmax(1.0 / ess - 1.0, 0.0)) > t->c.threshold;
    case JEBM_TRIGGER_INTERVAL:
        return (t->k + 1) % t->c.interval == 0;
    default:
        return false;
    }
}

static jebm_status weigh_and_resample(jebm_trainer *t, population *p, jebm_error *err) {
    const double ess_before = p->s.ess_now;
    JEBM_TRY(combine_weights(t, p, err));
    p->s.ess = p->s.ess_now;
    p->s.ess_min = fmin(p->s.ess_min, p->s.ess);
    if (!resampling_due(t, p, ess_before)) {
        return JEBM_OK;
    }
    if (p->e.n > 1 && p->s.ess * (double)p->e.n < 1.0 + 1e-9) {
        return diverged(t, err, "one walker has all the weight");
    }
    jebm_status status =
        jebm_resample(t->c.scheme, &p->e, p->rng, t->k, p->parent, p->copies, p->resample);
    if (status != JEBM_OK) {
        return diverged(t, err, "the log-weights cannot be normalised");
    }
    p->s.resamplings += 1.0;
    p->s.log_z = p->e.log_z;
    /* the walkers are others now, and so is their gradient */
    weigh_all(t, p, t->next);
    return combine_weights(t, p, err);
}

/* the blocks' walkers, those of this iteration's mini-batch first */
static void choose_batch(jebm_trainer *t, population *p) {
    const jebm_shuffle shuffle = jebm_shuffle_make(p->rng, t->k, (uint32_t)p->e.n);
    unsigned char *member = (unsigned char *)p->copies;
    memset(member, 0, p->e.n);
    for (uint32_t i = 0; i < t->c.batch; i++) {
        member[jebm_shuffle_at(&shuffle, i)] = 1;
    }
    for (size_t b = 0; b < p->nblocks; b++) {
        const size_t first = b * JEBM_BLOCK;
        const size_t end = p->e.n - first < JEBM_BLOCK ? p->e.n : first + JEBM_BLOCK;
        size_t at = first;
        for (size_t i = first; i < end; i++) {
            if (member[i]) {
                p->order[at++] = (uint32_t)i;
            }
        }
        p->movers[b] = (uint32_t)(at - first);
        for (size_t i = first; i < end; i++) {
            if (!member[i]) {
                p->order[at++] = (uint32_t)i;
            }
        }
    }
}

jebm_status jebm_trainer_step(jebm_trainer *t, jebm_error *err) {
    memcpy(t->next->theta, t->now->theta, t->now->nparams * sizeof *t->now->theta);
    jebm_optimizer_step(&t->optimizer, t->k, t->direction, t->next->theta);
    if (!all_finite(t->next->nparams, t->next->theta)) {
        return diverged(t, err, "a parameter is not finite");
    }
    t->next->ops->refresh(t->next);
    if (t->c.batch < t->c.walkers[0]) {
        choose_batch(t, &t->pop[0]);
    }
    move_all(t);
    for (size_t i = 0; i < t->npopulations; i++) {
        JEBM_TRY(weigh_and_resample(t, &t->pop[i], err));
    }
    combine_gradient(t);
    jebm_energy *old = t->now;
    t->now = t->next;
    t->next = old;
    t->k++;
    return JEBM_OK;
}

/* ---- life cycle ----------------------------------------------------------------------------- */

static bool allocate_population(population *p) {
    const size_t n = p->e.n;
    p->nblocks = blocks_of(n);
    p->order = malloc(n * sizeof *p->order);
    p->movers = malloc(p->nblocks * sizeof *p->movers);
    p->w = malloc(n * sizeof *p->w);
    p->part = calloc(p->nblocks, sizeof *p->part);
    p->scratch = malloc(p->nblocks * JEBM_LANGEVIN_ROWS * p->e.d * sizeof *p->scratch);
    p->parent = malloc(n * sizeof *p->parent);
    p->copies = malloc(n * sizeof *p->copies);
    p->resample = malloc(jebm_resample_scratch(n) * sizeof *p->resample);
    if (p->order == NULL || p->movers == NULL || p->w == NULL || p->part == NULL ||
        p->scratch == NULL || p->parent == NULL || p->copies == NULL || p->resample == NULL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        p->order[i] = (uint32_t)i;
    }
    for (size_t b = 0; b < p->nblocks; b++) {
        const size_t left = n - b * JEBM_BLOCK;
        p->movers[b] = (uint32_t)(left < JEBM_BLOCK ? left : JEBM_BLOCK);
    }
    return true;
}

static void free_population(population *p) {
    jebm_ensemble_free(&p->e);
    free(p->order);
    free(p->movers);
    free(p->w);
    free(p->part);
    free(p->scratch);
    free(p->parent);
    free(p->copies);
    free(p->resample);
}

void jebm_trainer_free(jebm_trainer *t) {
    if (t == NULL) {
        return;
    }
    for (size_t i = 0; i < t->npopulations; i++) {
        free_population(&t->pop[i]);
    }
    jebm_optimizer_free(&t->optimizer);
    jebm_energy_free(t->now);
    jebm_energy_free(t->next);
    free(t->data_part);
    free(t->walker_part);
    free(t->direction);
    free(t);
}

static jebm_status allocate(jebm_trainer *t, const jebm_energy *energy, jebm_error *err) {
    const size_t P = energy->nparams;
    t->now = energy->ops->copy(energy);
    t->next = energy->ops->copy(energy);
    t->data_blocks = blocks_of(t->n);
    t->data_part = malloc(t->data_blocks * (P + 1) * sizeof *t->data_part);
    t->walker_part = malloc(blocks_of(t->c.walkers[0]) * P * sizeof *t->walker_part);
    t->direction = calloc(P, sizeof *t->direction);
    for (size_t i = 0; i < t->c.npopulations; i++) {
        population *p = &t->pop[t->npopulations++];
        JEBM_TRY(jebm_ensemble_init(&p->e, t->c.walkers[i], energy->d,
                                    jebm_energy_cache_width(energy), err));
        p->rng = t->c.rng[i];
        if (!allocate_population(p)) {
            return jebm_fail(err, JEBM_ENOMEM, "no memory for %zu walkers", p->e.n);
        }
    }
    if (t->now == NULL || t->next == NULL || t->data_part == NULL || t->walker_part == NULL ||
        t->direction == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for a trainer of %zu parameters", P);
    }
    JEBM_TRY(jebm_optimizer_init(&t->optimizer, &t->c.optimizer, P, err));
    for (size_t i = 0; i < energy->ngroups; i++) {
        jebm_optimizer_set_rate(&t->optimizer, energy->groups[i].first, energy->groups[i].count,
                                t->c.rate[i]);
    }
    return JEBM_OK;
}

/* step at which the walkers of k = 0 are drawn: none of an iteration's */
#define START_STEP UINT64_MAX

/* walkers at the start: from the model or from the data, evaluated under theta_0 */
static jebm_status start(jebm_trainer *t, population *p, jebm_error *err) {
    const bool model =
        t->c.method == JEBM_METHOD_JARZYNSKI || t->c.method == JEBM_METHOD_UNWEIGHTED;
    if (model && t->now->ops->sample == NULL) {
        return jebm_fail(err, JEBM_EUNSUPPORTED,
                         "method %s starts from samples of the model, which energy %s cannot draw",
                         jebm_method_name(t->c.method), t->now->ops->name);
    }
    if (model) {
        t->now->ops->sample(t->now, p->rng, t->c.start_split, p->e.n, 0, p->e.n, p->e.x);
    } else {
        reset_block(t, p, START_STEP, 0, p->e.n);
    }
    jebm_langevin_begin(t->now, p->e.n, p->order, &p->e);
    p->e.log_z = t->now->ops->log_z != NULL ? t->now->ops->log_z(t->now) : NAN;
    p->s = (population_state){p->e.log_z, 1.0, 1.0, 1.0, 0.0};
    /* Algorithm 3 takes its first gradient P steps away from the data */
    if (reset_before_moves(t)) {
        for (size_t b = 0; b < p->nblocks; b++) {
            move_block(t, p, b, START_STEP);
        }
    }
    return JEBM_OK;
}

/* everything that follows from theta_k and the walkers */
static jebm_status derive(jebm_trainer *t, jebm_error *err) {
    for (size_t i = 0; i < t->npopulations; i++) {
        weigh_all(t, &t->pop[i], t->now);
        JEBM_TRY(combine_weights(t, &t->pop[i], err));
    }
    for (size_t b = 0; b < t->data_blocks; b++) {
        data_block(t, t->now, b);
    }
    combine_gradient(t);
    return JEBM_OK;
}

jebm_status jebm_trainer_new(const jebm_trainer_config *config, const jebm_energy *energy, size_t n,
                             const float *data, jebm_trainer **out, jebm_error *err) {
    JEBM_TRY(check(config, energy, n, err));
    jebm_trainer *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for a trainer");
    }
    t->c = *config;
    t->rule = config->method == JEBM_METHOD_JARZYNSKI ? config->rule : JEBM_WEIGHTS_FROZEN;
    t->n = n;
    t->data = data;
    jebm_status status = allocate(t, energy, err);
    for (size_t i = 0; i < t->npopulations && status == JEBM_OK; i++) {
        status = start(t, &t->pop[i], err);
    }
    if (status == JEBM_OK) {
        status = derive(t, err);
    }
    if (status != JEBM_OK) {
        jebm_trainer_free(t);
        return status;
    }
    *out = t;
    return JEBM_OK;
}

/* ---- what is seen from outside -------------------------------------------------------------- */

jebm_observation jebm_trainer_observe(const jebm_trainer *t, size_t population_index) {
    const population *p = &t->pop[population_index];
    return (jebm_observation){
        .k = t->k,
        .data_energy = t->data_energy,
        .log_z = t->rule == JEBM_WEIGHTS_FROZEN ? NAN : p->e.log_z + p->log_mean_exp,
        .ess = p->s.ess,
        .ess_min = p->s.ess_min,
        .resamplings = (uint64_t)p->s.resamplings};
}

void jebm_trainer_forget(jebm_trainer *t) {
    for (size_t i = 0; i < t->npopulations; i++) {
        t->pop[i].s.ess_min = INFINITY;
    }
}

const jebm_energy *jebm_trainer_energy(const jebm_trainer *t) {
    return t->now;
}

const jebm_ensemble *jebm_trainer_ensemble(const jebm_trainer *t, size_t population_index) {
    return &t->pop[population_index].e;
}

const double *jebm_trainer_direction(const jebm_trainer *t) {
    return t->direction;
}

static size_t list(jebm_array *arrays, size_t capacity, size_t at, const char *name, size_t index,
                   jebm_type type, size_t rows, size_t columns, void *data) {
    if (at < capacity && data != NULL) {
        jebm_array *a = &arrays[at++];
        *a = (jebm_array){.type = type, .rank = columns == 0 ? 1 : 2, .shape = {rows, columns}};
        a->data = data;
        snprintf(a->name, sizeof a->name, "%s%zu", name, index);
    }
    return at;
}

size_t jebm_trainer_arrays(jebm_trainer *t, size_t capacity, jebm_array *arrays) {
    const size_t P = t->now->nparams;
    size_t at = 0;
    at = list(arrays, capacity, at, "iteration", 0, JEBM_U64, 1, 0, &t->k);
    at = list(arrays, capacity, at, "theta", 0, JEBM_F64, P, 0, t->now->theta);
    at = list(arrays, capacity, at, "moment", 1, JEBM_F64, P, 0, t->optimizer.moment_1);
    at = list(arrays, capacity, at, "moment", 2, JEBM_F64, P, 0, t->optimizer.moment_2);
    for (size_t i = 0; i < t->npopulations; i++) {
        population *p = &t->pop[i];
        at = list(arrays, capacity, at, "walkers", i, JEBM_F32, p->e.n, p->e.d, p->e.x);
        at = list(arrays, capacity, at, "cache", i, JEBM_F32, p->e.n, p->e.cache_width, p->e.cache);
        at = list(arrays, capacity, at, "logw", i, JEBM_F64, p->e.n, 0, p->e.logw);
        at = list(arrays, capacity, at, "energy", i, JEBM_F64, p->e.n, 0, p->e.U);
        at = list(arrays, capacity, at, "population", i, JEBM_F64, STATE_DOUBLES, 0, &p->s);
    }
    return at;
}

jebm_status jebm_trainer_restored(jebm_trainer *t, jebm_error *err) {
    t->now->ops->refresh(t->now);
    for (size_t i = 0; i < t->npopulations; i++) {
        t->pop[i].e.log_z = t->pop[i].s.log_z;
    }
    return derive(t, err);
}
