/* The general path, for any energy and any drift: one walker at a time, sums in double. It is also
 * the reference that the fused kernels are tested against.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/langevin.h"

#include "energy/energy.h"

#include <math.h>
#include <string.h>

static bool fused(const jebm_energy *energy, const jebm_move *move) {
    return energy->ops->cache_width != NULL && move->clip == 0.0;
}

void jebm_langevin_begin(const jebm_energy *energy, size_t m, const uint32_t *ids,
                         jebm_ensemble *e) {
    if (energy->ops->cache_width != NULL) {
        energy->ops->begin(energy, m, ids, e);
        return;
    }
    for (size_t i = 0; i < m; i++) {
        energy->ops->eval(energy, 1, e->x + ids[i] * e->d, e->U + ids[i], e->cache + ids[i] * e->d);
    }
}

static double clamped(float b, double clip) {
    return clip == 0.0 ? b : fmin(fmax(b, -clip), clip);
}

/* |x - y + h b(y)|^2 - |y - x + h b(x)|^2 with the drifts that are really used, so that
 * log q(x|y) - log q(y|x) = -value / 4h */
static double path_term(size_t d, const float *x, const float *y, const float *grad_x,
                        const float *grad_y, const jebm_move *move) {
    double sum = 0.0;
    for (size_t j = 0; j < d; j++) {
        const double delta = (double)y[j] - (double)x[j];
        const double forward = delta + move->h * clamped(grad_x[j], move->clip);
        const double backward = -delta + move->h * clamped(grad_y[j], move->clip);
        sum += backward * backward - forward * forward;
    }
    return sum;
}

static double square(size_t d, const float *v) {
    double sum = 0.0;
    for (size_t j = 0; j < d; j++) {
        sum += (double)v[j] * (double)v[j];
    }
    return sum;
}

static void step_one(const jebm_energy *now, const jebm_energy *next, const jebm_move *move,
                     size_t i, jebm_ensemble *e, float *scratch) {
    const size_t d = e->d;
    float *x = e->x + i * d, *noise = scratch, *y = scratch + d, *grad_x = scratch + 2 * d,
          *grad_y = scratch + 3 * d, *grad_released = scratch + 4 * d;
    double U_x = e->U[i];
    /* an energy with a cache of its own does not keep the gradient: evaluate it */
    if (now->ops->cache_width != NULL) {
        now->ops->eval(now, 1, x, &U_x, grad_x);
    } else {
        memcpy(grad_x, e->cache + i * d, d * sizeof *grad_x);
    }
    jebm_rng_normals(move->rng, move->lane, move->step, i, 1, d, (float)sqrt(2.0 * move->h), noise);
    for (size_t j = 0; j < d; j++) {
        y[j] = (float)(x[j] - move->h * clamped(grad_x[j], move->clip) + noise[j]);
    }
    double U_y = 0.0;
    next->ops->eval(next, 1, y, &U_y, grad_y);
    if (move->rule == JEBM_WEIGHTS_EXACT) {
        e->logw[i] += U_x - U_y - path_term(d, x, y, grad_x, grad_y, move) / (4.0 * move->h);
    } else if (move->rule != JEBM_WEIGHTS_FROZEN) {
        double U_now = 0.0;
        now->ops->eval(now, 1, y, &U_now, grad_released);
        e->logw[i] += U_now - U_y;
        if (move->rule == JEBM_WEIGHTS_RELEASED) {
            e->logw[i] += 0.25 * move->h * (square(d, grad_released) - square(d, grad_y));
        }
    }
    memcpy(x, y, d * sizeof *x);
    e->U[i] = U_y;
    if (now->ops->cache_width == NULL) {
        memcpy(e->cache + i * d, grad_y, d * sizeof *grad_y);
    }
}

void jebm_langevin_step(const jebm_energy *now, const jebm_energy *next, const jebm_move *move,
                        size_t m, const uint32_t *ids, jebm_ensemble *e, float *scratch) {
    if (fused(next, move)) {
        next->ops->step(now, next, move, m, ids, e);
        return;
    }
    for (size_t i = 0; i < m; i++) {
        step_one(now, next, move, ids[i], e, scratch);
    }
    if (next->ops->cache_width != NULL) {
        next->ops->begin(next, m, ids, e);
    }
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
