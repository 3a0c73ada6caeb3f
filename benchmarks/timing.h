/* What the benchmarks share: the clock, the median, the number of threads.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_BENCH_TIMING_H
#define JEBM_BENCH_TIMING_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef _OPENMP
#include <omp.h>
#endif

static inline double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static inline int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* sorts */
static inline double median(size_t n, double *values) {
    qsort(values, n, sizeof *values, ascending);
    return 0.5 * (values[(n - 1) / 2] + values[n / 2]);
}

/* Print how the program is used where --help asks for it or the words are wrong; the exit status is
 * then in *status. */
static inline bool shows_usage(int argc, char **argv, bool wrong, const char *usage, int *status) {
    const bool asked = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    if (asked || wrong) {
        fputs(usage, asked ? stdout : stderr);
        *status = asked ? 0 : 2;
    }
    return asked || wrong;
}

static inline int threads(void) {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

#endif
