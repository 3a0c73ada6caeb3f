/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/rank.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static bool constant(size_t n, const double *v) {
    for (size_t i = 1; i < n; i++) {
        if (v[i] != v[0]) {
            return false;
        }
    }
    return true;
}

jebm_status jebm_spearman(size_t n, const double *a, const double *b, double *rho,
                          jebm_error *err) {
    for (size_t i = 0; i < n; i++) {
        if (isnan(a[i]) || isnan(b[i])) {
            return jebm_fail(err, JEBM_EINVAL,
                             "rank correlation: pair %zu of %zu is (%g, %g), expected numbers", i,
                             n, a[i], b[i]);
        }
    }
    if (n < 2 || constant(n, a) || constant(n, b)) {
        *rho = NAN;
        return JEBM_OK;
    }
    double *work = malloc(2 * n * sizeof *work);
    if (work == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for the ranks of %zu pairs", n);
    }
    *rho = gsl_stats_spearman(a, 1, b, 1, n, work); /* it shares ranks among equals */
    free(work);
    return JEBM_OK;
}
