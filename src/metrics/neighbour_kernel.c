/* Squared distances of all pairs; compiled once per instruction set.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/neighbour_internal.h"

#include "core/kernel.h"
#include "core/simd.h"

/* The sum is split into this many, whatever the width of a vector, and nothing is fused: so all
 * instruction sets round alike. */
#define LANES 16
#define STRIDE ((size_t)128) /* coordinates between two looks at the limit */

/* four at a time, which is a few vector additions */
static double sum_of(const double *lane) {
    double sum[4];
    for (size_t l = 0; l < 4; l++) {
        sum[l] = (lane[l] + lane[l + 4]) + (lane[l + 8] + lane[l + 12]);
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* Squared distance, or a part of it that is above the limit already: rounded sums of squares never
 * fall, so the whole is above it, too. */
static double squared(size_t d, const float *x, const float *y, double limit) {
    double lane[LANES] = {0};
    size_t j = 0;
    while (j + LANES <= d) {
        const size_t end = d - j < STRIDE ? d : j + STRIDE;
        for (; j + LANES <= end; j += LANES) {
            JEBM_UNROLL
            for (size_t l = 0; l < LANES; l++) {
                const double difference = (double)x[j + l] - (double)y[j + l];
                lane[l] += difference * difference;
            }
        }
        if (sum_of(lane) > limit) {
            return sum_of(lane);
        }
    }
    for (size_t l = 0; j < d; j++, l++) {
        const double difference = (double)x[j] - (double)y[j];
        lane[l] += difference * difference;
    }
    return sum_of(lane);
}

static void nearest(size_t n, const float *x, size_t m, const float *data, size_t d, double *square,
                    uint32_t *which) {
    for (size_t i = 0; i < n; i++) {
        square[i] = HUGE_VAL;
        which[i] = 0;
    }
    for (size_t k = 0; k < m; k++) {
        for (size_t i = 0; i < n; i++) {
            const double found = squared(d, x + i * d, data + k * d, square[i]);
            if (found < square[i]) {
                square[i] = found;
                which[i] = (uint32_t)k;
            }
        }
    }
}

const jebm_neighbour_kernels JEBM_KERNEL(jebm_neighbour_kernels) = {nearest};
