/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/masses.h"

#include "core/ensemble.h"
#include "core/rng.h"

#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STREAM UINT64_C(0x626f6f7473747261) /* "bootstra": apart from all runs' streams */
#define DRAWS ((size_t)256) /* uniforms made at a time */

static jebm_status check(size_t n, size_t nclasses, const uint8_t *class_of,
                         const jebm_bootstrap *bootstrap, jebm_error *err) {
    if (n == 0 || n > UINT32_MAX || nclasses == 0 || nclasses > JEBM_CLASSES_MAX) {
        return jebm_fail(err, JEBM_EINVAL, "masses of %zu walkers in %zu classes, expected 1 to %d",
                         n, nclasses, JEBM_CLASSES_MAX);
    }
    if (bootstrap != NULL && bootstrap->replicates == 1) {
        return jebm_fail(err, JEBM_EINVAL, "bootstrap of 1 replicate, expected none or at least 2");
    }
    for (size_t i = 0; i < n; i++) {
        if (class_of[i] >= nclasses ||
            (bootstrap != NULL && bootstrap->family != NULL && bootstrap->family[i] >= n)) {
            return jebm_fail(err, JEBM_EINVAL,
                             "masses: walker %zu has class %u%s, expected classes below %zu and "
                             "families below %zu",
                             i, class_of[i],
                             class_of[i] < nclasses ? " and a family out of range" : "", nclasses,
                             n);
        }
    }
    return JEBM_OK;
}

/* w[n]: normalised weights */
static jebm_status weigh(size_t n, const double *logw, double *w, jebm_error *err) {
    if (logw == NULL) {
        for (size_t i = 0; i < n; i++) {
            w[i] = 1.0 / (double)n;
        }
        return JEBM_OK;
    }
    if (jebm_weights_normalise(n, logw, w) != JEBM_OK) {
        return jebm_fail(err, JEBM_EDIVERGE,
                         "masses: the weights of %zu walkers cannot be normalised: a log-weight is "
                         "NaN or infinite, or all weights are 0",
                         n);
    }
    return JEBM_OK;
}

/* what the bootstrap draws: units (walkers, or families of them) with their mass in each class */
typedef struct units {
    size_t n, nclasses;
    double *mass; /* [n][nclasses] */
} units;

/* u->mass is zeroed and has room for n units; place [n] is scratch */
static void gather(size_t n, const uint8_t *class_of, const double *w, const uint32_t *family,
                   uint32_t *place, units *u) {
    memset(place, 0xff, n * sizeof *place);
    for (size_t i = 0; i < n; i++) {
        const size_t id = family != NULL ? family[i] : i;
        if (place[id] == UINT32_MAX) {
            place[id] = (uint32_t)u->n++;
        }
        u->mass[place[id] * u->nclasses + class_of[i]] += w[i];
    }
}

/* p[nclasses] of replicate r; left alone if all that was drawn has weight 0 */
static void replicate(const units *u, jebm_rng rng, uint64_t r, double *p) {
    double mass[JEBM_CLASSES_MAX] = {0}, total = 0.0, uniform[DRAWS];
    for (size_t first = 0; first < u->n; first += DRAWS) {
        const size_t count = u->n - first < DRAWS ? u->n - first : DRAWS;
        jebm_rng_uniforms(rng, JEBM_LANE_RESAMPLE, r, first, count, uniform);
        for (size_t i = 0; i < count; i++) {
            /* u n is in (0, n], and rounding keeps it there */
            const size_t drawn = (size_t)ceil(uniform[i] * (double)u->n) - 1;
            for (size_t j = 0; j < u->nclasses; j++) {
                mass[j] += u->mass[drawn * u->nclasses + j];
            }
        }
    }
    for (size_t j = 0; j < u->nclasses; j++) {
        total += mass[j];
    }
    for (size_t j = 0; total > 0.0 && j < u->nclasses; j++) {
        p[j] = mass[j] / total;
    }
}

/* p [nclasses][replicates], and from it the errors and intervals */
static void draw(const units *u, const jebm_bootstrap *b, double *p, jebm_masses *out) {
    const jebm_rng rng = jebm_rng_make(b->seed, STREAM);
    const size_t replicates = b->replicates;
#pragma omp parallel for default(none) shared(u, rng, replicates, p, out) schedule(static)
    for (size_t r = 0; r < replicates; r++) {
        double one[JEBM_CLASSES_MAX];
        memcpy(one, out->mass, sizeof one);
        replicate(u, rng, r, one);
        for (size_t j = 0; j < u->nclasses; j++) {
            p[j * replicates + r] = one[j];
        }
    }
    for (size_t j = 0; j < u->nclasses; j++) {
        double *sorted = p + j * replicates;
        gsl_sort(sorted, 1, replicates);
        out->error[j] = gsl_stats_sd(sorted, 1, replicates);
        out->low[j] = gsl_stats_quantile_from_sorted_data(sorted, 1, replicates, 0.025);
        out->high[j] = gsl_stats_quantile_from_sorted_data(sorted, 1, replicates, 0.975);
    }
}

static jebm_status resample(size_t n, const uint8_t *class_of, const double *w,
                            const jebm_bootstrap *b, jebm_masses *out, jebm_error *err) {
    units u = {.nclasses = out->nclasses, .mass = calloc(n * out->nclasses, sizeof *u.mass)};
    uint32_t *place = malloc(n * sizeof *place);
    double *p = calloc(b->replicates, out->nclasses * sizeof *p);
    jebm_status status = JEBM_OK;
    if (u.mass != NULL && place != NULL && p != NULL) {
        gather(n, class_of, w, b->family, place, &u);
        out->units = u.n;
        if (u.n > 1) { /* of one, every replicate is the same: that is no error of 0 */
            draw(&u, b, p, out);
        }
    } else {
        status = jebm_fail(err, JEBM_ENOMEM, "no memory for a bootstrap of %zu walkers", n);
    }
    free(u.mass);
    free(place);
    free(p);
    return status;
}

jebm_status jebm_masses_of(size_t n, size_t nclasses, const uint8_t *class_of, const double *logw,
                           const jebm_bootstrap *bootstrap, jebm_masses *out, jebm_error *err) {
    JEBM_TRY(check(n, nclasses, class_of, bootstrap, err));
    double *w = malloc(n * sizeof *w);
    if (w == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for the weights of %zu walkers", n);
    }
    jebm_status status = weigh(n, logw, w, err);
    if (status == JEBM_OK) {
        *out = (jebm_masses){.nclasses = nclasses};
        for (size_t j = 0; j < nclasses; j++) {
            out->error[j] = out->low[j] = out->high[j] = NAN;
        }
        for (size_t i = 0; i < n; i++) {
            out->mass[class_of[i]] += w[i];
            out->share[class_of[i]] += 1.0;
        }
        for (size_t j = 0; j < nclasses; j++) {
            out->share[j] /= (double)n;
        }
        if (bootstrap != NULL && bootstrap->replicates > 0) {
            status = resample(n, class_of, w, bootstrap, out, err);
        }
    }
    free(w);
    return status;
}

double jebm_total_variation(size_t n, const double *p, const double *q) {
    double sum = 0.0;
    for (size_t j = 0; j < n; j++) {
        sum += fabs(p[j] - q[j]);
    }
    return 0.5 * sum;
}

void jebm_relative_errors(size_t n, const double *p, const double *target, double *relative) {
    for (size_t j = 0; j < n; j++) {
        relative[j] = p[j] / target[j] - 1.0;
    }
}
