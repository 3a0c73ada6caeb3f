/* jebm-gmm: the Gaussian-mixture experiments of Section 4.1 and App. B.1 (figures 6, 7, 8).
 *
 * A teacher mixture with modes at a* e_1 and b* e_1 and masses p*, 1 - p* makes the data; a student
 * of the same family is trained. Its partition function is known, so every estimate is checked
 * against the exact value.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/driver.h"
#include "core/trainer.h"
#include "energy/gmm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODES = 2 };

/* order as in the choices of the keys below */
enum { WEIGHTS_EXACT, WEIGHTS_RELEASED };
enum { UNIT_STEP, UNIT_TIME };
enum { SHARE_RANDOM, SHARE_EXACT };
enum { TRIGGER_ESS, TRIGGER_CV, TRIGGER_INTERVAL, TRIGGER_NEVER };
enum { OPTIMIZER_GD, OPTIMIZER_ADAM };

#define COUNT(low, high) JEBM_KEY_COUNT, low, high, false, false, NULL
#define REAL(low, high, open_low, open_high) JEBM_KEY_REAL, low, high, open_low, open_high, NULL
#define CHOICE(words) JEBM_KEY_CHOICE, 0, 0, false, false, words
#define WORDS(words) JEBM_KEY_WORDS, 0, 0, false, false, words
#define BOOL JEBM_KEY_BOOL, 0, 0, false, false, NULL

static const jebm_key keys[] = {
    /* the teacher and its data */
    {"d", COUNT(1, JEBM_GMM_MAX_D), NULL, "dimension d"},
    {"a_star", REAL(-1e4, 1e4, false, false), NULL, "first coordinate of the mean a*"},
    {"b_star", REAL(-1e4, 1e4, false, false), NULL, "first coordinate of the mean b*"},
    {"p_star", REAL(0, 1, true, true), NULL, "mass p* of mode a, 1/(1+exp(-z*))"},
    {"data", COUNT(1, 1e9), NULL, "data points n"},
    {"data_split", CHOICE("random|exact"), "random",
     "mode of a data point: drawn, or floor(n p*) in mode a"},
    {"data_shared", BOOL, "no", "all runs train on the same data"},

    /* the student's start */
    {"first_start", REAL(-1e4, 1e4, false, false), "0.1",
     "first coordinates start at -this (a) and +this (b)"},
    {"sigma_start", REAL(0, 1e3, false, false), "0.01",
     "other coordinates start at this times N(0,1)"},
    {"z_start", REAL(-50, 50, false, false), "0", "z_0"},
    {"start_split", CHOICE("random|exact"), "random",
     "mode of a walker at theta_0: drawn, or half of them each"},

    /* the walkers */
    {"methods", WORDS("jarzynski|unweighted|pcd|cd"), NULL, "algorithms to run"},
    {"walkers", COUNT(1, 4e9), NULL, "walkers N"},
    {"batch", COUNT(0, 4e9), "0", "walkers N' that move in an iteration; 0: all"},
    {"h", REAL(0, 2, true, true), NULL, "time step of ULA"},
    {"inner", COUNT(1, 1e6), "1", "ULA steps M an iteration"},
    {"weights", CHOICE("exact|released"), "exact",
     "log-weights by eq. (5)-(6), or as the released script computes them"},
    {"cd_steps", COUNT(1, 1e6), "4", "ULA steps P between restarts of CD"},
    {"cd_schedule", CHOICE("per_iteration|interleaved"), "per_iteration",
     "CD as Algorithm 3 (restart, P moves, gradient) or with a gradient after every move"},

    /* resampling */
    {"resampling", CHOICE("multinomial|stratified|systematic|residual"), "systematic",
     "resampling scheme"},
    {"trigger", CHOICE("ess|cv|interval|never"), "ess", "when to resample"},
    {"c", JEBM_KEY_REALS, 0, 1e6, true, false, NULL, "0.1",
     "thresholds c, a variant each: resample when ESS < 1/(1+c), or CV > sqrt(c)"},
    {"ess_threshold", REAL(0, 1, false, false), "0",
     "one ESS threshold instead of those of c; 0: use c"},
    {"lag", COUNT(1, 1e9), "100", "iterations between resamplings of trigger interval"},
    {"resample_from", COUNT(0, 1e18), "0", "no resampling before this iteration"},
    {"stale_trigger", BOOL, "no",
     "judge by the weights of the iteration before, as the released script does"},

    /* the optimizer */
    {"gamma_ab", REAL(0, 1e6, false, false), NULL, "learning rate of the means"},
    {"gamma_z", REAL(0, 1e6, false, false), NULL, "learning rate of z"},
    {"cd_rate", REAL(0, 1e6, true, false), "10", "factor on both rates for CD"},
    {"rate_unit", CHOICE("step|time"), "step",
     "rates as printed, per iteration; or per unit of time, times h"},
    {"optimizer", CHOICE("gd|adam"), "gd", "gradient descent or Adam"},
    {"final_rate", REAL(0, 1, false, false), "1",
     "rates fall linearly to this factor at the last iteration"},
};

static const char *const columns[] = {
    "p",        "a1",          "b1",          "dist_a",         "dist_b",
    "kl_exact", "kl_estimate", "log_z_exact", "log_z_estimate", "ess",
    "ess_min",  "resamplings", "fraction_a",  "mass_a"};
#define COLUMNS (sizeof columns / sizeof columns[0])

typedef struct experiment {
    jebm_energy *teacher;
    jebm_trainer *trainer;
    float *data; /* [n][d] */
    double *p; /* [N] scratch for normalised weights */
    double reference; /* log Z* + mean of U* over the data: minus the teacher's log-likelihood */
} experiment;

/* ---- plan ----------------------------------------------------------------------------------- */

/* a cell's index holds its method and which c it is, so that its random numbers do not depend on
 * which other cells there are */
static size_t cell_code(jebm_method method, size_t variant) {
    return (size_t)method << 8 | variant;
}

static void add_cell(jebm_cell *cells, size_t *n, jebm_method method, size_t variant,
                     const char *text) {
    jebm_cell *cell = &cells[(*n)++];
    snprintf(cell->method, sizeof cell->method, "%s", jebm_method_name(method));
    snprintf(cell->variant, sizeof cell->variant, "%s", text);
    cell->index = cell_code(method, variant);
}

static void add_jarzynski(const jebm_preset *preset, jebm_cell *cells, size_t *n) {
    const size_t trigger = jebm_preset_choice(preset, "trigger");
    const double single = jebm_preset_real(preset, "ess_threshold");
    char text[32];
    double c[32];
    if (trigger == TRIGGER_NEVER) {
        add_cell(cells, n, JEBM_METHOD_JARZYNSKI, 0, "never");
    } else if (trigger == TRIGGER_INTERVAL) {
        snprintf(text, sizeof text, "lag=%llu",
                 (unsigned long long)jebm_preset_count(preset, "lag"));
        add_cell(cells, n, JEBM_METHOD_JARZYNSKI, 0, text);
    } else if (single > 0.0) {
        snprintf(text, sizeof text, "ess=%g", single);
        add_cell(cells, n, JEBM_METHOD_JARZYNSKI, 0, text);
    } else {
        const size_t count = jebm_preset_reals(preset, "c", c);
        for (size_t i = 0; i < count; i++) {
            snprintf(text, sizeof text, "c=%g", c[i]);
            add_cell(cells, n, JEBM_METHOD_JARZYNSKI, i, text);
        }
    }
}

static jebm_status check_preset(const jebm_preset *preset, jebm_error *err) {
    const uint64_t walkers = jebm_preset_count(preset, "walkers"),
                   batch = jebm_preset_count(preset, "batch");
    if (batch > walkers) {
        return jebm_fail(err, JEBM_EINVAL, "key 'batch' is %llu, expected at most walkers = %llu",
                         (unsigned long long)batch, (unsigned long long)walkers);
    }
    if (batch > 0 && batch < walkers && jebm_preset_has(preset, "methods", "cd")) {
        return jebm_fail(
            err, JEBM_EINVAL,
            "key 'batch' is %llu, but cd restarts all its %llu walkers: leave cd out of "
            "'methods' or set batch=0",
            (unsigned long long)batch, (unsigned long long)walkers);
    }
    /* a point takes d/4 draws, rounded up, of the 2^32 - 1 that its stream of random numbers has */
    const uint64_t data = jebm_preset_count(preset, "data"),
                   most = (UINT32_MAX - 1) / ((jebm_preset_count(preset, "d") + 3) / 4);
    if (data > most) {
        return jebm_fail(err, JEBM_EINVAL, "key 'data' is %llu, expected at most %llu points",
                         (unsigned long long)data, (unsigned long long)most);
    }
    if (jebm_preset_real(preset, "ess_threshold") > 0.0 &&
        jebm_preset_choice(preset, "trigger") != TRIGGER_ESS) {
        return jebm_fail(err, JEBM_EINVAL,
                         "key 'ess_threshold' is set, but trigger is '%s', expected ess",
                         jebm_preset_text(preset, "trigger"));
    }
    double c[32];
    const size_t count = jebm_preset_reals(preset, "c", c);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (c[i] == c[j]) {
                return jebm_fail(err, JEBM_EINVAL,
                                 "key 'c' lists %g twice, expected distinct thresholds", c[i]);
            }
        }
    }
    return JEBM_OK;
}

static jebm_status plan(const jebm_preset *preset, jebm_cell *cells, size_t *ncells,
                        jebm_error *err) {
    JEBM_TRY(check_preset(preset, err));
    *ncells = 0;
    for (int m = 0; m < JEBM_METHOD_COUNT; m++) {
        if (!jebm_preset_has(preset, "methods", jebm_method_name((jebm_method)m))) {
            continue;
        }
        if (m == JEBM_METHOD_JARZYNSKI) {
            add_jarzynski(preset, cells, ncells);
        } else {
            add_cell(cells, ncells, (jebm_method)m, 0, "-");
        }
    }
    return JEBM_OK;
}

/* ---- settings of one run -------------------------------------------------------------------- */

static void set_threshold(const jebm_preset *preset, size_t variant, jebm_trainer_config *c) {
    static const jebm_trigger triggers[] = {[TRIGGER_ESS] = JEBM_TRIGGER_ESS,
                                            [TRIGGER_CV] = JEBM_TRIGGER_CV,
                                            [TRIGGER_INTERVAL] = JEBM_TRIGGER_INTERVAL,
                                            [TRIGGER_NEVER] = JEBM_TRIGGER_NEVER};
    const double single = jebm_preset_real(preset, "ess_threshold");
    double list[32];
    jebm_preset_reals(preset, "c", list);
    c->trigger = triggers[jebm_preset_choice(preset, "trigger")];
    c->interval = jebm_preset_count(preset, "lag");
    if (c->trigger == JEBM_TRIGGER_CV) {
        c->threshold = sqrt(list[variant]);
    } else {
        c->threshold = single > 0.0 ? single : 1.0 / (1.0 + list[variant]);
    }
}

static jebm_trainer_config settings(const jebm_preset *preset, jebm_method method, size_t variant) {
    const uint64_t walkers = jebm_preset_count(preset, "walkers"),
                   batch = jebm_preset_count(preset, "batch");
    const double final_rate = jebm_preset_real(preset, "final_rate");
    jebm_trainer_config c = {
        .method = method,
        .rule = jebm_preset_choice(preset, "weights") == WEIGHTS_EXACT ? JEBM_WEIGHTS_EXACT
                                                                       : JEBM_WEIGHTS_RELEASED,
        .npopulations = 1,
        .walkers = {walkers},
        .batch = batch == 0 ? walkers : batch,
        .inner = jebm_preset_count(preset, "inner"),
        .cd_steps = jebm_preset_count(preset, "cd_steps"),
        .cd_schedule = (jebm_cd_schedule)jebm_preset_choice(preset, "cd_schedule"),
        .h = jebm_preset_real(preset, "h"),
        .start_split = jebm_preset_choice(preset, "start_split") == SHARE_EXACT,
        .scheme = (jebm_resampling)jebm_preset_choice(preset, "resampling"),
        .resample_from = jebm_preset_count(preset, "resample_from"),
        .stale_trigger = jebm_preset_bool(preset, "stale_trigger"),
        .optimizer = {.kind = jebm_preset_choice(preset, "optimizer") == OPTIMIZER_GD
                                  ? JEBM_GRADIENT_DESCENT
                                  : JEBM_ADAM,
                      .schedule = final_rate == 1.0 ? JEBM_SCHEDULE_CONSTANT : JEBM_SCHEDULE_LINEAR,
                      .end = final_rate,
                      .horizon = jebm_preset_count(preset, "iterations"),
                      .beta_1 = 0.9,
                      .beta_2 = 0.999,
                      .epsilon = 1e-8},
    };
    const double unit = jebm_preset_choice(preset, "rate_unit") == UNIT_TIME ? c.h : 1.0;
    const double factor =
        unit * (method == JEBM_METHOD_CD ? jebm_preset_real(preset, "cd_rate") : 1.0);
    c.rate[0] = factor * jebm_preset_real(preset, "gamma_ab");
    c.rate[1] = factor * jebm_preset_real(preset, "gamma_z");
    set_threshold(preset, variant, &c);
    return c;
}

static uint64_t memory(const jebm_preset *preset, const char **key) {
    const jebm_trainer_config c = settings(preset, JEBM_METHOD_JARZYNSKI, 0);
    const size_t d = jebm_preset_count(preset, "d"), n = jebm_preset_count(preset, "data");
    jebm_energy *student = NULL;
    *key = n > c.walkers[0] ? "data" : "walkers";
    uint64_t bytes = (uint64_t)n * d * sizeof(float) + c.walkers[0] * sizeof(double);
    if (jebm_gmm_new(d, MODES, &student, NULL) == JEBM_OK) {
        bytes += jebm_trainer_bytes(&c, student, n);
    }
    jebm_energy_free(student);
    return bytes;
}

/* ---- one run -------------------------------------------------------------------------------- */

/* what a stream of random numbers is for; the rest of its number is the cell and the run */
enum { STREAM_DATA = 1, STREAM_THETA, STREAM_WALKERS };

static jebm_rng stream(const jebm_preset *preset, unsigned purpose, size_t cell, size_t run) {
    return jebm_rng_make(jebm_preset_seed(preset),
                         (uint64_t)run << 32 | (uint64_t)cell << 8 | purpose);
}

static void set_teacher(const jebm_preset *preset, jebm_energy *e) {
    const double p = jebm_preset_real(preset, "p_star");
    memset(e->theta, 0, e->nparams * sizeof *e->theta);
    e->theta[0] = jebm_preset_real(preset, "a_star");
    e->theta[e->d] = jebm_preset_real(preset, "b_star");
    e->theta[MODES * e->d] = log(p / (1.0 - p));
    e->ops->refresh(e);
}

static jebm_status set_student(const jebm_preset *preset, size_t run, jebm_energy *e,
                               jebm_error *err) {
    const double first = jebm_preset_real(preset, "first_start");
    const float sigma = (float)jebm_preset_real(preset, "sigma_start");
    float *noise = malloc(MODES * e->d * sizeof *noise);
    if (noise == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for the initial parameters");
    }
    jebm_rng_normals(stream(preset, STREAM_THETA, 0, run), JEBM_LANE_THETA, 0, 0, MODES, e->d,
                     sigma, noise);
    for (size_t j = 0; j < MODES * e->d; j++) {
        e->theta[j] = noise[j];
    }
    e->theta[0] = -first;
    e->theta[e->d] = first;
    e->theta[MODES * e->d] = jebm_preset_real(preset, "z_start");
    e->ops->refresh(e);
    free(noise);
    return JEBM_OK;
}

/* draw the data and their cross-entropy with the teacher, log Z* + mean U* */
static void draw_data(const jebm_preset *preset, size_t run, size_t n, experiment *x) {
    const jebm_energy *teacher = x->teacher;
    const size_t source = jebm_preset_bool(preset, "data_shared") ? 0 : run;
    const bool split = jebm_preset_choice(preset, "data_split") == SHARE_EXACT;
    double sum = 0.0, U[JEBM_BLOCK];
    teacher->ops->sample(teacher, stream(preset, STREAM_DATA, 0, source), split, n, 0, n, x->data);
    for (size_t first = 0; first < n; first += JEBM_BLOCK) {
        const size_t count = n - first < JEBM_BLOCK ? n - first : JEBM_BLOCK;
        teacher->ops->eval(teacher, count, x->data + first * teacher->d, U, NULL);
        for (size_t i = 0; i < count; i++) {
            sum += U[i];
        }
    }
    x->reference = teacher->ops->log_z(teacher) + sum / (double)n;
}

static void close_run(void *state) {
    experiment *x = state;
    if (x == NULL) {
        return;
    }
    jebm_trainer_free(x->trainer);
    jebm_energy_free(x->teacher);
    free(x->data);
    free(x->p);
    free(x);
}

static jebm_status build(const jebm_preset *preset, const jebm_cell *cell, size_t run,
                         experiment *x, jebm_energy **student, jebm_error *err) {
    const size_t d = jebm_preset_count(preset, "d"), n = jebm_preset_count(preset, "data");
    jebm_trainer_config c = settings(preset, (jebm_method)(cell->index >> 8), cell->index & 255);
    JEBM_TRY(jebm_gmm_new(d, MODES, &x->teacher, err));
    JEBM_TRY(jebm_gmm_new(d, MODES, student, err));
    x->data = malloc(n * d * sizeof *x->data);
    x->p = malloc(c.walkers[0] * sizeof *x->p);
    if (x->data == NULL || x->p == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for %zu data points of dimension %zu", n, d);
    }
    set_teacher(preset, x->teacher);
    draw_data(preset, run, n, x);
    JEBM_TRY(set_student(preset, run, *student, err));
    c.rng[0] = stream(preset, STREAM_WALKERS, cell->index, run);
    return jebm_trainer_new(&c, *student, n, x->data, &x->trainer, err);
}

static jebm_status open_run(const jebm_preset *preset, const jebm_cell *cell, size_t run,
                            void **state, jebm_error *err) {
    jebm_energy *student = NULL;
    experiment *x = calloc(1, sizeof *x);
    if (x == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for a run");
    }
    const jebm_status status = build(preset, cell, run, x, &student, err);
    jebm_energy_free(student);
    if (status != JEBM_OK) {
        close_run(x);
        return status;
    }
    *state = x;
    return JEBM_OK;
}

static jebm_status step_run(void *state, jebm_error *err) {
    experiment *x = state;
    return jebm_trainer_step(x->trainer, err);
}

static double distance(size_t d, const double *a, const double *b) {
    double sum = 0.0;
    for (size_t j = 0; j < d; j++) {
        sum += (a[j] - b[j]) * (a[j] - b[j]);
    }
    return sqrt(sum);
}

/* share of walkers whose responsibility of mode a is above one half: plain, and by weight */
static jebm_status shares(const experiment *x, double *plain, double *weighted) {
    const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, 0);
    JEBM_TRY(jebm_weights_normalise(e->n, e->logw, x->p));
    size_t count = 0;
    double mass = 0.0;
    for (size_t i = 0; i < e->n; i++) {
        if (e->cache[i * MODES] > 0.5f) {
            count++;
            mass += x->p[i];
        }
    }
    *plain = (double)count / (double)e->n;
    *weighted = mass;
    return JEBM_OK;
}

static jebm_status record(void *state, double *row, jebm_error *err) {
    experiment *x = state;
    const jebm_energy *e = jebm_trainer_energy(x->trainer);
    const jebm_observation o = jebm_trainer_observe(x->trainer, 0);
    const size_t d = e->d;
    const double log_z = e->ops->log_z(e);
    double mass[MODES], plain = 0.0, weighted = 0.0;
    jebm_gmm_masses(e, mass);
    if (shares(x, &plain, &weighted) != JEBM_OK) {
        return jebm_fail(err, JEBM_EDIVERGE, "iteration %llu: the log-weights cannot be normalised",
                         (unsigned long long)o.k);
    }
    const double values[COLUMNS] = {mass[0],
                                    e->theta[0],
                                    e->theta[d],
                                    distance(d, e->theta, x->teacher->theta),
                                    distance(d, e->theta + d, x->teacher->theta + d),
                                    log_z + o.data_energy - x->reference,
                                    o.log_z + o.data_energy - x->reference,
                                    log_z,
                                    o.log_z,
                                    o.ess,
                                    o.ess_min,
                                    (double)o.resamplings,
                                    plain,
                                    weighted};
    memcpy(row, values, sizeof values);
    jebm_trainer_forget(x->trainer);
    return JEBM_OK;
}

static size_t arrays(void *state, jebm_array list[JEBM_MAX_STATE]) {
    experiment *x = state;
    return jebm_trainer_arrays(x->trainer, JEBM_MAX_STATE, list);
}

static jebm_status restored(void *state, jebm_error *err) {
    experiment *x = state;
    return jebm_trainer_restored(x->trainer, err);
}

int main(int argc, char **argv) {
    static const jebm_driver driver = {.program = "jebm-gmm",
                                       .purpose =
                                           "Gaussian-mixture experiments: figures 6, 7 and 8",
                                       .presets = "replications/gmm/presets/gmm.ini",
                                       .keys = keys,
                                       .nkeys = sizeof keys / sizeof keys[0],
                                       .columns = columns,
                                       .ncolumns = COLUMNS,
                                       .plan = plan,
                                       .memory = memory,
                                       .open = open_run,
                                       .step = step_run,
                                       .record = record,
                                       .arrays = arrays,
                                       .restored = restored,
                                       .close = close_run};
    return jebm_app_main(&driver, argc, argv);
}
