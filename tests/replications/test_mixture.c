/* The mixture's columns against the walkers, the weights and the data that they are of, all made or
 * read here: in double, by the formulas of tests/energy/gmm_reference.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "mixture.h"

#include "gmm_reference.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { D = 3, MODES = 2, PARAMS = MODES * D + 1, DATA = 200, N = 150, EVALUATION = 90, SEED = 5 };

/* modes near enough for log Z and the weights to change a good deal in 20 iterations */
static const char text[] =
    "[f]\ntitle = t\nscales = quick\nfidelities = paper\nruns = 3\niterations = 20\n"
    "record_every = 20\nd = 3\na_star = -3\nb_star = 2\np_star = 0.3\ndata = 200\nwalkers = 150\n"
    "evaluation = 90\nh = 0.1\ngamma_ab = 0.2\ngamma_z = 0.2\n";
static const jebm_key keys[] = {MIXTURE_KEYS};

static jebm_preset *preset_with(const char *override) {
    jebm_preset_file *file = NULL;
    jebm_preset *preset = NULL;
    jebm_error err = {0};
    const jebm_preset_request request = {
        .figure = "f", .seed = SEED, .overrides = &override, .noverrides = override != NULL};
    cr_assert_eq(jebm_preset_file_parse("f.ini", text, strlen(text), keys,
                                        sizeof keys / sizeof *keys, &file, &err),
                 JEBM_OK, "%s", err.text);
    cr_assert_eq(jebm_preset_resolve(file, &request, &preset, &err), JEBM_OK, "%s", err.text);
    jebm_preset_file_free(file);
    return preset;
}

static void *open_run(const jebm_preset *preset, size_t cell, size_t run) {
    mixture_cell settings = mixture_cell_of(preset, JEBM_METHOD_JARZYNSKI);
    settings.stream = cell;
    void *state = NULL;
    jebm_error err = {0};
    cr_assert_eq(mixture_open(preset, &settings, run, &state, &err), JEBM_OK, "%s", err.text);
    return state;
}

/* the array of that name that a checkpoint would keep */
static void *array(void *state, const char *name) {
    static jebm_array list[JEBM_MAX_STATE];
    const size_t n = mixture_arrays(state, list);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i].name, name) == 0) {
            return list[i].data;
        }
    }
    cr_assert_fail("no array %s", name);
    return NULL;
}

static double column(const double *row, const char *name) {
    for (size_t i = 0; i < mixture_ncolumns; i++) {
        if (strcmp(mixture_columns[i], name) == 0) {
            return row[i];
        }
    }
    cr_assert_fail("no column %s", name);
    return NAN;
}

/* what a stream is for: a number each, of which no two are equal */
enum { OF_DATA = 1, OF_THETA, OF_WALKERS, OF_EVALUATION };

static jebm_rng stream(unsigned purpose, size_t cell, size_t run) {
    return jebm_rng_make(SEED, (uint64_t)run << 32 | (uint64_t)cell << 8 | purpose);
}

static jebm_energy *mixture_at(const double *theta) {
    jebm_energy *e = NULL;
    cr_assert_eq(jebm_gmm_new(D, MODES, &e, NULL), JEBM_OK);
    jebm_energy_set(e, theta);
    return e;
}

static const double teacher_theta[PARAMS] = {-3.0, 0, 0, 2.0, 0, 0, -0.84729786038720367};

static void draw_data(size_t run, float *x) {
    jebm_energy *teacher = mixture_at(teacher_theta); /* z* = log(0.3/0.7) */
    teacher->ops->sample(teacher, stream(OF_DATA, 0, run), false, DATA, 0, DATA, x);
    jebm_energy_free(teacher);
}

/* mean of -log of the unnormalised density over the data */
static double mean_energy(const double *theta, const float *data) {
    const gmm_reference m = {D, MODES, theta};
    double sum = 0.0;
    for (size_t i = 0; i < DATA; i++) {
        double x[D];
        for (size_t j = 0; j < D; j++) {
            x[j] = data[i * D + j];
        }
        sum += gmm_reference_energy(&m, x, NULL);
    }
    return sum / DATA;
}

static double log_z(const double *theta) {
    const gmm_reference m = {D, MODES, theta};
    return gmm_reference_log_z(&m);
}

static double log_mean_exp(size_t n, const double *logw) {
    double most = -INFINITY, sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, logw[i]);
    }
    for (size_t i = 0; i < n; i++) {
        sum += exp(logw[i] - most);
    }
    return most + log(sum / (double)n);
}

/* KL(rho_* || rho_theta) is the mean over the data of log rho_* - log rho_theta, with log Z_theta
 * exact or by the weights of either population. Without resampling the weights say all: log Z_theta
 * is log Z_theta_0 + log mean exp(A). Energies of order 10 in single precision: 1e-5. */
Test(mixture, each_kl_is_that_of_its_own_log_z) {
    jebm_preset *preset = preset_with(NULL);
    float data[DATA * D];
    double row[64], start[PARAMS];
    for (size_t run = 0; run < 2; run++) {
        void *state = open_run(preset, 0, run);
        draw_data(run, data);
        memcpy(start, array(state, "theta0"), sizeof start);
        for (int k = 0; k < 20; k++) {
            cr_assert_eq(mixture_step(state, NULL), JEBM_OK);
        }
        cr_assert_eq(mixture_record(state, row, NULL), JEBM_OK);
        const double *theta = array(state, "theta0");
        const double estimate = log_z(start) + log_mean_exp(N, array(state, "logw0"));
        const double evaluation = log_z(start) + log_mean_exp(EVALUATION, array(state, "logw1"));
        const double rest =
            mean_energy(theta, data) - mean_energy(teacher_theta, data) - log_z(teacher_theta);
        cr_expect_float_eq(column(row, "kl_exact"), log_z(theta) + rest, 1e-5);
        cr_expect_float_eq(column(row, "kl_estimate"), estimate + rest, 1e-5);
        cr_expect_float_eq(column(row, "kl_evaluation"), evaluation + rest, 1e-5);
        cr_expect_float_eq(column(row, "log_z_estimate"), estimate, 1e-10);
        /* three values, and not nearly equal */
        cr_expect_gt(fabs(estimate - evaluation), 1e-3);
        cr_expect_gt(fabs(estimate - log_z(theta)), 1e-3);
        cr_expect_gt(fabs(column(row, "kl_exact")), 0.05);
        mixture_close(state);
    }
    jebm_preset_free(preset);
}

/* shares of n walkers that are more mode a's than b's: by weight, and plain */
static void shares(const double *theta, size_t n, const float *walkers, const double *logw,
                   double *weighted, double *plain) {
    const gmm_reference m = {D, MODES, theta};
    double total = 0.0;
    *weighted = *plain = 0.0;
    for (size_t i = 0; i < n; i++) {
        double x[D], resp[MODES];
        for (size_t j = 0; j < D; j++) {
            x[j] = walkers[i * D + j];
        }
        gmm_reference_energy(&m, x, resp);
        const double w = exp(logw[i] - logw[0]);
        total += w;
        *weighted += resp[0] > 0.5 ? w : 0.0;
        *plain += resp[0] > 0.5 ? 1.0 / (double)n : 0.0;
    }
    *weighted /= total;
}

static double ess_of(size_t n, const double *logw) {
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double w = exp(logw[i] - logw[0]);
        sum += w;
        squares += w * w;
    }
    return sum * sum / squares / (double)n;
}

Test(mixture, masses_and_distances_are_those_of_walkers_and_means) {
    jebm_preset *preset = preset_with(NULL);
    double row[64], weighted[2], plain[2], a = 0.0, b = 0.0;
    void *state = open_run(preset, 0, 1);
    for (int k = 0; k < 20; k++) {
        cr_assert_eq(mixture_step(state, NULL), JEBM_OK);
    }
    cr_assert_eq(mixture_record(state, row, NULL), JEBM_OK);
    const double *theta = array(state, "theta0");
    shares(theta, N, array(state, "walkers0"), array(state, "logw0"), &weighted[0], &plain[0]);
    shares(theta, EVALUATION, array(state, "walkers1"), array(state, "logw1"), &weighted[1],
           &plain[1]);
    for (size_t j = 0; j < D; j++) {
        a += pow(theta[j] - teacher_theta[j], 2.0);
        b += pow(theta[D + j] - teacher_theta[D + j], 2.0);
    }
    cr_expect_float_eq(column(row, "mass_a"), weighted[0], 1e-10);
    cr_expect_float_eq(column(row, "fraction_a"), plain[0], 1e-12);
    cr_expect_float_eq(column(row, "mass_a_evaluation"), weighted[1], 1e-10);
    cr_expect_float_eq(column(row, "dist_a"), sqrt(a), 1e-12);
    cr_expect_float_eq(column(row, "dist_b"), sqrt(b), 1e-12);
    cr_expect_float_eq(column(row, "ess"), ess_of(N, array(state, "logw0")), 1e-10);
    cr_expect_float_eq(column(row, "ess_evaluation"), ess_of(EVALUATION, array(state, "logw1")),
                       1e-10);
    cr_expect_float_eq(column(row, "p"), 1.0 / (1.0 + exp(-theta[MODES * D])), 1e-12);
    cr_expect(fabs(weighted[0] - plain[0]) > 1e-3 && fabs(weighted[0] - weighted[1]) > 1e-3,
              "masses %g, %g, %g: this tests nothing", weighted[0], plain[0], weighted[1]);
    mixture_close(state);
    jebm_preset_free(preset);
}

/* data, theta_0 and both populations start from the draws of their own streams, to the bit */
Test(mixture, every_purpose_cell_and_run_has_draws_of_its_own) {
    jebm_preset *preset = preset_with(NULL);
    for (size_t run = 0; run < 2; run++) {
        for (size_t cell = 0; cell < 3; cell += 2) {
            void *state = open_run(preset, cell, run);
            const double *theta = array(state, "theta0");
            float noise[MODES * D], x[N * D];
            jebm_rng_normals(stream(OF_THETA, 0, run), JEBM_LANE_THETA, 0, 0, MODES, D, 0.01f,
                             noise);
            for (size_t j = 0; j < MODES * D; j++) {
                cr_expect_eq(theta[j], j == 0 ? -0.1 : j == D ? 0.1 : (double)noise[j]);
            }
            jebm_energy *student = mixture_at(theta);
            student->ops->sample(student, stream(OF_WALKERS, cell, run), false, N, 0, N, x);
            cr_expect_eq(memcmp(x, array(state, "walkers0"), sizeof x), 0, "cell %zu, run %zu",
                         cell, run);
            student->ops->sample(student, stream(OF_EVALUATION, cell, run), false, EVALUATION, 0,
                                 EVALUATION, x);
            cr_expect_eq(memcmp(x, array(state, "walkers1"), EVALUATION * D * sizeof *x), 0,
                         "evaluation, cell %zu, run %zu", cell, run);
            jebm_energy_free(student);
            mixture_close(state);
        }
    }
    jebm_preset_free(preset);
}
