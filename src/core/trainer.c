/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/trainer.h"

#include "core/genealogy.h"
#include "core/trainer_internal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const method_names[JEBM_METHOD_COUNT] = {"jarzynski", "unweighted", "pcd", "cd"};

const char *jebm_method_name(jebm_method method) {
    return (unsigned)method < JEBM_METHOD_COUNT ? method_names[method] : NULL;
}

/* ---- settings ------------------------------------------------------------------------------- */

static jebm_status check_walkers(const jebm_trainer_config *c, jebm_error *err) {
    if (c->npopulations == 0 || c->npopulations > JEBM_MAX_POPULATIONS) {
        return jebm_fail(err, JEBM_EINVAL, "a trainer has 1 to %d populations, found %zu",
                         JEBM_MAX_POPULATIONS, c->npopulations);
    }
    for (size_t p = 0; p < c->npopulations; p++) {
        if (c->batch[p] == 0 || c->batch[p] > c->walkers[p]) {
            return jebm_fail(err, JEBM_EINVAL, "batch is %zu, expected 1 to walkers = %zu",
                             c->batch[p], c->walkers[p]);
        }
        if (c->batch[p] < c->walkers[p] && c->method == JEBM_METHOD_CD) {
            return jebm_fail(
                err, JEBM_EINVAL,
                "method cd restarts all its walkers: batch is %zu, expected walkers = %zu",
                c->batch[p], c->walkers[p]);
        }
    }
    return JEBM_OK;
}

static jebm_status check_gradient(const jebm_trainer_config *c, const jebm_energy *energy, size_t n,
                                  jebm_error *err) {
    const bool lazy = c->gradient == JEBM_GRADIENT_BATCH;
    if (lazy && (c->method == JEBM_METHOD_CD || c->stale_trigger || c->leave_one_out)) {
        return jebm_fail(err, JEBM_EINVAL,
                         "gradient = batch goes with neither method cd nor stale_trigger nor "
                         "leave_one_out, which look at all walkers at every iteration");
    }
    if (c->data_batch > n || (c->data_batch > 0 && !lazy)) {
        return jebm_fail(err, JEBM_EINVAL,
                         "data_batch is %zu, expected 0, or with gradient = batch at most %zu",
                         c->data_batch, n);
    }
    if (c->leave_one_out &&
        (c->method != JEBM_METHOD_JARZYNSKI || c->optimizer.kind != JEBM_GRADIENT_DESCENT)) {
        return jebm_fail(err, JEBM_EINVAL,
                         "leave_one_out needs method jarzynski and gradient descent");
    }
    if (c->leave_one_out && energy->ops->self_influence == NULL) {
        return jebm_fail(err, JEBM_EUNSUPPORTED, "energy %s has no leave-one-out weights",
                         energy->ops->name);
    }
    return JEBM_OK;
}

static jebm_status check_choices(const jebm_trainer_config *c, const jebm_energy *energy,
                                 jebm_error *err) {
    if (jebm_method_name(c->method) == NULL || jebm_resampling_name(c->scheme) == NULL ||
        (unsigned)c->rule >= JEBM_WEIGHTS_COUNT || (unsigned)c->trigger > JEBM_TRIGGER_INTERVAL) {
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
    JEBM_TRY(check_gradient(c, energy, n, err));
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

uint64_t jebm_trainer_bytes(const jebm_trainer_config *c, const jebm_energy *energy, size_t n) {
    const size_t width = jebm_energy_cache_width(energy), d = energy->d;
    const bool lazy = c->gradient == JEBM_GRADIENT_BATCH;
    uint64_t bytes = (uint64_t)jebm_blocks_of(n) * (energy->nparams + 1) * sizeof(double) +
                     (uint64_t)c->data_batch * d * sizeof(float);
    for (size_t p = 0; p < c->npopulations; p++) {
        const uint64_t walkers = c->walkers[p], blocks = jebm_blocks_of(c->walkers[p]);
        bytes += jebm_ensemble_bytes(c->walkers[p], d, width);
        bytes += walkers * (4 * sizeof(uint32_t) + sizeof(float)) +
                 jebm_resample_scratch(c->walkers[p]) * sizeof(double);
        bytes += blocks * (JEBM_LANGEVIN_ROWS * d * sizeof(float) +
                           (p == 0 ? energy->nparams * sizeof(double) : 0));
        bytes += lazy ? jebm_ensemble_bytes(c->batch[p], d, width) +
                            c->batch[p] * sizeof(uint32_t) + walkers * sizeof(double)
                      : 0;
    }
    return bytes;
}

/* ---- life cycle ----------------------------------------------------------------------------- */

static jebm_status allocate_batch(population *p, jebm_error *err) {
    JEBM_TRY(jebm_ensemble_init(&p->mini, p->batch, p->e.d, p->e.cache_width, err));
    p->members = malloc(p->batch * sizeof *p->members);
    p->base = malloc(p->e.n * sizeof *p->base);
    return p->members != NULL && p->base != NULL
               ? JEBM_OK
               : jebm_fail(err, JEBM_ENOMEM, "no memory for a batch of %zu walkers", p->batch);
}

static bool allocate_population(population *p) {
    const size_t n = p->e.n;
    p->nblocks = jebm_blocks_of(n);
    p->order = malloc(n * sizeof *p->order);
    p->movers = malloc(p->nblocks * sizeof *p->movers);
    p->w = malloc(n * sizeof *p->w);
    p->part = calloc(p->nblocks, sizeof *p->part);
    p->scratch = malloc(p->nblocks * JEBM_LANGEVIN_ROWS * p->e.d * sizeof *p->scratch);
    p->parent = malloc(n * sizeof *p->parent);
    p->copies = malloc(n * sizeof *p->copies);
    p->eve = malloc(n * sizeof *p->eve);
    p->resample = malloc(jebm_resample_scratch(n) * sizeof *p->resample);
    if (p->order == NULL || p->movers == NULL || p->w == NULL || p->part == NULL ||
        p->scratch == NULL || p->parent == NULL || p->copies == NULL || p->eve == NULL ||
        p->resample == NULL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        p->order[i] = (uint32_t)i;
    }
    for (size_t b = 0; b < p->nblocks; b++) {
        p->movers[b] = (uint32_t)jebm_block_count(n, b);
    }
    jebm_eve_start(n, p->eve);
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
    free(p->eve);
    free(p->resample);
    jebm_ensemble_free(&p->mini);
    free(p->members);
    free(p->base);
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
    free(t->model_mean);
    free(t->influence);
    free(t->data_rows);
    free(t);
}

static jebm_status allocate(jebm_trainer *t, const jebm_energy *energy, jebm_error *err) {
    const size_t P = energy->nparams;
    t->now = energy->ops->copy(energy);
    t->next = energy->ops->copy(energy);
    t->data_blocks = jebm_blocks_of(t->n);
    t->data_part = malloc(t->data_blocks * (P + 1) * sizeof *t->data_part);
    t->walker_part = malloc(jebm_blocks_of(t->c.walkers[0]) * P * sizeof *t->walker_part);
    t->direction = calloc(P, sizeof *t->direction);
    t->model_mean = calloc(P, sizeof *t->model_mean);
    t->data_rows = malloc((t->c.data_batch * energy->d + 1) * sizeof *t->data_rows);
    t->influence_width = t->c.leave_one_out ? energy->ops->influence_scratch(energy) : 0;
    t->influence =
        malloc((jebm_blocks_of(t->c.walkers[0]) * t->influence_width + 1) * sizeof *t->influence);
    for (size_t i = 0; i < t->c.npopulations; i++) {
        population *p = &t->pop[t->npopulations++];
        JEBM_TRY(jebm_ensemble_init(&p->e, t->c.walkers[i], energy->d,
                                    jebm_energy_cache_width(energy), err));
        p->rng = t->c.rng[i];
        p->batch = t->c.batch[i];
        if (!allocate_population(p)) {
            return jebm_fail(err, JEBM_ENOMEM, "no memory for %zu walkers", p->e.n);
        }
        if (jebm_trainer_lazy(t)) {
            JEBM_TRY(allocate_batch(p, err));
        }
    }
    if (t->now == NULL || t->next == NULL || t->data_part == NULL || t->walker_part == NULL ||
        t->direction == NULL || t->model_mean == NULL || t->data_rows == NULL ||
        t->influence == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for a trainer of %zu parameters", P);
    }
    JEBM_TRY(jebm_optimizer_init(&t->optimizer, &t->c.optimizer, P, err));
    for (size_t i = 0; i < energy->ngroups; i++) {
        jebm_optimizer_set_rate(&t->optimizer, energy->groups[i].first, energy->groups[i].count,
                                t->c.rate[i]);
    }
    return JEBM_OK;
}

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
    } else if (t->c.start_each) {
        for (size_t i = 0; i < p->e.n; i++) {
            memcpy(p->e.x + i * p->e.d, t->data + i % t->n * p->e.d, p->e.d * sizeof(float));
        }
    } else {
        jebm_trainer_reset(t, p, JEBM_START_STEP, 0, p->e.n);
    }
    jebm_langevin_begin(t->now, p->e.n, p->order, &p->e);
    p->e.log_z = t->now->ops->log_z != NULL ? t->now->ops->log_z(t->now) : NAN;
    p->s = (population_state){.log_z = p->e.log_z, .ess = 1.0, .ess_min = 1.0, .ess_now = 1.0};
    if (jebm_trainer_lazy(t)) {
        memcpy(p->base, p->e.U, p->e.n * sizeof *p->base);
    }
    /* Algorithm 3 takes its first gradient P steps away from the data */
    if (jebm_trainer_resets_before_moves(t)) {
        for (size_t b = 0; b < p->nblocks; b++) {
            jebm_trainer_move_block(t, p, b, JEBM_START_STEP);
        }
    }
    return JEBM_OK;
}

/* everything that follows from theta_k and the walkers */
static jebm_status derive(jebm_trainer *t, jebm_error *err) {
    for (size_t i = 0; i < t->npopulations; i++) {
        jebm_trainer_weigh_all(t, &t->pop[i], t->now);
        JEBM_TRY(jebm_trainer_combine_weights(t, &t->pop[i], err));
    }
    for (size_t b = 0; b < t->data_blocks; b++) {
        jebm_trainer_data_block(t, t->now, t->n, t->data, b);
    }
    t->data_energy = jebm_trainer_combine_gradient(t, t->pop[0].nblocks, t->n);
    return JEBM_OK;
}

static uint64_t default_ess_every(const jebm_trainer_config *c) {
    return (c->walkers[0] + c->batch[0] - 1) / c->batch[0];
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
    t->ess_every = config->ess_every > 0 ? config->ess_every : default_ess_every(config);
    /* the points of a data batch are chosen independently of its walkers */
    t->data_rng = jebm_rng_make((uint64_t)config->rng[0].key[1] << 32 | config->rng[0].key[0], 1);
    jebm_status status = allocate(t, energy, err);
    for (size_t i = 0; i < t->npopulations && status == JEBM_OK; i++) {
        status = start(t, &t->pop[i], err);
    }
    if (status == JEBM_OK) {
        status = jebm_trainer_lazy(t) ? jebm_trainer_settle(t, err) : derive(t, err);
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
    assert(!jebm_trainer_lazy(t) || t->settled);
    jebm_observation o = {.k = t->k,
                          .data_energy = t->data_energy,
                          .log_z = NAN,
                          .log_z_se = NAN,
                          .ess = p->s.ess,
                          .ess_min = p->s.ess_min,
                          .resamplings = (uint64_t)p->s.resamplings};
    if (t->rule != JEBM_WEIGHTS_FROZEN) {
        o.log_z = p->e.log_z + p->log_mean_exp;
        o.log_z_se = sqrt(jebm_log_z_variance(t->c.scheme, p->e.n, p->e.logw, p->eve, o.resamplings,
                                              p->resample));
    }
    return o;
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
        at = list(arrays, capacity, at, "eve", i, JEBM_U32, p->e.n, 0, p->eve);
        at = list(arrays, capacity, at, "population", i, JEBM_F64, STATE_DOUBLES, 0, &p->s);
        at = list(arrays, capacity, at, "base", i, JEBM_F64, p->e.n, 0, p->base);
        if (jebm_trainer_lazy(t)) {
            continue; /* the others are settled anew */
        }
        at = list(arrays, capacity, at, "cache", i, JEBM_F32, p->e.n, p->e.cache_width, p->e.cache);
        at = list(arrays, capacity, at, "logw", i, JEBM_F64, p->e.n, 0, p->e.logw);
        at = list(arrays, capacity, at, "energy", i, JEBM_F64, p->e.n, 0, p->e.U);
    }
    return at;
}

jebm_status jebm_trainer_restored(jebm_trainer *t, jebm_error *err) {
    t->now->ops->refresh(t->now);
    for (size_t i = 0; i < t->npopulations; i++) {
        t->pop[i].e.log_z = t->pop[i].s.log_z;
    }
    t->settled = false;
    return jebm_trainer_lazy(t) ? JEBM_OK : derive(t, err);
}
