/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/ais.h"

#include "core/genealogy.h"
#include "core/threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct ais {
    const jebm_ais_config *c;
    jebm_energy *now, *next;
    jebm_ensemble e;
    uint32_t *ids, *parent, *copies, *eve;
    double *scratch, *U_ref;
    float *rows; /* [threads][JEBM_LANGEVIN_ROWS][d] */
    double variance; /* of log Z, of the resamplings so far */
    size_t block, resamplings;
} ais;

static void release(ais *a) {
    jebm_energy_free(a->now);
    jebm_energy_free(a->next);
    jebm_ensemble_free(&a->e);
    free(a->ids);
    free(a->parent);
    free(a->copies);
    free(a->eve);
    free(a->scratch);
    free(a->U_ref);
    free(a->rows);
}

static jebm_status prepare(const jebm_energy *energy, const jebm_ais_config *c, ais *a,
                           jebm_error *err) {
    const size_t n = c->walkers, d = energy->d;
    *a = (ais){.c = c, .block = energy->block > 0 ? energy->block : JEBM_BLOCK};
    if (energy->ops->reference == NULL) {
        return jebm_fail(err, JEBM_EUNSUPPORTED,
                         "energy %s has no reference density to anneal from", energy->ops->name);
    }
    JEBM_TRY(jebm_ensemble_init(&a->e, n, d, jebm_energy_cache_width(energy), err));
    a->now = energy->ops->copy(energy);
    a->next = energy->ops->copy(energy);
    a->ids = malloc(n * sizeof *a->ids);
    a->parent = malloc(n * sizeof *a->parent);
    a->copies = malloc(n * sizeof *a->copies);
    a->eve = malloc(n * sizeof *a->eve);
    a->scratch = malloc(jebm_resample_scratch(n) * sizeof *a->scratch);
    a->U_ref = malloc(n * sizeof *a->U_ref);
    a->rows = malloc(jebm_thread_count() * JEBM_LANGEVIN_ROWS * d * sizeof *a->rows);
    if (a->now == NULL || a->next == NULL || a->ids == NULL || a->parent == NULL ||
        a->copies == NULL || a->eve == NULL || a->scratch == NULL || a->U_ref == NULL ||
        a->rows == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory to anneal %zu walkers", n);
    }
    JEBM_TRY(jebm_energy_room(a->now, err));
    JEBM_TRY(jebm_energy_room(a->next, err));
    for (size_t i = 0; i < n; i++) {
        a->ids[i] = (uint32_t)i;
    }
    jebm_eve_start(n, a->eve);
    return JEBM_OK;
}

/* all walkers from `now`, at beta, to `next`, step k */
static void walk(ais *a, uint64_t k, double beta) {
    const size_t nblocks = (a->e.n + a->block - 1) / a->block;
    jebm_move move = a->c->move;
    if (a->c->h_max > 0.0) {
        move.h = move.h < beta * a->c->h_max ? move.h / beta : a->c->h_max;
    }
    move.step = k;
    move.lane = JEBM_LANE_NOISE;
#pragma omp parallel for default(none) shared(a, nblocks, move, k) schedule(static)
    for (size_t b = 0; b < nblocks; b++) {
        const size_t first = b * a->block, left = a->e.n - first;
        const size_t count = left < a->block ? left : a->block;
        if (k == 0) {
            jebm_langevin_begin(a->now, count, a->ids + first, &a->e);
        } else {
            jebm_langevin_walk(a->now, a->next, &move, a->c->inner, count, a->ids + first, &a->e,
                               a->rows + jebm_thread_index() * JEBM_LANGEVIN_ROWS * a->e.d);
        }
    }
}

/* beta after k steps */
static double schedule(const jebm_ais_config *c, bool forward, size_t k) {
    const size_t at = forward ? k : c->steps - k;
    return pow((double)at / (double)c->steps, c->power);
}

/* are all weights finite; and resample if that is due */
static jebm_status maybe_resample(ais *a, uint64_t k, jebm_error *err) {
    jebm_weight_stats s;
    if (jebm_weight_stats_of(a->e.n, a->e.logw, &s) != JEBM_OK) {
        return jebm_fail(err, JEBM_EDIVERGE,
                         "annealing step %llu: an energy or log-weight is not finite; lower h",
                         (unsigned long long)k);
    }
    if (a->c->threshold == 0.0 || s.ess >= a->c->threshold) {
        return JEBM_OK;
    }
    a->variance += (1.0 / s.ess - 1.0) / (double)a->e.n;
    a->resamplings++;
    JEBM_TRY(
        jebm_resample(JEBM_SYSTEMATIC, &a->e, a->c->move.rng, k, a->parent, a->copies, a->scratch));
    jebm_eve_resample(a->e.n, a->parent, a->eve);
    return JEBM_OK;
}

static void finish(const ais *a, double sign, double log_z_ref, jebm_ais_estimate *out) {
    jebm_weight_stats s = {0};
    (void)jebm_weight_stats_of(a->e.n, a->e.logw, &s);
    out->log_z = log_z_ref + sign * (a->e.log_z + s.log_mean_exp);
    out->se = sqrt(a->variance + (1.0 / s.ess - 1.0) / (double)a->e.n);
    out->ess = s.ess;
    out->resamplings = a->resamplings;
    if (a->c->x != NULL) {
        memcpy(a->c->x, a->e.x, a->e.n * a->e.d * sizeof *a->e.x);
    }
    if (a->c->logw != NULL) {
        memcpy(a->c->logw, a->e.logw, a->e.n * sizeof *a->e.logw);
    }
    if (a->c->ancestor != NULL) {
        memcpy(a->c->ancestor, a->eve, a->e.n * sizeof *a->eve);
    }
}

/* with walkers in place: along the path, in either direction */
static jebm_status anneal(ais *a, const double *theta, bool forward, jebm_error *err) {
    double beta = schedule(a->c, forward, 0);
    a->c->path(theta, beta, a->now);
    walk(a, 0, beta);
    for (size_t k = 1; k <= a->c->steps; k++) {
        const double to = schedule(a->c, forward, k);
        a->c->path(theta, to, a->next);
        walk(a, k, beta);
        beta = to;
        jebm_energy *old = a->now;
        a->now = a->next;
        a->next = old;
        JEBM_TRY(maybe_resample(a, k, err));
    }
    return JEBM_OK;
}

jebm_status jebm_ais_forward(const jebm_energy *energy, const jebm_ais_config *c,
                             jebm_ais_estimate *out, jebm_error *err) {
    ais a;
    jebm_status status = prepare(energy, c, &a, err);
    if (status == JEBM_OK) {
        const double log_z_ref =
            energy->ops->reference(energy, c->move.rng, 0, c->walkers, a.e.x, a.U_ref);
        status = anneal(&a, energy->theta, true, err);
        if (status == JEBM_OK) {
            finish(&a, 1.0, log_z_ref, out);
        }
    }
    release(&a);
    return status;
}

jebm_status jebm_ais_reverse(const jebm_energy *energy, const jebm_ais_config *c, const float *x,
                             jebm_ais_estimate *out, jebm_error *err) {
    ais a;
    jebm_ais_config plain = *c;
    plain.threshold = 0.0; /* resampling would turn the bound around */
    jebm_status status = prepare(energy, &plain, &a, err);
    if (status == JEBM_OK) {
        const double log_z_ref =
            energy->ops->reference(energy, c->move.rng, 0, c->walkers, a.e.x, a.U_ref);
        memcpy(a.e.x, x, c->walkers * energy->d * sizeof *x);
        status = anneal(&a, energy->theta, false, err);
        if (status == JEBM_OK) {
            finish(&a, -1.0, log_z_ref, out);
        }
    }
    release(&a);
    return status;
}
