/* Tests of fit that the statistical tests of this room share. Seeds are fixed, so a test that
 * passes once passes always; bounds are set for a false-alarm rate below 1e-5 a comparison, so that
 * a change of seed or of addressing has no reason to break one either.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_TESTS_LAW_H
#define JEBM_TESTS_LAW_H

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* standard errors that a mean may be off: two-sided tail 6.8e-6 */
#define LAW_ERRORS 4.5

/* whether a chi-square value is neither too large nor too good to be true */
static inline bool law_chi_square(double value, double freedom) {
    return gsl_cdf_chisq_Q(value, freedom) > 5e-6 && gsl_cdf_chisq_P(value, freedom) > 5e-6;
}

/* Pearson's statistic of counts against what is expected of each */
static inline double law_pearson(size_t cells, const double *count, const double *expected) {
    double sum = 0.0;
    for (size_t i = 0; i < cells; i++) {
        sum += (count[i] - expected[i]) * (count[i] - expected[i]) / expected[i];
    }
    return sum;
}

/* Whether a mean over n draws agrees with `expected`, given the draws' sum and sum of squares: the
 * standard error is their own. The floor is for draws that do not vary. */
static inline bool law_mean(double n, double sum, double sum_2, double expected) {
    const double mean = sum / n;
    const double variance = fmax(sum_2 / n - mean * mean, 0.0);
    return fabs(mean - expected) <= LAW_ERRORS * sqrt(variance / n) + 1e-9 * (1.0 + fabs(expected));
}

#endif
