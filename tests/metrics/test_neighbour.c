/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/neighbour.h"

#include "core/isa.h"
#include "core/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

static float *draw(size_t n, size_t d, uint64_t stream) {
    float *x = calloc(n * d + 1, sizeof *x);
    cr_assert_not_null(x);
    for (size_t i = 0; i < n * d; i++) {
        x[i] = (float)(2.0 * jebm_rng_uniform(jebm_rng_make(5, stream), (uint32_t)i, 0, 0) - 1.0);
    }
    return x;
}

static double brute(size_t m, const float *data, size_t d, const float *x, size_t *which) {
    long double best = INFINITY;
    for (size_t k = 0; k < m; k++) {
        long double sum = 0.0L;
        for (size_t j = 0; j < d; j++) {
            const long double difference = (long double)x[j] - data[k * d + j];
            sum += difference * difference;
        }
        if (sum < best) {
            best = sum;
            *which = k;
        }
    }
    return (double)sqrtl(best);
}

enum { N = 70, M = 130 };

/* distances and rows of every instruction set, and of 1 to 3 threads, are one another's */
static void same_everywhere(const float *x, const float *data, size_t d, const double *distance,
                            const uint32_t *which) {
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        if (jebm_isa_select((jebm_isa)isa) != JEBM_OK) {
            continue;
        }
        for (int threads = 1; threads <= 3; threads++) {
            double again[N];
            uint32_t row[N];
#ifdef _OPENMP
            omp_set_num_threads(threads);
#endif
            jebm_neighbours(N, x, M, data, d, again, row);
            cr_expect_arr_eq(again, distance, sizeof again, "%s, %d threads", jebm_isa_name(),
                             threads);
            cr_expect_arr_eq(row, which, sizeof row);
        }
    }
}

Test(neighbour, is_the_one_that_brute_force_finds) {
    const size_t dimensions[] = {1, 3, 15, 16, 17, 127, 130, 144, 784};
    for (size_t t = 0; t < sizeof dimensions / sizeof *dimensions; t++) {
        const size_t d = dimensions[t];
        float *x = draw(N, d, 1), *data = draw(M, d, 2);
        double distance[N], alone[N];
        uint32_t which[N];
        jebm_neighbours(N, x, M, data, d, distance, which);
        for (size_t i = 0; i < N; i++) {
            size_t expected = 0;
            const double best = brute(M, data, d, x + i * d, &expected);
            cr_expect_eq(which[i], expected, "d = %zu, row %zu", d, i);
            /* relative rounding of d squares and sums, halved by the root */
            cr_expect_float_eq(distance[i], best, ((double)d + 2.0) * 0x1p-53 * best);
        }
        jebm_neighbours(N, x, M, data, d, alone, NULL);
        cr_expect_arr_eq(alone, distance, sizeof alone);
        same_everywhere(x, data, d, distance, which);
        free(x);
        free(data);
    }
}

Test(neighbour, of_equals_it_is_the_first_and_a_copy_is_at_distance_0) {
    enum { D = 40 };
    float *data = draw(M, D, 2);
    memcpy(data + 99 * D, data + 7 * D, D * sizeof *data);
    double distance[M];
    uint32_t which[M];
    jebm_neighbours(M, data, M, data, D, distance, which);
    for (size_t i = 0; i < M; i++) {
        cr_expect_eq(distance[i], 0.0);
        cr_expect_eq(which[i], i == 99 ? 7 : i);
    }
    free(data);
}

Test(neighbour, nothing_is_done_for_no_rows) {
    const float data[2] = {0.0F, 0.0F};
    double distance = 42.0;
    jebm_neighbours(0, data, 1, data, 2, &distance, NULL);
    cr_expect_eq(distance, 42.0);
}
