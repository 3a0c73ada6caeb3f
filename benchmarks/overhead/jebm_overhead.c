/* jebm-overhead: what the Jarzynski correction costs over PCD, by energy, by N/N' and by ULA steps.
 *
 * A cell is an energy (column `method`) with sizes (`variant`); step k of a run is its k-th repeat,
 * which adds turns until the ratio is known well enough. Times are no function of the seed: unlike
 * those of the other drivers, the CSVs of two calls differ.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "../timing.h"
#include "app/driver.h"
#include "core/rng.h"
#include "io/csv.h"
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
    {"clock", JEBM_KEY_CHOICE, 0, 0, false, false, "wall|cpu", "wall",
     "wall: time passed; cpu: processor time of all threads, exact with one thread only"},
    {"precision", JEBM_KEY_REAL, 1e-4, 1, false, false, NULL, "0.01",
     "a repeat ends where half the ratio's 95 % interval is at most this"},
    {"seconds", JEBM_KEY_REAL, 1e-3, 1e5, false, false, NULL, "5",
     "or after this time, but after 8 turns at the earliest"},
};

static const char *const names[PAIR_COUNT] = {"gmm", "mnist", "cifar32", "cifar64"};

/* Times in microseconds an iteration, medians over the turns so far. ratio_median: median over the
 * turns of the ratio within a turn, with the bootstrap's 95 % interval. ratio_parts: median of 1 +
 * what weights cost, by the parts that were timed apart, over PCD. parts: what the parts add up to,
 * over the iteration. */
static const char *const columns[] = {
    "turns",  "jarzynski",   "pcd",     "ratio_median", "ratio_low", "ratio_high",
    "parts",  "ratio_parts", "drift",   "noise",        "gradient",  "copy",
    "update", "last",        "weights", "settle",       "resample",
};
#define COLUMNS (sizeof columns / sizeof columns[0])
#define FIRST_PART (COLUMNS - PAIR_PARTS)
enum { MOST = 512, FEWEST = 8, DRAWS = 1000 };

/* a machine that is not busy: half the ratio's interval, and how far the parts may be from the
 * whole */
#define WIDEST 0.02
#define FARTHEST 0.1

typedef struct measurement {
    pair *pair;
    uint64_t k, repeats, n; /* repeats so far and in all, turns so far */
    double precision, seconds;
    char name[80];
    double jarzynski[MOST], pcd[MOST], part[PAIR_PARTS][MOST]; /* ns, of each turn */
    double low, high; /* interval of the ratio */
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
    if (jebm_preset_count(preset, "iterations") > MOST / FEWEST) {
        return jebm_fail(err, JEBM_EINVAL, "key 'iterations' is above %d repeats", MOST / FEWEST);
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
        m->precision = jebm_preset_real(preset, "precision");
        m->seconds = jebm_preset_real(preset, "seconds");
        snprintf(m->name, sizeof m->name, "%s %s", cell->method, cell->variant);
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

static double median_of(size_t n, const double *values) {
    double copy[MOST];
    memcpy(copy, values, n * sizeof *copy);
    return median(n, copy);
}

static void ratios_of(const measurement *m, double ratio[MOST]) {
    for (size_t i = 0; i < m->n; i++) {
        ratio[i] = m->jarzynski[i] / m->pcd[i];
    }
}

/* 95 % interval of the median of the ratios, by the bootstrap over the turns of this run */
static void bootstrap(measurement *m) {
    double medians[DRAWS], ratio[MOST], u[MOST], sample[MOST];
    const size_t n = m->n;
    ratios_of(m, ratio);
    for (size_t i = 0; i < DRAWS; i++) {
        jebm_rng_uniforms(m->rng, JEBM_LANE_INIT, n, i * 2 * MOST, n, u);
        for (size_t j = 0; j < n; j++) {
            sample[j] = ratio[(size_t)(u[j] * (double)n) % n];
        }
        medians[i] = median(n, sample);
    }
    qsort(medians, DRAWS, sizeof *medians, ascending);
    m->low = medians[DRAWS / 40];
    m->high = medians[DRAWS - 1 - DRAWS / 40];
}

/* medians over the turns of what all parts, and those of weights alone, add up to, over the
 * iteration and over PCD's */
static void add_parts(const measurement *m, double *all, double *weights) {
    double over_whole[MOST], over_pcd[MOST];
    for (size_t i = 0; i < m->n; i++) {
        double sum = 0.0, extra = 0.0;
        for (size_t j = 0; j < PAIR_PARTS; j++) {
            sum += m->part[j][i];
            extra += j >= PAIR_OF_WEIGHTS ? m->part[j][i] : 0.0;
        }
        over_whole[i] = sum / m->jarzynski[i];
        over_pcd[i] = 1.0 + extra / m->pcd[i];
    }
    *all = median(m->n, over_whole);
    *weights = median(m->n, over_pcd);
}

/* do the parts say where the time goes? */
static bool parts_hold(const measurement *m, double all) {
    for (size_t j = 0; j < PAIR_PARTS; j++) {
        if (median_of(m->n, m->part[j]) < 0.0) {
            return false;
        }
    }
    return fabs(all - 1.0) <= FARTHEST && m->high - m->low <= 2.0 * WIDEST;
}

static jebm_status repeat(void *state, jebm_error *err) {
    measurement *m = state;
    const double start = now_ns();
    const size_t most = MOST * (m->k + 1) / m->repeats;
    bool enough = false;
    for (size_t done = 1; !enough && m->n < most; done++) {
        pair_times now;
        JEBM_TRY(pair_time(m->pair, &now, err));
        m->jarzynski[m->n] = now.jarzynski;
        m->pcd[m->n] = now.pcd;
        for (size_t j = 0; j < PAIR_PARTS; j++) {
            m->part[j][m->n] = now.part[j];
        }
        m->n++;
        const bool late = now_ns() - start > 1e9 * m->seconds;
        if (done >= FEWEST && (late || done % FEWEST == 0)) {
            bootstrap(m);
            enough = late || m->high - m->low <= 2.0 * m->precision;
        }
    }
    bootstrap(m);
    m->k++;
    double all, weights;
    add_parts(m, &all, &weights);
    if (m->k == m->repeats && !parts_hold(m, all)) {
        fprintf(stderr,
                "jebm-overhead: warning: %s: the machine is too busy to say where the time goes "
                "(ratio from %.3f to %.3f, parts add up to %.0f %% of an iteration): run it again "
                "on an idle one\n",
                m->name, m->low, m->high, 100.0 * all);
    }
    return JEBM_OK;
}

/* step 0 has no times; parts that do not hold are not written */
static jebm_status record(void *state, double *row, jebm_error *err) {
    (void)err;
    const measurement *m = state;
    for (size_t i = 0; i < COLUMNS; i++) {
        row[i] = NAN;
    }
    if (m->n == 0) {
        return JEBM_OK;
    }
    double ratio[MOST], all, weights;
    ratios_of(m, ratio);
    add_parts(m, &all, &weights);
    row[0] = (double)m->n;
    row[1] = 1e-3 * median_of(m->n, m->jarzynski);
    row[2] = 1e-3 * median_of(m->n, m->pcd);
    row[3] = median_of(m->n, ratio);
    row[4] = m->low;
    row[5] = m->high;
    for (size_t j = 0; j < PAIR_PARTS && parts_hold(m, all); j++) {
        row[6] = all;
        row[7] = weights;
        row[FIRST_PART + j] = 1e-3 * median_of(m->n, m->part[j]);
    }
    return JEBM_OK;
}

/* a run that goes on times other iterations, and remembers the turns before */
static size_t arrays(void *state, jebm_array list[JEBM_MAX_STATE]) {
    measurement *m = state;
    list[0] = (jebm_array){"k", JEBM_U64, 1, {1}, &m->k};
    list[1] = (jebm_array){"n", JEBM_U64, 1, {1}, &m->n};
    list[2] = (jebm_array){"jarzynski", JEBM_F64, 1, {MOST}, m->jarzynski};
    list[3] = (jebm_array){"pcd", JEBM_F64, 1, {MOST}, m->pcd};
    list[4] = (jebm_array){"part", JEBM_F64, 2, {PAIR_PARTS, MOST}, m->part};
    return 5;
}

static jebm_status restored(void *state, jebm_error *err) {
    measurement *m = state;
    if (m->k > m->repeats || m->n > MOST) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "repeat %llu with %llu turns found, expected at most %llu with %d",
                         (unsigned long long)m->k, (unsigned long long)m->n,
                         (unsigned long long)m->repeats, MOST);
    }
    if (m->n > 0) {
        bootstrap(m);
    }
    return JEBM_OK;
}

/* ---- the table ------------------------------------------------------------------------------ */

enum { STEP, JARZYNSKI, PCD, RATIO, LOW, HIGH, TABLE };

static jebm_status read_table(const char *path, jebm_csv **csv, double *values[TABLE],
                              jebm_error *err) {
    static const char *const wanted[TABLE] = {"step",          "jarzynski_mean",
                                              "pcd_mean",      "ratio_median_mean",
                                              "ratio_low_min", "ratio_high_max"};
    JEBM_TRY(jebm_csv_read(path, csv, err));
    for (size_t c = 0; c < TABLE; c++) {
        size_t column;
        JEBM_TRY(jebm_csv_find(*csv, wanted[c], &column, err));
        values[c] = calloc(jebm_csv_rows(*csv) + 1, sizeof *values[c]);
        if (values[c] == NULL) {
            return jebm_fail(err, JEBM_ENOMEM, "no memory for a table");
        }
        JEBM_TRY(jebm_csv_numbers(*csv, column, values[c], err));
    }
    return JEBM_OK;
}

/* each cell's last step: mean times and ratio, and from the lowest to the highest end of the runs'
 * intervals */
static jebm_status print_table(const char *directory, jebm_error *err) {
    char path[4096];
    jebm_csv *csv = NULL;
    double *values[TABLE] = {NULL};
    snprintf(path, sizeof path, "%s/summary.csv", directory);
    const jebm_status status = read_table(path, &csv, values, err);
    if (status == JEBM_OK) {
        printf("%-8s %-14s %16s %16s   %s\n", "", "", "Jarzynski", "PCD", "ratio (95 % interval)");
    }
    for (size_t r = 0; status == JEBM_OK && r < jebm_csv_rows(csv); r++) {
        const bool ends = r + 1 == jebm_csv_rows(csv) || values[STEP][r + 1] <= values[STEP][r];
        if (ends && isfinite(values[RATIO][r])) {
            printf("%-8s %-14s %13.3f ms %13.3f ms   %.3f (%.3f to %.3f)\n",
                   jebm_csv_text(csv, r, 0), jebm_csv_text(csv, r, 1), 1e-3 * values[JARZYNSKI][r],
                   1e-3 * values[PCD][r], values[RATIO][r], values[LOW][r], values[HIGH][r]);
        }
    }
    for (size_t c = 0; c < TABLE; c++) {
        free(values[c]);
    }
    jebm_csv_free(csv);
    return status;
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
                                       .close = close_measurement,
                                       .tell = print_table};
    return jebm_app_main(&driver, argc, argv);
}
