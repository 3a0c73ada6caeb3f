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

/* The members of block b, side by side and evaluated under theta_k, with settled weights. */
static void gather_block(jebm_trainer *t, population *p, size_t b) {
    const size_t first = b * JEBM_BLOCK, count = jebm_block_count(p->mini.n, b), d = p->e.d;
    for (size_t i = first; i < first + count; i++) {
        if (i + AHEAD < first + count) {
            prefetch_row(p->e.x + (size_t)p->members[i + AHEAD] * d, d);
        }
        memcpy(p->mini.x + i * d, p->e.x + (size_t)p->members[i] * d, d * sizeof(float));
    }
    jebm_langevin_begin(t->now, count, p->order + first, &p->mini);
    for (size_t i = first; i < first + count; i++) {
        p->mini.logw[i] = p->base[p->members[i]] - p->mini.U[i];
    }
}

static void move_block(jebm_trainer *t, population *p, size_t b) {
    const size_t first = b * JEBM_BLOCK, count = jebm_block_count(p->mini.n, b), d = p->e.d;
    jebm_move move = {.h = t->c.h,
                      .rule = t->rule,
                      .clip = t->c.clip,
                      .rng = p->rng,
                      .lane = JEBM_LANE_NOISE,
                      .step = t->k};
    const jebm_energy *from = t->now;
    for (size_t s = 0; s < t->c.inner; s++) {
        /* noise goes by place in the batch: another walker each iteration, but never the same draw
         */
        jebm_langevin_step(from, t->next, &move, count, p->order + first, &p->mini,
                           p->scratch + b * JEBM_LANGEVIN_ROWS * d);
        from = t->next;
        move.lane += JEBM_LANE_STRIDE;
    }
    for (size_t i = first; i < first + count; i++) {
        memcpy(p->e.x + (size_t)p->members[i] * d, p->mini.x + i * d, d * sizeof(float));
        p->base[p->members[i]] = p->mini.logw[i] + p->mini.U[i];
    }
}

static void data_block(jebm_trainer *t, const jebm_shuffle *shuffle, size_t n, size_t b) {
    const size_t first = b * JEBM_BLOCK, count = jebm_block_count(n, b), d = t->now->d;
    uint32_t from[JEBM_BLOCK];
    for (size_t i = 0; shuffle != NULL && i < count; i++) {
        from[i] = jebm_shuffle_at(shuffle, (uint32_t)(first + i));
        prefetch_row(t->data + from[i] * d, d);
    }
    for (size_t i = 0; shuffle != NULL && i < count; i++) {
        memcpy(t->data_rows + (first + i) * d, t->data + from[i] * d, d * sizeof(float));
    }
    jebm_trainer_data_block(t, t->now, n, shuffle != NULL ? t->data_rows : t->data, b);
}

/* D_k from the batch, its weights under theta_k */
static jebm_status gradient(jebm_trainer *t, jebm_error *err) {
    const bool all_data = t->c.data_batch == 0 || t->c.data_batch == t->n;
    const size_t n = all_data ? t->n : t->c.data_batch;
    const jebm_shuffle points = jebm_shuffle_make(t->data_rng, t->k, (uint32_t)t->n);
    jebm_shuffle walkers[JEBM_MAX_POPULATIONS];
    for (size_t i = 0; i < t->npopulations; i++) {
        walkers[i] = jebm_shuffle_make(t->pop[i].rng, t->k, (uint32_t)t->pop[i].e.n);
    }
#pragma omp parallel default(none) shared(t, n, points, walkers, all_data)
    {
        for (size_t i = 0; i < t->npopulations; i++) {
            population *p = &t->pop[i];
#pragma omp for schedule(static) nowait
            for (size_t b = 0; b < jebm_blocks_of(p->mini.n); b++) {
                for (size_t j = b * JEBM_BLOCK; j < b * JEBM_BLOCK + jebm_block_count(p->mini.n, b);
                     j++) {
                    p->members[j] = jebm_shuffle_at(&walkers[i], (uint32_t)j);
                }
                gather_block(t, p, b);
                if (i == 0) {
                    jebm_trainer_weigh_block(t, p, &p->mini, t->now, b);
                }
            }
        }
#pragma omp for schedule(static) nowait
        for (size_t b = 0; b < jebm_blocks_of(n); b++) {
            data_block(t, all_data ? NULL : &points, n, b);
        }
    }
    const population *p = &t->pop[0];
    for (size_t b = 0; b < jebm_blocks_of(p->mini.n); b++) {
        if (!p->part[b].finite) {
            return jebm_trainer_diverged(t, err,
                                         "the energy or log-weight of a walker is not finite");
        }
    }
    jebm_trainer_combine_gradient(t, jebm_blocks_of(p->mini.n), n);
    return JEBM_OK;
}

static void move_batch(jebm_trainer *t) {
#pragma omp parallel default(none) shared(t)
    for (size_t i = 0; i < t->npopulations; i++) {
        population *p = &t->pop[i];
#pragma omp for schedule(static) nowait
        for (size_t b = 0; b < jebm_blocks_of(p->mini.n); b++) {
            move_block(t, p, b);
        }
    }
}

/* all walkers' energies, caches and weights under `energy` */
static jebm_status settle_all(jebm_trainer *t, population *p, const jebm_energy *energy,
                              jebm_error *err) {
#pragma omp parallel for default(none) shared(t, p, energy) schedule(static)
    for (size_t b = 0; b < p->nblocks; b++) {
        const size_t first = b * JEBM_BLOCK, count = jebm_block_count(p->e.n, b);
        jebm_langevin_begin(energy, count, p->order + first, &p->e);
        for (size_t i = first; i < first + count; i++) {
            p->e.logw[i] = t->rule == JEBM_WEIGHTS_FROZEN ? 0.0 : p->base[i] - p->e.U[i];
        }
        jebm_trainer_weigh_block(t, p, &p->e, energy, b);
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
    const double before = p->s.resamplings;
    JEBM_TRY(settle_all(t, p, t->next, err));
    JEBM_TRY(jebm_trainer_maybe_resample(t, p, t->next, p->s.ess_now, err));
    p->s.judged_at = (double)t->k + 1.0;
    if (p->s.resamplings != before) {
        /* all A are 0 */
        memcpy(p->base, p->e.U, p->e.n * sizeof *p->base);
    }
    return JEBM_OK;
}

jebm_status jebm_trainer_step_batch(jebm_trainer *t, jebm_error *err) {
    JEBM_TRY(gradient(t, err));
    JEBM_TRY(jebm_trainer_update(t, err));
    move_batch(t);
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
        jebm_trainer_data_block(t, t->now, t->n, t->data, b);
    }
    double energy = 0.0;
    for (size_t b = 0; b < t->data_blocks; b++) {
        energy += t->data_part[b * (t->now->nparams + 1) + t->now->nparams];
    }
    t->data_energy = energy / (double)t->n;
    t->settled = true;
    return JEBM_OK;
}
