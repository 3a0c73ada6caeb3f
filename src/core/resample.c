/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/resample.h"

#include "core/weights_internal.h"

#include <math.h>
#include <string.h>

static const char *const names[JEBM_RESAMPLING_COUNT] = {"multinomial", "stratified", "systematic",
                                                         "residual",    "ssp",        "killing"};

const char *jebm_resampling_name(jebm_resampling scheme) {
    return (unsigned)scheme < JEBM_RESAMPLING_COUNT ? names[scheme] : NULL;
}

size_t jebm_resample_scratch(size_t n) {
    /* masses, uniforms (multinomial draws n + 1 spacings, rounded to an even number) */
    return 2 * n + 2;
}

/* Scatter ascending points u[m] in (0, 1] over walkers of masses p[n] (sum `total`, any rounding):
 * point u belongs to the first walker whose cumulative mass reaches u * total. Walkers of mass 0
 * are never chosen, and points beyond the last sum, which rounding can leave, go to the last walker
 * that has mass. */
static void scatter(size_t n, const double *p, double total, size_t m, const double *u,
                    uint32_t *copies) {
    size_t last = n;
    while (last > 0 && !(p[last - 1] > 0.0)) {
        last--;
    }
    size_t i = 0;
    double cumulative = p[0];
    for (size_t k = 0; k < m; k++) {
        while (i + 1 < last && (u[k] * total > cumulative || !(p[i] > 0.0))) {
            cumulative += p[++i];
        }
        copies[i]++;
    }
}

/* ascending uniforms: partial sums of m + 1 exponential spacings over their total; u has m + 2 */
static void sorted_uniforms(jebm_rng rng, uint32_t lane, uint64_t step, size_t m, double *u) {
    double sum = 0.0;
    jebm_rng_uniforms(rng, lane, step, 0, m + 1, u);
    for (size_t k = 0; k <= m; k++) {
        sum -= log(u[k]);
        u[k] = sum;
    }
    for (size_t k = 0; k < m; k++) {
        u[k] /= sum;
    }
}

static void residual(size_t n, double *p, double total, jebm_rng rng, uint64_t step, double *u,
                     uint32_t *copies) {
    size_t certain = 0;
    double rest = 0.0;
    for (size_t i = 0; i < n; i++) {
        /* in this order, so that equal weights give exactly 1 */
        const double expected = p[i] * (double)n / total;
        copies[i] = (uint32_t)expected;
        certain += copies[i];
        p[i] = expected - copies[i];
        rest += p[i];
    }
    /* rounding may leave a whole walker where the residuals sum to next to nothing */
    if (certain < n) {
        sorted_uniforms(rng, JEBM_LANE_RESAMPLE, step, n - certain, u);
        scatter(n, p, rest, n - certain, u, copies);
    }
}

/* One point in each stratum, point k at k + offset(k): after walker i, with t = N P_i, the points
 * of strata below floor(t) have been passed and that of stratum floor(t) if its offset is at most
 * the fraction of t. offsets has one element for all strata (stride 0) or one each. No branches. */
static void strata(size_t n, const double *p, double total, const double *offset, size_t stride,
                   uint32_t *copies) {
    const double scale = (double)n / total;
    /* signed: conversions from and to double are single instructions */
    const int64_t top = (int64_t)n - 1;
    int64_t before = 0;
    double cumulative = 0.0;
    size_t last = n;
    while (last > 0 && !(p[last - 1] > 0.0)) {
        last--;
    }
    for (size_t i = 0; i + 1 < last; i++) {
        cumulative += p[i];
        const double t = cumulative * scale;
        int64_t stratum = (int64_t)t;
        stratum = stratum < top ? stratum : top;
        const int64_t passed = stratum + (offset[(size_t)stratum * stride] <= t - (double)stratum);
        copies[i] = (uint32_t)(passed - before);
        before = passed;
    }
    /* whatever rounding left belongs to the last walker that has mass */
    copies[last - 1] = (uint32_t)((int64_t)n - before);
}

/* Walkers in turn meet the one that is still undecided. Of two fractions f and g of a copy, one
 * takes all that both have, up to a whole copy, and the other the rest, which is nothing or, beyond
 * a copy, leaves it undecided; who does is drawn so that both keep their means. At the end the
 * undecided one has a whole copy or none, to rounding. A fraction of 0 never takes: u > 0. */
static void ssp(size_t n, const double *p, double total, const double *u, uint32_t *copies) {
    size_t undecided = 0;
    uint64_t given = 0;
    double f = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double expected = p[i] * (double)n / total;
        const int64_t whole = (int64_t)expected;
        const double g = expected - (double)whole, sum = f + g;
        /* beyond a copy it is easier to draw who gets the whole one and is settled */
        const bool over = sum > 1.0;
        const bool drawn = u[i] * (over ? 2.0 - sum : sum) <= (over ? 1.0 - g : f);
        const size_t settled = drawn == over ? undecided : i;
        copies[i] = (uint32_t)whole;
        copies[settled] += over;
        given += (uint64_t)whole + over;
        undecided ^= i ^ settled;
        f = sum - over;
    }
    copies[undecided] += given < n ? (uint32_t)(n - given) : 0;
}

/* masses are relative to the largest, so they are the probabilities of staying */
static void killing(size_t n, const double *p, double total, jebm_rng rng, uint64_t step, double *u,
                    uint32_t *copies) {
    size_t killed = 0;
    jebm_rng_uniforms(rng, JEBM_LANE_RESAMPLE, step, 0, n, u);
    for (size_t i = 0; i < n; i++) {
        copies[i] = u[i] <= p[i];
        killed += !copies[i];
    }
    sorted_uniforms(rng, JEBM_LANE_RESAMPLE + JEBM_LANE_STRIDE, step, killed, u);
    scatter(n, p, total, killed, u, copies);
}

/* copies[n] from masses p[n] > 0 that sum to total; u is scratch for n + 2 uniforms, p is destroyed
 */
static void choose(jebm_resampling scheme, size_t n, double *p, double total, jebm_rng rng,
                   uint64_t step, uint32_t *copies, double *u) {
    memset(copies, 0, n * sizeof *copies);
    switch (scheme) {
    case JEBM_MULTINOMIAL:
        sorted_uniforms(rng, JEBM_LANE_RESAMPLE, step, n, u);
        scatter(n, p, total, n, u, copies);
        break;
    case JEBM_STRATIFIED:
        jebm_rng_uniforms(rng, JEBM_LANE_RESAMPLE, step, 0, n, u);
        strata(n, p, total, u, 1, copies);
        break;
    case JEBM_SYSTEMATIC:
        u[0] = jebm_rng_uniform(rng, 0, JEBM_LANE_RESAMPLE, step);
        strata(n, p, total, u, 0, copies);
        break;
    case JEBM_RESIDUAL:
        residual(n, p, total, rng, step, u, copies);
        break;
    case JEBM_SSP:
        jebm_rng_uniforms(rng, JEBM_LANE_RESAMPLE, step, 0, n, u);
        ssp(n, p, total, u, copies);
        break;
    default:
        killing(n, p, total, rng, step, u, copies);
    }
}

jebm_status jebm_resample_copies(jebm_resampling scheme, size_t n, const double *logw, jebm_rng rng,
                                 uint64_t step, uint32_t *copies, double *scratch) {
    double max = 0.0;
    JEBM_TRY(jebm_weights_largest(n, logw, &max));
    const double total = jebm_weights_kernels_current()->masses(n, logw, max, scratch);
    choose(scheme, n, scratch, total, rng, step, copies, scratch + n);
    return JEBM_OK;
}

void jebm_resample_parents(size_t n, const uint32_t *copies, uint32_t *parent) {
    /* `spare` walks over the walkers that have more copies than their own place takes */
    size_t spare = 0;
    uint32_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (copies[i] > 0) {
            parent[i] = (uint32_t)i;
            continue;
        }
        while (copies[spare] < 2 || used + 1 == copies[spare]) {
            spare++;
            used = 0;
        }
        used++;
        parent[i] = (uint32_t)spare;
    }
}

static void move_rows(jebm_ensemble *e, const uint32_t *parent) {
    const size_t n = e->n, d = e->d, width = e->cache_width;
    float *x = e->x, *cache = e->cache;
    double *U = e->U;
    /* survivors are only read and vacant places only written, so the order does not matter */
#pragma omp parallel for default(none) shared(n, d, width, x, cache, U, parent) schedule(static)
    for (size_t i = 0; i < n; i++) {
        const size_t from = parent[i];
        if (from != i) {
            memcpy(x + i * d, x + from * d, d * sizeof *x);
            memcpy(cache + i * width, cache + from * width, width * sizeof *cache);
            U[i] = U[from];
        }
    }
}

jebm_status jebm_resample(jebm_resampling scheme, jebm_ensemble *e, jebm_rng rng, uint64_t step,
                          uint32_t *parent, uint32_t *copies, double *scratch) {
    double max = 0.0;
    JEBM_TRY(jebm_weights_largest(e->n, e->logw, &max));
    const double total = jebm_weights_kernels_current()->masses(e->n, e->logw, max, scratch);
    choose(scheme, e->n, scratch, total, rng, step, copies, scratch + e->n);
    jebm_resample_parents(e->n, copies, parent);
    move_rows(e, parent);
    memset(e->logw, 0, e->n * sizeof *e->logw);
    e->log_z += max + log(total / (double)e->n);
    return JEBM_OK;
}
