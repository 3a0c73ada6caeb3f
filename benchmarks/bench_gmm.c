/* Time of one training iteration of the 50-d Gaussian mixture, in ns per walker and step, data term
 * included: Jarzynski against PCD, interleaved in one process, so that a drift of the machine's
 * speed touches both alike. Verifies before it times: both must have learned something finite.
 *
 * Also times the parts: the noise alone, the data term alone, weights and resampling by difference.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/isa.h"
#include "core/trainer.h"
#include "core/waiting.h"
#include "energy/gmm.h"
#include "timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { D = 50, N = 10000, STEPS = 100 };

static jebm_trainer *trainer(jebm_method method, jebm_trigger trigger, const jebm_energy *start,
                             const float *data, jebm_error *err) {
    jebm_trainer *t = NULL;
    const jebm_trainer_config c = {.method = method,
                                   .rule = JEBM_WEIGHTS_EXACT,
                                   .npopulations = 1,
                                   .walkers = {N},
                                   .batch = {N},
                                   .inner = 1,
                                   .h = 0.1,
                                   .scheme = JEBM_SYSTEMATIC,
                                   .trigger = trigger,
                                   .threshold = 1.0 / 1.1,
                                   .rate = {0.0025, 0.0125},
                                   .rng = {jebm_rng_make(1, 2)}};
    return jebm_trainer_new(&c, start, N, data, &t, err) == JEBM_OK ? t : NULL;
}

static double steps(jebm_trainer *t) {
    const double begin = now_ns();
    for (int k = 0; k < STEPS; k++) {
        if (jebm_trainer_step(t, NULL) != JEBM_OK) {
            return NAN;
        }
    }
    return (now_ns() - begin) / ((double)STEPS * N);
}

/* noise of all walkers, as many times as a trainer would */
static double noise(float *out) {
    const jebm_rng rng = jebm_rng_make(3, 4);
    const double begin = now_ns();
    for (uint64_t k = 0; k < STEPS; k++) {
#pragma omp parallel for default(none) shared(out, rng, k) schedule(static)
        for (size_t b = 0; b < N / 100; b++) {
            jebm_rng_normals(rng, JEBM_LANE_NOISE, k, 0, 1, 100 * 52, 1.0f, out + b * 100 * 52);
        }
    }
    return (now_ns() - begin) / ((double)STEPS * N);
}

static double data_term(const jebm_energy *e, const float *data, double *part) {
    const size_t blocks = (N + JEBM_BLOCK - 1) / JEBM_BLOCK;
    const double begin = now_ns();
    for (int k = 0; k < STEPS; k++) {
#pragma omp parallel for default(none) shared(e, data, part, blocks) schedule(static)
        for (size_t b = 0; b < blocks; b++) {
            const size_t first = b * JEBM_BLOCK;
            const size_t n = N - first < JEBM_BLOCK ? N - first : JEBM_BLOCK;
            part[b * (e->nparams + 1)] =
                jebm_energy_data(e, n, data + first * D, part + b * (e->nparams + 1));
        }
    }
    return (now_ns() - begin) / ((double)STEPS * N);
}

int main(int argc, char **argv) {
    jebm_waiting_limit(argv);
    const size_t repeats = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 25;
    int status_of_usage = 0;
    if (shows_usage(argc, argv, argc > 2 || repeats < 1 || repeats > 10000,
                    "usage: bench_gmm [REPEATS, 1 to 10000; default 25]\n"
                    "threads: OMP_NUM_THREADS; instruction set: JEBM_ISA\n",
                    &status_of_usage)) {
        return status_of_usage;
    }
    enum { JAR, JAR_RESAMPLED, PCD, NOISE, DATA, ROWS };
    static const char *const label[ROWS] = {"jarzynski, no resampling", "jarzynski, c = 0.1", "pcd",
                                            "  noise alone", "  data term alone"};
    jebm_error err = {0};
    jebm_energy *target = NULL, *start = NULL;
    if (jebm_gmm_new(D, 2, &target, &err) != JEBM_OK ||
        jebm_gmm_new(D, 2, &start, &err) != JEBM_OK) {
        fprintf(stderr, "bench_gmm: %s\n", err.text);
        return 1;
    }
    double theta[2 * D + 1] = {0};
    theta[0] = -10.0;
    theta[D] = 6.0;
    theta[2 * D] = -log(3.0);
    jebm_energy_set(target, theta);
    theta[0] = -0.1;
    theta[D] = 0.1;
    theta[2 * D] = 0.0;
    jebm_energy_set(start, theta);
    float *data = malloc(N * D * sizeof *data), *out = malloc(N * 52 * sizeof *out);
    double *part = calloc((N / JEBM_BLOCK + 1) * (2 * D + 2), sizeof *part);
    double *time[ROWS], *ratio = malloc(repeats * sizeof *ratio);
    for (int r = 0; r < ROWS; r++) {
        time[r] = malloc(repeats * sizeof *time[r]);
    }
    if (data == NULL || out == NULL || part == NULL || ratio == NULL || time[ROWS - 1] == NULL) {
        fprintf(stderr, "bench_gmm: not enough memory\n");
        return 1;
    }
    target->ops->sample(target, jebm_rng_make(1, 1), false, N, 0, N, data);
    jebm_trainer *t[3] = {trainer(JEBM_METHOD_JARZYNSKI, JEBM_TRIGGER_NEVER, start, data, &err),
                          trainer(JEBM_METHOD_JARZYNSKI, JEBM_TRIGGER_ESS, start, data, &err),
                          trainer(JEBM_METHOD_PCD, JEBM_TRIGGER_NEVER, start, data, &err)};
    for (int i = 0; i < 3; i++) {
        if (t[i] == NULL || !isfinite(steps(t[i]))) {
            fprintf(stderr, "bench_gmm: %s\n", err.text[0] != '\0' ? err.text : "a run diverged");
            return 1;
        }
    }
    const uint64_t resamplings = jebm_trainer_observe(t[1], 0).resamplings;
    for (size_t i = 0; i < repeats; i++) {
        time[JAR][i] = steps(t[0]);
        time[PCD][i] = steps(t[2]);
        time[JAR_RESAMPLED][i] = steps(t[1]);
        time[NOISE][i] = noise(out);
        time[DATA][i] = data_term(target, data, part);
        ratio[i] = time[JAR_RESAMPLED][i] / time[PCD][i];
    }
    printf(
        "# d = %d, N = n = %d, %d threads, %s kernels; %zu interleaved repeats of %d iterations\n",
        D, N, threads(), jebm_isa_name(), repeats, STEPS);
    printf("%-28s %10s %10s %10s\n", "ns per walker and step", "median", "min", "max");
    for (int r = 0; r < ROWS; r++) {
        const double middle = median(repeats, time[r]);
        printf("%-28s %10.2f %10.2f %10.2f\n", label[r], middle, time[r][0], time[r][repeats - 1]);
    }
    printf("%-28s %10.3f\n", "jarzynski c = 0.1 / pcd", median(repeats, ratio));
    printf("# resamplings of c = 0.1: one in %.1f iterations\n",
           (double)STEPS * (double)repeats /
               (double)(jebm_trainer_observe(t[1], 0).resamplings - resamplings));
    for (int i = 0; i < 3; i++) {
        jebm_trainer_free(t[i]);
    }
    for (int r = 0; r < ROWS; r++) {
        free(time[r]);
    }
    free(ratio);
    free(part);
    free(out);
    free(data);
    jebm_energy_free(start);
    jebm_energy_free(target);
    return 0;
}
