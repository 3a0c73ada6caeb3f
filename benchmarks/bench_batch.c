/* Time of one iteration of Algorithm 2, N = n = 10^5 and d = 50, for mini-batches of N' = N to
 * N/1000 walkers: with averages over all walkers and data, with averages over the mini-batch, the
 * same without looking at the ESS, and beside them Algorithm 1 with N' walkers and data points and
 * no others. All rows are interleaved, so that a drift of the machine's speed touches all alike.
 * Also the peak memory of each, in a process of its own. CSV on standard output, a table on
 * standard error.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/isa.h"
#include "core/trainer.h"
#include "core/waiting.h"
#include "energy/gmm.h"
#include "timing.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { D = 50, N = 100000, PARTS = 4 };
static const size_t parts[PARTS] = {1, 10, 100, 1000}; /* N/N' */

/* gradient = all; = batch; = batch with the ESS never looked at; Algorithm 1 with N' walkers */
enum { ALL, BATCH, UNSEEN, ALONE, KINDS };
static const char *const kinds[KINDS] = {"all", "batch", "batch-unseen", "alone"};

typedef struct row {
    jebm_trainer *trainer;
    size_t batch;
    size_t iterations; /* in one repeat */
    uint64_t resamplings;
    double *time; /* [repeats] ns per iteration */
    double peak; /* bytes */
} row;

/* ---- what is timed -------------------------------------------------------------------------- */

/* the mixture of Figure 1, its mode of mass 1/4 at -10, or the student that starts beside 0 */
static jebm_energy *mixture(double a, double b, double z, jebm_error *err) {
    double theta[2 * D + 1] = {[0] = a, [D] = b, [2 * D] = z};
    jebm_energy *e = NULL;
    if (jebm_gmm_new(D, 2, &e, err) == JEBM_OK) {
        jebm_energy_set(e, theta);
    }
    return e;
}

static float *make_data(jebm_error *err) {
    jebm_energy *teacher = mixture(-10.0, 6.0, -log(3.0), err);
    float *data = malloc((size_t)N * D * sizeof *data);
    if (teacher != NULL && data != NULL) {
        teacher->ops->sample(teacher, jebm_rng_make(1, 1), false, N, 0, N, data);
    }
    jebm_energy_free(teacher);
    return data;
}

static jebm_trainer *make_trainer(int kind, size_t batch, const float *data, jebm_error *err) {
    const size_t walkers = kind == ALONE ? batch : N, points = kind == ALONE ? batch : N;
    const bool batched = kind == BATCH || kind == UNSEEN;
    const jebm_trainer_config c = {.method = JEBM_METHOD_JARZYNSKI,
                                   .rule = JEBM_WEIGHTS_EXACT,
                                   .npopulations = 1,
                                   .walkers = {walkers},
                                   .batch = {batch},
                                   .gradient = batched ? JEBM_GRADIENT_BATCH : JEBM_GRADIENT_ALL,
                                   .data_batch = batched ? batch : 0, /* n = N */
                                   .inner = 1,
                                   .h = 0.1,
                                   .scheme = JEBM_SYSTEMATIC,
                                   .trigger =
                                       kind == UNSEEN ? JEBM_TRIGGER_NEVER : JEBM_TRIGGER_ESS,
                                   .threshold = 1.0 / 1.05,
                                   .rate = {0.0025, 0.0125},
                                   .rng = {jebm_rng_make(1, 2)}};
    jebm_energy *start = mixture(-0.1, 0.1, 0.0, err);
    jebm_trainer *t = NULL;
    if (start != NULL) {
        (void)jebm_trainer_new(&c, start, points, data, &t, err);
    }
    jebm_energy_free(start);
    return t;
}

/* ns per iteration; NAN when a step failed */
static double steps(jebm_trainer *t, size_t iterations, jebm_error *err) {
    const double begin = now_ns();
    for (size_t k = 0; k < iterations; k++) {
        if (jebm_trainer_step(t, err) != JEBM_OK) {
            return NAN;
        }
    }
    return (now_ns() - begin) / (double)iterations;
}

/* ---- memory --------------------------------------------------------------------------------- */

/* in the forked process: the peak after some iterations, to the pipe; NAN if one failed */
static void measure_peak(int kind, const row *r, int to) {
    jebm_error err = {0};
    struct rusage usage;
    float *data = make_data(&err);
    jebm_trainer *t = data != NULL ? make_trainer(kind, r->batch, data, &err) : NULL;
    const bool done = t != NULL && isfinite(steps(t, r->iterations, &err));
    getrusage(RUSAGE_SELF, &usage);
    const double bytes = done ? 1024.0 * (double)usage.ru_maxrss : NAN;
    _exit(write(to, &bytes, sizeof bytes) == sizeof bytes ? 0 : 1);
}

/* Peak memory of a process of its own that makes the data and the trainer and goes some iterations.
 * To be called before this process has used a thread: a forked one could not have any then. */
static double peak_bytes(int kind, const row *r) {
    double bytes = NAN;
    int ends[2];
    if (pipe(ends) != 0) {
        return NAN;
    }
    const pid_t child = fork();
    if (child == 0) {
        measure_peak(kind, r, ends[1]);
    }
    close(ends[1]);
    if (child < 0 || read(ends[0], &bytes, sizeof bytes) != sizeof bytes) {
        bytes = NAN;
    }
    close(ends[0]);
    if (child > 0) {
        waitpid(child, NULL, 0);
    }
    return bytes;
}

/* ---- report --------------------------------------------------------------------------------- */

#define WALKER_BYTES ((double)N * D * sizeof(float))

/* median over the repeats of the row's time over that of N' walkers alone */
static double over_alone(size_t repeats, const row *r, const row *alone, double *ratio) {
    for (size_t i = 0; i < repeats; i++) {
        ratio[i] = r->time[i] / alone->time[i];
    }
    return median(repeats, ratio);
}

static void report_row(size_t repeats, int kind, row *r, double relative) {
    const double middle = median(repeats, r->time) / 1e3;
    const size_t iterations = repeats * r->iterations;
    printf("%s,%d,%zu,%d,%d,%s,%.5g,%.5g,%.5g,%.4g,%zu,%llu,%.0f\n", kinds[kind],
           kind == ALONE ? (int)r->batch : N, r->batch, D, threads(), jebm_isa_name(), middle,
           r->time[0] / 1e3, r->time[repeats - 1] / 1e3, relative, iterations,
           (unsigned long long)r->resamplings, r->peak);
    fprintf(stderr, "%-12s %8zu %12.1f %10.1f %10.2f %10.2g", kinds[kind], r->batch, middle,
            1e3 * middle / (double)r->batch, relative, (double)r->resamplings / (double)iterations);
    if (isfinite(r->peak)) {
        fprintf(stderr, " %8.1f %12.2f %19.2f", r->peak / 1e6, r->peak / WALKER_BYTES,
                r->peak / (2.0 * WALKER_BYTES));
    }
    fprintf(stderr, "\n");
}

/* prints, and destroys the order of the times */
static void report(size_t repeats, row rows[KINDS][PARTS], double *scratch) {
    double relative[KINDS][PARTS];
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t p = 0; p < PARTS; p++) {
            relative[kind][p] = over_alone(repeats, &rows[kind][p], &rows[ALONE][p], scratch);
        }
    }
    fprintf(stderr,
            "# d = %d, N = n = %d, %d threads, %s kernels; medians of %zu interleaved repeats\n"
            "# alone: N' walkers and data points and no others; resampled: share of the "
            "iterations; walkers: %.0f MB\n"
            "%-12s %8s %12s %10s %10s %10s %8s %12s %19s\n",
            D, N, threads(), jebm_isa_name(), repeats, WALKER_BYTES / 1e6, "gradient", "N'",
            "us/iteration", "ns/moved", "over alone", "resampled", "peak/MB", "peak/walkers",
            "peak/(walkers+data)");
    printf("gradient,walkers,batch,d,threads,isa,us_median,us_min,us_max,over_alone,iterations,"
           "resamplings,peak_bytes\n");
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t p = 0; p < PARTS; p++) {
            report_row(repeats, kind, &rows[kind][p], relative[kind][p]);
        }
    }
}

/* ---- all rows ------------------------------------------------------------------------------- */

static void clear(row rows[KINDS][PARTS]) {
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t p = 0; p < PARTS; p++) {
            jebm_trainer_free(rows[kind][p].trainer);
            free(rows[kind][p].time);
        }
    }
}

/* Iterations of a repeat: with gradient = batch a whole number of looks at the ESS, which come
 * every N/N' iterations and cost what N walkers cost; elsewhere enough for the clock. */
static size_t iterations_of(int kind, size_t part) {
    return kind == ALL ? 4 : 4 * part;
}

/* resamplings so far */
static jebm_status count_resamplings(const row *r, uint64_t *count, jebm_error *err) {
    JEBM_TRY(jebm_trainer_settle(r->trainer, err));
    *count = jebm_trainer_observe(r->trainer, 0).resamplings;
    return JEBM_OK;
}

/* before it is timed, a trainer must have moved both means towards their modes */
static jebm_status verify(int kind, const row *r, jebm_error *err) {
    const double *theta = jebm_trainer_energy(r->trainer)->theta;
    return theta[0] < -0.1 && theta[D] > 0.1
               ? JEBM_OK
               : jebm_fail(err, JEBM_EDIVERGE, "%s, N' = %zu: learned %g and %g", kinds[kind],
                           r->batch, theta[0], theta[D]);
}

static jebm_status set_up(size_t repeats, const float *data, row rows[KINDS][PARTS],
                          jebm_error *err) {
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t p = 0; p < PARTS; p++) {
            row *r = &rows[kind][p];
            r->time = malloc(repeats * sizeof *r->time);
            r->trainer = make_trainer(kind, r->batch, data, err);
            if (r->trainer == NULL || r->time == NULL) {
                return r->time == NULL ? jebm_fail(err, JEBM_ENOMEM, "not enough memory")
                                       : JEBM_EINVAL;
            }
            if (!isfinite(steps(r->trainer, r->iterations, err))) {
                return JEBM_EDIVERGE;
            }
            JEBM_TRY(verify(kind, r, err));
            JEBM_TRY(count_resamplings(r, &r->resamplings, err));
        }
    }
    return JEBM_OK;
}

static jebm_status measure(size_t repeats, row rows[KINDS][PARTS], jebm_error *err) {
    for (size_t i = 0; i < repeats; i++) {
        for (size_t p = 0; p < PARTS; p++) {
            for (int kind = 0; kind < KINDS; kind++) {
                row *r = &rows[kind][p];
                r->time[i] = steps(r->trainer, r->iterations, err);
                if (!isfinite(r->time[i])) {
                    return JEBM_EDIVERGE;
                }
            }
        }
    }
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t p = 0; p < PARTS; p++) {
            row *r = &rows[kind][p];
            uint64_t count = 0;
            JEBM_TRY(count_resamplings(r, &count, err));
            r->resamplings = count - r->resamplings;
        }
    }
    return JEBM_OK;
}

int main(int argc, char **argv) {
    jebm_waiting_limit(argv);
    const size_t repeats = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 11;
    int status_of_usage = 0;
    if (shows_usage(argc, argv, argc > 2 || repeats < 1 || repeats > 10000,
                    "usage: bench_batch [REPEATS, 1 to 10000; default 11]\n"
                    "threads: OMP_NUM_THREADS; instruction set: JEBM_ISA\n",
                    &status_of_usage)) {
        return status_of_usage;
    }
    jebm_error err = {0};
    row rows[KINDS][PARTS] = {0};
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t p = 0; p < PARTS; p++) {
            rows[kind][p].batch = N / parts[p];
            rows[kind][p].iterations = iterations_of(kind, parts[p]);
            rows[kind][p].peak = kind != ALONE ? peak_bytes(kind, &rows[kind][p]) : NAN;
        }
    }
    float *data = make_data(&err);
    double *scratch = malloc(repeats * sizeof *scratch);
    jebm_status status = data != NULL && scratch != NULL
                             ? set_up(repeats, data, rows, &err)
                             : jebm_fail(&err, JEBM_ENOMEM, "not enough memory");
    if (status == JEBM_OK) {
        status = measure(repeats, rows, &err);
    }
    if (status == JEBM_OK) {
        report(repeats, rows, scratch);
    } else {
        fprintf(stderr, "bench_batch: %s\n", err.text);
    }
    clear(rows);
    free(scratch);
    free(data);
    return status == JEBM_OK ? 0 : 1;
}
