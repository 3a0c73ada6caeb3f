/* Nearest neighbours among images, by comparing all with all.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_NEIGHBOUR_H
#define JEBM_NEIGHBOUR_H

#include "core/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For each row of x [n][d] the nearest row of data [m][d], m > 0, in the Euclidean norm.
 *   distance  [n] out  differences, squares and sums in double, the same for any number of threads
 *                      and any instruction set
 *   which     [n] out  its row, the first of equals; may be NULL
 * Inputs are finite. */
JEBM_API void jebm_neighbours(size_t n, const float *x, size_t m, const float *data, size_t d,
                              double *distance, uint32_t *which);

#ifdef __cplusplus
}
#endif

#endif
