/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/genealogy.h"

#include <math.h>
#include <string.h>

void jebm_eve_start(size_t n, uint32_t *eve) {
    for (size_t i = 0; i < n; i++) {
        eve[i] = (uint32_t)i;
    }
}

void jebm_eve_resample(size_t n, const uint32_t *parent, uint32_t *eve) {
    /* in place: a parent keeps its own place, so what it is read for is not yet overwritten */
    for (size_t i = 0; i < n; i++) {
        eve[i] = eve[parent[i]];
    }
}

double jebm_log_z_variance(jebm_resampling scheme, size_t n, const double *logw,
                           const uint32_t *eve, uint64_t resamplings, double *scratch) {
    double *p = scratch, *family = scratch + n, squares = 0.0;
    if (n < 2 || jebm_weights_normalise(n, logw, p) != JEBM_OK) {
        return NAN;
    }
    memset(family, 0, n * sizeof *family);
    for (size_t i = 0; i < n; i++) {
        family[eve[i]] += p[i];
    }
    for (size_t i = 0; i < n; i++) {
        squares += family[i] * family[i];
    }
    const double walkers = (double)n;
    if (scheme != JEBM_MULTINOMIAL) {
        return fmax(squares - 1.0 / walkers, 0.0);
    }
    const double factor = exp(((double)resamplings + 1.0) * -log1p(-1.0 / walkers));
    return fmax(1.0 - factor * (1.0 - squares), 0.0);
}
