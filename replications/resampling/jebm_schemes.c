/* jebm-schemes: how much noise each resampling scheme adds (App. A.4), without any dynamics.
 *
 * N walkers x_i ~ N(0,1) with weights proportional to exp(-tau/2 (x_i - 1)^2) are resampled by each
 * scheme: the weight family of Chopin and Papaspiliopoulos, An Introduction to Sequential Monte
 * Carlo, 2020, Fig. 9.2. A run is a trial, the same walkers for every scheme; step k of a run is
 * the k-th tau.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/driver.h"
#include "core/resample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const jebm_key keys[] = {
    {"walkers", JEBM_KEY_COUNT, 1, 4e9, false, false, NULL, NULL, "walkers N"},
    {"taus", JEBM_KEY_REALS, 0, 1e6, false, false, NULL, NULL,
     "tau of each step, from step 0 on: weights are exp(-tau/2 (x-1)^2)"},
    {"sorted", JEBM_KEY_BOOL, 0, 0, false, false, NULL, "no",
     "resample the walkers in the order of x instead of the random one that they were drawn in"},
};

static const char *const columns[] = {
    "tau", "ess", "tv", "mean_weighted", "error", "error_2", "error_square_2", "distinct"};
#define COLUMNS (sizeof columns / sizeof columns[0])

typedef struct trial {
    jebm_resampling scheme;
    size_t n, ntaus;
    double taus[32];
    jebm_rng rng; /* of the resampling */
    uint64_t k;
    double *x; /* [n] */
    double *logw, *p; /* [n] log-weights; normalised weights */
    uint32_t *copies;
    double *scratch;
} trial;

static jebm_status plan(const jebm_preset *preset, jebm_cell *cells, size_t *ncells,
                        jebm_error *err) {
    double taus[32];
    const size_t ntaus = jebm_preset_reals(preset, "taus", taus);
    const uint64_t iterations = jebm_preset_count(preset, "iterations");
    if (iterations + 1 != ntaus) {
        return jebm_fail(err, JEBM_EINVAL,
                         "key 'iterations' is %llu, expected %zu: step 0 and one step for each "
                         "further one of the %zu 'taus'",
                         (unsigned long long)iterations, ntaus - 1, ntaus);
    }
    *ncells = JEBM_RESAMPLING_COUNT;
    for (size_t s = 0; s < JEBM_RESAMPLING_COUNT; s++) {
        cells[s].index = s;
        snprintf(cells[s].method, sizeof cells[s].method, "%s",
                 jebm_resampling_name((jebm_resampling)s));
        snprintf(cells[s].variant, sizeof cells[s].variant, "-");
    }
    return JEBM_OK;
}

static uint64_t memory(const jebm_preset *preset, const char **key) {
    const uint64_t n = jebm_preset_count(preset, "walkers");
    *key = "walkers";
    return (3 * n + jebm_resample_scratch(n)) * sizeof(double) + n * sizeof(uint32_t);
}

static void close_trial(void *state) {
    trial *t = state;
    if (t == NULL) {
        return;
    }
    free(t->x);
    free(t->logw);
    free(t->p);
    free(t->copies);
    free(t->scratch);
    free(t);
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* what a stream of random numbers is for; the rest of its number is the scheme and the run */
enum { STREAM_WALKERS = 1, STREAM_RESAMPLING };

static jebm_rng stream(const jebm_preset *preset, unsigned purpose, size_t scheme, size_t run) {
    return jebm_rng_make(jebm_preset_seed(preset),
                         (uint64_t)run << 32 | (uint64_t)scheme << 8 | purpose);
}

static void draw_walkers(const jebm_preset *preset, size_t run, trial *t) {
    const jebm_rng rng = stream(preset, STREAM_WALKERS, 0, run);
    float normal[JEBM_BLOCK];
    for (size_t first = 0; first < t->n; first += JEBM_BLOCK) {
        const size_t count = t->n - first < JEBM_BLOCK ? t->n - first : JEBM_BLOCK;
        jebm_rng_normals(rng, JEBM_LANE_INIT, 0, first, count, 1, 1.0f, normal);
        for (size_t i = 0; i < count; i++) {
            t->x[first + i] = normal[i];
        }
    }
    if (jebm_preset_bool(preset, "sorted")) {
        qsort(t->x, t->n, sizeof *t->x, ascending);
    }
}

static jebm_status open_trial(const jebm_preset *preset, const jebm_cell *cell, size_t run,
                              void **state, jebm_error *err) {
    trial *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for a trial");
    }
    t->scheme = (jebm_resampling)cell->index;
    t->n = jebm_preset_count(preset, "walkers");
    t->ntaus = jebm_preset_reals(preset, "taus", t->taus);
    t->rng = stream(preset, STREAM_RESAMPLING, cell->index, run);
    t->x = malloc(t->n * sizeof *t->x);
    t->logw = malloc(t->n * sizeof *t->logw);
    t->p = malloc(t->n * sizeof *t->p);
    t->copies = malloc(t->n * sizeof *t->copies);
    t->scratch = malloc(jebm_resample_scratch(t->n) * sizeof *t->scratch);
    if (t->x == NULL || t->logw == NULL || t->p == NULL || t->copies == NULL ||
        t->scratch == NULL) {
        const size_t n = t->n;
        close_trial(t);
        return jebm_fail(err, JEBM_ENOMEM, "no memory for %zu walkers", n);
    }
    draw_walkers(preset, run, t);
    *state = t;
    return JEBM_OK;
}

/* the trial moves to the next tau; all work is in record(), which every tau has */
static jebm_status next_tau(void *state, jebm_error *err) {
    (void)err;
    trial *t = state;
    t->k++;
    return JEBM_OK;
}

/* by how much the means of x and x^2 and the weights themselves are off after resampling */
static void compare(const trial *t, double *row) {
    const double n = (double)t->n;
    double tv = 0.0, mean = 0.0, error = 0.0, error_square = 0.0;
    size_t distinct = 0;
    for (size_t i = 0; i < t->n; i++) {
        const double off = t->copies[i] / n - t->p[i];
        tv += 0.5 * fabs(off);
        mean += t->p[i] * t->x[i];
        error += off * t->x[i];
        error_square += off * t->x[i] * t->x[i];
        distinct += t->copies[i] > 0;
    }
    row[2] = tv;
    row[3] = mean;
    row[4] = error;
    row[5] = error * error;
    row[6] = error_square * error_square;
    row[7] = (double)distinct / n;
}

static jebm_status record(void *state, double *row, jebm_error *err) {
    trial *t = state;
    const double tau = t->taus[t->k];
    jebm_weight_stats stats;
    for (size_t i = 0; i < t->n; i++) {
        t->logw[i] = -0.5 * tau * (t->x[i] - 1.0) * (t->x[i] - 1.0);
    }
    if (jebm_weight_stats_of(t->n, t->logw, &stats) != JEBM_OK ||
        jebm_weights_normalise(t->n, t->logw, t->p) != JEBM_OK ||
        jebm_resample_copies(t->scheme, t->n, t->logw, t->rng, t->k, t->copies, t->scratch) !=
            JEBM_OK) {
        return jebm_fail(err, JEBM_EDIVERGE, "tau = %g: the weights cannot be normalised", tau);
    }
    row[0] = tau;
    row[1] = stats.ess;
    compare(t, row);
    return JEBM_OK;
}

static size_t arrays(void *state, jebm_array list[JEBM_MAX_STATE]) {
    trial *t = state;
    list[0] = (jebm_array){"k", JEBM_U64, 1, {1}, &t->k};
    return 1;
}

static jebm_status restored(void *state, jebm_error *err) {
    const trial *t = state;
    return t->k < t->ntaus ? JEBM_OK
                           : jebm_fail(err, JEBM_EFORMAT, "step %llu found, expected at most %zu",
                                       (unsigned long long)t->k, t->ntaus - 1);
}

int main(int argc, char **argv) {
    static const jebm_driver driver = {.program = "jebm-schemes",
                                       .purpose = "Noise that resampling schemes add: App. A.4",
                                       .presets = "replications/resampling/presets/schemes.ini",
                                       .keys = keys,
                                       .nkeys = sizeof keys / sizeof keys[0],
                                       .columns = columns,
                                       .ncolumns = COLUMNS,
                                       .plan = plan,
                                       .memory = memory,
                                       .open = open_trial,
                                       .step = next_tau,
                                       .record = record,
                                       .arrays = arrays,
                                       .restored = restored,
                                       .close = close_trial};
    return jebm_app_main(&driver, argc, argv);
}
