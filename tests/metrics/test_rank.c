/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/rank.h"

#include "core/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static double rho(size_t n, const double *a, const double *b) {
    double r = 42.0;
    cr_assert_eq(jebm_spearman(n, a, b, &r, NULL), JEBM_OK);
    return r;
}

Test(rank, ties_share_the_mean_rank) {
    /* ranks (1, 2.5, 2.5, 4) and (1.5, 1.5, 3, 4): covariance 3.75, variances 4.5 and 4.5 */
    const double a[4] = {1.0, 2.0, 2.0, 4.0}, b[4] = {10.0, 10.0, 30.0, 40.0};
    cr_expect_float_eq(rho(4, a, b), 3.75 / 4.5, 1e-15);
    /* ranks (2, 2, 2, 4.5, 4.5) and (5, 4, 3, 2, 1): covariance -7.5, variances 7.5 and 10 */
    const double c[5] = {-1.0, -1.0, -1.0, 7.0, 7.0}, d[5] = {9.0, 8.0, 1.0, 0.5, 0.0};
    cr_expect_float_eq(rho(5, c, d), -7.5 / sqrt(75.0), 1e-15);
}

Test(rank, without_ties_it_is_the_formula_of_squared_rank_differences) {
    /* ranks (1..6) and (2, 1, 4, 3, 6, 5): 1 - 6 sum d^2 / (n (n^2 - 1)) = 1 - 36/210 */
    const double a[6] = {-5.0, -1.0, 0.0, 0.1, 3.0, INFINITY};
    const double b[6] = {-1e9, -INFINITY, 2.0, 1.0, 1e300, 1e200};
    cr_expect_float_eq(rho(6, a, b), 1.0 - 36.0 / 210.0, 1e-15);
}

/* 1 + number smaller + half the number of others that are equal */
static double rank_of(size_t n, const double *v, size_t i) {
    double rank = 1.0;
    for (size_t j = 0; j < n; j++) {
        rank += v[j] < v[i] ? 1.0 : v[j] == v[i] && j != i ? 0.5 : 0.0;
    }
    return rank;
}

Test(rank, agrees_with_ranks_by_counting) {
    enum { N = 300 };
    const jebm_rng rng = jebm_rng_make(3, 1);
    double a[N], b[N];
    for (uint32_t i = 0; i < N; i++) { /* few values, so many ties, and some dependence */
        a[i] = floor(7.0 * jebm_rng_uniform(rng, i, 0, 0));
        b[i] = floor(3.0 * jebm_rng_uniform(rng, i, 0, 1)) - 0.5 * a[i];
    }
    double saa = 0.0, sbb = 0.0, sab = 0.0;
    const double mean = 0.5 * (N + 1);
    for (size_t i = 0; i < N; i++) {
        const double ra = rank_of(N, a, i) - mean, rb = rank_of(N, b, i) - mean;
        saa += ra * ra;
        sbb += rb * rb;
        sab += ra * rb;
    }
    /* N terms of relative rounding 2^-53 in each sum */
    cr_expect_float_eq(rho(N, a, b), sab / sqrt(saa * sbb), 3 * N * 0x1p-53);
}

Test(rank, a_constant_has_no_correlation) {
    const double a[3] = {1.0, 1.0, 1.0}, b[3] = {1.0, 2.0, 3.0};
    cr_expect(isnan(rho(3, a, b)));
    cr_expect(isnan(rho(3, b, a)));
    cr_expect(isnan(rho(1, a, b)));
    cr_expect(isnan(rho(0, NULL, NULL)));
}

Test(rank, what_is_not_a_number_is_refused) {
    const double a[3] = {1.0, NAN, 1.0}, b[3] = {1.0, 2.0, 3.0};
    double r = 42.0;
    jebm_error err = {0};
    cr_expect_eq(jebm_spearman(3, a, b, &r, &err), JEBM_EINVAL);
    cr_expect_not_null(strstr(err.text, "pair 1 of 3"), "%s", err.text);
    cr_expect_eq(jebm_spearman(3, b, a, &r, NULL), JEBM_EINVAL);
    cr_expect_eq(r, 42.0);
}
