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
        if (c->batch[p] < c->walkers[p] && c->method == JEBM_METHOD_CD &&
            c->gradient == JEBM_GRADIENT_ALL) {
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
    const bool cd_interleaved =
        c->method == JEBM_METHOD_CD && c->cd_schedule == JEBM_CD_INTERLEAVED;
    if (lazy && (cd_interleaved || c->stale_trigger || c->leave_one_out)) {
        return jebm_fail(err, JEBM_EINVAL,
                         "gradient = batch goes with neither cd_schedule interleaved nor "
                         "stale_trigger nor leave_one_out, which look at all walkers at every "
                         "iteration");
    }
    if (!lazy &&
        (c->batches > 1 || c->ess_cost != 0.0 || c->burn_in > 0 || c->stale_weights ||
         c->stale_start || c->unpermuted_energies || c->fresh_gradient || c->released_log_z)) {
        return jebm_fail(err, JEBM_EINVAL,
                         "batches, ess_cost, burn_in and what the released image code does need "
                         "gradient = batch");
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
    if (c->ess_cost != 0.0 && c->optimizer.kind == JEBM_PRESCRIBED) {
        return jebm_fail(err, JEBM_EINVAL,
                         "ess_cost is %g, but a prescribed theta is not shortened: expected 0",
                         c->ess_cost);
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
    if (energy->block > JEBM_BLOCK) {
        return jebm_fail(err, JEBM_EINVAL, "energy %s wants blocks of %zu, expected at most %d",
                         energy->ops->name, energy->block, JEBM_BLOCK);
    }
    JEBM_TRY(check_gradient(c, energy, n, err));
    if (!(c->h > 0.0 && isfinite(c->h)) || !(c->clip >= 0.0)) {
        return jebm_fail(err, JEBM_EINVAL, "h is %g and clip %g, expected h > 0 and clip >= 0",
                         c->h, c->clip);
    }
    if (!(c->final_h >= 0.0 && isfinite(c->final_h)) || (c->final_h > 0.0 && c->h_horizon == 0)) {
        return jebm_fail(err, JEBM_EINVAL,
                         "final_h is %g and its horizon %llu, expected final_h >= 0, and with it a "
                         "horizon of at least 1",
                         c->final_h, (unsigned long long)c->h_horizon);
    }
    if (!(c->bound >= 0.0) || !(c->sigma >= 0.0) || !isfinite(c->bound) || !isfinite(c->sigma)) {
        return jebm_fail(err, JEBM_EINVAL, "bound is %g and sigma %g, expected both at least 0",
                         c->bound, c->sigma);
    }
    if (!(c->alpha >= 0.0) || !(c->ess_cost >= 0.0 && c->ess_cost < 1.0)) {
        return jebm_fail(err, JEBM_EINVAL,
                         "alpha is %g and ess_cost %g, expected alpha >= 0 and ess_cost in [0, 1)",
                         c->alpha, c->ess_cost);
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

/* parts of the gradient of n walkers or points: one a block, but no more than fit into 64 MiB, and
 * at least 8 */
static size_t parts_for(const jebm_energy *energy, size_t block, size_t n) {
    const size_t most = ((size_t)64 << 20) / (energy->nparams * sizeof(double));
    const size_t nblocks = (n + block - 1) / block, allowed = most < 8 ? 8 : most;
    return nblocks < allowed ? nblocks : allowed;
}

/* walkers and points that give a gradient */
static size_t gradient_walkers(const jebm_trainer_config *c) {
    return c->gradient == JEBM_GRADIENT_BATCH ? c->batch[0] : c->walkers[0];
}

static size_t gradient_points(const jebm_trainer_config *c, size_t n) {
    return c->data_batch > 0 ? c->data_batch : n;
}

static size_t block_of(const jebm_energy *energy) {
    return energy->block > 0 ? energy->block : JEBM_BLOCK;
}

uint64_t jebm_trainer_bytes(const jebm_trainer_config *c, const jebm_energy *energy, size_t n) {
    const size_t width = jebm_energy_cache_width(energy), d = energy->d, block = block_of(energy);
    const bool lazy = c->gradient == JEBM_GRADIENT_BATCH;
    const uint64_t parts = parts_for(energy, block, gradient_walkers(c)) +
                           parts_for(energy, block, gradient_points(c, n));
    uint64_t bytes = parts * energy->nparams * sizeof(double) +
                     (uint64_t)c->data_batch * d * sizeof(float) +
                     (uint64_t)jebm_thread_count() * JEBM_LANGEVIN_ROWS * d * sizeof(float);
    for (size_t p = 0; p < c->npopulations; p++) {
        const uint64_t walkers = c->walkers[p];
        bytes += jebm_ensemble_bytes(c->walkers[p], d, lazy ? 0 : width);
        bytes += walkers * (4 * sizeof(uint32_t) + sizeof(float)) +
                 jebm_resample_scratch(c->walkers[p]) * sizeof(double);
        bytes += lazy ? jebm_ensemble_bytes(c->batch[p], d, width) +
                            c->batch[p] * sizeof(uint32_t) + walkers * sizeof(double)
                      : 0;
    }
    return bytes;
}

/* ---- life cycle ----------------------------------------------------------------------------- */

static jebm_status allocate_batch(population *p, size_t width, jebm_error *err) {
    JEBM_TRY(jebm_ensemble_init(&p->mini, p->batch, p->e.d, width, err));
    p->members = malloc(p->batch * sizeof *p->members);
    p->base = malloc(p->e.n * sizeof *p->base);
    return p->members != NULL && p->base != NULL
               ? JEBM_OK
               : jebm_fail(err, JEBM_ENOMEM, "no memory for a batch of %zu walkers", p->batch);
}

static bool allocate_population(const jebm_trainer *t, population *p) {
    const size_t n = p->e.n;
    p->nblocks = jebm_blocks_of(t, n);
    p->order = malloc(n * sizeof *p->order);
    p->movers = malloc(p->nblocks * sizeof *p->movers);
    p->w = malloc(n * sizeof *p->w);
    p->part = calloc(p->nblocks, sizeof *p->part);
    p->parent = malloc(n * sizeof *p->parent);
    p->copies = malloc(n * sizeof *p->copies);
    p->eve = malloc(n * sizeof *p->eve);
    p->resample = malloc(jebm_resample_scratch(n) * sizeof *p->resample);
    if (p->order == NULL || p->movers == NULL || p->w == NULL || p->part == NULL ||
        p->parent == NULL || p->copies == NULL || p->eve == NULL || p->resample == NULL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        p->order[i] = (uint32_t)i;
    }
    for (size_t b = 0; b < p->nblocks; b++) {
        p->movers[b] = (uint32_t)jebm_block_count(t, n, b);
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
    free(p->parent);
    free(p->copies);
    free(p->eve);
    free(p->resample);
    jebm_ensemble_free(&p->mini);
    free(p->members);
    free(p->base);
}

static bool allocate_parts(gradient_parts *parts, size_t n, size_t P) {
    parts->n = n;
    parts->sum = malloc(n * P * sizeof *parts->sum);
    parts->U = malloc(n * sizeof *parts->U);
    parts->max = malloc(n * sizeof *parts->max);
    parts->scale = malloc(n * sizeof *parts->scale);
    return parts->sum != NULL && parts->U != NULL && parts->max != NULL && parts->scale != NULL;
}

static void free_parts(gradient_parts *parts) {
    free(parts->sum);
    free(parts->U);
    free(parts->max);
    free(parts->scale);
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
    free_parts(&t->data_part);
    free_parts(&t->walker_part);
    free(t->scratch);
    free(t->data_U);
    free(t->direction);
    free(t->model_mean);
    free(t->influence);
    free(t->data_rows);
    free(t);
}

jebm_status jebm_trainer_room(jebm_trainer *t, jebm_error *err) {
    const size_t threads = jebm_thread_count();
    if (threads > t->threads) {
        float *scratch =
            realloc(t->scratch, threads * JEBM_LANGEVIN_ROWS * t->now->d * sizeof *scratch);
        if (scratch == NULL) {
            return jebm_fail(err, JEBM_ENOMEM, "no memory for the scratch of %zu threads", threads);
        }
        t->scratch = scratch;
        t->threads = threads;
    }
    JEBM_TRY(jebm_energy_room(t->now, err));
    return jebm_energy_room(t->next, err);
}

static jebm_status allocate(jebm_trainer *t, const jebm_energy *energy, jebm_error *err) {
    const size_t P = energy->nparams;
    t->now = energy->ops->copy(energy);
    t->next = energy->ops->copy(energy);
    t->data_blocks = jebm_blocks_of(t, t->n);
    const bool parts =
        allocate_parts(&t->walker_part, parts_for(energy, t->block, gradient_walkers(&t->c)), P) &&
        allocate_parts(&t->data_part, parts_for(energy, t->block, gradient_points(&t->c, t->n)), P);
    t->data_U = malloc(t->data_blocks * sizeof *t->data_U);
    t->direction = calloc(P, sizeof *t->direction);
    t->model_mean = calloc(P, sizeof *t->model_mean);
    t->data_rows = malloc((t->c.data_batch * energy->d + 1) * sizeof *t->data_rows);
    t->influence_width = t->c.leave_one_out ? energy->ops->influence_scratch(energy) : 0;
    t->influence = malloc((jebm_blocks_of(t, t->c.walkers[0]) * t->influence_width + 1) *
                          sizeof *t->influence);
    for (size_t i = 0; i < t->c.npopulations; i++) {
        population *p = &t->pop[t->npopulations++];
        /* with gradient = batch only the batch is ever moved */
        const size_t width = jebm_energy_cache_width(energy);
        JEBM_TRY(jebm_ensemble_init(&p->e, t->c.walkers[i], energy->d,
                                    jebm_trainer_lazy(t) ? 0 : width, err));
        p->rng = t->c.rng[i];
        p->batch = t->c.batch[i];
        if (!allocate_population(t, p)) {
            return jebm_fail(err, JEBM_ENOMEM, "no memory for %zu walkers", p->e.n);
        }
        if (jebm_trainer_lazy(t)) {
            JEBM_TRY(allocate_batch(p, width, err));
        }
    }
    if (t->now == NULL || t->next == NULL || !parts || t->data_U == NULL || t->direction == NULL ||
        t->model_mean == NULL || t->data_rows == NULL || t->influence == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for a trainer of %zu parameters", P);
    }
    JEBM_TRY(jebm_trainer_room(t, err));
    JEBM_TRY(jebm_optimizer_init(&t->optimizer, &t->c.optimizer, P, err));
    for (size_t i = 0; i < energy->ngroups; i++) {
        jebm_optimizer_set_rate(&t->optimizer, energy->groups[i].first, energy->groups[i].count,
                                t->c.rate[i]);
    }
    return JEBM_OK;
}

/* do walkers start where the method has them: at samples of the model? */
static bool starts_at_model(const jebm_trainer *t) {
    return t->c.method == JEBM_METHOD_JARZYNSKI || t->c.method == JEBM_METHOD_UNWEIGHTED;
}

static bool starts_at_reference(const jebm_trainer *t) {
    return t->c.start == JEBM_START_REFERENCE ||
           (starts_at_model(t) && t->now->ops->sample == NULL);
}

/* walkers at the start, U_ref[n] being what exp(-U_ref)/Z_ref says of where they were drawn;
 * returns log Z_ref, NAN for data */
static double draw(jebm_trainer *t, population *p, double *U_ref) {
    const jebm_energy *e = t->now;
    const size_t n = p->e.n;
    if (starts_at_reference(t)) {
        return e->ops->reference(e, p->rng, 0, n, p->e.x, U_ref);
    }
    if (starts_at_model(t)) {
        e->ops->sample(e, p->rng, t->c.start_split, n, 0, n, p->e.x);
    } else if (t->c.start_each) {
        for (size_t i = 0; i < n; i++) {
            memcpy(p->e.x + i * p->e.d, t->data + i % t->n * p->e.d, p->e.d * sizeof(float));
        }
    } else {
        jebm_trainer_reset(t, p, &p->e, JEBM_START_STEP, 0, n);
    }
    e->ops->eval(e, n, p->e.x, U_ref, NULL);
    return e->ops->log_z != NULL ? e->ops->log_z(e) : NAN;
}

/* log mean exp(-U) of the walkers: what the released image code takes for Z_0 */
static double released_log_z(const jebm_trainer *t, population *p) {
    jebm_weight_stats stats;
    t->now->ops->eval(t->now, p->e.n, p->e.x, p->e.U, NULL);
    for (size_t i = 0; i < p->e.n; i++) {
        p->e.logw[i] = -p->e.U[i];
    }
    return jebm_weight_stats_of(p->e.n, p->e.logw, &stats) == JEBM_OK ? stats.log_mean_exp : NAN;
}

static jebm_status check_start(const jebm_trainer *t, jebm_error *err) {
    if (!starts_at_reference(t) || t->now->ops->reference != NULL) {
        return JEBM_OK;
    }
    return jebm_fail(err, JEBM_EUNSUPPORTED,
                     "method %s starts from samples of the model, or of a reference density, which "
                     "energy %s cannot draw",
                     jebm_method_name(t->c.method), t->now->ops->name);
}

/* walkers at k = 0, weighed as samples of theta_0 */
static jebm_status start(jebm_trainer *t, population *p, jebm_error *err) {
    JEBM_TRY(check_start(t, err));
    double *U_ref = jebm_trainer_lazy(t) ? p->base : p->resample;
    p->e.log_z = draw(t, p, U_ref);
    if (t->c.burn_in > 0) {
        if (t->c.stale_start) { /* as if the log-weights of before were 0 */
            t->now->ops->eval(t->now, p->e.n, p->e.x, U_ref, NULL);
        }
        jebm_trainer_burn_in(t, p);
    }
    p->e.log_z = t->c.released_log_z ? released_log_z(t, p) : p->e.log_z;
    p->s = (population_state){
        .log_z = p->e.log_z, .ess = 1.0, .ess_min = 1.0, .ess_now = 1.0, .judged_at = -1.0};
    if (jebm_trainer_lazy(t)) {
        return JEBM_OK;
    }
    jebm_langevin_begin(t->now, p->e.n, p->order, &p->e);
    for (size_t i = 0; i < p->e.n && starts_at_reference(t); i++) {
        p->e.logw[i] = t->rule == JEBM_WEIGHTS_FROZEN ? 0.0 : U_ref[i] - p->e.U[i];
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
    const size_t nparts = jebm_parts_of(&t->data_part, t->data_blocks);
    for (size_t i = 0; i < nparts; i++) {
        jebm_trainer_data_part(t, t->now, t->n, t->data, nparts, i);
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
    t->block = block_of(energy);
    t->control.scale = 1.0;
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
                          .resamplings = (uint64_t)p->s.resamplings,
                          .step_scale =
                              t->control.count > 0.0 ? t->control.sum / t->control.count : 1.0};
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
    t->control.sum = t->control.count = 0.0;
}

const jebm_energy *jebm_trainer_energy(const jebm_trainer *t) {
    return t->now;
}

const jebm_ensemble *jebm_trainer_ensemble(const jebm_trainer *t, size_t population_index) {
    return &t->pop[population_index].e;
}

const uint32_t *jebm_trainer_ancestors(const jebm_trainer *t, size_t population_index) {
    return t->pop[population_index].eve;
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
    if (t->c.stale_weights) {
        at = list(arrays, capacity, at, "theta", 1, JEBM_F64, P, 0, t->next->theta);
    }
    if (t->c.ess_cost > 0.0) {
        at =
            list(arrays, capacity, at, "control", 0, JEBM_F64, DOUBLES(step_state), 0, &t->control);
    }
    for (size_t i = 0; i < t->npopulations; i++) {
        population *p = &t->pop[i];
        at = list(arrays, capacity, at, "walkers", i, JEBM_F32, p->e.n, p->e.d, p->e.x);
        at = list(arrays, capacity, at, "eve", i, JEBM_U32, p->e.n, 0, p->eve);
        at = list(arrays, capacity, at, "population", i, JEBM_F64, DOUBLES(population_state), 0,
                  &p->s);
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
    JEBM_TRY(jebm_trainer_room(t, err));
    t->now->ops->refresh(t->now);
    if (t->c.stale_weights) {
        t->next->ops->refresh(t->next);
    }
    for (size_t i = 0; i < t->npopulations; i++) {
        t->pop[i].e.log_z = t->pop[i].s.log_z;
    }
    t->settled = false;
    return jebm_trainer_lazy(t) ? JEBM_OK : derive(t, err);
}
