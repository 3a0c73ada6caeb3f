/* The single-run variance of log Z: against closed forms, and against the scatter over 200 runs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/genealogy.h"
#include "core/langevin.h"
#include "energy/gmm.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

Test(genealogy, without_resampling_it_is_the_variance_of_the_weights) {
    /* 1, 2, 3, 4: mean 2.5, mean square 7.5; Var(mean)/mean^2 = (7.5/6.25 - 1)/3 with n - 1, /4
     * with n */
    const double logw[4] = {0.0, log(2.0), log(3.0), log(4.0)};
    double scratch[8];
    uint32_t eve[4];
    jebm_eve_start(4, eve);
    cr_expect_float_eq(jebm_log_z_variance(JEBM_MULTINOMIAL, 4, logw, eve, 0, scratch), 0.2 / 3.0,
                       1e-15);
    cr_expect_float_eq(jebm_log_z_variance(JEBM_SYSTEMATIC, 4, logw, eve, 0, scratch), 0.2 / 4.0,
                       1e-15);
}

Test(genealogy, equal_weights_and_all_families_alive_have_no_variance) {
    const double logw[5] = {-3.0, -3.0, -3.0, -3.0, -3.0};
    double scratch[10];
    uint32_t eve[5];
    jebm_eve_start(5, eve);
    for (int s = 0; s < JEBM_RESAMPLING_COUNT; s++) {
        cr_expect_float_eq(jebm_log_z_variance((jebm_resampling)s, 5, logw, eve, 0, scratch), 0.0,
                           1e-15);
    }
}

Test(genealogy, families_follow_their_walkers) {
    uint32_t eve[6];
    jebm_eve_start(6, eve);
    const uint32_t first[6] = {0, 0, 2, 2, 4, 5}, second[6] = {0, 1, 2, 3, 3, 1};
    jebm_eve_resample(6, first, eve);
    jebm_eve_resample(6, second, eve);
    const uint32_t expected[6] = {0, 0, 2, 2, 2, 0};
    for (size_t i = 0; i < 6; i++) {
        cr_expect_eq(eve[i], expected[i]);
    }
    /* families of 3 and 3 of 6 equal weights: S = 1/2 */
    const double logw[6] = {0};
    double scratch[12];
    cr_expect_float_eq(jebm_log_z_variance(JEBM_SYSTEMATIC, 6, logw, eve, 2, scratch),
                       0.5 - 1.0 / 6.0, 1e-15);
    cr_expect_float_eq(jebm_log_z_variance(JEBM_MULTINOMIAL, 6, logw, eve, 2, scratch),
                       1.0 - 0.5 * pow(6.0 / 5.0, 3.0), 1e-15);
}

Test(genealogy, what_has_no_variance_is_nan) {
    const double bad[2] = {0.0, NAN};
    double scratch[4];
    uint32_t eve[2];
    jebm_eve_start(2, eve);
    cr_expect(isnan(jebm_log_z_variance(JEBM_SYSTEMATIC, 2, bad, eve, 0, scratch)));
    cr_expect(isnan(jebm_log_z_variance(JEBM_SYSTEMATIC, 1, bad, eve, 0, scratch)));
}

/* ---- 200 runs ------------------------------------------------------------------------------- */

enum { D = 3, WALKERS = 500, STEPS = 60, RUNS = 200 };

static void place(jebm_energy *e, double first, double z) {
    e->theta[0] = -first;
    e->theta[D] = first;
    e->theta[2 * D] = z;
    e->ops->refresh(e);
}

/* A prescribed protocol: the modes part, and the second grows. Returns the error of log Z and its
 * estimated variance. */
static double one_run(jebm_resampling scheme, uint64_t seed, double *variance) {
    jebm_energy *now = NULL, *next = NULL;
    jebm_ensemble e;
    uint32_t ids[WALKERS], parent[WALKERS], copies[WALKERS], eve[WALKERS];
    double resample[2 * WALKERS + 2];
    float scratch[JEBM_LANGEVIN_ROWS * D];
    uint64_t resamplings = 0;
    const jebm_rng rng = jebm_rng_make(seed, 11);
    cr_assert_eq(jebm_gmm_new(D, 2, &now, NULL), JEBM_OK);
    cr_assert_eq(jebm_gmm_new(D, 2, &next, NULL), JEBM_OK);
    cr_assert_eq(jebm_ensemble_init(&e, WALKERS, D, 2, NULL), JEBM_OK);
    for (uint32_t i = 0; i < WALKERS; i++) {
        ids[i] = i;
    }
    place(now, 0.5, 0.0);
    now->ops->sample(now, rng, false, WALKERS, 0, WALKERS, e.x);
    jebm_langevin_begin(now, WALKERS, ids, &e);
    e.log_z = now->ops->log_z(now);
    jebm_eve_start(WALKERS, eve);
    for (uint64_t k = 0; k < STEPS; k++) {
        const double t = (double)(k + 1) / STEPS;
        const jebm_move move = {
            .h = 0.1, .rule = JEBM_WEIGHTS_EXACT, .rng = rng, .lane = JEBM_LANE_NOISE, .step = k};
        place(next, 0.5 + 3.5 * t, -1.1 * t);
        jebm_langevin_step(now, next, &move, WALKERS, ids, &e, scratch);
        jebm_weight_stats now_stats;
        cr_assert_eq(jebm_weight_stats_of(WALKERS, e.logw, &now_stats), JEBM_OK);
        if (now_stats.ess < 0.6) {
            cr_assert_eq(jebm_resample(scheme, &e, rng, k, parent, copies, resample), JEBM_OK);
            jebm_eve_resample(WALKERS, parent, eve);
            resamplings++;
        }
        jebm_energy *old = now;
        now = next;
        next = old;
    }
    jebm_weight_stats stats;
    cr_assert_eq(jebm_weight_stats_of(WALKERS, e.logw, &stats), JEBM_OK);
    const double off = e.log_z + stats.log_mean_exp - now->ops->log_z(now);
    *variance = jebm_log_z_variance(scheme, WALKERS, e.logw, eve, resamplings, resample);
    jebm_energy_free(now);
    jebm_energy_free(next);
    jebm_ensemble_free(&e);
    return off;
}

/* The 95 % interval from one run covers log Z in 95 % of 200 runs, give or take three binomial
 * standard errors (4.6 %). For multinomial resampling the estimate is consistent, so its mean is
 * the variance over runs to 3 standard errors of a sample variance, 3 sqrt(2/200) = 30 %; for the
 * others it counts resampling noise as if offspring were independent, so it may be larger, not
 * smaller. */
Test(genealogy, one_run_tells_the_standard_error_of_log_z, .timeout = 120) {
    for (int s = 0; s < JEBM_RESAMPLING_COUNT; s++) {
        const jebm_resampling scheme = (jebm_resampling)s;
        double sum = 0.0, sum_2 = 0.0, told = 0.0;
        size_t covered = 0;
        for (uint64_t r = 0; r < RUNS; r++) {
            double variance = 0.0;
            const double off = one_run(scheme, 100 + r, &variance);
            covered += fabs(off) < 1.96 * sqrt(variance);
            sum += off;
            sum_2 += off * off;
            told += variance;
        }
        const double ratio = told / (sum_2 - sum * sum / RUNS) * (RUNS - 1.0) / RUNS;
        const char *name = jebm_resampling_name(scheme);
        printf("%s: estimated / true variance %.3f, coverage %.3f\n", name, ratio,
               (double)covered / RUNS);
        cr_expect_geq((double)covered, 0.904 * RUNS, "%s covers %zu of %d", name, covered,
                      (int)RUNS);
        cr_expect_gt(ratio, 0.7, "%s: %g", name, ratio);
        if (scheme == JEBM_MULTINOMIAL) {
            cr_expect_leq((double)covered, 0.996 * RUNS, "%s covers %zu of %d", name, covered,
                          (int)RUNS);
            cr_expect_lt(ratio, 1.3, "%s: %g", name, ratio);
        }
    }
}
