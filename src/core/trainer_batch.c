/* One iteration that touches the walkers of its mini-batch and no others.
 *
 * A walker that rests keeps its position X while theta moves, and its log-weight changes by
 * -U_{k+1}(X) + U_k(X). So B = A + U(X) stays, and that is what is kept of it: A = B - U_k(X) is
 * settled whenever it is wanted, to the same bits however often it was settled before.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/batch.h"
#include "core/trainer_internal.h"

#include <math.h>
#include <string.h>

/* rows that are copied later are asked for this many rows earlier: they lie anywhere in memory */
#define AHEAD 16

static void prefetch_row(const float *row, size_t d) {
    for (size_t j = 0; j < d; j += 16) {
        __builtin_prefetch(row + j);
    }
}

/* log-weights of the batch's block b, from its energies */
static void settle_block(const jebm_trainer *t, population *p, size_t b) {
    const size_t first = b * t->block, end = first + jebm_block_count(t, p->mini.n, b);
    for (size_t i = first; i < end; i++) {
        p->mini.logw[i] =
            t->rule == JEBM_WEIGHTS_FROZEN ? 0.0 : p->base[p->members[i]] - p->mini.U[i];
    }
}

/* who is in block b of the batch that the shuffle chooses */
static void choose_block(const jebm_trainer *t, population *p, const jebm_shuffle *shuffle,
                         size_t b) {
    const size_t first = b * t->block, end = first + jebm_block_count(t, p->mini.n, b);
    for (size_t i = first; i < end; i++) {
        p->members[i] = jebm_shuffle_at(shuffle, (uint32_t)i);
    }
}

/* these walkers side by side, evaluated under `energy`, with settled weights */
static void gather_block(const jebm_trainer *t, population *p, const jebm_shuffle *shuffle,
                         const jebm_energy *energy, size_t b) {
    const size_t first = b * t->block, end = first + jebm_block_count(t, p->mini.n, b), d = p->e.d;
    choose_block(t, p, shuffle, b);
    for (size_t i = first; i < end; i++) {
        if (i + AHEAD < end) {
            prefetch_row(p->e.x + (size_t)p->members[i + AHEAD] * d, d);
        }
        memcpy(p->mini.x + i * d, p->e.x + (size_t)p->members[i] * d, d * sizeof(float));
    }
    jebm_langevin_begin(energy, end - first, p->order + first, &p->mini);
    settle_block(t, p, b);
}

/* the batch's block b goes back to its places */
static void scatter_block(const jebm_trainer *t, population *p, size_t b) {
    const size_t first = b * t->block, end = first + jebm_block_count(t, p->mini.n, b), d = p->e.d;
    for (size_t i = first; i < end; i++) {
        memcpy(p->e.x + (size_t)p->members[i] * d, p->mini.x + i * d, d * sizeof(float));
        p->base[p->members[i]] = p->mini.logw[i] + p->mini.U[i];
    }
}

/* `steps` ULA steps of the batch's block b; noise goes by place in the batch: another walker each
 * iteration, but never the same draw */
static void walk_block(const jebm_trainer *t, population *p, const jebm_energy *from,
                       const jebm_energy *to, size_t steps, jebm_move move, size_t b) {
    const size_t first = b * t->block;
    jebm_langevin_walk(from, to, &move, steps, jebm_block_count(t, p->mini.n, b), p->order + first,
                       &p->mini, jebm_trainer_scratch(t));
}

/* ---- the gradient --------------------------------------------------------------------------- */

static void copy_points(const jebm_trainer *t, const jebm_shuffle *shuffle, size_t first,
                        size_t count) {
    const size_t d = t->now->d;
    uint32_t from[JEBM_BLOCK];
    for (size_t i = 0; i < count; i++) {
        from[i] = jebm_shuffle_at(shuffle, (uint32_t)(first + i));
        prefetch_row(t->data + from[i] * d, d);
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(t->data_rows + (first + i) * d, t->data + from[i] * d, d * sizeof(float));
    }
}

/* part i of nparts of the data's gradient; shuffle NULL: all data */
static void data_part(jebm_trainer *t, const jebm_shuffle *shuffle, size_t n, size_t nparts,
                      size_t i) {
    const size_t nblocks = jebm_blocks_of(t, n), end = jebm_part_first(nparts, nblocks, i + 1);
    for (size_t b = jebm_part_first(nparts, nblocks, i); shuffle != NULL && b < end; b++) {
        copy_points(t, shuffle, b * t->block, jebm_block_count(t, n, b));
    }
    jebm_trainer_data_part(t, t->now, n, shuffle != NULL ? t->data_rows : t->data, nparts, i);
}

/* log-weights of the batch's block b under theta_{k-1}, which `next` still holds */
static void make_stale(const jebm_trainer *t, population *p, size_t b) {
    const size_t first = b * t->block, count = jebm_block_count(t, p->mini.n, b);
    double U[JEBM_BLOCK];
    t->next->ops->eval(t->next, count, p->mini.x + first * p->mini.d, U, NULL);
    for (size_t i = 0; i < count; i++) {
        p->mini.logw[first + i] = p->base[p->members[first + i]] - U[i];
    }
}

/* Algorithm 3: the batch's block b starts anew at data points, and walks under theta_k */
static void contrast_block(jebm_trainer *t, population *p, const jebm_shuffle *shuffle, size_t b) {
    const size_t first = b * t->block, count = jebm_block_count(t, p->mini.n, b);
    choose_block(t, p, shuffle, b);
    jebm_trainer_reset(t, p, &p->mini, t->k, first, count);
    jebm_langevin_begin(t->now, count, p->order + first, &p->mini);
    walk_block(t, p, t->now, t->now, t->c.cd_steps, jebm_trainer_move(t, p, t->k), b);
    scatter_block(t, p, b);
}

/* part i of nparts of the batch's weighted gradient */
static void walker_part(jebm_trainer *t, population *p, const jebm_shuffle *shuffle, size_t nparts,
                        size_t i) {
    const size_t nblocks = jebm_blocks_of(t, p->mini.n),
                 first = jebm_part_first(nparts, nblocks, i);
    for (size_t b = first; b < jebm_part_first(nparts, nblocks, i + 1); b++) {
        if (t->c.method == JEBM_METHOD_CD) {
            contrast_block(t, p, shuffle, b);
        } else {
            gather_block(t, p, shuffle, t->now, b);
        }
        if (t->c.stale_weights && t->rule != JEBM_WEIGHTS_FROZEN && t->k > 0) {
            make_stale(t, p, b);
        }
        jebm_trainer_weigh_block(t, p, &p->mini, b);
        jebm_trainer_gather_gradient(t, p, &p->mini, t->now, b, i, b == first);
    }
}

/* the choice of batch j of iteration k of a population */
static jebm_shuffle choice(const jebm_trainer *t, const population *p, size_t j) {
    return jebm_shuffle_make(p->rng, t->k + ((uint64_t)j << 48), (uint32_t)p->e.n);
}

/* D_k from the batch, its weights under theta_k */
static jebm_status gradient(jebm_trainer *t, jebm_error *err) {
    population *p = &t->pop[0];
    const bool all_data = t->c.data_batch == 0 || t->c.data_batch == t->n;
    const size_t n = all_data ? t->n : t->c.data_batch;
    const jebm_shuffle points = jebm_shuffle_make(t->data_rng, t->k, (uint32_t)t->n);
    const jebm_shuffle walkers = choice(t, p, 0);
    const size_t nblocks = jebm_blocks_of(t, p->mini.n);
    const size_t nwalkers = jebm_parts_of(&t->walker_part, nblocks);
    const size_t ndata = jebm_parts_of(&t->data_part, jebm_blocks_of(t, n));
#pragma omp parallel default(none)                       \
    shared(t, p, n, points, walkers, all_data, nwalkers, \
           ndata) if (jebm_trainer_shares(t, nwalkers) || jebm_trainer_shares(t, ndata))
    {
#pragma omp for schedule(static) nowait
        for (size_t i = 0; i < nwalkers; i++) {
            walker_part(t, p, &walkers, nwalkers, i);
        }
#pragma omp for schedule(static) nowait
        for (size_t i = 0; i < ndata; i++) {
            data_part(t, all_data ? NULL : &points, n, ndata, i);
        }
    }
    for (size_t b = 0; b < nblocks; b++) {
        if (!p->part[b].finite) {
            return jebm_trainer_diverged(t, err,
                                         "the energy or log-weight of a walker is not finite");
        }
    }
    jebm_trainer_combine_gradient(t, nblocks, n);
    return JEBM_OK;
}

/* ---- a step that costs no more ESS than it may ---------------------------------------------- */

/* ESS of n log-weights; 0 if one is not finite */
static double ess_of(size_t n, const double *logw) {
    jebm_weight_stats stats;
    return jebm_weight_stats_of(n, logw, &stats) == JEBM_OK ? stats.ess : 0.0;
}

/* factor by which theta_{k+1} in `next` lowers the ESS of the batch, 1 if it does not */
static double ess_factor(jebm_trainer *t) {
    population *p = &t->pop[0];
    const size_t n = p->mini.n, nblocks = jebm_blocks_of(t, n);
    double *after = p->resample; /* free between resamplings, n <= N */
#pragma omp parallel for default(none) shared(t, p, nblocks, n, after) schedule(static)
    for (size_t b = 0; b < nblocks; b++) {
        const size_t first = b * t->block, count = jebm_block_count(t, n, b);
        double U[JEBM_BLOCK];
        t->next->ops->eval(t->next, count, p->mini.x + first * p->mini.d, U, NULL);
        for (size_t i = first; i < first + count; i++) {
            after[i] = p->mini.logw[i] + p->mini.U[i] - U[i - first];
        }
    }
    return fmin(ess_of(n, after) / ess_of(n, p->mini.logw), 1.0);
}

/* theta_{k+1} = theta_k + scale step, step [nparams] being what the optimizer made */
static void scale_step(jebm_trainer *t, const double *step, double scale) {
    for (size_t i = 0; i < t->now->nparams; i++) {
        t->next->theta[i] = t->now->theta[i] + scale * step[i];
    }
    t->next->ops->refresh(t->next);
}

/* Shorten the step until it costs at most c.ess_cost of the ESS, and the control remembers by how
 * much: the next step tries 1.25 of that first. To second order a step's cost is the variance of
 * its change of U, so it goes with the square of its length. */
static jebm_status control_step(jebm_trainer *t, jebm_error *err) {
    const double allowed = 1.0 - t->c.ess_cost;
    double *step = t->model_mean; /* free until the next gradient */
    for (size_t i = 0; i < t->now->nparams; i++) {
        step[i] = t->next->theta[i] - t->now->theta[i];
    }
    double scale = fmin(1.0, 1.25 * t->control.scale);
    for (int trial = 0; trial < 60; trial++) {
        scale_step(t, step, scale);
        const double factor = ess_factor(t);
        if (factor >= allowed) {
            t->control.scale = scale;
            t->control.sum += scale;
            t->control.count += 1.0;
            return JEBM_OK;
        }
        const double cost = factor > 0.0 ? -log(factor) : INFINITY;
        scale *= fmax(0.9 * sqrt(-log(allowed) / cost), 0.1);
    }
    return jebm_trainer_diverged(t, err, "no step costs less of the ESS than ess_cost");
}

/* ---- the moves ------------------------------------------------------------------------------ */

/* Batch j moves, from the drift of `from`. The one that gave the gradient is in place and evaluated
 * under theta_k. */
static void move_batch(jebm_trainer *t, population *p, size_t j, const jebm_energy *from,
                       bool in_place) {
    const jebm_shuffle walkers = choice(t, p, j);
    jebm_move move = jebm_trainer_move(t, p, t->k);
    move.lane += (uint32_t)(j * t->c.inner * JEBM_LANE_STRIDE);
    move.leave = t->rule == JEBM_WEIGHTS_FROZEN; /* who is drawn next is evaluated then */
#pragma omp parallel for default(none) shared(t, p, walkers, move, from, in_place) \
    schedule(static) if (jebm_trainer_shares(t, jebm_blocks_of(t, p->mini.n)))
    for (size_t b = 0; b < jebm_blocks_of(t, p->mini.n); b++) {
        if (in_place) {
            settle_block(t, p, b);
        } else {
            gather_block(t, p, &walkers, from, b);
        }
        walk_block(t, p, from, t->next, t->c.inner, move, b);
        scatter_block(t, p, b);
    }
}

/* Those of the gradient's batch and of the first one of any other population move from theta_k;
 * what is gathered after that starts under theta_{k+1}, which its weights allow just as well. */
static void move_batches(jebm_trainer *t) {
    const size_t batches = t->c.batches > 0 ? t->c.batches : 1;
    const size_t skip = t->c.fresh_gradient ? 1 : 0;
    for (size_t i = 0; i < t->npopulations && t->c.method != JEBM_METHOD_CD; i++) {
        for (size_t j = skip; j < batches + skip; j++) {
            move_batch(t, &t->pop[i], j, j == 0 ? t->now : t->next, i == 0 && j == 0);
        }
    }
}

void jebm_trainer_burn_in(jebm_trainer *t, population *p) {
    const size_t n = p->mini.n, d = p->e.d;
    jebm_move move = jebm_trainer_move(t, p, JEBM_START_STEP);
    move.rule = t->c.stale_start ? JEBM_WEIGHTS_FROZEN : t->rule;
    for (size_t start = 0; start < p->e.n; start += n, move.step--) {
        const size_t count = p->e.n - start < n ? p->e.n - start : n;
#pragma omp parallel for default(none) shared(t, p, start, count, d, move) schedule(static)
        for (size_t b = 0; b < jebm_blocks_of(t, count); b++) {
            const size_t first = b * t->block, m = jebm_block_count(t, count, b);
            memcpy(p->mini.x + first * d, p->e.x + (start + first) * d, m * d * sizeof(float));
            jebm_langevin_begin(t->now, m, p->order + first, &p->mini);
            for (size_t i = first; i < first + m; i++) {
                p->mini.logw[i] = p->base[start + i] - p->mini.U[i];
            }
            jebm_langevin_walk(t->now, t->now, &move, t->c.burn_in, m, p->order + first, &p->mini,
                               jebm_trainer_scratch(t));
            memcpy(p->e.x + (start + first) * d, p->mini.x + first * d, m * d * sizeof(float));
            for (size_t i = first; i < first + m && !t->c.stale_start; i++) {
                p->base[start + i] = p->mini.logw[i] + p->mini.U[i];
            }
        }
    }
}

/* ---- all walkers ---------------------------------------------------------------------------- */

/* all walkers' energies and weights under `energy` */
static jebm_status settle_all(jebm_trainer *t, population *p, const jebm_energy *energy,
                              jebm_error *err) {
#pragma omp parallel for default(none) shared(t, p, energy) \
    schedule(static) if (jebm_trainer_shares(t, p->nblocks))
    for (size_t b = 0; b < p->nblocks; b++) {
        const size_t first = b * t->block, count = jebm_block_count(t, p->e.n, b);
        energy->ops->eval(energy, count, p->e.x + first * p->e.d, p->e.U + first, NULL);
        for (size_t i = first; i < first + count; i++) {
            p->e.logw[i] = t->rule == JEBM_WEIGHTS_FROZEN ? 0.0 : p->base[i] - p->e.U[i];
        }
        jebm_trainer_weigh_block(t, p, &p->e, b);
    }
    return jebm_trainer_combine_weights(t, p, err);
}

/* is this an iteration at whose end all walkers are looked at? */
static bool judged(const jebm_trainer *t) {
    if (t->rule == JEBM_WEIGHTS_FROZEN || t->k + 1 < t->c.resample_from) {
        return false;
    }
    switch (t->c.trigger) {
    case JEBM_TRIGGER_NEVER:
        return false;
    case JEBM_TRIGGER_INTERVAL:
        return (t->k + 1) % t->c.interval == 0;
    default:
        return (t->k + 1) % t->ess_every == 0;
    }
}

static jebm_status judge(jebm_trainer *t, population *p, jebm_error *err) {
    JEBM_TRY(settle_all(t, p, t->next, err));
    JEBM_TRY(jebm_trainer_maybe_resample(t, p, t->next, p->s.ess_now, err));
    p->s.judged_at = (double)t->k + 1.0;
    return JEBM_OK;
}

jebm_status jebm_trainer_step_batch(jebm_trainer *t, jebm_error *err) {
    JEBM_TRY(gradient(t, err));
    JEBM_TRY(jebm_trainer_update(t, err));
    if (t->c.ess_cost > 0.0) {
        JEBM_TRY(control_step(t, err));
    } else {
        t->next->ops->refresh(t->next);
    }
    move_batches(t);
    for (size_t i = 0; judged(t) && i < t->npopulations; i++) {
        JEBM_TRY(judge(t, &t->pop[i], err));
    }
    jebm_trainer_swap(t);
    t->settled = false;
    return JEBM_OK;
}

jebm_status jebm_trainer_settle(jebm_trainer *t, jebm_error *err) {
    if (!jebm_trainer_lazy(t) || t->settled) {
        return JEBM_OK;
    }
    JEBM_TRY(jebm_trainer_room(t, err));
    for (size_t i = 0; i < t->npopulations; i++) {
        population *p = &t->pop[i];
        JEBM_TRY(settle_all(t, p, t->now, err));
        /* an ESS that was judged at this k is the one before resampling: it stays */
        if (p->s.judged_at != (double)t->k) {
            p->s.ess = p->s.ess_now;
            p->s.ess_min = fmin(p->s.ess_min, p->s.ess);
        }
    }
#pragma omp parallel for default(none) shared(t) schedule(static)
    for (size_t b = 0; b < t->data_blocks; b++) {
        const size_t first = b * t->block, count = jebm_block_count(t, t->n, b);
        double U[JEBM_BLOCK];
        t->now->ops->eval(t->now, count, t->data + first * t->now->d, U, NULL);
        t->data_U[b] = 0.0;
        for (size_t i = 0; i < count; i++) {
            t->data_U[b] += U[i];
        }
    }
    double energy = 0.0;
    for (size_t b = 0; b < t->data_blocks; b++) {
        energy += t->data_U[b];
    }
    t->data_energy = energy / (double)t->n;
    t->settled = true;
    return JEBM_OK;
}
