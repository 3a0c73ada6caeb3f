/* jebm-mnist on bars: three classes of small images made here, a small network, few walkers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#define PROGRAM MNIST
#define PROGRAM_NAME "jebm-mnist"
#define PROGRAM_SHARE MNIST_SHARE
#include "manifest.h"

#include "io/checkpoint.h"
#include "nn/gemm.h"

#include <math.h>
#include <sys/stat.h>

enum { SIDE = 16, D = SIDE * SIDE, TRAIN = 140, TEST = 60, N = 32, CLASSES = 3 };
static const unsigned labels[CLASSES] = {2, 3, 6};
static const double target[CLASSES] = {4.0 / 7, 2.0 / 7, 1.0 / 7};

/* what the command lines cannot say: they are cut at blanks */
static const char preset[] =
    "[mnist]\ntitle = bars\nscales = quick\nfidelities = paper\n"
    "draws = fig02 fig03 fig04 fig11 fig12\n"
    "network = conv 4 k5 s2 p2 | silu | conv 4 k3 s2 p1 | silu | linear 8 | silu | linear 1\n"
    "counts = 40 20 10\nverify = no\n"
    "temperature = 0.1\nzero_last = yes\nmethods = jarzynski pcd\n"
    "walkers = 32\nbatch = 16\ninner = 3\ncd_steps = 3\nh = 1e-3\ndata_batch = 16\n"
    "rate = 1e-3\nfinal_rate = 0.1\nimages = 9\nevaluation = 24\nnoise_burn_in = 4\n"
    "runs = 2\niterations = 12\nrecord_every = 5\n"
    "[mnist-quirks]\ntitle = quirks\nlike = mnist\nsigma = 0.02\nmethods = jarzynski\n"
    "study = quirks\niterations = 3\nrecord_every = 1\nruns = 1\n"
    "[mnist-c]\ntitle = c\nlike = mnist\nmethods = jarzynski\nc = 0.01 1\n"
    "[evaluate]\ntitle = e\nlike = mnist\nstudy = evaluate\nais_steps = 15\nais_walkers = 30\n"
    "iterations = 2\nrecord_every = 1\n"
    "[mnist-ess]\ntitle = c\nlike = mnist\nmethods = jarzynski\ness_cost = 0 0.01\n"
    "[mnist-h]\ntitle = h\nlike = mnist\nmethods = jarzynski\nh = 1e-3 4e-3\n";

static scratch s;

static void put_be32(unsigned char *at, unsigned value) {
    for (int i = 0; i < 4; i++) {
        at[i] = (unsigned char)(value >> (24 - 8 * i));
    }
}

/* vertical, horizontal, diagonal, broken and double bars, anywhere, brighter or darker */
static void draw_bar(unsigned char *image, size_t class, unsigned seed) {
    const size_t place = 2 + seed * 7 % (SIDE - 4);
    const unsigned char ink = (unsigned char)(155 + seed * 37 % 100);
    for (size_t i = 1; i < SIDE - 1; i++) {
        const size_t row = class == 1 ? place : i;
        const size_t column = class == 1 ? i : class == 2 ? (i + place) % SIDE : place;
        image[row * SIDE + column] = class == 3 && i % 4 < 2 ? 0 : ink;
        image[row * SIDE + (column + (class == 4)) % SIDE] |= class == 4 ? ink : 0;
    }
}

/* bars of the kinds i mod nclasses with the labels of their classes, n of them */
static void put_set_of(const char *directory, const char *part, size_t n, const unsigned *label,
                       size_t nclasses) {
    char name[96];
    unsigned char *images = calloc(16 + n * D, 1), *which = calloc(8 + n, 1);
    put_be32(images, 0x803);
    put_be32(images + 4, (unsigned)n);
    put_be32(images + 8, SIDE);
    put_be32(images + 12, SIDE);
    put_be32(which, 0x801);
    put_be32(which + 4, (unsigned)n);
    for (size_t i = 0; i < n; i++) {
        draw_bar(images + 16 + i * D, i % nclasses, (unsigned)(i / nclasses));
        which[8 + i] = (unsigned char)label[i % nclasses];
    }
    snprintf(name, sizeof name, "%s/%s-images-idx3-ubyte", directory, part);
    scratch_put(scratch_path(&s, name), images, 16 + n * D);
    snprintf(name, sizeof name, "%s/%s-labels-idx1-ubyte", directory, part);
    scratch_put(scratch_path(&s, name), which, 8 + n);
    free(images);
    free(which);
}

static void put_set(const char *part, size_t n) {
    put_set_of("data", part, n, labels, CLASSES);
}

static char share[512];

static void setup(void) {
    s = scratch_new();
    mkdir(scratch_path(&s, "data"), 0777);
    put_set("train", TRAIN);
    put_set("t10k", TEST);
    const char *const directories[] = {"share", "share/replications", "share/replications/mnist",
                                       "share/replications/mnist/presets"};
    for (size_t i = 0; i < 4; i++) {
        mkdir(scratch_path(&s, directories[i]), 0777);
    }
    scratch_put(scratch_path(&s, "share/replications/mnist/presets/mnist.ini"), preset,
                strlen(preset));
    cr_assert_eq(symlink(MNIST_SHARE "/analysis", scratch_path(&s, "share/analysis")), 0);
    snprintf(share, sizeof share, "%s/share", s.directory);
    set.share = share;
}

static void teardown(void) {
    scratch_free(&s);
}

TestSuite(mnist, .init = setup, .fini = teardown, .timeout = 300);

#define BARS QUIET "--data data "

/* all files that the manifests name are the same bytes */
static void expect_same_everything(const char *a, const char *b) {
    json_t *m = manifest_of(&s, a), *n = manifest_of(&s, b);
    json_t *files = json_object_get(m, "files"), *others = json_object_get(n, "files");
    const char *name;
    json_t *entry;
    json_object_foreach(files, name, entry) {
        cr_expect(json_equal(entry, json_object_get(others, name)), "%s/%s is not %s/%s", a, name,
                  b, name);
    }
    cr_expect_eq(json_object_size(files), json_object_size(others));
    cr_expect_gt(json_object_size(files), 4);
    json_decref(m);
    json_decref(n);
}

/* ---- rows ----------------------------------------------------------------------------------- */

typedef struct rows {
    jebm_csv *csv;
} rows;

static double value(const rows *r, const char *column, size_t row) {
    double *all = numbers(r->csv, column);
    const double found = all[row];
    free(all);
    return found;
}

/* row of a cell, run and step; they are in the order of the cells */
static size_t row_of(const rows *r, const char *method, size_t run, size_t step) {
    for (size_t i = 0; i < jebm_csv_rows(r->csv); i++) {
        if (strcmp(jebm_csv_text(r->csv, i, 0), method) == 0 &&
            strtoul(jebm_csv_text(r->csv, i, 2), NULL, 10) == run &&
            strtoul(jebm_csv_text(r->csv, i, 3), NULL, 10) == step) {
            return i;
        }
    }
    cr_assert_fail("no row %s %zu %zu", method, run, step);
    return 0;
}

Test(mnist, the_start_is_uniform_to_the_bit) {
    const outcome o = run(&s, "mnist" BARS "--out d --set iterations=1");
    expect_done(&o);
    const rows r = {csv_of(&s, "d/mnist/trajectory.csv")};
    const size_t i = row_of(&r, "jarzynski", 0, 0);
    // U = 0 on the cube of side 2: log Z = d log 2, and 8 bits a pixel say nothing
    cr_expect_float_eq(value(&r, "log_z", i), D * log(2.0), 1e-12 * D);
    cr_expect_float_eq(value(&r, "bits_per_dim", i), 8.0, 1e-14);
    cr_expect_eq(value(&r, "data_energy", i), 0.0);
    cr_expect_eq(value(&r, "ess", i), 1.0);
    cr_expect_eq(value(&r, "log_weight_spread", i), 0.0);
    jebm_csv_free(r.csv);
}

Test(mnist, rows_are_consistent) {
    const outcome o = run(&s, "mnist" BARS "--out d");
    expect_done(&o);
    const rows r = {csv_of(&s, "d/mnist/trajectory.csv")};
    // 2 methods, 2 runs, steps 0 5 10 12
    cr_assert_eq(jebm_csv_rows(r.csv), 16);
    for (size_t i = 0; i < 16; i++) {
        const bool weighted = i < 8;
        const double ce = value(&r, "cross_entropy", i);
        if (weighted) {
            cr_expect_eq(ce, value(&r, "log_z", i) + value(&r, "data_energy", i));
            cr_expect_eq(value(&r, "cross_entropy_test", i),
                         value(&r, "log_z", i) + value(&r, "test_energy", i));
            cr_expect(isfinite(value(&r, "cross_entropy_evaluation", i)));
        } else {
            cr_expect(isnan(ce) && isnan(value(&r, "log_weight_spread", i)));
            cr_expect(isnan(value(&r, "mass_evaluation_0", i)));
        }
        double total = 0.0, worst = 0.0, distance = 0.0;
        for (size_t j = 0; j < CLASSES; j++) {
            char name[32];
            snprintf(name, sizeof name, "mass_%zu", j);
            const double mass = value(&r, name, i);
            snprintf(name, sizeof name, "error_%zu", j);
            const double error = value(&r, name, i);
            cr_expect_float_eq(error, mass / target[j] - 1.0, 1e-12);
            worst = fmax(worst, fabs(error));
            distance += 0.5 * fabs(mass - target[j]);
            total += mass;
        }
        cr_expect_float_eq(total, 1.0, 1e-12);
        cr_expect_eq(value(&r, "error_max", i), worst);
        cr_expect_float_eq(value(&r, "tv", i), distance, 1e-12);
        // ranks are of the last row, and of weights
        const bool last = strcmp(jebm_csv_text(r.csv, i, 3), "12") == 0;
        cr_expect_eq(isfinite(value(&r, "rank_distance", i)), last && weighted, "row %zu", i);
    }
    jebm_csv_free(r.csv);
}

/* Pearson's correlation of ranks, counted out */
static double spearman(size_t n, const double *a, const double *b) {
    double sum[2] = {0}, product = 0.0, square[2] = {0};
    const double *const x[2] = {a, b};
    double rank[2][N];
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < n; i++) {
            rank[k][i] = 0.5;
            for (size_t j = 0; j < n; j++) {
                rank[k][i] += x[k][j] < x[k][i] ? 1.0 : x[k][j] == x[k][i] ? 0.5 : 0.0;
            }
            sum[k] += rank[k][i] / (double)n;
        }
    }
    for (size_t i = 0; i < n; i++) {
        product += (rank[0][i] - sum[0]) * (rank[1][i] - sum[1]);
        square[0] += (rank[0][i] - sum[0]) * (rank[0][i] - sum[0]);
        square[1] += (rank[1][i] - sum[1]) * (rank[1][i] - sum[1]);
    }
    return product / sqrt(square[0] * square[1]);
}

Test(mnist, samples_say_what_the_last_row_says) {
    const outcome o = run(&s, "mnist" BARS "--out d --set trigger=never");
    expect_done(&o);
    const rows r = {csv_of(&s, "d/mnist/trajectory.csv")};
    jebm_csv *samples = csv_of(&s, "d/mnist/samples-jarzynski-never-1.csv");
    cr_assert_eq(jebm_csv_rows(samples), N);
    double *logw = numbers(samples, "log_weight"), *class = numbers(samples, "class"),
           *confidence = numbers(samples, "confidence"), *distance = numbers(samples, "distance"),
           *weight = numbers(samples, "weight");
    double total = 0.0, squares = 0.0, mass[CLASSES] = {0}, sure = 0.0;
    for (size_t i = 0; i < N; i++) {
        const double w = exp(logw[i] - logw[0]);
        total += w;
        squares += w * w;
        sure += w * confidence[i];
        for (size_t j = 0; j < CLASSES; j++) {
            mass[j] += class[i] == labels[j] ? w : 0.0;
        }
        cr_expect(distance[i] > 0.0 && confidence[i] >= 1.0 / 3 && confidence[i] <= 1.0);
    }
    const size_t i = row_of(&r, "jarzynski", 1, 12);
    for (size_t j = 0; j < CLASSES; j++) {
        char name[16];
        snprintf(name, sizeof name, "mass_%zu", j);
        cr_expect_float_eq(value(&r, name, i), mass[j] / total, 1e-10);
    }
    cr_expect_float_eq(value(&r, "ess", i), total * total / squares / N, 1e-10);
    cr_expect_float_eq(value(&r, "confidence", i), sure / total, 1e-10);
    cr_expect_float_eq(weight[5], N * exp(logw[5] - logw[0]) / total, 1e-10);
    cr_expect_float_eq(value(&r, "rank_confidence", i), spearman(N, logw, confidence), 1e-10);
    cr_expect_float_eq(value(&r, "rank_distance", i), spearman(N, logw, distance), 1e-10);
    cr_expect_neq(value(&r, "rank_distance", i), 0.0);
    free(logw);
    free(class);
    free(confidence);
    free(distance);
    free(weight);
    jebm_csv_free(samples);
    jebm_csv_free(r.csv);
}

Test(mnist, annealing_from_both_ends_finds_the_log_z_of_the_weights) {
    const outcome o = run(&s, "mnist" BARS "--runs 1 --out d --set ais_steps=60 --set rate=1e-2");
    expect_done(&o);
    const rows r = {csv_of(&s, "d/mnist/trajectory.csv")};
    const size_t last = row_of(&r, "jarzynski", 0, 12);
    const double log_z = value(&r, "log_z", last), energy = value(&r, "data_energy", last);
    const char *const ends[] = {"forward", "reverse"};
    for (size_t i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "log_z_%s", ends[i]);
        const double found = value(&r, name, last);
        snprintf(name, sizeof name, "log_z_%s_se", ends[i]);
        const double se = hypot(value(&r, name, last), value(&r, "log_z_se", last));
        snprintf(name, sizeof name, "cross_entropy_%s", ends[i]);
        cr_expect_eq(value(&r, name, last), found + energy);
        cr_expect(fabs(found - log_z) < 5.0 * se, "%s: %g, %g by the weights, error %g", ends[i],
                  found, log_z, se);
        // Far from the start's, so that it says something. Not log Z alone: the last bias moves it
        // and the energies alike, has no gradient but rounding, and Adam makes steps of that.
        cr_expect_gt(fabs(D * log(2.0) - found - energy), 20.0 * se);
    }
    cr_expect(isnan(value(&r, "log_z_forward", last - 1)));
    // of any method
    cr_expect(isfinite(value(&r, "log_z_forward", row_of(&r, "pcd", 0, 12))));
    jebm_csv_free(r.csv);
}

/* two runs of figure mnist that have learnt something, and their evaluation */
static void train_and_evaluate(void) {
    outcome o = run(&s, "mnist" BARS "--out d --set rate=1e-2");
    expect_done(&o);
    o = run(&s, "evaluate" BARS "--out d --set rate=1e-2");
    expect_done(&o);
}

Test(mnist, an_evaluated_model_is_the_one_that_was_trained) {
    train_and_evaluate();
    cr_expect(!exists(&s, "d/evaluate/images") && !exists(&s, "d/evaluate/models"));
    const rows trained = {csv_of(&s, "d/mnist/trajectory.csv")},
               found = {csv_of(&s, "d/evaluate/trajectory.csv")};
    const char *const same[] = {"log_z",  "log_z_se", "data_energy",     "test_energy",      "ess",
                                "mass_0", "mass_1",   "rank_confidence", "mass_evaluation_1"};
    for (size_t run_number = 0; run_number < 2; run_number++) {
        const size_t i = row_of(&trained, "jarzynski", run_number, 12);
        for (size_t step = 0; step < 3; step++) {
            const size_t j = row_of(&found, "jarzynski", run_number, step);
            for (size_t k = 0; k < sizeof same / sizeof same[0]; k++) {
                cr_expect_eq(value(&trained, same[k], i), value(&found, same[k], j), "%s", same[k]);
            }
        }
    }
    cr_expect_eq(value(&trained, "test_energy", row_of(&trained, "pcd", 1, 12)),
                 value(&found, "test_energy", row_of(&found, "pcd", 1, 1)));
    jebm_csv_free(trained.csv);
    jebm_csv_free(found.csv);
}

static void read_array(jebm_checkpoint *model, const char *group, jebm_array array) {
    jebm_error err = {0};
    cr_assert_eq(jebm_checkpoint_get(model, group, &array, &err), JEBM_OK, "%s", err.text);
}

/* What others read of a model is what the run's other files say: layers in PyTorch's order and
 * shapes, one behind the other, are theta; walkers are those of the samples. */
Test(mnist, a_model_says_what_it_holds) {
    enum { PARAMETERS = 4 * 25 + 4 + 4 * 4 * 9 + 4 + 8 * 64 + 8 + 8 + 1 };
    outcome o = run(&s, "mnist" BARS "--out d --runs 1 --set trigger=never");
    expect_done(&o);
    jebm_checkpoint *model = NULL;
    cr_assert_eq(
        jebm_checkpoint_open(scratch_path(&s, "d/mnist/models/jarzynski-never-0.h5"), &model, NULL),
        JEBM_OK);
    const char *const facts[][2] = {
        {"method", "jarzynski"},    {"variant", "never"},   {"run", "0"},         {"updates", "12"},
        {"image_shape", "1 16 16"}, {"counts", "40 20 10"}, {"data_set", "mnist"}};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        char *text = NULL;
        cr_assert_eq(jebm_checkpoint_get_attribute(model, facts[i][0], &text, NULL), JEBM_OK);
        cr_expect_str_eq(text, facts[i][1]);
        free(text);
    }
    double layers[PARAMETERS], theta[PARAMETERS], *at = layers;
    const jebm_array shapes[4][2] = {
        {{"weight", JEBM_F64, 4, {4, 1, 5, 5}, NULL}, {"bias", JEBM_F64, 1, {4}, NULL}},
        {{"weight", JEBM_F64, 4, {4, 4, 3, 3}, NULL}, {"bias", JEBM_F64, 1, {4}, NULL}},
        {{"weight", JEBM_F64, 2, {8, 64}, NULL}, {"bias", JEBM_F64, 1, {8}, NULL}},
        {{"weight", JEBM_F64, 2, {1, 8}, NULL}, {"bias", JEBM_F64, 1, {1}, NULL}}};
    for (size_t i = 0; i < 4; i++) {
        char group[32];
        snprintf(group, sizeof group, "energy/%02zu_%s", i, i < 2 ? "conv" : "linear");
        for (size_t j = 0; j < 2; j++) {
            jebm_array a = shapes[i][j];
            a.data = at;
            read_array(model, group, a);
            size_t n = 1;
            for (size_t r = 0; r < a.rank; r++) {
                n *= a.shape[r];
            }
            at += n;
        }
    }
    cr_assert_eq(at - layers, PARAMETERS);
    read_array(model, "state", (jebm_array){"theta0", JEBM_F64, 1, {PARAMETERS}, theta});
    cr_expect_arr_eq(layers, theta, sizeof theta);

    jebm_csv *samples = csv_of(&s, "d/mnist/samples-jarzynski-never-0.csv");
    double *logw = numbers(samples, "log_weight"), *energy = numbers(samples, "energy");
    double found[N], U[N];
    float x[N * D], state[N * D];
    read_array(model, "walkers", (jebm_array){"log_weight", JEBM_F64, 1, {N}, found});
    read_array(model, "walkers", (jebm_array){"energy", JEBM_F64, 1, {N}, U});
    for (size_t i = 0; i < N; i++) {
        cr_expect_float_eq(found[i], logw[i], 1e-12 * (1.0 + fabs(logw[i])));
        cr_expect_float_eq(U[i], energy[i], 1e-6 * (1.0 + fabs(energy[i])));
    }
    read_array(model, "walkers", (jebm_array){"x", JEBM_F32, 2, {N, D}, x});
    read_array(model, "state", (jebm_array){"walkers0", JEBM_F32, 2, {N, D}, state});
    cr_expect_arr_eq(x, state, sizeof x);
    free(logw);
    free(energy);
    jebm_csv_free(samples);
    jebm_checkpoint_close(model);
}

Test(mnist, evaluations_agree_with_the_weights) {
    train_and_evaluate();
    const rows r = {csv_of(&s, "d/evaluate/trajectory.csv")};
    for (size_t i = 0; i < 4; i++) {
        const size_t row = row_of(&r, "jarzynski", i / 2, 1 + i % 2);
        const double log_z = value(&r, "log_z", row), own = value(&r, "log_z_se", row);
        cr_expect_eq(value(&r, "annealing_steps", row), i % 2 == 0 ? 15 : 60);
        const double se[] = {hypot(own, value(&r, "log_z_forward_se", row)),
                             hypot(own, value(&r, "log_z_reverse_se", row))};
        cr_expect_float_eq(value(&r, "log_z_forward", row), log_z, 5.0 * se[0]);
        cr_expect_float_eq(value(&r, "log_z_reverse", row), log_z, 5.0 * se[1]);
        cr_expect_gt(fabs(D * log(2.0) - value(&r, "cross_entropy_forward", row)), 20.0 * se[0]);
        double sum = 0.0, largest = 0.0;
        for (size_t j = 0; j < CLASSES; j++) {
            char forward[32], forward_se[32], mass[16], mass_se[16];
            snprintf(forward, sizeof forward, "mass_forward_%zu", j);
            snprintf(forward_se, sizeof forward_se, "mass_forward_se_%zu", j);
            snprintf(mass, sizeof mass, "mass_%zu", j);
            snprintf(mass_se, sizeof mass_se, "mass_se_%zu", j);
            sum += value(&r, forward, row);
            largest = fmax(largest, fabs(value(&r, forward, row) / target[j] - 1.0));
            // a mass of which no walker was drawn has no standard error of its own: that of 1/N
            const double error =
                hypot(hypot(value(&r, forward_se, row), value(&r, mass_se, row)), 1.0 / 30);
            cr_expect_float_eq(value(&r, forward, row), value(&r, mass, row), 5.0 * error);
        }
        cr_expect_float_eq(sum, 1.0, 1e-12);
        cr_expect_float_eq(value(&r, "error_max_forward", row), largest, 1e-12);
    }
    // other random numbers at every step
    cr_expect_neq(value(&r, "log_z_forward", row_of(&r, "pcd", 0, 1)),
                  value(&r, "log_z_forward", row_of(&r, "pcd", 0, 2)));
    jebm_csv_free(r.csv);
}

Test(mnist, an_evaluation_depends_on_the_models_alone) {
    train_and_evaluate();
    outcome o = run(&s, "evaluate" BARS "--out e --threads 1 --set models=d/mnist --set rate=1e-2");
    expect_done(&o);
    expect_same_csvs(&s, "d/evaluate", "e/evaluate");
    o = run(&s, "evaluate" BARS "--out a --runs-to 1 --set models=d/mnist --set rate=1e-2");
    expect_done(&o);
    o = run(&s, "evaluate" BARS "--out b --runs-from 2 --set models=d/mnist --set rate=1e-2");
    expect_done(&o);
    o = run(&s, "evaluate" QUIET "--merge a --merge b --out m");
    expect_done(&o);
    expect_same_csvs(&s, "d/evaluate", "m/evaluate");
}

Test(mnist, models_that_do_not_fit_are_refused) {
    outcome o = run(&s, "mnist" BARS "--runs 1 --out d");
    expect_done(&o);
    const char *const cases[][2] = {
        {"--runs 2", "d/mnist/models/jarzynski-c=1-1.h5: is not there; run figure mnist first"},
        {"--runs 1 --set data_noise=0.1",
         "was trained with data_noise = 0, but here it is 0.1; give the scale"},
        {"--runs 1 --set temperature=0.2", "its energy has T = 0.1, but here it is 0.2"},
        {"--runs 1 --set walkers=40", "was trained with walkers = 32, but here it is 40"},
        {"--runs 1 --set ais_walkers=33", "key 'ais_walkers' is 33, expected at most walkers"},
        {"--runs 1 --set ais_steps=0", "study evaluate: ais_steps is 0"},
        {"--runs 1 --set study=none", "key 'models' is 'd/mnist', but study is not evaluate"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        o = run(&s, "evaluate" BARS "--out e%zu --set models=d/mnist %s", i, cases[i][0]);
        cr_expect(o.status != 0 && strstr(o.err, cases[i][1]) != NULL, "%s: %d %s", cases[i][0],
                  o.status, o.err);
    }
    // a model that was changed; and one that was taken away leaves its run whole
    const char *name = "d/mnist/models/pcd-0.h5";
    size_t size;
    char *bytes = scratch_get(scratch_path(&s, name), &size);
    bytes[size / 2] ^= 1;
    scratch_put(scratch_path(&s, name), bytes, size);
    free(bytes);
    o = run(&s, "evaluate" BARS "--out e --runs 1 --set models=d/mnist --set methods=pcd");
    expect_refusal(&o, 1, name);
    o = run(&s, "mnist" BARS "--runs 1 --out d");
    expect_refusal(&o, 1, "pcd-0.h5: was changed after the run");
    unlink(scratch_path(&s, name));
    o = run(&s, "mnist" BARS "--runs 1 --out d");
    expect_done(&o);
}

/* ---- what a run must not depend on ---------------------------------------------------------- */

#define ALL "--set methods=jarzynski,unweighted,pcd,pcd_noise,cd --runs 1 "

Test(mnist, threads_change_no_byte_of_any_method) {
    outcome o = run(&s, "mnist" BARS ALL "--out a --threads 1");
    expect_done(&o);
    o = run(&s, "mnist" BARS ALL "--out b --threads 2");
    expect_done(&o);
    expect_same_everything("a/mnist", "b/mnist");
    o = run(&s, "mnist" BARS ALL "--out c --seed 2");
    expect_done(&o);
    char *a = scratch_get(scratch_path(&s, "a/mnist/trajectory.csv"), NULL);
    char *c = scratch_get(scratch_path(&s, "c/mnist/trajectory.csv"), NULL);
    cr_expect_str_neq(a, c);
    free(a);
    free(c);
}

/* SIGTERM somewhere in the middle, then on. Writing a checkpoint after every update makes sure that
 * the signal comes before the end. */
static void interrupt(const char *options, const char *directory) {
    char line[512];
    snprintf(line, sizeof line, "mnist" BARS "%s --out %s", options, directory);
    char path[64];
    snprintf(path, sizeof path, "%s/mnist/checkpoint.h5", directory);
    set.interval = "0";
    const pid_t child = start(&s, line);
    while (!exists(&s, path)) {
        wait_ms(2);
    }
    wait_ms(60);
    kill(child, SIGTERM);
    outcome o = finish(&s, child);
    expect_refusal(&o, 143, "checkpoint written: continue with --resume");
    set.interval = "1000";
    o = run(&s, "mnist" BARS "%s --out %s --resume", options, directory);
    expect_done(&o);
}

Test(mnist, a_resumed_run_is_the_whole_run_to_the_byte) {
    static const char *const options[] = {
        "--set iterations=250 --set record_every=50 --runs 1 --threads 1",
        "--set drift=bf16 --set iterations=250 --set record_every=50 --runs 1 --threads 1"};
    for (size_t i = 0; i < 2; i++) {
        if (i == 1 && !jebm_gemm_available(JEBM_GEMM_BF16)) {
            continue;
        }
        char whole[16], cut[16];
        snprintf(whole, sizeof whole, "w%zu", i);
        snprintf(cut, sizeof cut, "i%zu", i);
        const outcome o = run(&s, "mnist" BARS "%s --out %s", options[i], whole);
        expect_done(&o);
        interrupt(options[i], cut);
        char a[32], b[32];
        snprintf(a, sizeof a, "%s/mnist", whole);
        snprintf(b, sizeof b, "%s/mnist", cut);
        expect_same_everything(a, b);
    }
}

Test(mnist, parts_become_the_run_that_was_not_split) {
    const char *const parts[] = {"--out w", "--runs-to 1 --out a", "--runs-from 2 --out b"};
    for (size_t i = 0; i < 3; i++) {
        const outcome o = run(&s, "mnist" BARS "%s", parts[i]);
        expect_done(&o);
    }
    // it needs no data
    outcome o = run(&s, "mnist" QUIET "--merge a --merge b --out m");
    expect_done(&o);
    expect_same_everything("w/mnist", "m/mnist");
    // nor the models
    unlink(scratch_path(&s, "b/mnist/models/pcd-1.h5"));
    o = run(&s, "mnist" QUIET "--merge a --merge b --out n");
    expect_done(&o);
    cr_expect(exists(&s, "n/mnist/models/pcd-0.h5"));
    cr_expect(!exists(&s, "n/mnist/models/pcd-1.h5"));
}

Test(mnist, the_classifier_is_kept_and_trained_anew_where_it_is_damaged) {
    outcome o = run(&s, "mnist" BARS "--out d --runs 1");
    expect_done(&o);
    const char *name = "d/classifier-mnist-2-3-6.h5";
    struct stat before, after;
    cr_assert_eq(stat(scratch_path(&s, name), &before), 0);
    o = run(&s, "mnist" BARS "--out d --runs 1 --force");
    expect_done(&o);
    cr_assert_eq(stat(scratch_path(&s, name), &after), 0);
    cr_expect_eq(before.st_ino, after.st_ino, "it was written again");
    rename(scratch_path(&s, "d/mnist"), scratch_path(&s, "d/old"));
    scratch_put(scratch_path(&s, name), "x", 1);
    o = run(&s, "mnist" BARS "--out d --runs 1");
    expect_done(&o);
    expect_same_everything("d/old", "d/mnist");
    // and given by name it is the same instrument
    o = run(&s, "mnist" BARS "--out e --runs 1 --set classifier=%s", name);
    expect_done(&o);
    expect_same_csvs(&s, "d/mnist", "e/mnist");
}

/* a variant is the run of its value alone */
Test(mnist, variants_are_the_runs_of_their_values) {
    static const char *const cases[][3] = {{"mnist-h", "h=0.001", "--set h=1e-3"},
                                           {"mnist-h", "h=0.004", "--set h=4e-3"},
                                           {"mnist-c", "c=0.01", "--set c=0.01"},
                                           {"mnist-ess", "ess_cost=0.01", "--set ess_cost=0.01"}};
    double last[4];
    for (size_t i = 0; i < 4; i++) {
        outcome o = run(&s, "%s" BARS "--out d --runs 1", cases[i][0]);
        expect_done(&o);
        o = run(&s, "mnist" BARS "--out e%zu --runs 1 --set methods=jarzynski %s", i, cases[i][2]);
        expect_done(&o);
        char name[2][64];
        snprintf(name[0], sizeof name[0], "d/%s/trajectory.csv", cases[i][0]);
        snprintf(name[1], sizeof name[1], "e%zu/mnist/trajectory.csv", i);
        const rows all = {csv_of(&s, name[0])}, one = {csv_of(&s, name[1])};
        size_t at = 0;
        while (strcmp(jebm_csv_text(all.csv, at, 1), cases[i][1]) != 0) {
            at++;
        }
        for (size_t j = 0; j < jebm_csv_rows(one.csv); j++) {
            last[i] = value(&one, "cross_entropy", j);
            cr_expect_eq(value(&all, "cross_entropy", at + j), last[i], "%s", cases[i][1]);
        }
        jebm_csv_free(all.csv);
        jebm_csv_free(one.csv);
    }
    cr_expect_neq(last[0], last[1]);
    // and h falls where it is told to
    const outcome o =
        run(&s, "mnist" BARS "--out f --runs 1 --set methods=jarzynski --set final_h=1e-5");
    expect_done(&o);
    const rows r = {csv_of(&s, "f/mnist/trajectory.csv")};
    cr_expect_neq(value(&r, "cross_entropy", jebm_csv_rows(r.csv) - 1), last[0]);
    jebm_csv_free(r.csv);
}

/* ---- the released code ---------------------------------------------------------------------- */

Test(mnist, without_the_tempered_weights_the_moves_are_the_same) {
    // pcd has no weights: F learns the same, whatever U = F/T is; h, T, sigma differ by design
    static const char *const optimizers[] = {"adam", "gd"};
    for (size_t k = 0; k < 2; k++) {
        const char *common = "--set methods=pcd --runs 1 --set h=0.01 --set sigma=0.02 "
                             "--set temperature=1 --set alpha=0.1 --set max_norm=0.05 "
                             "--set zero_last=no --set rate=1e-3 --set final_rate=1 --set clip=0.2";
        outcome o =
            run(&s, "mnist" BARS "%s --set optimizer=%s --set quirks=regularised --out a%zu",
                common, optimizers[k], k);
        expect_done(&o);
        o = run(&s,
                "mnist" BARS "%s --set optimizer=%s --set quirks=tempered,regularised --out b%zu",
                common, optimizers[k], k);
        expect_done(&o);
        char name[2][64];
        snprintf(name[0], sizeof name[0], "a%zu/mnist/trajectory.csv", k);
        snprintf(name[1], sizeof name[1], "b%zu/mnist/trajectory.csv", k);
        const rows a = {csv_of(&s, name[0])}, b = {csv_of(&s, name[1])};
        const double T = 0.02 * 0.02 / (2 * 0.01);
        for (size_t i = 0; i < jebm_csv_rows(a.csv); i++) {
            const double x = value(&a, "test_energy", i), y = value(&b, "test_energy", i);
            // floats, rounded otherwise at each step
            cr_expect_float_eq(T * x, y, 1e-4 * fabs(y), "%s row %zu: %g %g", optimizers[k], i,
                               T * x, y);
        }
        cr_expect_neq(value(&b, "test_energy", 0), value(&b, "test_energy", 3));
        jebm_csv_free(a.csv);
        jebm_csv_free(b.csv);
    }
}

Test(mnist, the_study_switches_each_quirk_alone) {
    const outcome o = run(&s, "mnist-quirks" BARS "--out d");
    cr_expect(o.status == 0 || strstr(o.err, "diverged") != NULL, "%s", o.err);
    json_t *m = manifest_of(&s, "d/mnist-quirks");
    const json_t *cells = json_object_get(m, "cells");
    cr_expect_eq(json_array_size(cells), 18);
    static const char *const expected[][2] = {{"all", "all-tempered"}, {"only-tempered", "none"}};
    const size_t at[][2] = {{0, 1}, {9, 17}};
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < 2; j++) {
            cr_expect_str_eq(
                json_string_value(json_object_get(json_array_get(cells, at[i][j]), "variant")),
                expected[i][j]);
        }
    }
    json_decref(m);
}

/* ---- pictures ------------------------------------------------------------------------------- */

Test(mnist, figures_are_drawn_and_lead_to_the_campaign) {
    if (system("command -v gnuplot > /dev/null 2>&1") != 0) {
        cr_skip_test("gnuplot is not installed");
    }
    outcome o = run(&s, "fig03 --quiet --data data " ALL "--out d");
    expect_done(&o);
    cr_expect_str_eq(o.err, "");
    static const char *const names[] = {"fig02", "fig03", "fig04", "fig11", "fig12"};
    for (size_t i = 0; i < 5; i++) {
        char name[64];
        struct stat facts;
        const char *const endings[] = {"png", "svg"};
        for (size_t j = 0; j < 2; j++) {
            snprintf(name, sizeof name, "d/mnist/%s.%s", names[i], endings[j]);
            cr_assert_eq(stat(scratch_path(&s, name), &facts), 0, "%s", name);
            cr_expect_gt(facts.st_size, 4000, "%s", name);
        }
    }
    // a method alone is drawn, too
    o = run(&s, "mnist --quiet --data data --runs 1 --set methods=jarzynski --out e");
    expect_done(&o);
    cr_expect_str_eq(o.err, "");
    static const char *const studies[] = {"mnist-c", "mnist-ess", "mnist-h", "mnist-quirks",
                                          "evaluate"};
    for (size_t i = 0; i < sizeof studies / sizeof studies[0]; i++) {
        char name[64];
        o = run(&s, "%s --quiet --data data --runs 1 --out d", studies[i]);
        cr_expect_null(strstr(o.err, "gnuplot"), "%s", o.err);
        snprintf(name, sizeof name, "d/%s/%s.png", studies[i], studies[i]);
        cr_expect(exists(&s, name), "%s: %s", name, o.err);
    }
}

Test(mnist, every_setting_of_the_shipped_presets_is_explained) {
    set.share = MNIST_SHARE;
    outcome o = run(&s, "--list");
    expect_done(&o);
    cr_expect_not_null(strstr(o.out, "(fig02 fig03 fig04 fig11 fig12)"));
    static const char *const figures[] = {"mnist", "mnist-c", "mnist-ess", "mnist-h",
                                          "mnist-quirks"};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        o = run(&s, "%s --describe", figures[i]);
        expect_done(&o);
        cr_expect_not_null(strstr(o.out, "ess_cost ="));
    }
}

/* ---- images of one's own -------------------------------------------------------------------- */

static size_t header_words(const char *path) {
    char *text = scratch_get(scratch_path(&s, path), NULL);
    cr_assert_not_null(text);
    size_t words = 1;
    for (const char *c = text; *c != '\n'; c++) {
        words += *c == ',';
    }
    free(text);
    return words;
}

/* Five classes of labels that are not MNIST's, all images of each: 150 cycle through the classes,
 * so each is a fifth of the data, and 30 of the test images are as well. */
Test(mnist, own_images_are_learnt_with_the_classes_that_they_have) {
    static const unsigned own[5] = {0, 9, 4, 1, 7};
    mkdir(scratch_path(&s, "own"), 0777);
    put_set_of("own", "train", 150, own, 5);
    put_set_of("own", "t10k", 30, own, 5);
    outcome o = run(&s, "mnist" QUIET "--set data_set=./own --set classes=0,1,4,7,9 --set counts=0 "
                        "--set evaluation=16 --set ais_steps=4 --runs 1 --out o");
    expect_done(&o);
    rows r = {csv_of(&s, "o/mnist/trajectory.csv")};
    const size_t last = jebm_csv_rows(r.csv) - 1;
    for (size_t row = 0; row <= last; row++) {
        double mass = 0.0, counted = 0.0, tv = 0.0, largest = 0.0;
        for (int j = 0; j < 5; j++) {
            char names[3][32];
            snprintf(names[0], 32, "mass_%d", j);
            snprintf(names[1], 32, "count_%d", j);
            snprintf(names[2], 32, "error_%d", j);
            const double m = value(&r, names[0], row), e = value(&r, names[2], row);
            mass += m;
            counted += value(&r, names[1], row);
            tv += 0.5 * fabs(m - 0.2);
            largest = fmax(largest, fabs(e));
            cr_expect_float_eq(e, (m - 0.2) / 0.2, 1e-12, "row %zu class %d", row, j);
        }
        cr_expect_float_eq(mass, 1.0, 1e-12);
        cr_expect_float_eq(counted, 1.0, 1e-12);
        cr_expect_float_eq(value(&r, "tv", row), tv, 1e-12);
        cr_expect_float_eq(value(&r, "error_max", row), largest, 1e-12);
    }
    double forward = 0.0, evaluated = 0.0;
    for (int j = 0; j < 5; j++) {
        char names[2][32];
        snprintf(names[0], 32, "mass_forward_%d", j);
        snprintf(names[1], 32, "mass_evaluation_%d", j);
        forward += value(&r, names[0], last);
        evaluated += value(&r, names[1], row_of(&r, "jarzynski", 0, 12));
    }
    cr_expect_float_eq(forward, 1.0, 1e-12);
    cr_expect_float_eq(evaluated, 1.0, 1e-12);
    jebm_csv_free(r.csv);
    cr_expect_eq(header_words("o/mnist/trajectory.csv"), 4 + 58 + 2 * 9,
                 "two classes beyond three");

    // what they are stands in the manifest: their digest, and how many there were of each
    json_t *m = manifest_of(&s, "o/mnist"), *inputs = json_object_get(m, "inputs");
    jebm_digest digest;
    char text[JEBM_DIGEST_TEXT];
    jebm_digest_init(&digest);
    const char *const files[] = {"own/train-images-idx3-ubyte", "own/train-labels-idx1-ubyte"};
    for (size_t i = 0; i < 2; i++) {
        size_t size = 0;
        char *bytes = scratch_get(scratch_path(&s, files[i]), &size);
        jebm_digest_add(&digest, bytes, size);
        free(bytes);
    }
    jebm_digest_text(&digest, text);
    cr_expect_str_eq(json_string_value(json_object_get(inputs, "train_sha256")), text);
    cr_expect_str_eq(json_string_value(json_object_get(inputs, "counts_found")), "30 30 30 30 30");
    json_decref(m);

    // a run of two parts has the same columns
    o = run(&s, "mnist" QUIET "--set data_set=./own --set classes=0,1,4,7,9 "
                "--set counts=0 --runs 2 --runs-to 1 --out a");
    expect_done(&o);
    o = run(&s, "mnist" QUIET "--set data_set=./own --set classes=0,1,4,7,9 "
                "--set counts=0 --runs 2 --runs-from 2 --out b");
    expect_done(&o);
    o = run(&s, "mnist --quiet --merge a --merge b --out ab");
    expect_done(&o);
    cr_expect_eq(header_words("ab/mnist/trajectory.csv"), 4 + 58 + 2 * 9);

    o = run(&s, "mnist" QUIET "--set data_set=./own --out bad");
    expect_refusal(&o, 2, "the test images of ./own are of the classes 0 1 4 7 9");
    o = run(&s, "mnist" QUIET "--set data_set=own --out bad");
    expect_refusal(&o, 2, "key 'data_set' is 'own', expected mnist, fashion-mnist or a directory");
    o = run(&s, "mnist" QUIET "--set data_set=./own --set classes=0,1 --set counts=0 "
                "--set data_batch=61 --out bad");
    expect_refusal(&o, 2, "key 'data_batch' is 61, expected at most the 60 images");
}

/* ---- refusals ------------------------------------------------------------------------------- */

Test(mnist, impossible_settings_are_refused) {
    static const char *const cases[][2] = {
        {"--set classes=2", "keys 'classes' and 'counts' list 1 and 3 numbers"},
        {"--set counts=5", "keys 'classes' and 'counts' list 3 and 1 numbers"},
        {"--set data_set=fashion-mnits", "did you mean 'fashion-mnist'"},
        {"--set classes=2,3,3", "each class once"},
        {"--set counts=40,20.5,10", "expected whole numbers"},
        {"--set batch=64", "key 'batch' is 64, expected at most walkers = 32"},
        {"--set data_batch=71", "key 'data_batch' is 71, expected at most the 70 images"},
        {"--set images=33", "key 'images' is 33, expected at most walkers = 32"},
        {"--set evaluation=1", "key 'evaluation' is 1, expected at least walkers/batch = 2"},
        {"--set quirks=none,tempered", "none or others, not both"},
        {"--set quirks=tempered", "quirk tempered: sigma is 0"},
        {"--set sigma=1 --set confine=1", "keys 'sigma' and 'confine' are both set"},
        {"--set sigma=1 --set final_h=1e-4", "keys 'sigma' and 'final_h' are both set"},
        {"--set c=1,2 --set ess_cost=0,0.1", "several of them do; expected one"},
        {"--set c=1,2 --set h=0.01,0.1", "several of them do; expected one"},
        {"--set c=1,1", "key 'c' lists 1 twice"},
        {"--set counts=41,20,57", "57"},
        {"--set network=linear", "network"},
        {"--set ess_cost=1", "expected 1 to 32 real numbers from 0 and below 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const outcome o = run(&s, "mnist" BARS "--out bad %s", cases[i][0]);
        expect_refusal(&o, 2, cases[i][1]);
        cr_expect(!exists(&s, "bad/mnist"), "%s wrote something", cases[i][0]);
    }
}

Test(mnist, data_that_is_missing_cut_or_another_is_refused) {
    outcome o = run(&s, "mnist" QUIET "--data nowhere --out bad");
    expect_refusal(&o, 1, "train-images-idx3-ubyte");
    o = run(&s, "mnist" BARS "--set verify=yes --out bad");
    cr_expect_eq(o.status, 1);
    expect_refusal(&o, 1, "data");
    cr_expect(!exists(&s, "bad/mnist"));
    o = run(&s, "mnist" BARS "--out d --runs 1");
    expect_done(&o);
    // other images, the same labels: not the run that is there
    char *bytes = scratch_get(scratch_path(&s, "data/train-images-idx3-ubyte"), NULL);
    bytes[16 + 40] = 77;
    scratch_put(scratch_path(&s, "data/train-images-idx3-ubyte"), bytes, 16 + TRAIN * D);
    o = run(&s, "mnist" BARS "--out d --runs 1");
    expect_refusal(&o, 2, "holds a run with other settings (train_sha256: there ");
    scratch_put(scratch_path(&s, "data/train-images-idx3-ubyte"), bytes, 16 + TRAIN * D - 1);
    o = run(&s, "mnist" BARS "--out d --runs 1");
    expect_refusal(&o, 1, "data/train-images-idx3-ubyte");
    free(bytes);
}
