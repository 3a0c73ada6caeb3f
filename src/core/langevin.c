/* The general path, for any energy and any drift: tiles of walkers, log-ratios in double. It is
 * also the reference that the fused kernels are tested against.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/langevin.h"

#include "core/isa.h"
#include "core/kernel.h"
#include "core/langevin_internal.h"
#include "energy/energy.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const jebm_langevin_kernels *kernels(void) {
    static const jebm_langevin_kernels *const table[JEBM_ISA_COUNT] =
        JEBM_PICK(jebm_langevin_kernels);
    return table[jebm_isa_current()];
}

static bool fused(const jebm_energy *energy, const jebm_move *move) {
    return energy->ops->cache_width != NULL && move->clip == 0.0 && move->sigma == 0.0 &&
           move->bound == 0.0;
}

static double deviation(const jebm_move *move) {
    return move->sigma > 0.0 ? move->sigma : sqrt(2.0 * move->h);
}

static jebm_move_terms terms(const jebm_move *move) {
    const double sigma = deviation(move);
    return (jebm_move_terms){
        .h = move->h,
        .clip = move->clip > 0.0 ? move->clip : INFINITY,
        .bound = move->bound > 0.0 ? move->bound : INFINITY,
        .deviation = sigma,
        .variance_2 = move->sigma == 0.0 || move->assume_2h ? 4.0 * move->h : 2.0 * sigma * sigma,
        .weigh_refusal = move->bound > 0.0 && !move->unweighed_refusal};
}

void jebm_langevin_begin(const jebm_energy *energy, size_t m, const uint32_t *ids,
                         jebm_ensemble *e) {
    if (energy->ops->cache_width != NULL) {
        energy->ops->begin(energy, m, ids, e);
        return;
    }
    /* runs of consecutive walkers are evaluated together: an energy may be faster so */
    for (size_t i = 0, run = 1; i < m; i += run, run = 1) {
        while (i + run < m && ids[i + run] == ids[i] + run) {
            run++;
        }
        energy->ops->eval(energy, run, e->x + ids[i] * e->d, e->U + ids[i],
                          e->cache + ids[i] * e->d);
    }
}

static double square(size_t d, const float *v) {
    double sum = 0.0;
    for (size_t j = 0; j < d; j++) {
        sum += (double)v[j] * (double)v[j];
    }
    return sum;
}

/* a tile of walkers on their way: rows of d floats each */
typedef struct tile {
    size_t n, d;
    const uint32_t *ids;
    float *x, *y, *grad_x, *grad_y, *noise, *released;
    double logw[JEBM_LANGEVIN_TILE], U[JEBM_LANGEVIN_TILE];
} tile;

static void load(const jebm_energy *now, const jebm_ensemble *e, tile *t) {
    const size_t d = t->d;
    for (size_t i = 0; i < t->n; i++) {
        memcpy(t->x + i * d, e->x + t->ids[i] * d, d * sizeof(float));
        t->logw[i] = e->logw[t->ids[i]];
        t->U[i] = e->U[t->ids[i]];
    }
    /* an energy with a cache of its own does not keep the gradient: evaluate it */
    if (now->ops->cache_width != NULL) {
        now->ops->eval(now, t->n, t->x, t->U, t->grad_x);
        return;
    }
    for (size_t i = 0; i < t->n; i++) {
        memcpy(t->grad_x + i * d, e->cache + t->ids[i] * d, d * sizeof(float));
    }
}

static void store(const jebm_energy *now, const tile *t, jebm_ensemble *e) {
    const size_t d = t->d;
    for (size_t i = 0; i < t->n; i++) {
        memcpy(e->x + t->ids[i] * d, t->x + i * d, d * sizeof(float));
        e->logw[t->ids[i]] = t->logw[i];
        e->U[t->ids[i]] = t->U[i];
        if (now->ops->cache_width == NULL) {
            memcpy(e->cache + t->ids[i] * d, t->grad_x + i * d, d * sizeof(float));
        }
    }
}

/* the two rules that evaluate the old energy at the new place: U_k(y) - U_{k+1}(y), ... */
static void weigh_in_place(const jebm_energy *from, const jebm_move *move, const double *U_y,
                           tile *t) {
    double U[JEBM_LANGEVIN_TILE];
    from->ops->eval(from, t->n, t->y, U, t->released);
    for (size_t i = 0; i < t->n; i++) {
        t->logw[i] += U[i] - U_y[i];
        if (move->rule == JEBM_WEIGHTS_RELEASED) {
            t->logw[i] +=
                0.25 * move->h *
                (square(t->d, t->released + i * t->d) - square(t->d, t->grad_y + i * t->d));
        }
    }
}

static void swap(float **a, float **b) {
    float *c = *a;
    *a = *b;
    *b = c;
}

/* one step of a tile; U[i] of the last step only, unless the rule wants it at each */
static void step_tile(const jebm_energy *from, const jebm_energy *next, const jebm_move *move,
                      bool last, tile *t) {
    const jebm_move_terms m = terms(move);
    assert(!move->leave || move->rule == JEBM_WEIGHTS_FROZEN);
    const jebm_langevin_kernels *kernel = kernels();
    const bool in_place =
        move->rule == JEBM_WEIGHTS_RELEASED || move->rule == JEBM_WEIGHTS_CONTINUOUS;
    double U_y[JEBM_LANGEVIN_TILE];
    for (size_t i = 0; i < t->n; i++) {
        float *noise = t->noise + i * t->d;
        jebm_rng_normals(move->rng, move->lane, move->step, t->ids[i], 1, t->d, (float)m.deviation,
                         noise);
        kernel->move(&m, t->d, t->x + i * t->d, t->grad_x + i * t->d, noise, t->y + i * t->d);
    }
    if (last && move->leave) {
        swap(&t->x, &t->y);
        return;
    }
    next->ops->eval(next, t->n, t->y, last || in_place ? U_y : NULL, t->grad_y);
    if (move->rule == JEBM_WEIGHTS_EXACT) {
        for (size_t i = 0; i < t->n; i++) {
            const size_t at = i * t->d;
            t->logw[i] += kernel->path(&m, t->d, t->x + at, t->y + at, t->grad_x + at,
                                       t->grad_y + at, t->noise + at);
            /* U telescopes: what lies between the first and the last place cancels */
            t->logw[i] += last ? t->U[i] - U_y[i] : 0.0;
        }
    } else if (in_place) {
        weigh_in_place(from, move, U_y, t);
    }
    if (last) {
        memcpy(t->U, U_y, t->n * sizeof U_y[0]);
    }
    swap(&t->x, &t->y);
    swap(&t->grad_x, &t->grad_y);
}

void jebm_langevin_walk(const jebm_energy *now, const jebm_energy *next, const jebm_move *move,
                        size_t steps, size_t m, const uint32_t *ids, jebm_ensemble *e,
                        float *scratch) {
    jebm_move each = *move;
    if (fused(next, move)) {
        for (size_t s = 0; s < steps; s++, each.lane += JEBM_LANE_STRIDE) {
            next->ops->step(s == 0 ? now : next, next, &each, m, ids, e);
        }
        return;
    }
    const size_t rows = JEBM_LANGEVIN_TILE * e->d;
    for (size_t first = 0; first < m; first += JEBM_LANGEVIN_TILE) {
        tile t = {.n = m - first < JEBM_LANGEVIN_TILE ? m - first : JEBM_LANGEVIN_TILE,
                  .d = e->d,
                  .ids = ids + first,
                  .x = scratch,
                  .y = scratch + rows,
                  .grad_x = scratch + 2 * rows,
                  .grad_y = scratch + 3 * rows,
                  .noise = scratch + 4 * rows,
                  .released = scratch + 5 * rows};
        load(now, e, &t);
        each.lane = move->lane;
        for (size_t s = 0; s < steps; s++, each.lane += JEBM_LANE_STRIDE) {
            step_tile(s == 0 ? now : next, next, &each, s + 1 == steps, &t);
        }
        store(now, &t, e);
    }
    if (next->ops->cache_width != NULL) {
        next->ops->begin(next, m, ids, e);
    }
}

void jebm_langevin_step(const jebm_energy *now, const jebm_energy *next, const jebm_move *move,
                        size_t m, const uint32_t *ids, jebm_ensemble *e, float *scratch) {
    jebm_langevin_walk(now, next, move, 1, m, ids, e, scratch);
}

void jebm_langevin_frozen(const jebm_energy *next, jebm_weight_rule rule, size_t m,
                          const uint32_t *ids, jebm_ensemble *e) {
    if (rule != JEBM_WEIGHTS_FROZEN) {
        for (size_t i = 0; i < m; i++) {
            e->logw[ids[i]] += e->U[ids[i]];
        }
    }
    jebm_langevin_begin(next, m, ids, e);
    if (rule != JEBM_WEIGHTS_FROZEN) {
        for (size_t i = 0; i < m; i++) {
            e->logw[ids[i]] -= e->U[ids[i]];
        }
    }
}
