/* One iteration with averages over all walkers: Algorithms 1, 2, 3 and 4.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/batch.h"
#include "core/genealogy.h"
#include "core/trainer_internal.h"

#include <math.h>
#include <string.h>

jebm_status jebm_trainer_diverged(const jebm_trainer *t, jebm_error *err, const char *what) {
    return jebm_fail(err, JEBM_EDIVERGE, "iteration %llu: %s; lower h or the learning rates",
                     (unsigned long long)t->k, what);
}

/* ---- one block ------------------------------------------------------------------------------ */

void jebm_trainer_reset(const jebm_trainer *t, const population *p, jebm_ensemble *e, uint64_t step,
                        size_t first, size_t count) {
    const size_t d = e->d;
    for (size_t i = first; i < first + count; i++) {
        /* u is in (0, 1]: 1 - u is in [0, 1) */
        const double u = 1.0 - jebm_rng_uniform(p->rng, (uint32_t)i, JEBM_LANE_RESET, step);
        const size_t j = (size_t)(u * (double)t->n);
        memcpy(e->x + i * d, t->data + j * d, d * sizeof(float));
    }
}

bool jebm_trainer_resets_before_moves(const jebm_trainer *t) {
    return t->c.method == JEBM_METHOD_CD && t->c.cd_schedule == JEBM_CD_PER_ITERATION;
}

static bool resets_after_moves(const jebm_trainer *t, uint64_t k) {
    return t->c.method == JEBM_METHOD_CD && t->c.cd_schedule == JEBM_CD_INTERLEAVED &&
           k % t->c.cd_steps == 0;
}

/* the block's walkers, those of this iteration's mini-batch first */
static void order_block(const jebm_trainer *t, population *p, size_t b) {
    const unsigned char *member = (const unsigned char *)p->copies;
    const size_t first = b * t->block, end = first + jebm_block_count(t, p->e.n, b);
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

/* A_i makes up for what walker i itself adds to the step of theta that is about to come: without it
 * theta_{k+1} would be less by rate p_i / (1 - p_i) (g_i - mean g), and U(X_i) different by that
 * times g_i */
static void leave_one_out(jebm_trainer *t, population *p, size_t b) {
    const size_t first = b * t->block, count = jebm_block_count(t, p->e.n, b);
    const double factor = jebm_schedule_factor(&t->c.optimizer, t->k);
    double rate[JEBM_MAX_GROUPS], change[JEBM_BLOCK];
    for (size_t g = 0; g < t->now->ngroups; g++) {
        rate[g] = factor * t->c.rate[g];
    }
    t->now->ops->self_influence(t->now, first, count, rate, t->model_mean, &p->e,
                                t->influence + b * t->influence_width, change);
    const double scale = exp(p->part[b].max - t->weight_max) / t->weight_total;
    for (size_t i = 0; i < count; i++) {
        const double share = scale * p->w[first + i];
        p->e.logw[first + i] += share / (1.0 - share) * change[i];
    }
}

/* h_k */
static double step_size(const jebm_trainer_config *c, uint64_t k) {
    if (c->final_h == 0.0) {
        return c->h;
    }
    const double at = k < c->h_horizon ? (double)k / (double)c->h_horizon : 1.0;
    return c->h * pow(c->final_h / c->h, at);
}

jebm_move jebm_trainer_move(const jebm_trainer *t, const population *p, uint64_t k) {
    return (jebm_move){.h = step_size(&t->c, k),
                       .rule = t->rule,
                       .clip = t->c.clip,
                       .bound = t->c.bound,
                       .sigma = t->c.sigma,
                       .assume_2h = t->c.assume_2h,
                       .unweighed_refusal = t->c.unweighed_refusal,
                       .rng = p->rng,
                       .lane = JEBM_LANE_NOISE,
                       .step = k};
}

void jebm_trainer_move_block(jebm_trainer *t, population *p, size_t b, uint64_t k) {
    const size_t first = b * t->block, count = jebm_block_count(t, p->e.n, b);
    const uint32_t *ids = p->order + first;
    const bool cd = jebm_trainer_resets_before_moves(t);
    const jebm_move move = jebm_trainer_move(t, p, k);
    if (cd) {
        jebm_trainer_reset(t, p, &p->e, k, first, count);
        jebm_langevin_begin(t->next, count, ids, &p->e);
    }
    jebm_langevin_walk(cd ? t->next : t->now, t->next, &move, cd ? t->c.cd_steps : t->c.inner,
                       p->movers[b], ids, &p->e, jebm_trainer_scratch(t));
    jebm_langevin_frozen(t->next, t->rule, count - p->movers[b], ids + p->movers[b], &p->e);
    if (resets_after_moves(t, k)) {
        jebm_trainer_reset(t, p, &p->e, k, first, count);
        jebm_langevin_begin(t->next, count, ids, &p->e);
    }
}

static bool all_finite(size_t n, const double *v) {
    return jebm_weights_kernels_current()->finite(n, v);
}

void jebm_trainer_weigh_block(const jebm_trainer *t, population *p, const jebm_ensemble *e,
                              size_t b) {
    const size_t first = b * t->block, count = jebm_block_count(t, e->n, b);
    if (t->rule == JEBM_WEIGHTS_FROZEN) {
        p->part[b] = (jebm_block_weights){.sum = (double)count,
                                          .sum_2 = (double)count,
                                          .finite = all_finite(count, e->U + first)};
        return;
    }
    p->part[b] =
        jebm_weights_kernels_current()->block(count, e->logw + first, e->U + first, p->w + first);
}

/* the weights of n points in the gradient of cross-entropy + alpha E[U^2], sign being -1 for
 * walkers and 1 for data, times scale; w NULL means ones */
static void regularised(const jebm_trainer *t, size_t n, const float *w, const double *U,
                        double sign, double scale, float *out) {
    for (size_t i = 0; i < n; i++) {
        const double weight = w != NULL ? (double)w[i] : 1.0;
        out[i] = (float)(scale * weight * (1.0 + sign * 2.0 * t->c.alpha * U[i]));
    }
}

void jebm_trainer_gather_gradient(jebm_trainer *t, population *p, const jebm_ensemble *e,
                                  const jebm_energy *energy, size_t b, size_t i, bool first) {
    const size_t start = b * t->block, count = jebm_block_count(t, e->n, b), P = energy->nparams;
    double *g = t->walker_part.sum + i * P, *max = &t->walker_part.max[i];
    if (first) {
        memset(g, 0, P * sizeof *g);
        *max = p->part[b].max;
    }
    if (!p->part[b].finite) {
        return;
    }
    if (p->part[b].max > *max) {
        const double scale = exp(*max - p->part[b].max);
        for (size_t j = 0; j < P; j++) {
            g[j] *= scale;
        }
        *max = p->part[b].max;
    }
    const float *w = t->rule == JEBM_WEIGHTS_FROZEN ? NULL : p->w + start;
    float own[JEBM_BLOCK];
    const double scale = exp(p->part[b].max - *max);
    if (t->c.alpha > 0.0 || scale != 1.0) {
        regularised(t, count, w, e->U + start, -1.0, scale, own);
        w = own;
    }
    jebm_energy_accumulate(energy, start, count, w, e, g);
}

static double data_block(const jebm_trainer *t, const jebm_energy *energy, size_t n,
                         const float *points, double *g) {
    if (t->c.alpha == 0.0) {
        return jebm_energy_data(energy, n, points, g);
    }
    double U[JEBM_BLOCK], sum = 0.0;
    float w[JEBM_BLOCK];
    energy->ops->eval(energy, n, points, U, NULL);
    regularised(t, n, NULL, U, 1.0, 1.0, w);
    energy->ops->theta_grad(energy, n, points, w, g);
    for (size_t i = 0; i < n; i++) {
        sum += U[i];
    }
    return sum;
}

void jebm_trainer_data_part(jebm_trainer *t, const jebm_energy *energy, size_t n,
                            const float *points, size_t nparts, size_t i) {
    const size_t nblocks = jebm_blocks_of(t, n);
    double *g = t->data_part.sum + i * energy->nparams;
    memset(g, 0, energy->nparams * sizeof *g);
    t->data_part.U[i] = 0.0;
    for (size_t b = jebm_part_first(nparts, nblocks, i);
         b < jebm_part_first(nparts, nblocks, i + 1); b++) {
        t->data_part.U[i] +=
            data_block(t, energy, jebm_block_count(t, n, b), points + b * t->block * energy->d, g);
    }
}

/* ---- all blocks ----------------------------------------------------------------------------- */

/* the walkers of part i of population 0 */
static void move_part(jebm_trainer *t, population *p, size_t nparts, size_t i) {
    const size_t first = jebm_part_first(nparts, p->nblocks, i);
    for (size_t b = first; b < jebm_part_first(nparts, p->nblocks, i + 1); b++) {
        if (p->batch < p->e.n) {
            order_block(t, p, b);
        }
        if (t->c.leave_one_out) {
            leave_one_out(t, p, b);
        }
        jebm_trainer_move_block(t, p, b, t->k);
        jebm_trainer_weigh_block(t, p, &p->e, b);
        jebm_trainer_gather_gradient(t, p, &p->e, t->next, b, i, b == first);
    }
}

static void move_all(jebm_trainer *t) {
    population *first = &t->pop[0];
    const size_t nwalkers = jebm_parts_of(&t->walker_part, first->nblocks);
    const size_t ndata = jebm_parts_of(&t->data_part, t->data_blocks);
    /* one team for walkers and data: whoever is done with the former goes on with the latter */
    size_t most = nwalkers > ndata ? nwalkers : ndata;
    for (size_t i = 1; i < t->npopulations; i++) {
        most = t->pop[i].nblocks > most ? t->pop[i].nblocks : most;
    }
#pragma omp parallel default(none) \
    shared(t, first, nwalkers, ndata) if (jebm_trainer_shares(t, most))
    {
#pragma omp for schedule(static) nowait
        for (size_t i = 0; i < nwalkers; i++) {
            move_part(t, first, nwalkers, i);
        }
        for (size_t i = 1; i < t->npopulations; i++) {
            population *p = &t->pop[i];
#pragma omp for schedule(static) nowait
            for (size_t b = 0; b < p->nblocks; b++) {
                if (p->batch < p->e.n) {
                    order_block(t, p, b);
                }
                jebm_trainer_move_block(t, p, b, t->k);
                jebm_trainer_weigh_block(t, p, &p->e, b);
            }
        }
#pragma omp for schedule(static) nowait
        for (size_t i = 0; i < ndata; i++) {
            jebm_trainer_data_part(t, t->next, t->n, t->data, ndata, i);
        }
    }
}

void jebm_trainer_weigh_all(jebm_trainer *t, population *p, const jebm_energy *energy) {
    const bool gradient = p == &t->pop[0];
    const size_t nparts = gradient ? jebm_parts_of(&t->walker_part, p->nblocks) : p->nblocks;
#pragma omp parallel for default(none) shared(t, p, energy, nparts, gradient) \
    schedule(static) if (jebm_trainer_shares(t, nparts))
    for (size_t i = 0; i < nparts; i++) {
        const size_t first = jebm_part_first(nparts, p->nblocks, i);
        for (size_t b = first; b < jebm_part_first(nparts, p->nblocks, i + 1); b++) {
            jebm_trainer_weigh_block(t, p, &p->e, b);
            if (gradient) {
                jebm_trainer_gather_gradient(t, p, &p->e, energy, b, i, b == first);
            }
        }
    }
}

jebm_status jebm_trainer_combine_weights(jebm_trainer *t, population *p, jebm_error *err) {
    jebm_weight_stats stats;
    if (jebm_weights_combine(p->nblocks, p->part, p->e.n, &stats) != JEBM_OK) {
        return jebm_trainer_diverged(t, err, "the energy or log-weight of a walker is not finite");
    }
    p->log_mean_exp = stats.log_mean_exp;
    p->s.ess_now = stats.ess;
    return JEBM_OK;
}

/* parameters that a thread sums at a time */
#define CHUNK 512

/* D_k of parameters [first, end) */
static void combine_chunk(jebm_trainer *t, size_t first, size_t end, size_t nwalkers, size_t ndata,
                          double total, double n) {
    const size_t P = t->now->nparams;
    memset(t->model_mean + first, 0, (end - first) * sizeof *t->model_mean);
    for (size_t i = 0; i < nwalkers; i++) {
        const double *g = t->walker_part.sum + i * P, scale = t->walker_part.scale[i];
        for (size_t j = first; j < end; j++) {
            t->model_mean[j] += scale * g[j];
        }
    }
    for (size_t j = first; j < end; j++) {
        t->model_mean[j] /= total;
        t->direction[j] = t->model_mean[j];
    }
    for (size_t i = 0; i < ndata; i++) {
        const double *g = t->data_part.sum + i * P;
        for (size_t j = first; j < end; j++) {
            t->direction[j] -= g[j] / n;
        }
    }
}

double jebm_trainer_combine_gradient(jebm_trainer *t, size_t nblocks, size_t n) {
    const population *p = &t->pop[0];
    const size_t P = t->now->nparams, nwalkers = jebm_parts_of(&t->walker_part, nblocks);
    const size_t ndata = jebm_parts_of(&t->data_part, jebm_blocks_of(t, n));
    double max = -INFINITY, total = 0.0, energy = 0.0;
    for (size_t b = 0; b < nblocks; b++) {
        max = fmax(max, p->part[b].max);
    }
    for (size_t b = 0; b < nblocks; b++) {
        total += exp(p->part[b].max - max) * p->part[b].sum;
    }
    for (size_t i = 0; i < nwalkers; i++) {
        t->walker_part.scale[i] = exp(t->walker_part.max[i] - max);
    }
    /* a parameter's sum is taken in the order of the parts, whoever takes it */
    const size_t nchunks = (P + CHUNK - 1) / CHUNK;
#pragma omp parallel for default(none) shared(t, P, nwalkers, ndata, total, n, nchunks) \
    schedule(static) if (nchunks > 8)
    for (size_t c = 0; c < nchunks; c++) {
        combine_chunk(t, c * CHUNK, P - c * CHUNK < CHUNK ? P : (c + 1) * CHUNK, nwalkers, ndata,
                      total, (double)n);
    }
    for (size_t i = 0; i < ndata; i++) {
        energy += t->data_part.U[i];
    }
    t->weight_max = max;
    t->weight_total = total;
    return energy / (double)n;
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

jebm_status jebm_trainer_maybe_resample(jebm_trainer *t, population *p, const jebm_energy *energy,
                                        double ess_before, jebm_error *err) {
    p->s.ess = p->s.ess_now;
    p->s.ess_min = fmin(p->s.ess_min, p->s.ess);
    if (!resampling_due(t, p, ess_before)) {
        return JEBM_OK;
    }
    if (p->e.n > 1 && p->s.ess * (double)p->e.n < 1.0 + 1e-9) {
        return jebm_trainer_diverged(t, err, "one walker has all the weight");
    }
    if (jebm_trainer_lazy(t)) {
        memcpy(p->base, p->e.U, p->e.n * sizeof *p->base); /* in case they stay unpermuted */
    }
    jebm_status status =
        jebm_resample(t->c.scheme, &p->e, p->rng, t->k, p->parent, p->copies, p->resample);
    if (status != JEBM_OK) {
        return jebm_trainer_diverged(t, err, "the log-weights cannot be normalised");
    }
    jebm_eve_resample(p->e.n, p->parent, p->eve);
    p->s.resamplings += 1.0;
    p->s.log_z = p->e.log_z;
    if (jebm_trainer_lazy(t)) {
        if (!t->c.unpermuted_energies) {
            memcpy(p->base, p->e.U, p->e.n * sizeof *p->base); /* all A are 0 */
        }
        p->log_mean_exp = 0.0;
        p->s.ess_now = 1.0;
        return JEBM_OK;
    }
    /* the walkers are others now, and so is their gradient */
    jebm_trainer_weigh_all(t, p, energy);
    return jebm_trainer_combine_weights(t, p, err);
}

/* mark the walkers of this iteration's mini-batch, for order_block() */
static void choose_batch(jebm_trainer *t, population *p) {
    const jebm_shuffle shuffle = jebm_shuffle_make(p->rng, t->k, (uint32_t)p->e.n);
    unsigned char *member = (unsigned char *)p->copies;
    const size_t batch = p->batch;
    memset(member, 0, p->e.n);
    /* the shuffle is a bijection: no two threads write the same byte */
#pragma omp parallel for default(none) shared(shuffle, member, batch) schedule(static)
    for (size_t i = 0; i < batch; i++) {
        member[jebm_shuffle_at(&shuffle, (uint32_t)i)] = 1;
    }
}

jebm_status jebm_trainer_update(jebm_trainer *t, jebm_error *err) {
    memcpy(t->next->theta, t->now->theta, t->now->nparams * sizeof *t->now->theta);
    jebm_optimizer_step(&t->optimizer, t->k, t->direction, t->next->theta);
    if (!all_finite(t->next->nparams, t->next->theta)) {
        return jebm_trainer_diverged(t, err, "a parameter is not finite");
    }
    return JEBM_OK;
}

void jebm_trainer_swap(jebm_trainer *t) {
    jebm_energy *old = t->now;
    t->now = t->next;
    t->next = old;
    t->k++;
}

jebm_status jebm_trainer_step(jebm_trainer *t, jebm_error *err) {
    JEBM_TRY(jebm_trainer_room(t, err));
    if (jebm_trainer_lazy(t)) {
        return jebm_trainer_step_batch(t, err);
    }
    JEBM_TRY(jebm_trainer_update(t, err));
    t->next->ops->refresh(t->next);
    for (size_t i = 0; i < t->npopulations; i++) {
        if (t->pop[i].batch < t->pop[i].e.n) {
            choose_batch(t, &t->pop[i]);
        }
    }
    move_all(t);
    for (size_t i = 0; i < t->npopulations; i++) {
        population *p = &t->pop[i];
        const double ess_before = p->s.ess_now;
        JEBM_TRY(jebm_trainer_combine_weights(t, p, err));
        JEBM_TRY(jebm_trainer_maybe_resample(t, p, t->next, ess_before, err));
    }
    t->data_energy = jebm_trainer_combine_gradient(t, t->pop[0].nblocks, t->n);
    jebm_trainer_swap(t);
    return JEBM_OK;
}
