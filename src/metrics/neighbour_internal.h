/* All pairs of a block of queries and all data, vectorised.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_NEIGHBOUR_INTERNAL_H
#define JEBM_NEIGHBOUR_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

typedef struct jebm_neighbour_kernels {
    /* square[n], which[n]: least squared distance of each row of x [n][d] to the rows of data
     * [m][d], and the first row that has it */
    void (*nearest)(size_t n, const float *x, size_t m, const float *data, size_t d, double *square,
                    uint32_t *which);
} jebm_neighbour_kernels;

extern const jebm_neighbour_kernels jebm_neighbour_kernels_baseline;
extern const jebm_neighbour_kernels jebm_neighbour_kernels_avx2;
extern const jebm_neighbour_kernels jebm_neighbour_kernels_avx512;

#endif
