/* Time of resampling, in ns per walker, for every scheme and N = 10^3 ... 10^7: choosing the copies
 * alone, and the whole of jebm_resample(), beside a copy of the walkers by memcpy with as many
 * threads. All rows of one N are interleaved, so that a drift of the machine's speed touches all
 * alike. CSV on standard output, a table on standard error.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/isa.h"
#include "core/resample.h"
#include "core/waiting.h"
#include "timing.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* choosing and resampling of each scheme, and the copy */
enum { COPY = 2 * JEBM_RESAMPLING_COUNT, ROWS };

/* Gaussian log-weights of this standard deviation s: ESS = exp(-s^2) = 1/2 */
#define SPREAD 0.8326f

typedef struct bench {
    size_t n, d, repeats;
    jebm_ensemble e;
    float *target; /* [n][d] */
    double *logw, *scratch;
    uint32_t *parent, *copies;
    double *time[ROWS]; /* [repeats] ns per walker */
} bench;

static void copy(const bench *b) {
    const int parts = threads();
    const size_t share = (b->n + (size_t)parts - 1) / (size_t)parts, n = b->n, d = b->d;
    const float *x = b->e.x;
    float *target = b->target;
#pragma omp parallel for default(none) shared(parts, share, n, d, x, target) schedule(static)
    for (int part = 0; part < parts; part++) {
        const size_t first = (size_t)part * share;
        if (first < n) {
            const size_t rows = n - first < share ? n - first : share;
            memcpy(target + first * d, x + first * d, rows * d * sizeof *x);
        }
    }
}

/* one repeat: `calls` of each row in turn */
static jebm_status measure(bench *b, size_t repeat, size_t calls) {
    const jebm_rng rng = jebm_rng_make(1, 2);
    double sum[ROWS] = {0};
    for (size_t call = 0; call < calls; call++) {
        const uint64_t step = repeat * calls + call;
        for (jebm_resampling s = 0; s < JEBM_RESAMPLING_COUNT; s++) {
            double begin = now_ns();
            JEBM_TRY(jebm_resample_copies(s, b->n, b->logw, rng, step, b->copies, b->scratch));
            sum[2 * s] += now_ns() - begin;
            memcpy(b->e.logw, b->logw, b->n * sizeof *b->logw);
            begin = now_ns();
            JEBM_TRY(jebm_resample(s, &b->e, rng, step, b->parent, b->copies, b->scratch));
            sum[2 * s + 1] += now_ns() - begin;
        }
        const double begin = now_ns();
        copy(b);
        sum[COPY] += now_ns() - begin;
    }
    for (int row = 0; row < ROWS; row++) {
        b->time[row][repeat] = sum[row] / ((double)(calls * b->n));
    }
    return JEBM_OK;
}

static void report_row(const bench *b, const char *scheme, const char *what, double *time) {
    const double middle = median(b->repeats, time);
    printf("%s,%s,%zu,%zu,%d,%s,%.4g,%.4g,%.4g\n", scheme, what, b->n, b->d, threads(),
           jebm_isa_name(), middle, time[0], time[b->repeats - 1]);
}

/* prints, and destroys the order of the times */
static void report(bench *b, double *ratio) {
    fprintf(stderr, "%9zu %4zu", b->n, b->d);
    for (jebm_resampling s = 0; s < JEBM_RESAMPLING_COUNT; s++) {
        for (size_t i = 0; i < b->repeats; i++) {
            ratio[i] = b->time[2 * s + 1][i] / b->time[COPY][i];
        }
        const double of_copy = median(b->repeats, ratio);
        report_row(b, jebm_resampling_name(s), "choose", b->time[2 * s]);
        report_row(b, jebm_resampling_name(s), "resample", b->time[2 * s + 1]);
        fprintf(stderr, " %5.1f %5.1f %5.2f", median(b->repeats, b->time[2 * s]),
                median(b->repeats, b->time[2 * s + 1]), of_copy);
    }
    report_row(b, "-", "memcpy", b->time[COPY]);
    fprintf(stderr, " %7.1f\n", median(b->repeats, b->time[COPY]));
}

static void clear(bench *b) {
    jebm_ensemble_free(&b->e);
    free(b->target);
    free(b->logw);
    free(b->scratch);
    free(b->parent);
    free(b->copies);
    for (int row = 0; row < ROWS; row++) {
        free(b->time[row]);
    }
}

static jebm_status fill(bench *b, jebm_error *err) {
    float *normal = malloc(b->n * sizeof *normal);
    bool enough = normal != NULL;
    JEBM_TRY(jebm_ensemble_init(&b->e, b->n, b->d, 0, err));
    b->target = malloc(b->n * b->d * sizeof *b->target);
    b->logw = malloc(b->n * sizeof *b->logw);
    b->scratch = malloc(jebm_resample_scratch(b->n) * sizeof *b->scratch);
    b->parent = malloc(b->n * sizeof *b->parent);
    b->copies = malloc(b->n * sizeof *b->copies);
    for (int row = 0; row < ROWS; row++) {
        b->time[row] = malloc(b->repeats * sizeof *b->time[row]);
        enough = enough && b->time[row] != NULL;
    }
    if (!enough || b->target == NULL || b->logw == NULL || b->scratch == NULL ||
        b->parent == NULL || b->copies == NULL) {
        free(normal);
        return jebm_fail(err, JEBM_ENOMEM, "no memory for %zu walkers: give a smaller MOST", b->n);
    }
    jebm_rng_normals(jebm_rng_make(3, 4), JEBM_LANE_INIT, 0, 0, b->n, 1, SPREAD, normal);
    for (size_t i = 0; i < b->n; i++) {
        b->logw[i] = normal[i];
    }
    free(normal);
    return JEBM_OK;
}

/* all rows of one N and d; small ones are called often enough for the clock */
static jebm_status run(size_t n, size_t d, size_t repeats, double *ratio, jebm_error *err) {
    bench b = {.n = n, .d = d, .repeats = repeats};
    const size_t calls = n < 100000 ? 100000 / n : 1;
    jebm_status status = fill(&b, err);
    /* the first is for the caches and for pages that were never touched */
    for (size_t i = 0; i <= repeats && status == JEBM_OK; i++) {
        status = measure(&b, i > 0 ? i - 1 : 0, calls);
    }
    if (status == JEBM_OK) {
        report(&b, ratio);
        fflush(stdout);
    }
    clear(&b);
    return status;
}

int main(int argc, char **argv) {
    jebm_waiting_limit(argv);
    const size_t repeats = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 25;
    const size_t most = argc > 2 ? (size_t)strtod(argv[2], NULL) : 10000000;
    int status_of_usage = 0;
    if (shows_usage(argc, argv,
                    argc > 3 || repeats < 1 || repeats > 10000 || most < 1000 || most > 100000000,
                    "usage: bench_resample [REPEATS, 1 to 10000; default 25 "
                    "[MOST walkers, 1e3 to 1e8; default 1e7]]\n"
                    "threads: OMP_NUM_THREADS; instruction set: JEBM_ISA\n",
                    &status_of_usage)) {
        return status_of_usage;
    }
    double *ratio = malloc(repeats * sizeof *ratio);
    jebm_error err = {0};
    jebm_status status = ratio == NULL ? JEBM_ENOMEM : JEBM_OK;
    fprintf(stderr,
            "# ns per walker: choosing, whole resampling, its ratio to memcpy; %d threads, %s "
            "kernels, ESS 0.5, medians of %zu interleaved repeats\n%9s %4s",
            threads(), jebm_isa_name(), repeats, "N", "d");
    for (jebm_resampling s = 0; s < JEBM_RESAMPLING_COUNT; s++) {
        fprintf(stderr, " %17s", jebm_resampling_name(s));
    }
    fprintf(stderr, " %7s\n", "memcpy");
    printf("scheme,what,n,d,threads,isa,ns_median,ns_min,ns_max\n");
    for (size_t n = 1000; n <= most && status == JEBM_OK; n *= 10) {
        /* 10^7 walkers of dimension 50 and their copy would take 4 GB */
        status = run(n, n <= 1000000 ? 50 : 1, repeats, ratio, &err);
    }
    free(ratio);
    if (status != JEBM_OK) {
        fprintf(stderr, "bench_resample: %s\n", err.text[0] != '\0' ? err.text : "failed");
        return 1;
    }
    return 0;
}
