/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mnist.h"

#include "metrics/neighbour.h"
#include "metrics/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* of a standard error */
enum { REPLICATES = 200 };

/* What is there for each class stands in three columns of its own, whatever the classes; of more
 * classes than three, all of it follows at the end, class by class. */
enum { FIRST_CLASSES = 3 };

/* in the order of the columns */
enum {
    LOG_Z,
    LOG_Z_SE,
    DATA_ENERGY,
    TEST_ENERGY,
    CROSS_ENTROPY,
    CROSS_ENTROPY_TEST,
    BITS_PER_DIM,
    ESS,
    ESS_MIN,
    RESAMPLINGS,
    MASS,
    MASS_SE = MASS + FIRST_CLASSES,
    SHARE = MASS_SE + FIRST_CLASSES,
    ERROR = SHARE + FIRST_CLASSES,
    ERROR_MAX = ERROR + FIRST_CLASSES,
    TV,
    CONFIDENCE,
    STEP_SCALE,
    LOG_WEIGHT_SPREAD,
    RANK_CONFIDENCE,
    RANK_DISTANCE,
    ESS_EVALUATION,
    CROSS_ENTROPY_EVALUATION,
    MASS_EVALUATION,
    LOG_Z_FORWARD = MASS_EVALUATION + FIRST_CLASSES,
    LOG_Z_FORWARD_SE,
    LOG_Z_REVERSE,
    LOG_Z_REVERSE_SE,
    ESS_REVERSE,
    CROSS_ENTROPY_FORWARD,
    CROSS_ENTROPY_REVERSE,
    ANNEALING_STEPS,
    ESS_FORWARD,
    MASS_FORWARD,
    MASS_FORWARD_SE = MASS_FORWARD + FIRST_CLASSES,
    ERROR_MAX_FORWARD = MASS_FORWARD_SE + FIRST_CLASSES,
    FAMILIES,
    MASS_FAMILY_SE,
    FAMILIES_FORWARD = MASS_FAMILY_SE + FIRST_CLASSES,
    MASS_FORWARD_FAMILY_SE,
    FURTHER = MASS_FORWARD_FAMILY_SE + FIRST_CLASSES,
    KINDS = 9,
    COLUMNS = FURTHER + (MNIST_CLASSES - FIRST_CLASSES) * KINDS
};

static size_t place_of(size_t kind, size_t class) {
    static const size_t kinds[KINDS] = {MASS,
                                        MASS_SE,
                                        SHARE,
                                        ERROR,
                                        MASS_EVALUATION,
                                        MASS_FORWARD,
                                        MASS_FORWARD_SE,
                                        MASS_FAMILY_SE,
                                        MASS_FORWARD_FAMILY_SE};
    size_t at = 0;
    while (kinds[at] != kind) {
        at++;
    }
    return class < FIRST_CLASSES ? kind + class : FURTHER + (class - FIRST_CLASSES) * KINDS + at;
}

#define MORE(j)                                                                 \
    "mass_" #j, "mass_se_" #j, "count_" #j, "error_" #j, "mass_evaluation_" #j, \
        "mass_forward_" #j, "mass_forward_se_" #j, "mass_family_se_" #j,        \
        "mass_forward_family_se_" #j

const char *const mnist_columns[] = {"log_z",
                                     "log_z_se",
                                     "data_energy",
                                     "test_energy",
                                     "cross_entropy",
                                     "cross_entropy_test",
                                     "bits_per_dim",
                                     "ess",
                                     "ess_min",
                                     "resamplings",
                                     "mass_0",
                                     "mass_1",
                                     "mass_2",
                                     "mass_se_0",
                                     "mass_se_1",
                                     "mass_se_2",
                                     "count_0",
                                     "count_1",
                                     "count_2",
                                     "error_0",
                                     "error_1",
                                     "error_2",
                                     "error_max",
                                     "tv",
                                     "confidence",
                                     "step_scale",
                                     "log_weight_spread",
                                     "rank_confidence",
                                     "rank_distance",
                                     "ess_evaluation",
                                     "cross_entropy_evaluation",
                                     "mass_evaluation_0",
                                     "mass_evaluation_1",
                                     "mass_evaluation_2",
                                     "log_z_forward",
                                     "log_z_forward_se",
                                     "log_z_reverse",
                                     "log_z_reverse_se",
                                     "ess_reverse",
                                     "cross_entropy_forward",
                                     "cross_entropy_reverse",
                                     "annealing_steps",
                                     "ess_forward",
                                     "mass_forward_0",
                                     "mass_forward_1",
                                     "mass_forward_2",
                                     "mass_forward_se_0",
                                     "mass_forward_se_1",
                                     "mass_forward_se_2",
                                     "error_max_forward",
                                     "families",
                                     "mass_family_se_0",
                                     "mass_family_se_1",
                                     "mass_family_se_2",
                                     "families_forward",
                                     "mass_forward_family_se_0",
                                     "mass_forward_family_se_1",
                                     "mass_forward_family_se_2",
                                     MORE(3),
                                     MORE(4),
                                     MORE(5),
                                     MORE(6),
                                     MORE(7),
                                     MORE(8),
                                     MORE(9)};
const size_t mnist_ncolumns = sizeof mnist_columns / sizeof mnist_columns[0];
_Static_assert(sizeof mnist_columns / sizeof mnist_columns[0] == COLUMNS, "a name a column");

size_t mnist_width(const jebm_preset *preset) {
    double classes[32];
    const size_t n = jebm_preset_reals(preset, "classes", classes);
    return n > FIRST_CLASSES ? FURTHER + (n - FIRST_CLASSES) * KINDS : FURTHER;
}

/* ---- one run -------------------------------------------------------------------------------- */

static size_t larger_population(const jebm_trainer_config *c) {
    return c->npopulations > 1 && c->walkers[1] > c->walkers[0] ? c->walkers[1] : c->walkers[0];
}

static size_t test_blocks(const mnist_inputs *inputs) {
    return (inputs->test.n + JEBM_BLOCK - 1) / JEBM_BLOCK;
}

uint64_t mnist_memory(const jebm_preset *preset, const mnist_inputs *inputs, const char **key) {
    jebm_cell cells[JEBM_MAX_CELLS];
    jebm_energy *energy = NULL;
    size_t n = 0;
    uint64_t most = 0;
    *key = "walkers";
    if (mnist_plan(preset, cells, &n, NULL) != JEBM_OK) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const mnist_cell cell = mnist_cell_of(preset, &cells[i]);
        const jebm_trainer_config c = mnist_training(preset, &cell, 0);
        if (energy == NULL && mnist_energy(preset, &cell, inputs, 0, &energy, NULL) != JEBM_OK) {
            return 0;
        }
        const size_t N = larger_population(&c);
        const uint64_t bytes = jebm_trainer_bytes(&c, energy, inputs->train.n) +
                               N * (inputs->nclasses * sizeof(float) + 1 + 3 * sizeof(double)) +
                               mnist_annealing_bytes(preset, energy->d);
        most = bytes > most ? bytes : most;
    }
    jebm_energy_free(energy);
    return most + (inputs->train.n + inputs->test.n) * inputs->train.channels *
                      inputs->train.height * inputs->train.width * sizeof(float);
}

void mnist_close(mnist_run *x) {
    if (x == NULL) {
        return;
    }
    jebm_trainer_free(x->trainer);
    free(x->log_p);
    free(x->class_of);
    free(x->confidence);
    free(x->p);
    free(x->distance);
    free(x->block_U);
    free(x);
}

static jebm_status build(mnist_run *x, jebm_error *err) {
    const jebm_trainer_config c = mnist_training(x->preset, &x->cell, x->run);
    const size_t n = larger_population(&c);
    x->evaluated = c.npopulations > 1;
    x->log_p = malloc(n * x->inputs->nclasses * sizeof *x->log_p);
    x->class_of = malloc(n);
    x->confidence = malloc(n * sizeof *x->confidence);
    x->p = malloc(n * sizeof *x->p);
    x->distance = malloc(n * sizeof *x->distance);
    x->block_U = malloc(test_blocks(x->inputs) * sizeof *x->block_U);
    if (x->log_p == NULL || x->class_of == NULL || x->confidence == NULL || x->p == NULL ||
        x->distance == NULL || x->block_U == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for %zu walkers", n);
    }
    jebm_energy *energy = NULL;
    JEBM_TRY(mnist_energy(x->preset, &x->cell, x->inputs, x->run, &energy, err));
    const jebm_status status =
        jebm_trainer_new(&c, energy, x->inputs->train.n, x->inputs->train.x, &x->trainer, err);
    jebm_energy_free(energy);
    return status;
}

jebm_status mnist_open(const jebm_preset *preset, const mnist_inputs *inputs,
                       const mnist_cell *cell, size_t run, mnist_run **out, jebm_error *err) {
    mnist_run *x = calloc(1, sizeof *x);
    if (x == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for a run");
    }
    x->preset = preset;
    x->inputs = inputs;
    x->cell = *cell;
    x->run = run;
    const jebm_status status = build(x, err);
    if (status != JEBM_OK) {
        mnist_close(x);
        return status;
    }
    *out = x;
    return JEBM_OK;
}

/* ---- what is seen of the walkers ------------------------------------------------------------ */

jebm_status mnist_classify(mnist_run *x, size_t n, const float *images, jebm_error *err) {
    JEBM_TRY(jebm_classifier_classify(x->inputs->classifier, n, images, NULL, x->log_p, err));
    jebm_likeliest(n, x->inputs->nclasses, x->log_p, x->class_of, x->confidence);
    return JEBM_OK;
}

jebm_status mnist_masses(const mnist_run *x, size_t n, const double *logw, const uint32_t *family,
                         jebm_masses *out, jebm_error *err) {
    const jebm_bootstrap bootstrap = {
        .replicates = REPLICATES, .seed = jebm_preset_seed(x->preset), .family = family};
    return jebm_masses_of(n, x->inputs->nclasses, x->class_of, logw, &bootstrap, out, err);
}

static jebm_status look(mnist_run *x, size_t population, jebm_error *err) {
    const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, population);
    JEBM_TRY(mnist_classify(x, e->n, e->x, err));
    if (jebm_weights_normalise(e->n, e->logw, x->p) != JEBM_OK) {
        return jebm_fail(err, JEBM_EDIVERGE, "iteration %llu: the log-weights cannot be normalised",
                         (unsigned long long)jebm_trainer_observe(x->trainer, population).k);
    }
    return JEBM_OK;
}

jebm_status mnist_look(mnist_run *x, jebm_error *err) {
    JEBM_TRY(jebm_trainer_settle(x->trainer, err));
    return look(x, 0, err);
}

jebm_status mnist_measure(mnist_run *x, jebm_error *err) {
    const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, 0);
    JEBM_TRY(mnist_look(x, err));
    if (!x->measured) {
        jebm_neighbours(e->n, e->x, x->inputs->train.n, x->inputs->train.x, e->d, x->distance,
                        NULL);
        x->measured = true;
    }
    return JEBM_OK;
}

/* ---- a row ---------------------------------------------------------------------------------- */

/* mean of U over the test images */
static double test_energy(mnist_run *x) {
    const jebm_energy *e = jebm_trainer_energy(x->trainer);
    const jebm_images *images = &x->inputs->test;
    const size_t nblocks = test_blocks(x->inputs);
#pragma omp parallel for schedule(static)
    for (size_t b = 0; b < nblocks; b++) {
        double U[JEBM_BLOCK];
        const size_t first = b * JEBM_BLOCK, left = images->n - first,
                     n = left < JEBM_BLOCK ? left : JEBM_BLOCK;
        e->ops->eval(e, n, images->x + first * e->d, U, NULL);
        x->block_U[b] = 0.0;
        for (size_t i = 0; i < n; i++) {
            x->block_U[b] += U[i];
        }
    }
    double sum = 0.0;
    for (size_t b = 0; b < nblocks; b++) {
        sum += x->block_U[b];
    }
    return sum / (double)images->n;
}

static double spread(size_t n, const double *logw) {
    double mean = 0.0, square = 0.0;
    for (size_t i = 0; i < n; i++) {
        mean += logw[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        square += (logw[i] - mean) * (logw[i] - mean) / (double)n;
    }
    return sqrt(square);
}

static void put_energies(mnist_run *x, const jebm_observation *o, double *row) {
    const double d = (double)jebm_trainer_energy(x->trainer)->d;
    row[LOG_Z] = o->log_z;
    row[LOG_Z_SE] = o->log_z_se;
    row[DATA_ENERGY] = o->data_energy;
    row[TEST_ENERGY] = test_energy(x);
    row[CROSS_ENTROPY] = o->log_z + row[DATA_ENERGY];
    row[CROSS_ENTROPY_TEST] = o->log_z + row[TEST_ENERGY];
    /* 256 levels on [-1, 1]: a level is 2^-7 wide */
    row[BITS_PER_DIM] = row[CROSS_ENTROPY] / (d * log(2.0)) + 7.0;
    row[ESS] = o->ess;
    row[ESS_MIN] = o->ess_min;
    row[RESAMPLINGS] = (double)o->resamplings;
    row[STEP_SCALE] = o->step_scale;
}

/* those of the masses against the data's; returns the largest size of one */
static double relative_errors(const mnist_run *x, const jebm_masses *m, double *errors) {
    double largest = 0.0;
    jebm_relative_errors(x->inputs->nclasses, m->mass, x->inputs->target, errors);
    for (size_t j = 0; j < x->inputs->nclasses; j++) {
        largest = fmax(largest, fabs(errors[j]));
    }
    return largest;
}

static jebm_status put_masses(mnist_run *x, double *row, jebm_error *err) {
    const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, 0);
    const size_t K = x->inputs->nclasses;
    jebm_masses m, by_family;
    JEBM_TRY(mnist_masses(x, e->n, e->logw, NULL, &m, err));
    JEBM_TRY(
        mnist_masses(x, e->n, e->logw, jebm_trainer_ancestors(x->trainer, 0), &by_family, err));
    row[FAMILIES] = (double)by_family.units;
    double errors[MNIST_CLASSES];
    row[ERROR_MAX] = relative_errors(x, &m, errors);
    for (size_t j = 0; j < K; j++) {
        row[place_of(ERROR, j)] = errors[j];
        row[place_of(MASS, j)] = m.mass[j];
        row[place_of(MASS_SE, j)] = m.error[j];
        row[place_of(MASS_FAMILY_SE, j)] = by_family.error[j];
        row[place_of(SHARE, j)] = m.share[j];
    }
    row[TV] = jebm_total_variation(K, m.mass, x->inputs->target);
    row[CONFIDENCE] = 0.0;
    for (size_t i = 0; i < e->n; i++) {
        row[CONFIDENCE] += x->p[i] * x->confidence[i];
    }
    return JEBM_OK;
}

/* rank correlation of the log-weights with v[n]; 0 right after a resampling: equal weights put
 * walkers in no order */
static jebm_status rank(const jebm_ensemble *e, const double *v, double *out, jebm_error *err) {
    JEBM_TRY(jebm_spearman(e->n, e->logw, v, out, err));
    *out = isnan(*out) ? 0.0 : *out;
    return JEBM_OK;
}

/* what only weights have */
static jebm_status put_weights(mnist_run *x, bool last, double *row, jebm_error *err) {
    const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, 0);
    row[LOG_WEIGHT_SPREAD] = spread(e->n, e->logw);
    if (last) {
        JEBM_TRY(mnist_measure(x, err));
        JEBM_TRY(rank(e, x->confidence, &row[RANK_CONFIDENCE], err));
        JEBM_TRY(rank(e, x->distance, &row[RANK_DISTANCE], err));
    }
    return JEBM_OK;
}

static jebm_status put_evaluation(mnist_run *x, double *row, jebm_error *err) {
    const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, 1);
    const jebm_observation o = jebm_trainer_observe(x->trainer, 1);
    jebm_masses m;
    JEBM_TRY(look(x, 1, err));
    JEBM_TRY(jebm_masses_of(e->n, x->inputs->nclasses, x->class_of, e->logw, NULL, &m, err));
    row[ESS_EVALUATION] = o.ess;
    row[CROSS_ENTROPY_EVALUATION] = o.log_z + o.data_energy;
    for (size_t j = 0; j < x->inputs->nclasses; j++) {
        row[place_of(MASS_EVALUATION, j)] = m.mass[j];
    }
    return JEBM_OK;
}

static jebm_status put_sandwich(mnist_run *x, size_t steps, double *row, jebm_error *err) {
    mnist_sandwich s;
    JEBM_TRY(mnist_anneal(x, steps, x->evaluations, &s, err));
    row[ANNEALING_STEPS] = (double)steps;
    row[LOG_Z_FORWARD] = s.forward.log_z;
    row[LOG_Z_FORWARD_SE] = s.forward.se;
    row[LOG_Z_REVERSE] = s.reverse.log_z;
    row[LOG_Z_REVERSE_SE] = s.reverse.se;
    row[ESS_FORWARD] = s.forward.ess;
    row[ESS_REVERSE] = s.reverse.ess;
    row[CROSS_ENTROPY_FORWARD] = s.forward.log_z + row[DATA_ENERGY];
    row[CROSS_ENTROPY_REVERSE] = s.reverse.log_z + row[DATA_ENERGY];
    for (size_t j = 0; j < x->inputs->nclasses; j++) {
        row[place_of(MASS_FORWARD, j)] = s.masses.mass[j];
        row[place_of(MASS_FORWARD_SE, j)] = s.masses.error[j];
        row[place_of(MASS_FORWARD_FAMILY_SE, j)] = s.by_family.error[j];
    }
    row[FAMILIES_FORWARD] = (double)s.by_family.units;
    double errors[MNIST_CLASSES];
    row[ERROR_MAX_FORWARD] = relative_errors(x, &s.masses, errors);
    return JEBM_OK;
}

/* how many steps of annealing belong to this row; 0: none */
static size_t annealing_steps(const mnist_run *x, bool last) {
    const size_t steps = jebm_preset_count(x->preset, "ais_steps");
    if (mnist_evaluates(x->preset)) {
        return x->evaluations > 0 ? steps << 2 * (x->evaluations - 1) : 0;
    }
    return last ? steps : 0;
}

jebm_status mnist_record(mnist_run *x, double *row, jebm_error *err) {
    for (size_t i = 0; i < COLUMNS; i++) {
        row[i] = NAN;
    }
    x->measured = false;
    JEBM_TRY(mnist_look(x, err));
    const jebm_observation o = jebm_trainer_observe(x->trainer, 0);
    put_energies(x, &o, row);
    JEBM_TRY(put_masses(x, row, err));
    const bool last =
        mnist_evaluates(x->preset) || o.k == jebm_preset_count(x->preset, "iterations");
    if (x->cell.method == JEBM_METHOD_JARZYNSKI) {
        JEBM_TRY(put_weights(x, last, row, err));
    }
    const size_t steps = annealing_steps(x, last);
    if (steps > 0) {
        JEBM_TRY(put_sandwich(x, steps, row, err));
    }
    if (x->evaluated) {
        JEBM_TRY(put_evaluation(x, row, err));
    }
    jebm_trainer_forget(x->trainer);
    return JEBM_OK;
}
