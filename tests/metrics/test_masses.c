/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/masses.h"

#include "core/rng.h"
#include "law.h"

#include <criterion/criterion.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

static jebm_masses masses(size_t n, size_t nclasses, const uint8_t *class_of, const double *logw,
                          const jebm_bootstrap *b) {
    jebm_masses m;
    jebm_error err = {0};
    cr_assert_eq(jebm_masses_of(n, nclasses, class_of, logw, b, &m, &err), JEBM_OK, "%s", err.text);
    return m;
}

Test(masses, are_the_sums_of_normalised_weights_by_class) {
    /* weights 1, 2, 3, 4, 5, 0 of 15, whatever the offset; class 2 has none */
    const uint8_t class_of[6] = {0, 1, 0, 3, 1, 3};
    const double counted[4] = {2.0 / 6.0, 2.0 / 6.0, 0.0, 2.0 / 6.0};
    const double expected[4] = {4.0 / 15.0, 7.0 / 15.0, 0.0, 4.0 / 15.0};
    for (int offset = -800; offset <= 800; offset += 800) {
        double logw[6];
        for (int i = 0; i < 6; i++) {
            logw[i] = i < 5 ? log(i + 1.0) + offset : -INFINITY;
        }
        const jebm_masses m = masses(6, 4, class_of, logw, NULL);
        cr_expect_eq(m.nclasses, 4);
        for (size_t j = 0; j < 4; j++) {
            /* a log-weight of 800 is rounded by up to 2^-44 */
            cr_expect_float_eq(m.mass[j], expected[j], 0x1p-42);
            cr_expect_float_eq(m.share[j], counted[j], 1e-15);
            cr_expect(isnan(m.error[j]) && isnan(m.low[j]) && isnan(m.high[j]));
        }
    }
    const jebm_masses equal = masses(6, 4, class_of, NULL, &(jebm_bootstrap){.replicates = 0});
    cr_expect_float_eq(equal.mass[0], 1.0 / 3.0, 1e-15);
    cr_expect(isnan(equal.error[0]));
}

/* With equal weights a replicate's count is binomial. The standard deviation of B draws is off by
 * 1/sqrt(2 B); a quantile by sqrt(q (1 - q) / B) over the density 0.0584 at 1.96, by the count's
 * jumps of 1/n, and by its skewness, (1.96^2 - 1) (1 - 2 p) / 6 n. */
Test(masses, with_equal_weights_the_bootstrap_is_binomial) {
    enum { SIZE = 2000, B = 10000 };
    uint8_t class_of[SIZE];
    const double share[3] = {0.3, 0.6, 0.1};
    for (size_t i = 0; i < SIZE; i++) {
        class_of[i] = i < 600 ? 0 : i < 1800 ? 1 : 2;
    }
    const jebm_masses m =
        masses(SIZE, 3, class_of, NULL, &(jebm_bootstrap){.replicates = B, .seed = 1});
    for (size_t j = 0; j < 3; j++) {
        const double sd = sqrt(share[j] * (1.0 - share[j]) / SIZE);
        cr_expect_float_eq(m.mass[j], share[j], SIZE * 0x1p-53);
        cr_expect_float_eq(m.error[j], sd, LAW_ERRORS * sd / sqrt(2.0 * B));
        const double off =
            LAW_ERRORS * sqrt(0.025 * 0.975 / B) / 0.0584 * sd + (1.0 + 2.9 / 6.0) / SIZE;
        cr_expect_float_eq(m.low[j], share[j] - 1.96 * sd, off);
        cr_expect_float_eq(m.high[j], share[j] + 1.96 * sd, off);
    }
}

/* Of 5 walkers there are 5^5 equally likely replicates: all of them, against 40000 draws. */
Test(masses, the_bootstraps_error_is_that_of_all_possible_replicates) {
    enum { SIZE = 5, B = 40000 };
    const uint8_t class_of[SIZE] = {0, 1, 1, 0, 2};
    const double w[SIZE] = {1.0, 4.0, 0.5, 2.0, 0.25};
    double logw[SIZE], mean[3] = {0}, sum_2[3] = {0}, sum_4[3] = {0};
    for (size_t i = 0; i < SIZE; i++) {
        logw[i] = log(w[i]);
    }
    for (int pass = 0; pass < 2; pass++) {
        for (size_t code = 0; code < 3125; code++) {
            double p[3] = {0}, total = 0.0;
            for (size_t rest = code, i = 0; i < SIZE; i++, rest /= 5) {
                p[class_of[rest % 5]] += w[rest % 5];
                total += w[rest % 5];
            }
            for (size_t j = 0; j < 3; j++) {
                if (pass == 0) {
                    mean[j] += p[j] / total / 3125.0;
                } else {
                    const double square = pow(p[j] / total - mean[j], 2.0);
                    sum_2[j] += square / 3125.0;
                    sum_4[j] += square * square / 3125.0;
                }
            }
        }
    }
    const jebm_masses m =
        masses(SIZE, 3, class_of, logw, &(jebm_bootstrap){.replicates = B, .seed = 9});
    for (size_t j = 0; j < 3; j++) {
        /* the variance of B draws has variance (mu_4 - sigma^4) / B */
        const double off = LAW_ERRORS * sqrt((sum_4[j] - sum_2[j] * sum_2[j]) / B);
        cr_expect_float_eq(m.error[j] * m.error[j], sum_2[j], off);
        cr_expect(m.low[j] >= 0.0 && m.low[j] < m.mass[j] && m.high[j] > m.mass[j] &&
                  m.high[j] <= 1.0);
    }
}

/* Importance weights: classes drawn with probabilities q, weighed to p. Of 400 populations, those
 * whose interval holds p are binomial; a percentile interval of 300 walkers covers 94 to 95 %. */
Test(masses, the_interval_covers_the_truth_as_often_as_it_says) {
    enum { SIZE = 300, TRIALS = 400 };
    const double p[2] = {0.7, 0.3}, q[2] = {0.4, 0.6};
    int covered = 0;
    for (uint64_t t = 0; t < TRIALS; t++) {
        uint8_t class_of[SIZE];
        double logw[SIZE];
        for (uint32_t i = 0; i < SIZE; i++) {
            const double u = jebm_rng_uniform(jebm_rng_make(11, 4), i, 0, t);
            class_of[i] = u > q[0];
            logw[i] = log(p[class_of[i]] / q[class_of[i]]);
        }
        const jebm_masses m =
            masses(SIZE, 2, class_of, logw, &(jebm_bootstrap){.replicates = 500, .seed = t});
        covered += m.low[0] <= p[0] && p[0] <= m.high[0];
    }
    const double rate = (double)covered / TRIALS;
    cr_expect_float_eq(rate, 0.945, LAW_ERRORS * sqrt(0.945 * 0.055 / TRIALS) + 0.01, "%g", rate);
}

/* Families of three copies are as good as their ancestors alone, and no better: the draws of
 * families are the same as those of the ancestors. */
Test(masses, families_are_drawn_whole) {
    enum { SIZE = 90 };
    uint8_t class_of[3 * SIZE];
    double logw[3 * SIZE];
    uint32_t family[3 * SIZE];
    for (uint32_t i = 0; i < 3 * SIZE; i++) {
        class_of[i] = (uint8_t)(i % SIZE % 4);
        logw[i] = sin((double)(i % SIZE));
        family[i] = SIZE + i % SIZE; /* ids need not be dense */
    }
    const jebm_bootstrap b = {.replicates = 200, .seed = 3};
    jebm_bootstrap whole = b;
    whole.family = family;
    const jebm_masses ancestors = masses(SIZE, 4, class_of, logw, &b);
    const jebm_masses copies = masses(3 * SIZE, 4, class_of, logw, &whole);
    const jebm_masses apart = masses(3 * SIZE, 4, class_of, logw, &b);
    for (size_t j = 0; j < 4; j++) {
        cr_expect_float_eq(copies.error[j], ancestors.error[j], 1e-13);
        cr_expect_float_eq(copies.low[j], ancestors.low[j], 1e-13);
        cr_expect_float_eq(copies.high[j], ancestors.high[j], 1e-13);
        cr_expect_lt(apart.error[j], 0.7 * copies.error[j]); /* 1/sqrt(3), if they were new */
    }
}

/* one family has no spread to tell an error from */
Test(masses, one_family_alone_has_no_error) {
    const uint8_t class_of[4] = {0, 1, 1, 0};
    const uint32_t together[4] = {2, 2, 2, 2}, apart[4] = {2, 2, 2, 3};
    jebm_bootstrap b = {.replicates = 50, .seed = 3, .family = together};
    jebm_masses m = masses(4, 2, class_of, NULL, &b);
    cr_expect_eq(m.units, 1);
    cr_expect(isnan(m.error[0]) && isnan(m.low[1]) && isnan(m.high[1]));
    cr_expect_eq(m.mass[0], 0.5);
    b.family = apart;
    m = masses(4, 2, class_of, NULL, &b);
    cr_expect_eq(m.units, 2);
    cr_expect_gt(m.error[0], 0.0);
    b.family = NULL;
    cr_expect_eq(masses(4, 2, class_of, NULL, &b).units, 4);
    cr_expect_eq(masses(4, 2, class_of, NULL, NULL).units, 0);
}

Test(masses, the_bootstrap_is_a_function_of_the_seed_alone) {
    enum { SIZE = 1000 };
    uint8_t class_of[SIZE];
    double logw[SIZE];
    for (size_t i = 0; i < SIZE; i++) {
        class_of[i] = (uint8_t)(i * i % 7 % 3);
        logw[i] = cos((double)i);
    }
    jebm_bootstrap b = {.replicates = 101, .seed = 5};
    const jebm_masses first = masses(SIZE, 3, class_of, logw, &b);
    for (int threads = 1; threads <= 3; threads++) {
#ifdef _OPENMP
        omp_set_num_threads(threads);
#endif
        const jebm_masses again = masses(SIZE, 3, class_of, logw, &b);
        cr_expect_arr_eq(again.error, first.error, sizeof again.error);
        cr_expect_arr_eq(again.low, first.low, sizeof again.low);
        cr_expect_arr_eq(again.high, first.high, sizeof again.high);
    }
    b.seed = 6;
    cr_expect_neq(masses(SIZE, 3, class_of, logw, &b).error[0], first.error[0]);
}

Test(masses, one_walker_with_all_the_weight_leaves_no_nan) {
    const uint8_t class_of[3] = {0, 1, 1};
    const double logw[3] = {-INFINITY, 0.0, -INFINITY};
    const jebm_masses m =
        masses(3, 2, class_of, logw, &(jebm_bootstrap){.replicates = 50, .seed = 1});
    cr_expect_eq(m.mass[1], 1.0);
    cr_expect_eq(m.low[1], 1.0);
    cr_expect_eq(m.error[0], 0.0);
}

Test(masses, what_makes_no_sense_is_refused_with_a_line) {
    const uint8_t class_of[3] = {0, 1, 2};
    const double nan[3] = {0.0, NAN, 0.0}, none[3] = {-INFINITY, -INFINITY, -INFINITY};
    const uint32_t family[3] = {0, 3, 1};
    const jebm_bootstrap single = {.replicates = 1}, foreign = {.replicates = 9, .family = family};
    const struct {
        size_t n, nclasses;
        const double *logw;
        const jebm_bootstrap *bootstrap;
        jebm_status status;
        const char *found;
    } cases[] = {
        {0, 3, NULL, NULL, JEBM_EINVAL, "0 walkers"},
        {3, 0, NULL, NULL, JEBM_EINVAL, "0 classes"},
        {3, JEBM_CLASSES_MAX + 1, NULL, NULL, JEBM_EINVAL, "17 classes"},
        {3, 2, NULL, NULL, JEBM_EINVAL, "walker 2 has class 2, expected classes below 2"},
        {3, 3, NULL, &single, JEBM_EINVAL, "bootstrap of 1 replicate"},
        {3, 3, NULL, &foreign, JEBM_EINVAL, "walker 1 has class 1 and a family out of range"},
        {3, 3, nan, NULL, JEBM_EDIVERGE, "cannot be normalised"},
        {3, 3, none, NULL, JEBM_EDIVERGE, "cannot be normalised"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        jebm_masses m = {.nclasses = 42};
        jebm_error err = {0};
        cr_expect_eq(jebm_masses_of(cases[i].n, cases[i].nclasses, class_of, cases[i].logw,
                                    cases[i].bootstrap, &m, &err),
                     cases[i].status, "case %zu", i);
        cr_expect_not_null(strstr(err.text, cases[i].found), "case %zu: %s", i, err.text);
        cr_expect_eq(m.nclasses, 42);
    }
}

Test(masses, distances_to_a_target_are_those_of_the_formulas) {
    const double p[3] = {0.5, 0.3, 0.2}, target[3] = {4.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0};
    double relative[3];
    cr_expect_float_eq(jebm_total_variation(3, p, target), 4.0 / 7.0 - 0.5, 1e-15);
    cr_expect_eq(jebm_total_variation(3, p, p), 0.0);
    jebm_relative_errors(3, p, target, relative);
    cr_expect_float_eq(relative[0], -0.125, 1e-15);
    cr_expect_float_eq(relative[1], 0.05, 1e-15);
    cr_expect_float_eq(relative[2], 0.4, 1e-15);
}
