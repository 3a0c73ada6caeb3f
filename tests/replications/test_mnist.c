/* The columns and the images of jebm-mnist against what they are made of: tiny images made here, a
 * small network, and every number computed anew from walkers, weights and files.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "mnist.h"

#include "energy/convnet.h"
#include "idx_file.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SIDE = 4, D = SIDE * SIDE, TRAIN = 40, TEST = 20, LEARNT = 18, N = 96, SEED = 9 };

static const char text[] =
    "[mnist]\ntitle = t\nscales = quick\nfidelities = paper\nruns = 3\niterations = 12\n"
    "record_every = 12\nclasses = 2 3\ncounts = 12 6\nverify = no\nnetwork = linear 8 | silu | "
    "linear 1\ntemperature = 0.02\nzero_last = no\nmethods = jarzynski\nwalkers = 96\nbatch = 48\n"
    "inner = 2\ncd_steps = 1\nh = 0.02\ndata_batch = 8\nrate = 0.02\nevaluation = 20\n"
    "trigger = never\nlag = 3\nbackend = reference\nimages = 4\n";

static uint8_t pixel(size_t image, size_t j) {
    return (uint8_t)(image * 31 % 7 == 0 ? 255 : (image * 53 + j * (image % 2 == 0 ? 90 : 17)));
}

/* labels 2 and 3 in turn */
static void put_set(const scratch *s, const char *part, uint32_t n, size_t first) {
    uint8_t pixels[TRAIN * D], labels[TRAIN];
    char name[64];
    for (size_t i = 0; i < n; i++) {
        labels[i] = i % 2 == 0 ? 2 : 3;
        for (size_t j = 0; j < D; j++) {
            pixels[i * D + j] = pixel(first + i, j);
        }
    }
    const idx_file images = idx_images(n, SIDE, SIDE, pixels), which = idx_labels(n, labels);
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", part);
    idx_save(scratch_path(s, name), &images);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", part);
    idx_save(scratch_path(s, name), &which);
}

/* a classifier by a file, for training the usual one takes long and needs larger images */
static void put_classifier(const scratch *s) {
    jebm_images train = {0};
    jebm_classifier *c = NULL;
    jebm_error err = {0};
    cr_assert_eq(jebm_mnist_load(s->directory, JEBM_TRAIN, &train, NULL, &err), JEBM_OK, "%s",
                 err.text);
    const jebm_classifier_config config = {.body = "linear 6 | relu",
                                           .nclasses = 2,
                                           .classes = {2, 3},
                                           .backend = JEBM_GEMM_REFERENCE,
                                           .epochs = 2,
                                           .batch = 10,
                                           .rate = 0.01};
    cr_assert_eq(jebm_classifier_train(&config, &train, &train, 1, NULL, NULL, &c, &err), JEBM_OK,
                 "%s", err.text);
    cr_assert_eq(jebm_classifier_save(c, scratch_path(s, "classifier.h5"), &err), JEBM_OK, "%s",
                 err.text);
    jebm_classifier_free(c);
    jebm_images_free(&train);
}

static scratch s;
static jebm_preset *preset;
static mnist_inputs inputs;

static void set_up_with(const char *override) {
    jebm_preset_file *file = NULL;
    jebm_error err = {0};
    char classifier[600];
    snprintf(classifier, sizeof classifier, "classifier=%s", scratch_path(&s, "classifier.h5"));
    const char *overrides[] = {classifier, override};
    const jebm_preset_request request = {.figure = "mnist",
                                         .seed = SEED,
                                         .overrides = overrides,
                                         .noverrides = override != NULL ? 2 : 1};
    json_t *found = json_object();
    cr_assert_eq(jebm_preset_file_parse("mnist.ini", text, strlen(text), mnist_keys, mnist_nkeys,
                                        &file, &err),
                 JEBM_OK, "%s", err.text);
    cr_assert_eq(jebm_preset_resolve(file, &request, &preset, &err), JEBM_OK, "%s", err.text);
    cr_assert_eq(mnist_inputs_read(preset, s.directory, s.directory, found, &inputs, &err), JEBM_OK,
                 "%s", err.text);
    jebm_preset_file_free(file);
    json_decref(found);
}

static void set_up(void) {
    s = scratch_new();
    put_set(&s, "train", TRAIN, 0);
    put_set(&s, "t10k", TEST, 100);
    put_classifier(&s);
}

static void tear_down(void) {
    mnist_inputs_free(&inputs);
    jebm_preset_free(preset);
    scratch_free(&s);
}

TestSuite(mnist_rows, .init = set_up, .fini = tear_down, .timeout = 60);

static mnist_cell first_cell(void) {
    jebm_cell cells[JEBM_MAX_CELLS];
    size_t n = 0;
    cr_assert_eq(mnist_plan(preset, cells, &n, NULL), JEBM_OK);
    cr_assert_geq(n, 1);
    return mnist_cell_of(preset, &cells[0]);
}

static double column(const double *row, const char *name) {
    for (size_t i = 0; i < mnist_ncolumns; i++) {
        if (strcmp(mnist_columns[i], name) == 0) {
            return row[i];
        }
    }
    cr_assert_fail("no column %s", name);
    return NAN;
}

/* log of the mean of exp(A), and the ESS */
static double log_mean_exp(size_t n, const double *logw, double *ess) {
    double most = -INFINITY, sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, logw[i]);
    }
    for (size_t i = 0; i < n; i++) {
        sum += exp(logw[i] - most);
        squares += exp(2.0 * (logw[i] - most));
    }
    *ess = sum * sum / squares / (double)n;
    return most + log(sum / (double)n);
}

/* Walkers start uniform on the cube of side 2, where log Z is d log 2, and are never resampled: log
 * Z by a population is d log 2 + log mean exp(A) of that population. */
Test(mnist_rows, a_cross_entropy_is_that_of_its_own_populations_log_z) {
    set_up_with(NULL);
    const mnist_cell cell = first_cell();
    mnist_run *x = NULL;
    jebm_error err = {0};
    double *row = calloc(mnist_ncolumns, sizeof *row), ess[2], log_z[2], energy = 0.0;
    cr_assert_eq(mnist_open(preset, &inputs, &cell, 1, &x, &err), JEBM_OK, "%s", err.text);
    for (int k = 0; k < 12; k++) {
        cr_assert_eq(jebm_trainer_step(x->trainer, &err), JEBM_OK, "%s", err.text);
    }
    cr_assert_eq(mnist_record(x, row, &err), JEBM_OK, "%s", err.text);
    for (size_t p = 0; p < 2; p++) {
        const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, p);
        log_z[p] = D * log(2.0) + log_mean_exp(e->n, e->logw, &ess[p]);
    }
    const jebm_energy *e = jebm_trainer_energy(x->trainer);
    for (size_t i = 0; i < LEARNT; i++) {
        double U = 0.0;
        e->ops->eval(e, 1, inputs.train.x + i * D, &U, NULL);
        energy += U / LEARNT;
    }
    cr_expect_float_eq(column(row, "cross_entropy"), log_z[0] + energy, 1e-5);
    cr_expect_float_eq(column(row, "cross_entropy_evaluation"), log_z[1] + energy, 1e-5);
    cr_expect_float_eq(column(row, "ess"), ess[0], 1e-10);
    cr_expect_float_eq(column(row, "ess_evaluation"), ess[1], 1e-10);
    cr_expect_gt(fabs(log_z[0] - log_z[1]), 1e-2, "both are %g: this tests nothing", log_z[0]);
    double test = 0.0;
    for (size_t i = 0; i < inputs.test.n; i++) {
        double U = 0.0;
        e->ops->eval(e, 1, inputs.test.x + i * D, &U, NULL);
        test += U / (double)inputs.test.n;
    }
    cr_expect_float_eq(column(row, "test_energy"), test, 1e-5);
    cr_expect_float_eq(column(row, "cross_entropy_test"), log_z[0] + test, 1e-5);
    free(row);
    mnist_close(x);
}

/* The evaluation population's masses are those of its own walkers' classes by its own weights, and
 * log_weight_spread is about the mean. */
Test(mnist_rows, masses_of_the_evaluation_are_of_its_own_walkers) {
    set_up_with(NULL);
    const mnist_cell cell = first_cell();
    mnist_run *x = NULL;
    jebm_error err = {0};
    double *row = calloc(mnist_ncolumns, sizeof *row), mass[2][2], total = 0.0;
    cr_assert_eq(mnist_open(preset, &inputs, &cell, 2, &x, &err), JEBM_OK, "%s", err.text);
    for (int k = 0; k < 6; k++) {
        cr_assert_eq(jebm_trainer_step(x->trainer, &err), JEBM_OK, "%s", err.text);
    }
    cr_assert_eq(mnist_record(x, row, &err), JEBM_OK, "%s", err.text);
    for (size_t p = 0; p < 2; p++) {
        const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, p);
        float log_p[N * 2];
        cr_assert_eq(jebm_classifier_classify(inputs.classifier, e->n, e->x, NULL, log_p, &err),
                     JEBM_OK, "%s", err.text);
        mass[p][0] = mass[p][1] = total = 0.0;
        for (size_t i = 0; i < e->n; i++) {
            const double w = exp(e->logw[i] - e->logw[0]);
            mass[p][log_p[2 * i + 1] > log_p[2 * i] ? 1 : 0] += w;
            total += w;
        }
        mass[p][0] /= total;
    }
    cr_expect_float_eq(column(row, "mass_0"), mass[0][0], 1e-10);
    cr_expect_float_eq(column(row, "mass_evaluation_0"), mass[1][0], 1e-10);
    cr_expect_float_eq(column(row, "mass_evaluation_1"), 1.0 - mass[1][0], 1e-10);
    cr_expect_gt(fabs(mass[0][0] - mass[1][0]), 1e-3, "both are %g", mass[0][0]);
    const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, 0);
    double mean = 0.0, square = 0.0;
    for (size_t i = 0; i < N; i++) {
        mean += e->logw[i] / N;
    }
    for (size_t i = 0; i < N; i++) {
        square += pow(e->logw[i] - mean, 2.0) / N;
    }
    cr_expect_float_eq(column(row, "log_weight_spread"), sqrt(square), 1e-10);
    cr_expect_gt(fabs(mean), 0.01, "the mean is %g: this tests nothing", mean);
    free(row);
    mnist_close(x);
}

/* standard errors of the masses of class 0 and 1, families being drawn whole: of a ratio of sums
 * over families, to first order in its fluctuations */
static size_t family_error(size_t n, const uint32_t *family, const uint8_t *class_of,
                           const double *p, double *mass, double error[2]) {
    double of[N][2] = {{0}}, total[2] = {0};
    size_t families = 0;
    for (size_t i = 0; i < n; i++) {
        families += of[family[i]][0] + of[family[i]][1] == 0.0;
        of[family[i]][class_of[i]] += p[i];
        total[class_of[i]] += p[i];
    }
    for (size_t j = 0; j < 2; j++) {
        double square = 0.0;
        for (size_t f = 0; f < n; f++) {
            const double off = of[f][j] - total[j] * (of[f][0] + of[f][1]);
            square += off * off;
        }
        mass[j] = total[j];
        error[j] = sqrt(square);
    }
    return families;
}

/* 200 replicates know a standard error to 5 %, and first order is good to some 10 % where ten
 * families are left. By single walkers it would be little more than half of that. */
Test(mnist_rows, errors_by_families_are_those_of_families_drawn_whole) {
    set_up_with("trigger=interval");
    const mnist_cell cell = first_cell();
    mnist_run *x = NULL;
    jebm_error err = {0};
    double *row = calloc(mnist_ncolumns, sizeof *row), p[N], mass[2], error[2];
    cr_assert_eq(mnist_open(preset, &inputs, &cell, 0, &x, &err), JEBM_OK, "%s", err.text);
    for (int k = 0; k < 6; k++) {
        cr_assert_eq(jebm_trainer_step(x->trainer, &err), JEBM_OK, "%s", err.text);
    }
    cr_assert_eq(mnist_record(x, row, &err), JEBM_OK, "%s", err.text);
    cr_assert_eq(column(row, "resamplings"), 2.0);
    /* the classes are still those of the training walkers if they are looked at again */
    cr_assert_eq(mnist_look(x, &err), JEBM_OK);
    const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, 0);
    cr_assert_eq(jebm_weights_normalise(N, e->logw, p), JEBM_OK);
    const size_t families =
        family_error(N, jebm_trainer_ancestors(x->trainer, 0), x->class_of, p, mass, error);
    cr_expect_eq(column(row, "families"), (double)families);
    cr_assert(families > 8 && families < N, "%zu families", families);
    cr_assert(mass[0] > 0.05 && mass[0] < 0.95, "mass %g", mass[0]);
    for (size_t j = 0; j < 2; j++) {
        const char *name = j == 0 ? "mass_family_se_0" : "mass_family_se_1",
                   *single = j == 0 ? "mass_se_0" : "mass_se_1";
        cr_expect_float_eq(column(row, name), error[j], 0.25 * error[j], "%g, expected %g",
                           column(row, name), error[j]);
        cr_expect_lt(column(row, single), 0.75 * error[j]);
    }
    free(row);
    mnist_close(x);
}

/* The path is so short that the annealing has to resample: fewer than N of its walkers' ancestors
 * are left, which the bootstrap of families draws. */
Test(mnist_rows, annealed_masses_have_errors_by_families_too) {
    set_up_with("temperature=0.05");
    const mnist_cell cell = first_cell();
    mnist_run *x = NULL;
    mnist_sandwich sandwich;
    jebm_error err = {0};
    cr_assert_eq(mnist_open(preset, &inputs, &cell, 0, &x, &err), JEBM_OK, "%s", err.text);
    cr_assert_eq(mnist_look(x, &err), JEBM_OK);
    cr_assert_eq(mnist_anneal(x, 10, 0, &sandwich, &err), JEBM_OK, "%s", err.text);
    cr_assert_gt(sandwich.forward.resamplings, 0);
    cr_expect_eq(sandwich.masses.units, N);
    cr_expect(sandwich.by_family.units > 1 && sandwich.by_family.units < N, "%zu families",
              sandwich.by_family.units);
    for (size_t j = 0; j < 2; j++) {
        cr_expect_eq(sandwich.by_family.mass[j], sandwich.masses.mass[j]);
    }
    mnist_close(x);
}

/* Images go where noise takes them, and what leaves the cube comes back as from a mirror: a pixel
 * at 0.9 that gains 0.3 is at 0.8. A clamped one would stand at the face itself. */
static void expect_noise(const jebm_images *images, size_t first, size_t n0, uint64_t purpose,
                         float sigma) {
    float noise[D];
    size_t mirrored = 0;
    for (size_t i = 0; i < images->n; i++) {
        /* of class 2 the even images of the file, then of class 3 the odd ones */
        const size_t image = first + (i < n0 ? 2 * i : 2 * (i - n0) + 1);
        jebm_rng_normals(jebm_rng_make(SEED, purpose), JEBM_LANE_NOISE, 0, i, 1, D, sigma, noise);
        for (size_t j = 0; j < D; j++) {
            double y = pixel(image, j) / 127.5 - 1.0 + (double)noise[j];
            mirrored += fabs(y) > 1.0;
            while (fabs(y) > 1.0) {
                y = y > 1.0 ? 2.0 - y : -2.0 - y;
            }
            cr_expect_float_eq((double)images->x[i * D + j], y, 2e-6, "image %zu, pixel %zu", i, j);
        }
    }
    cr_expect_gt(mirrored, 20, "%zu pixels leave the cube", mirrored);
}

Test(mnist_rows, noise_on_images_is_mirrored_at_the_cube) {
    set_up_with("data_noise=0.9");
    cr_assert_eq(inputs.train.n, LEARNT);
    expect_noise(&inputs.train, 0, 12, 250, 0.9f);
    expect_noise(&inputs.test, 100, 10, 251, 0.9f);
}

/* every generator of a campaign: those that are asked for here, and those of theta_0 and of the
 * images' noise, which were seen to be these */
Test(mnist_rows, every_purpose_cell_run_and_step_has_draws_of_its_own) {
    enum { RUNS = 3, CELLS = 4, STEPS = 5 };
    jebm_rng all[RUNS * (CELLS * 2 + 2 + 3 * STEPS) + 2];
    size_t n = 0;
    set_up_with(NULL);
    mnist_cell cell = first_cell();
    for (size_t run = 0; run < RUNS; run++) {
        for (cell.stream = 0; cell.stream < CELLS; cell.stream++) {
            const jebm_trainer_config c = mnist_training(preset, &cell, run);
            all[n++] = c.rng[0];
            all[n++] = c.rng[1];
        }
        for (size_t step = 0; step < STEPS; step++, n += 3) {
            mnist_annealing_streams(preset, run, step, all + n);
        }
        all[n++] = mnist_picture_stream(preset, run);
        all[n++] = jebm_rng_make(SEED, (uint64_t)run << 32 | 1);
        jebm_energy *energy = NULL;
        cr_assert_eq(mnist_energy(preset, &cell, &inputs, run, &energy, NULL), JEBM_OK);
        double *theta = calloc(energy->nparams, sizeof *theta);
        jebm_network_init(jebm_convnet_network(energy), all[n - 1], theta);
        cr_expect_eq(memcmp(theta, energy->theta, energy->nparams * sizeof *theta), 0,
                     "run %zu: theta_0 is of other draws", run);
        free(theta);
        jebm_energy_free(energy);
    }
    all[n++] = jebm_rng_make(SEED, 250);
    all[n++] = jebm_rng_make(SEED, 251);
    cr_assert_eq(n, sizeof all / sizeof *all);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            cr_expect_neq(memcmp(&all[i], &all[j], sizeof all[i]), 0, "%zu and %zu are one", j, i);
        }
    }
}
