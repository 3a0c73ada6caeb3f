/* jebm-overhead: what the Jarzynski correction costs over PCD, by energy, by N/N' and by ULA steps.
 *
 * A cell is an energy (column `method`) with sizes (`variant`); step k of a run is its k-th repeat.
 * Times are no function of the seed: unlike those of the other drivers, the CSVs of two calls
 * differ.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "../timing.h"
#include "app/driver.h"
#include "core/rng.h"
#include "pair.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SIZES(name, what)                                                                    \
    {name "_batch", JEBM_KEY_COUNT, 1,                                                       \
     1e9,           false,          false,                                                   \
     NULL,          NULL,           what ": walkers and data points of an iteration N'"},    \
        {name "_shares", JEBM_KEY_REALS, 1, 1e6, false, false, NULL, NULL, what ": N/N'"}, { \
        name "_inner", JEBM_KEY_REALS, 1, 1e6, false, false, NULL, NULL,                     \
            what ": ULA steps of an iteration M"                                             \
    }

static const jebm_key keys[] = {
    {"energies", JEBM_KEY_WORDS, 0, 0, false, false, PAIR_NAMES, "gmm mnist cifar32 cifar64",
     "what is trained"},
    SIZES("gmm", "mixture of Figure 1"),
    SIZES("mnist", "MNIST network"),
    SIZES("cifar32", "CIFAR-10 network of 32 features"),
    SIZES("cifar64", "CIFAR-10 network of 64 features"),
    {"backend", JEBM_KEY_CHOICE, 0, 0, false, false, "default|reference|openblas|onednn|bf16",
     "default", "matrix products of the networks; default: the fastest in fp32"},
    {"clock", JEBM_KEY_CHOICE, 0, 0, false, false, "cpu|wall", "cpu",
     "cpu: processor time of all threads, which other programs hardly disturb; wall: time passed"},
};

static const char *const names[PAIR_COUNT] = {"gmm", "mnist", "cifar32", "cifar64"};

/* Times in microseconds an iteration. ratio: of this repeat; its median over the repeats so far,
 * with the bootstrap's 95 % interval; and the median of 1 + what weights cost, by the parts that
 * were timed apart, over PCD. */
static const char *const columns[] = {
    "jarzynski", "pcd",   "ratio", "ratio_median", "ratio_low", "ratio_high", "ratio_parts",
    "drift",     "noise", "last",  "weights",      "gradient",  "settle",     "resample",
};
#define COLUMNS (sizeof columns / sizeof columns[0])
enum { MOST = 1000 };

typedef struct measurement {
    pair *pair;
    pair_times now;
    uint64_t k, repeats;
    double ratios[MOST], parts[MOST]; /* of the repeats so far */
    jebm_rng rng;
} measurement;

/* ---- cells ---------------------------------------------------------------------------------- */

/* sizes that an energy is timed at */
typedef struct sizes {
    size_t batch, nshares, ninner;
    double shares[32], inner[32];
} sizes;

static jebm_status check_whole(const char *key, size_t n, const double *values, jebm_error *err) {
    for (size_t i = 0; i < n; i++) {
        if (values[i] != floor(values[i])) {
            return jebm_fail(err, JEBM_EINVAL, "key '%s' lists %g, expected whole numbers", key,
                             values[i]);
        }
    }
    return JEBM_OK;
}

static jebm_status sizes_of(const jebm_preset *preset, size_t energy, sizes *s, jebm_error *err) {
    char key[32];
    snprintf(key, sizeof key, "%s_batch", names[energy]);
    s->batch = jebm_preset_count(preset, key);
    snprintf(key, sizeof key, "%s_shares", names[energy]);
    s->nshares = jebm_preset_reals(preset, key, s->shares);
    JEBM_TRY(check_whole(key, s->nshares, s->shares, err));
    snprintf(key, sizeof key, "%s_inner", names[energy]);
    s->ninner = jebm_preset_reals(preset, key, s->inner);
    return check_whole(key, s->ninner, s->inner, err);
}

/* i-th of an energy's sizes, N/N' fastest */
static pair_config config_of(const jebm_preset *preset, size_t energy, const sizes *s, size_t i) {
    const size_t backend = jebm_preset_choice(preset, "backend");
    return (pair_config){.energy = (pair_energy)energy,
                         .batch = s->batch,
                         .share = (size_t)s->shares[i % s->nshares],
                         .inner = (size_t)s->inner[i / s->nshares],
                         .backend =
                             backend == 0 ? jebm_gemm_default() : (jebm_gemm_backend)(backend - 1),
                         .clock = (pair_clock)jebm_preset_choice(preset, "clock"),
                         .seed = jebm_preset_seed(preset)};
}

enum { MOST_SIZES = 1024 }; /* of an energy: 32 shares, 32 inner */

static jebm_status plan(const jebm_preset *preset, jebm_cell *cells, size_t *ncells,
                        jebm_error *err) {
    *ncells = 0;
    if (jebm_preset_count(preset, "iterations") > MOST) {
        return jebm_fail(err, JEBM_EINVAL, "key 'iterations' is above %d repeats", MOST);
    }
    for (size_t energy = 0; energy < PAIR_COUNT; energy++) {
        sizes s;
        JEBM_TRY(sizes_of(preset, energy, &s, err));
        const bool wanted = jebm_preset_has(preset, "energies", names[energy]);
        for (size_t i = 0; wanted && i < s.nshares * s.ninner; i++) {
            if (*ncells == JEBM_MAX_CELLS) {
                return jebm_fail(err, JEBM_EINVAL, "more than %d cells: fewer shares or inner",
                                 JEBM_MAX_CELLS);
            }
            const pair_config c = config_of(preset, energy, &s, i);
            jebm_cell *cell = &cells[(*ncells)++];
            cell->index = energy * MOST_SIZES + i;
            snprintf(cell->method, sizeof cell->method, "%s", names[energy]);
            snprintf(cell->variant, sizeof cell->variant, "N/N'=%zu:M=%zu", c.share, c.inner);
        }
    }
    return JEBM_OK;
}

/* the largest pair that will be made */
static uint64_t memory(const jebm_preset *preset, const char **key) {
    uint64_t most = 0;
    *key = "energies";
    for (size_t energy = 0; energy < PAIR_COUNT; energy++) {
        sizes s;
        const bool wanted = jebm_preset_has(preset, "energies", names[energy]) &&
                            sizes_of(preset, energy, &s, NULL) == JEBM_OK;
        for (size_t i = 0; wanted && i < s.nshares; i++) {
            const pair_config c = config_of(preset, energy, &s, i);
            const uint64_t bytes = pair_bytes(&c);
            most = bytes > most ? bytes : most;
        }
    }
    return most;
}

/* ---- a run ---------------------------------------------------------------------------------- */

static void close_measurement(void *state) {
    measurement *m = state;
    if (m != NULL) {
        pair_free(m->pair);
        free(m);
    }
}

static jebm_status open_measurement(const jebm_preset *preset, const jebm_cell *cell, size_t run,
                                    void **state, jebm_error *err) {
    measurement *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for a measurement");
    }
    const size_t energy = cell->index / MOST_SIZES;
    sizes s;
    jebm_status status = sizes_of(preset, energy, &s, err);
    if (status == JEBM_OK) {
        pair_config c = config_of(preset, energy, &s, cell->index % MOST_SIZES);
        c.seed += run << 32;
        m->repeats = jebm_preset_count(preset, "iterations");
        m->rng = jebm_rng_make(c.seed, 6);
        status = pair_new(&c, &m->pair, err);
    }
    if (status != JEBM_OK) {
        close_measurement(m);
        return status;
    }
    *state = m;
    return JEBM_OK;
}

static jebm_status repeat(void *state, jebm_error *err) {
    measurement *m = state;
    JEBM_TRY(pair_time(m->pair, &m->now, err));
    m->ratios[m->k] = m->now.jarzynski / m->now.pcd;
    const pair_times *t = &m->now;
    m->parts[m->k] = 1.0 + (t->last + t->weights + t->settle + t->resample) / t->pcd;
    m->k++;
    return JEBM_OK;
}

static double median_of(size_t n, const double *values) {
    double copy[MOST];
    memcpy(copy, values, n * sizeof *copy);
    return median(n, copy);
}

/* 95 % interval of the median of the ratios so far, by the bootstrap */
static void bootstrap(const measurement *m, double *low, double *high) {
    enum { DRAWS = 1000 };
    double medians[DRAWS], u[MOST], sample[MOST];
    const size_t n = m->k;
    for (size_t i = 0; i < DRAWS; i++) {
        jebm_rng_uniforms(m->rng, JEBM_LANE_INIT, m->k, i * 2 * MOST, n, u);
        for (size_t j = 0; j < n; j++) {
            sample[j] = m->ratios[(size_t)(u[j] * (double)n) % n];
        }
        medians[i] = median(n, sample);
    }
    qsort(medians, DRAWS, sizeof *medians, ascending);
    *low = medians[DRAWS / 40];
    *high = medians[DRAWS - 1 - DRAWS / 40];
}

/* step 0 has no times */
static jebm_status record(void *state, double *row, jebm_error *err) {
    (void)err;
    const measurement *m = state;
    for (size_t i = 0; i < COLUMNS; i++) {
        row[i] = NAN;
    }
    if (m->k == 0) {
        return JEBM_OK;
    }
    const pair_times *t = &m->now;
    const double parts[] = {t->drift,    t->noise,  t->last,    t->weights,
                            t->gradient, t->settle, t->resample};
    row[0] = 1e-3 * t->jarzynski;
    row[1] = 1e-3 * t->pcd;
    row[2] = m->ratios[m->k - 1];
    row[3] = median_of(m->k, m->ratios);
    bootstrap(m, &row[4], &row[5]);
    row[6] = median_of(m->k, m->parts);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        row[7 + i] = 1e-3 * parts[i];
    }
    return JEBM_OK;
}

/* a run that goes on times other iterations, and remembers the repeats before */
static size_t arrays(void *state, jebm_array list[JEBM_MAX_STATE]) {
    measurement *m = state;
    list[0] = (jebm_array){"k", JEBM_U64, 1, {1}, &m->k};
    list[1] = (jebm_array){"ratios", JEBM_F64, 1, {MOST}, m->ratios};
    list[2] = (jebm_array){"parts", JEBM_F64, 1, {MOST}, m->parts};
    return 3;
}

static jebm_status restored(void *state, jebm_error *err) {
    const measurement *m = state;
    return m->k <= m->repeats
               ? JEBM_OK
               : jebm_fail(err, JEBM_EFORMAT, "repeat %llu found, expected at most %llu",
                           (unsigned long long)m->k, (unsigned long long)m->repeats);
}

int main(int argc, char **argv) {
    static const jebm_driver driver = {.program = "jebm-overhead",
                                       .purpose = "What Jarzynski weights cost over PCD",
                                       .presets = "benchmarks/overhead/presets/overhead.ini",
                                       .keys = keys,
                                       .nkeys = sizeof keys / sizeof keys[0],
                                       .columns = columns,
                                       .ncolumns = COLUMNS,
                                       .plan = plan,
                                       .memory = memory,
                                       .open = open_measurement,
                                       .step = repeat,
                                       .record = record,
                                       .arrays = arrays,
                                       .restored = restored,
                                       .close = close_measurement};
    return jebm_app_main(&driver, argc, argv);
}
