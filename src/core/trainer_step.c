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

void jebm_trainer_reset(const jebm_trainer *t, population *p, uint64_t step, size_t first,
                        size_t count) {
    const size_t d = p->e.d;
    for (size_t i = first; i < first + count; i++) {
        /* u is in (0, 1]: 1 - u is in [0, 1) */
        const double u = 1.0 - jebm_rng_uniform(p->rng, (uint32_t)i, JEBM_LANE_RESET, step);
        const size_t j = (size_t)(u * (double)t->n);
        memcpy(p->e.x + i * d, t->data + j * d, d * sizeof(float));
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
static void order_block(population *p, size_t b) {
    const unsigned char *member = (const unsigned char *)p->copies;
    const size_t first = b * JEBM_BLOCK, end = first + jebm_block_count(p->e.n, b);
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
    const size_t first = b * JEBM_BLOCK, count = jebm_block_count(p->e.n, b);
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

void jebm_trainer_move_block(jebm_trainer *t, population *p, size_t b, uint64_t k) {
    const size_t first = b * JEBM_BLOCK, count = jebm_block_count(p->e.n, b);
    const uint32_t *ids = p->order + first;
    const bool cd = jebm_trainer_resets_before_moves(t);
    const size_t moves = cd ? t->c.cd_steps : t->c.inner;
    jebm_move move = {.h = t->c.h,
                      .rule = t->rule,
                      .clip = t->c.clip,
                      .rng = p->rng,
                      .lane = JEBM_LANE_NOISE,
                      .step = k};
    if (cd) {
        jebm_trainer_reset(t, p, k, first, count);
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
    if (resets_after_moves(t, k)) {
        jebm_trainer_reset(t, p, k, first, count);
        jebm_langevin_begin(t->next, count, ids, &p->e);
    }
}

static bool all_finite(size_t n, const double *v) {
    return jebm_weights_kernels_current()->finite(n, v);
}

void jebm_trainer_weigh_block(jebm_trainer *t, population *p, const jebm_ensemble *e,
                              const jebm_energy *energy, size_t b) {
    const size_t first = b * JEBM_BLOCK, count = jebm_block_count(e->n, b);
    const float *w = NULL;
    if (t->rule == JEBM_WEIGHTS_FROZEN) {
        p->part[b] = (jebm_block_weights){.sum = (double)count,
                                          .sum_2 = (double)count,
                                          .finite = all_finite(count, e->U + first)};
    } else {
        w = p->w + first;
        p->part[b] = jebm_weights_kernels_current()->block(count, e->logw + first, e->U + first,
                                                           p->w + first);
    }
    if (p == &t->pop[0] && p->part[b].finite) {
        double *g = t->walker_part + b * energy->nparams;
        memset(g, 0, energy->nparams * sizeof *g);
        jebm_energy_accumulate(energy, first, count, w, e, g);
    }
}

void jebm_trainer_data_block(jebm_trainer *t, const jebm_energy *energy, size_t n,
                             const float *points, size_t b) {
    const size_t width = energy->nparams + 1;
    double *part = t->data_part + b * width;
    memset(part, 0, width * sizeof *part);
    part[width - 1] =
        jebm_energy_data(energy, jebm_block_count(n, b), points + b * JEBM_BLOCK * energy->d, part);
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
                if (p->batch < p->e.n) {
                    order_block(p, b);
                }
                if (t->c.leave_one_out && i == 0) {
                    leave_one_out(t, p, b);
                }
                jebm_trainer_move_block(t, p, b, k);
                jebm_trainer_weigh_block(t, p, &p->e, t->next, b);
            }
        }
#pragma omp for schedule(static) nowait
        for (size_t b = 0; b < t->data_blocks; b++) {
            jebm_trainer_data_block(t, t->next, t->n, t->data, b);
        }
    }
}

void jebm_trainer_weigh_all(jebm_trainer *t, population *p, const jebm_energy *energy) {
#pragma omp parallel for default(none) shared(t, p, energy) schedule(static)
    for (size_t b = 0; b < p->nblocks; b++) {
        jebm_trainer_weigh_block(t, p, &p->e, energy, b);
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

double jebm_trainer_combine_gradient(jebm_trainer *t, size_t nblocks, size_t n) {
    const population *p = &t->pop[0];
    const size_t P = t->now->nparams;
    double max = -INFINITY, total = 0.0, energy = 0.0;
    for (size_t b = 0; b < nblocks; b++) {
        max = fmax(max, p->part[b].max);
    }
    memset(t->model_mean, 0, P * sizeof *t->model_mean);
    for (size_t b = 0; b < nblocks; b++) {
        const double scale = exp(p->part[b].max - max);
        const double *g = t->walker_part + b * P;
        total += scale * p->part[b].sum;
        for (size_t i = 0; i < P; i++) {
            t->model_mean[i] += scale * g[i];
        }
    }
    for (size_t i = 0; i < P; i++) {
        t->model_mean[i] /= total;
        t->direction[i] = t->model_mean[i];
    }
    for (size_t b = 0; b < jebm_blocks_of(n); b++) {
        const double *g = t->data_part + b * (P + 1);
        for (size_t i = 0; i < P; i++) {
            t->direction[i] -= g[i] / (double)n;
        }
        energy += g[P];
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
    jebm_status status =
        jebm_resample(t->c.scheme, &p->e, p->rng, t->k, p->parent, p->copies, p->resample);
    if (status != JEBM_OK) {
        return jebm_trainer_diverged(t, err, "the log-weights cannot be normalised");
    }
    jebm_eve_resample(p->e.n, p->parent, p->eve);
    p->s.resamplings += 1.0;
    p->s.log_z = p->e.log_z;
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
    t->next->ops->refresh(t->next);
    return JEBM_OK;
}

void jebm_trainer_swap(jebm_trainer *t) {
    jebm_energy *old = t->now;
    t->now = t->next;
    t->next = old;
    t->k++;
}

jebm_status jebm_trainer_step(jebm_trainer *t, jebm_error *err) {
    if (jebm_trainer_lazy(t)) {
        return jebm_trainer_step_batch(t, err);
    }
    JEBM_TRY(jebm_trainer_update(t, err));
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
