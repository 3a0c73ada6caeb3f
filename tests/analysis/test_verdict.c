/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verdict.h"

#include <criterion/criterion.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>

Test(verdict, interval_agrees_with_the_table_of_student) {
    // printed tables: t(0.975) for 1, 4 and 9 degrees of freedom
    const struct {
        size_t n;
        double t;
    } table[] = {{2, 12.7062}, {5, 2.7764}, {10, 2.2622}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        double x[10];
        const size_t n = table[i].n;
        for (size_t j = 0; j < n; j++) {
            x[j] = 3.0 + sin(1.7 * (double)j);
        }
        const jebm_interval got = jebm_interval_over_runs(x, n);
        const double mean = gsl_stats_mean(x, 1, n);
        const double half = table[i].t * gsl_stats_sd(x, 1, n) / sqrt((double)n);
        // the tables have four decimals
        cr_expect(fabs(got.mean - mean) < 1e-14, "n = %zu: mean %.17g", n, got.mean);
        cr_expect(fabs(got.high - (mean + half)) < 1e-4 * half, "n = %zu: %.17g", n, got.high);
        cr_expect(fabs(got.low - (mean - half)) < 1e-4 * half, "n = %zu: %.17g", n, got.low);
    }
}

Test(verdict, no_run_and_one_run_give_no_interval) {
    const double x = 0.25;
    const jebm_interval none = jebm_interval_over_runs(NULL, 0);
    const jebm_interval one = jebm_interval_over_runs(&x, 1);
    cr_expect(isnan(none.mean) && isnan(none.low));
    cr_expect(one.mean == 0.25 && isnan(one.low) && isnan(one.high));
    const jebm_region everywhere = {-INFINITY, INFINITY, false};
    cr_expect_eq(jebm_interval_against(&one, &everywhere), JEBM_DIRECTION_UNCLEAR);
}

/* the percentile bootstrap over n values, the interval that was thought of first */
static void bootstrap(gsl_rng *rng, const double *x, size_t n, double *low, double *high) {
    enum { DRAWS = 400 };
    double means[DRAWS];
    for (size_t b = 0; b < DRAWS; b++) {
        double sum = 0.0;
        for (size_t i = 0; i < n; i++) {
            sum += x[gsl_rng_uniform_int(rng, n)];
        }
        means[b] = sum / (double)n;
    }
    gsl_sort(means, 1, DRAWS);
    *low = gsl_stats_quantile_from_sorted_data(means, 1, DRAWS, 0.025);
    *high = gsl_stats_quantile_from_sorted_data(means, 1, DRAWS, 0.975);
}

Test(verdict, student_covers_at_five_runs_where_the_bootstrap_does_not) {
    enum { ROUNDS = 4000, RUNS = 5 };
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(rng, 20230517);
    int student = 0, percentile = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double x[RUNS], low, high;
        for (size_t i = 0; i < RUNS; i++) {
            x[i] = gsl_ran_gaussian(rng, 1.0);
        }
        const jebm_interval t = jebm_interval_over_runs(x, RUNS);
        student += t.low <= 0.0 && 0.0 <= t.high;
        bootstrap(rng, x, RUNS, &low, &high);
        percentile += low <= 0.0 && 0.0 <= high;
    }
    gsl_rng_free(rng);
    const double ts = student / (double)ROUNDS, bs = percentile / (double)ROUNDS;
    // binomial standard error 0.0034 at 0.95: four of them allow one false alarm in 16000
    cr_expect(fabs(ts - 0.95) < 0.014, "Student covers %.4f of the time", ts);
    cr_expect(bs < 0.88, "the percentile bootstrap covers %.4f of the time", bs);
    cr_log_info("coverage at 5 runs: Student %.3f, percentile bootstrap %.3f", ts, bs);
}

Test(verdict, an_interval_lies_inside_across_or_apart) {
    const jebm_region closed = {0.22, 0.28, false}, below = {-INFINITY, 0.3, true};
    const jebm_interval inside = {5, 0.25, 0.22, 0.28}, across = {5, 0.27, 0.25, 0.29};
    const jebm_interval apart = {5, 0.35, 0.31, 0.39}, touching = {5, 0.35, 0.28, 0.42};
    cr_expect_eq(jebm_interval_against(&inside, &closed), JEBM_DIRECTION_HOLDS);
    cr_expect_eq(jebm_interval_against(&across, &closed), JEBM_DIRECTION_UNCLEAR);
    cr_expect_eq(jebm_interval_against(&touching, &closed), JEBM_DIRECTION_UNCLEAR);
    cr_expect_eq(jebm_interval_against(&apart, &closed), JEBM_DIRECTION_FAILS);
    cr_expect_eq(jebm_interval_against(&inside, &below), JEBM_DIRECTION_HOLDS);
    cr_expect_eq(jebm_interval_against(&apart, &below), JEBM_DIRECTION_FAILS);
    // `< 0.3` leaves 0.3 out
    const jebm_interval at_the_end = {5, 0.3, 0.3, 0.3};
    cr_expect_eq(jebm_interval_against(&at_the_end, &below), JEBM_DIRECTION_FAILS);
}

Test(verdict, follows_kind_direction_and_scale) {
    cr_expect_eq(jebm_verdict_of(JEBM_CLAIM_EXACT, JEBM_DIRECTION_HOLDS, true), JEBM_VERDICT_EXACT);
    cr_expect_eq(jebm_verdict_of(JEBM_CLAIM_OURS, JEBM_DIRECTION_HOLDS, true), JEBM_VERDICT_WITHIN);
    cr_expect_eq(jebm_verdict_of(JEBM_CLAIM_EXACT, JEBM_DIRECTION_FAILS, true),
                 JEBM_VERDICT_DEVIATES);
    cr_expect_eq(jebm_verdict_of(JEBM_CLAIM_REPORTED, JEBM_DIRECTION_UNCLEAR, true),
                 JEBM_VERDICT_UNDERPOWERED);
    cr_expect_eq(jebm_verdict_of(JEBM_CLAIM_EXACT, JEBM_DIRECTION_HOLDS, false),
                 JEBM_VERDICT_SCALED);
}

Test(verdict, worse_follows_the_stated_order) {
    const jebm_verdict order[] = {JEBM_VERDICT_WITHIN, JEBM_VERDICT_SCALED,
                                  JEBM_VERDICT_UNDERPOWERED, JEBM_VERDICT_NOT_RUN,
                                  JEBM_VERDICT_DEVIATES};
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < 5; j++) {
            cr_expect_eq(jebm_verdict_is_worse(order[i], JEBM_DIRECTION_HOLDS, order[j],
                                               JEBM_DIRECTION_HOLDS),
                         i > j, "%s after %s", jebm_verdict_text(order[i]),
                         jebm_verdict_text(order[j]));
        }
    }
    const jebm_direction none = JEBM_DIRECTION_NONE;
    cr_expect_not(jebm_verdict_is_worse(JEBM_VERDICT_WITHIN, none, JEBM_VERDICT_EXACT, none));
    cr_expect(jebm_verdict_is_worse(JEBM_VERDICT_SCALED, JEBM_DIRECTION_FAILS, JEBM_VERDICT_SCALED,
                                    JEBM_DIRECTION_HOLDS));
    cr_expect_not(jebm_verdict_is_worse(JEBM_VERDICT_SCALED, JEBM_DIRECTION_HOLDS,
                                        JEBM_VERDICT_SCALED, JEBM_DIRECTION_FAILS));
}

Test(verdict, texts_are_read_back) {
    for (int v = 0; v <= JEBM_VERDICT_DEVIATES; v++) {
        jebm_verdict back;
        cr_assert(jebm_verdict_parse(jebm_verdict_text((jebm_verdict)v), &back));
        cr_expect_eq((int)back, v);
    }
    jebm_verdict back;
    cr_expect_not(jebm_verdict_parse("splendid", &back));
}
