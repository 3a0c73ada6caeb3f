/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/neighbour.h"

#include "core/isa.h"
#include "core/kernel.h"
#include "metrics/neighbour_internal.h"

#include <math.h>

/* rows of x that go through the data together: they stay in the second-level cache meanwhile */
#define BLOCK ((size_t)32)

static const jebm_neighbour_kernels *kernels(void) {
    static const jebm_neighbour_kernels *const table[JEBM_ISA_COUNT] =
        JEBM_PICK(jebm_neighbour_kernels);
    return table[jebm_isa_current()];
}

void jebm_neighbours(size_t n, const float *x, size_t m, const float *data, size_t d,
                     double *distance, uint32_t *which) {
#pragma omp parallel for default(none) shared(n, x, m, data, d, distance, which) schedule(dynamic)
    for (size_t first = 0; first < n; first += BLOCK) {
        const size_t count = n - first < BLOCK ? n - first : BLOCK;
        double square[BLOCK];
        uint32_t row[BLOCK];
        kernels()->nearest(count, x + first * d, m, data, d, square, row);
        for (size_t i = 0; i < count; i++) {
            distance[first + i] = sqrt(square[i]);
            if (which != NULL) {
                which[first + i] = row[i];
            }
        }
    }
}
