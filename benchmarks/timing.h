/* What the benchmarks share: the clock, the median, the number of threads.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_BENCH_TIMING_H
#define JEBM_BENCH_TIMING_H

#include <stdlib.h>
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

static inline int threads(void) {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

#endif
