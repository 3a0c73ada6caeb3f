/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mixture.h"

#include "lasting.h"
#include "mass_ode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MODES = 2 };

/* order as in the choices of the keys */
enum { UNIT_STEP, UNIT_TIME };
enum { SHARE_RANDOM, SHARE_EXACT };
enum { MEANS_GIVEN, MEANS_RANDOM, MEANS_TEACHER };
enum { START_DRAWN, START_EACH };
enum { GRADIENT_ALL, GRADIENT_BATCH };

const char *const mixture_columns[] = {"p",
                                       "z",
                                       "a1",
                                       "b1",
                                       "dist_a",
                                       "dist_b",
                                       "kl_exact",
                                       "kl_estimate",
                                       "kl_evaluation",
                                       "log_z_exact",
                                       "log_z_estimate",
                                       "log_z_se",
                                       "log_z_se_evaluation",
                                       "ess",
                                       "ess_min",
                                       "ess_evaluation",
                                       "resamplings",
                                       "fraction_a",
                                       "mass_a",
                                       "mass_a_evaluation",
                                       "data_fraction_a",
                                       "z_ode",
                                       "cv2_a",
                                       "cv2_b"};
#define COLUMNS (sizeof mixture_columns / sizeof mixture_columns[0])
const size_t mixture_ncolumns = COLUMNS;

typedef struct experiment {
    jebm_energy *teacher;
    jebm_trainer *trainer;
    float *data; /* [n][d] */
    double *p; /* scratch for the normalised weights of the larger population */
    double reference; /* log Z* + mean of U* over the data: minus the teacher's log-likelihood */
    double data_fraction; /* of the data in mode a */
    double start_fraction; /* of the walkers of k = 0 */
    bool evaluated; /* there is an evaluation population */
    bool weighted; /* log-weights evolve */
    double lasting_h; /* the step if these are eq. (5)-(6)'s, else 0: lasting.h */
    bool only_z; /* the means do not learn: App. C's ODEs apply */
    jebm_mass_law law;
    double z_start, rate_z, h; /* rate_z per iteration */
} experiment;

/* ---- settings of one run -------------------------------------------------------------------- */

mixture_cell mixture_cell_of(const jebm_preset *preset, jebm_method method) {
    static const jebm_weight_rule rules[] = {JEBM_WEIGHTS_EXACT, JEBM_WEIGHTS_RELEASED,
                                             JEBM_WEIGHTS_CONTINUOUS};
    return (mixture_cell){.method = method,
                          .rule = rules[jebm_preset_choice(preset, "weights")],
                          .walkers = jebm_preset_count(preset, "walkers"),
                          .rate_factor = 1.0,
                          .cd_steps = 1,
                          .trigger = JEBM_TRIGGER_NEVER,
                          .interval = 1};
}

/* N' of a population of n walkers: the preset's share N'/N of them, rounded up */
static size_t batch_of(const jebm_preset *preset, size_t n) {
    const uint64_t walkers = jebm_preset_count(preset, "walkers"),
                   batch = jebm_preset_count(preset, "batch");
    return batch == 0 ? n : (size_t)ceil((double)n * (double)batch / (double)walkers);
}

static double unit_of(const jebm_preset *preset) {
    return jebm_preset_choice(preset, "rate_unit") == UNIT_TIME ? jebm_preset_real(preset, "h")
                                                                : 1.0;
}

static jebm_optimizer_config optimizer_of(const jebm_preset *preset) {
    const double final_rate = jebm_preset_real(preset, "final_rate");
    return (jebm_optimizer_config){
        .kind = jebm_preset_choice(preset, "optimizer") == 0 ? JEBM_GRADIENT_DESCENT : JEBM_ADAM,
        .schedule = final_rate == 1.0 ? JEBM_SCHEDULE_CONSTANT : JEBM_SCHEDULE_LINEAR,
        .end = final_rate,
        .horizon = jebm_preset_count(preset, "iterations"),
        .beta_1 = 0.9,
        .beta_2 = 0.999,
        .epsilon = 1e-8};
}

static jebm_trainer_config settings(const jebm_preset *preset, const mixture_cell *cell) {
    const uint64_t evaluation = jebm_preset_count(preset, "evaluation");
    const double factor = cell->rate_factor * unit_of(preset);
    /* CD has no weights to evaluate, and restarts all its walkers */
    const bool evaluated = evaluation > 0 && cell->method == JEBM_METHOD_JARZYNSKI,
               whole = cell->method == JEBM_METHOD_CD;
    return (jebm_trainer_config){
        .method = cell->method,
        .rule = cell->rule,
        .npopulations = evaluated ? 2 : 1,
        .walkers = {cell->walkers, evaluation},
        .batch = {whole ? cell->walkers : batch_of(preset, cell->walkers),
                  batch_of(preset, evaluation)},
        .gradient = !whole && jebm_preset_choice(preset, "gradient") == GRADIENT_BATCH
                        ? JEBM_GRADIENT_BATCH
                        : JEBM_GRADIENT_ALL,
        .data_batch = whole ? 0 : jebm_preset_count(preset, "data_batch"),
        .ess_every = jebm_preset_count(preset, "ess_every"),
        .leave_one_out = cell->leave_one_out,
        .inner = jebm_preset_count(preset, "inner"),
        .cd_steps = cell->cd_steps,
        .cd_schedule = cell->cd_schedule,
        .h = jebm_preset_real(preset, "h"),
        .start_split = jebm_preset_choice(preset, "start_split") == SHARE_EXACT,
        .start_each = jebm_preset_choice(preset, "data_start") == START_EACH,
        .scheme = cell->scheme,
        .trigger = cell->trigger,
        .threshold = cell->threshold,
        .interval = cell->interval,
        .resample_from = jebm_preset_count(preset, "resample_from"),
        .stale_trigger = jebm_preset_bool(preset, "stale_trigger"),
        .optimizer = optimizer_of(preset),
        .rate = {factor * jebm_preset_real(preset, "gamma_ab"),
                 factor * jebm_preset_real(preset, "gamma_z")},
    };
}

uint64_t mixture_memory(const jebm_preset *preset, const mixture_cell *cell, const char **key) {
    const jebm_trainer_config c = settings(preset, cell);
    const size_t d = jebm_preset_count(preset, "d"), n = jebm_preset_count(preset, "data");
    jebm_energy *student = NULL;
    *key = n > c.walkers[0] + c.walkers[1] ? "data"
           : c.walkers[1] > c.walkers[0]   ? "evaluation"
                                           : "walkers";
    uint64_t bytes = (uint64_t)n * d * sizeof(float) +
                     (c.walkers[0] > c.walkers[1] ? c.walkers[0] : c.walkers[1]) * sizeof(double);
    if (jebm_gmm_new(d, MODES, &student, NULL) == JEBM_OK) {
        bytes += jebm_trainer_bytes(&c, student, n);
    }
    jebm_energy_free(student);
    return bytes;
}

/* ---- what no single key can show ------------------------------------------------------------ */

/* A mode learns the mean on whose side it starts: by another name its columns would be the other's.
 */
static jebm_status check_names(const jebm_preset *preset, jebm_error *err) {
    const double a = jebm_preset_real(preset, "a_star"), b = jebm_preset_real(preset, "b_star"),
                 first = jebm_preset_real(preset, "first_start");
    if (jebm_preset_choice(preset, "means_start") != MEANS_GIVEN || (a - b) * first <= 0.0) {
        return JEBM_OK;
    }
    return jebm_fail(
        err, JEBM_EINVAL,
        "keys 'a_star' and 'b_star' are %g and %g, but mode a starts at -first_start = "
        "%g, on the side of b*, and would learn it; swap them, or give first_start = %g",
        a, b, -first, -first);
}

static jebm_status check_sizes(const jebm_preset *preset, jebm_error *err) {
    const uint64_t walkers = jebm_preset_count(preset, "walkers"),
                   batch = jebm_preset_count(preset, "batch"),
                   data = jebm_preset_count(preset, "data"),
                   points = jebm_preset_count(preset, "data_batch");
    if (batch > walkers) {
        return jebm_fail(err, JEBM_EINVAL, "key 'batch' is %llu, expected at most walkers = %llu",
                         (unsigned long long)batch, (unsigned long long)walkers);
    }
    /* a point takes d/4 draws, rounded up, of the 2^32 - 1 that its stream of random numbers has */
    const uint64_t most = (UINT32_MAX - 1) / ((jebm_preset_count(preset, "d") + 3) / 4);
    if (data > most) {
        return jebm_fail(err, JEBM_EINVAL, "key 'data' is %llu, expected at most %llu points",
                         (unsigned long long)data, (unsigned long long)most);
    }
    if (points > data) {
        return jebm_fail(err, JEBM_EINVAL, "key 'data_batch' is %llu, expected at most data = %llu",
                         (unsigned long long)points, (unsigned long long)data);
    }
    if (points > 0 && jebm_preset_choice(preset, "gradient") == GRADIENT_ALL) {
        return jebm_fail(err, JEBM_EINVAL,
                         "key 'data_batch' is %llu, but gradient is all: set gradient=batch",
                         (unsigned long long)points);
    }
    return JEBM_OK;
}

static jebm_status check_cell(const jebm_preset *preset, const mixture_cell *cell,
                              jebm_error *err) {
    const bool lazy = jebm_preset_choice(preset, "gradient") == GRADIENT_BATCH;
    if (lazy && jebm_preset_bool(preset, "stale_trigger")) {
        return jebm_fail(err, JEBM_EINVAL,
                         "key 'gradient' is batch, but stale_trigger looks at all walkers at every "
                         "iteration: set stale_trigger=no");
    }
    if (cell->leave_one_out && (lazy || jebm_preset_choice(preset, "optimizer") != 0)) {
        return jebm_fail(err, JEBM_EINVAL,
                         "method jarzynski_loo: found gradient = %s, optimizer = %s, expected all "
                         "and gd",
                         jebm_preset_text(preset, "gradient"),
                         jebm_preset_text(preset, "optimizer"));
    }
    if (cell->stream >> 24 != 0) {
        return jebm_fail(err, JEBM_EINVAL, "a cell's stream is %zu, expected less than 2^24",
                         cell->stream);
    }
    return JEBM_OK;
}

jebm_status mixture_check(const jebm_preset *preset, size_t ncells, const mixture_cell *cells,
                          jebm_error *err) {
    JEBM_TRY(check_sizes(preset, err));
    JEBM_TRY(check_names(preset, err));
    for (size_t i = 0; i < ncells; i++) {
        JEBM_TRY(check_cell(preset, &cells[i], err));
    }
    return JEBM_OK;
}

/* ---- one run -------------------------------------------------------------------------------- */

/* what a stream of random numbers is for; the rest of its number is the cell and the run */
enum { STREAM_DATA = 1, STREAM_THETA, STREAM_WALKERS, STREAM_EVALUATION };

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

/* exchange the means, so that a is the one that starts on a*'s side */
static void name_means(const jebm_energy *teacher, jebm_energy *e) {
    const double side = teacher->theta[0] - teacher->theta[e->d];
    if (side * (e->theta[0] - e->theta[e->d]) < 0.0) {
        for (size_t j = 0; j < e->d; j++) {
            const double a = e->theta[j];
            e->theta[j] = e->theta[e->d + j];
            e->theta[e->d + j] = a;
        }
    }
}

static jebm_status set_student(const jebm_preset *preset, size_t run, const jebm_energy *teacher,
                               jebm_energy *e, jebm_error *err) {
    const size_t start = jebm_preset_choice(preset, "means_start");
    const double first = jebm_preset_real(preset, "first_start");
    const float sigma = (float)jebm_preset_real(preset, "sigma_start");
    float *noise = malloc(MODES * e->d * sizeof *noise);
    if (noise == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for the initial parameters");
    }
    jebm_rng_normals(stream(preset, STREAM_THETA, 0, run), JEBM_LANE_THETA, 0, 0, MODES, e->d,
                     sigma, noise);
    for (size_t j = 0; j < MODES * e->d; j++) {
        e->theta[j] = start == MEANS_TEACHER ? teacher->theta[j] : noise[j];
    }
    free(noise);
    if (start == MEANS_GIVEN) {
        e->theta[0] = -first;
        e->theta[e->d] = first;
    } else if (start == MEANS_RANDOM) {
        name_means(teacher, e);
    }
    e->theta[MODES * e->d] = jebm_preset_real(preset, "z_start");
    e->ops->refresh(e);
    return JEBM_OK;
}

/* draw the data, their cross-entropy with the teacher, log Z* + mean U*, and their share in mode a
 */
static void draw_data(const jebm_preset *preset, size_t run, size_t n, experiment *x) {
    const jebm_energy *teacher = x->teacher;
    const size_t source = jebm_preset_bool(preset, "data_shared") ? 0 : run, d = teacher->d;
    const bool split = jebm_preset_choice(preset, "data_split") == SHARE_EXACT;
    double sum = 0.0, U[JEBM_BLOCK];
    size_t in_a = 0;
    teacher->ops->sample(teacher, stream(preset, STREAM_DATA, 0, source), split, n, 0, n, x->data);
    for (size_t first = 0; first < n; first += JEBM_BLOCK) {
        const size_t count = n - first < JEBM_BLOCK ? n - first : JEBM_BLOCK;
        teacher->ops->eval(teacher, count, x->data + first * d, U, NULL);
        for (size_t i = 0; i < count; i++) {
            float resp[MODES];
            jebm_gmm_responsibilities(teacher, x->data + (first + i) * d, resp);
            in_a += resp[0] > 0.5f;
            sum += U[i];
        }
    }
    x->reference = teacher->ops->log_z(teacher) + sum / (double)n;
    x->data_fraction = (double)in_a / (double)n;
}

void mixture_close(void *state) {
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

/* share of a population's walkers whose responsibility of mode a is above one half: plain, and by
 * weight */
static jebm_status shares(const experiment *x, size_t population, double *plain, double *weighted) {
    const jebm_energy *energy = jebm_trainer_energy(x->trainer);
    const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, population);
    JEBM_TRY(jebm_weights_normalise(e->n, e->logw, x->p));
    size_t count = 0;
    double mass = 0.0;
    for (size_t i = 0; i < e->n; i++) {
        float resp[MODES];
        jebm_gmm_responsibilities(energy, e->x + i * e->d, resp);
        if (resp[0] > 0.5f) {
            count++;
            mass += x->p[i];
        }
    }
    *plain = (double)count / (double)e->n;
    *weighted = mass;
    return JEBM_OK;
}

static jebm_status build(const jebm_preset *preset, const mixture_cell *cell, size_t run,
                         experiment *x, jebm_energy **student, jebm_error *err) {
    static const jebm_mass_law laws[] = {[JEBM_METHOD_JARZYNSKI] = JEBM_MASS_JARZYNSKI,
                                         [JEBM_METHOD_UNWEIGHTED] = JEBM_MASS_UNWEIGHTED,
                                         [JEBM_METHOD_PCD] = JEBM_MASS_PCD,
                                         [JEBM_METHOD_CD] = JEBM_MASS_CD};
    const size_t d = jebm_preset_count(preset, "d"), n = jebm_preset_count(preset, "data");
    jebm_trainer_config c = settings(preset, cell);
    JEBM_TRY(jebm_gmm_new(d, MODES, &x->teacher, err));
    JEBM_TRY(jebm_gmm_new(d, MODES, student, err));
    x->data = malloc(n * d * sizeof *x->data);
    x->p = malloc((c.walkers[0] > c.walkers[1] ? c.walkers[0] : c.walkers[1]) * sizeof *x->p);
    if (x->data == NULL || x->p == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for %zu data points of dimension %zu", n, d);
    }
    set_teacher(preset, x->teacher);
    draw_data(preset, run, n, x);
    JEBM_TRY(set_student(preset, run, x->teacher, *student, err));
    c.rng[0] = stream(preset, STREAM_WALKERS, cell->stream, run);
    c.rng[1] = stream(preset, STREAM_EVALUATION, cell->stream, run);
    JEBM_TRY(jebm_trainer_new(&c, *student, n, x->data, &x->trainer, err));
    x->evaluated = c.npopulations > 1;
    x->weighted = cell->method == JEBM_METHOD_JARZYNSKI;
    x->lasting_h = cell->rule == JEBM_WEIGHTS_EXACT ? c.h : 0.0;
    x->only_z = c.rate[0] == 0.0 && c.optimizer.schedule == JEBM_SCHEDULE_CONSTANT &&
                c.optimizer.kind == JEBM_GRADIENT_DESCENT;
    x->law = laws[cell->method];
    x->z_start = (*student)->theta[MODES * d];
    x->rate_z = c.rate[1];
    x->h = c.h;
    double weighted = 0.0;
    return shares(x, 0, &x->start_fraction, &weighted);
}

jebm_status mixture_open(const jebm_preset *preset, const mixture_cell *cell, size_t run,
                         void **state, jebm_error *err) {
    jebm_energy *student = NULL;
    experiment *x = calloc(1, sizeof *x);
    if (x == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for a run");
    }
    const jebm_status status = build(preset, cell, run, x, &student, err);
    jebm_energy_free(student);
    if (status != JEBM_OK) {
        mixture_close(x);
        return status;
    }
    *state = x;
    return JEBM_OK;
}

jebm_status mixture_step(void *state, jebm_error *err) {
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

/* App. C's z(t) with the shares that this run started from */
static jebm_status ode(const experiment *x, uint64_t k, double *z, jebm_error *err) {
    *z = NAN;
    if (!x->only_z) {
        return JEBM_OK;
    }
    return jebm_mass_ode(x->law, 1.0 - x->start_fraction, 1.0 - x->data_fraction, x->z_start,
                         x->rate_z / x->h, (double)k * x->h, z, err);
}

static jebm_status weigh(const experiment *x, size_t population, uint64_t k, double *plain,
                         double *weighted, jebm_error *err) {
    if (shares(x, population, plain, weighted) != JEBM_OK) {
        return jebm_fail(err, JEBM_EDIVERGE, "iteration %llu: the log-weights cannot be normalised",
                         (unsigned long long)k);
    }
    return JEBM_OK;
}

jebm_status mixture_record(void *state, double *row, jebm_error *err) {
    experiment *x = state;
    JEBM_TRY(jebm_trainer_settle(x->trainer, err));
    const jebm_energy *e = jebm_trainer_energy(x->trainer);
    const jebm_observation o = jebm_trainer_observe(x->trainer, 0);
    jebm_observation other = {.log_z = NAN, .log_z_se = NAN, .ess = NAN};
    const size_t d = e->d;
    const double log_z = e->ops->log_z(e);
    double mass[MODES], plain = 0.0, weighted = 0.0, elsewhere = 0.0, evaluated = NAN, z_ode = NAN;
    double cv2[MODES] = {NAN, NAN};
    jebm_gmm_masses(e, mass);
    JEBM_TRY(weigh(x, 0, o.k, &plain, &weighted, err));
    if (x->evaluated) {
        other = jebm_trainer_observe(x->trainer, 1);
        JEBM_TRY(weigh(x, 1, o.k, &elsewhere, &evaluated, err));
    }
    JEBM_TRY(ode(x, o.k, &z_ode, err));
    if (x->weighted) {
        mixture_lasting_cv2(e, jebm_trainer_ensemble(x->trainer, 0), x->lasting_h, cv2);
    }
    const double values[COLUMNS] = {mass[0],
                                    e->theta[MODES * d],
                                    e->theta[0],
                                    e->theta[d],
                                    distance(d, e->theta, x->teacher->theta),
                                    distance(d, e->theta + d, x->teacher->theta + d),
                                    log_z + o.data_energy - x->reference,
                                    o.log_z + o.data_energy - x->reference,
                                    other.log_z + o.data_energy - x->reference,
                                    log_z,
                                    o.log_z,
                                    o.log_z_se,
                                    other.log_z_se,
                                    o.ess,
                                    o.ess_min,
                                    other.ess,
                                    (double)o.resamplings,
                                    plain,
                                    weighted,
                                    evaluated,
                                    x->data_fraction,
                                    z_ode,
                                    cv2[0],
                                    cv2[1]};
    memcpy(row, values, sizeof values);
    jebm_trainer_forget(x->trainer);
    return JEBM_OK;
}

size_t mixture_arrays(void *state, jebm_array list[JEBM_MAX_STATE]) {
    experiment *x = state;
    return jebm_trainer_arrays(x->trainer, JEBM_MAX_STATE, list);
}

jebm_status mixture_restored(void *state, jebm_error *err) {
    experiment *x = state;
    return jebm_trainer_restored(x->trainer, err);
}
