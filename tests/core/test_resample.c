/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/resample.h"

#include "core/isa.h"
#include "law.h"

#include <criterion/criterion.h>
#include <gsl/gsl_randist.h>
#include <stdlib.h>
#include <string.h>

#define MOST 2000

/* scratch for MOST walkers; a test is a process */
static double scratch[2 * MOST + 2];
static uint32_t copies[MOST], parent[MOST];

static jebm_status draw(jebm_resampling scheme, size_t n, const double *logw, uint64_t step) {
    cr_assert(n <= MOST && jebm_resample_scratch(n) <= sizeof scratch / sizeof *scratch);
    return jebm_resample_copies(scheme, n, logw, jebm_rng_make(1, 2), step, copies, scratch);
}

/* N p_i from log-weights, in long double */
static void expectations(size_t n, const double *logw, double *expected) {
    long double max = -INFINITY, sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        max = logw[i] > max ? logw[i] : max;
    }
    for (size_t i = 0; i < n; i++) {
        sum += expl(logw[i] - max);
    }
    for (size_t i = 0; i < n; i++) {
        expected[i] = (double)(expl(logw[i] - max) / sum * (long double)n);
    }
}

/* what every draw of a scheme keeps; 1e-9 for the rounding of sums */
static void check_bounds(jebm_resampling scheme, size_t n, const double *logw) {
    double expected[MOST];
    uint64_t total = 0;
    expectations(n, logw, expected);
    for (size_t i = 0; i < n; i++) {
        const double c = copies[i], e = expected[i];
        bool kept = true;
        total += copies[i];
        switch (scheme) {
        case JEBM_SYSTEMATIC:
        case JEBM_SSP:
            kept = c >= floor(e - 1e-9) && c <= ceil(e + 1e-9);
            break;
        case JEBM_STRATIFIED:
            kept = fabs(c - e) < 2.0 + 1e-9;
            break;
        case JEBM_RESIDUAL:
            kept = c >= floor(e - 1e-9);
            break;
        default:
            break;
        }
        cr_assert(kept, "%s: %zu of %zu has %u copies, expected %.17g",
                  jebm_resampling_name(scheme), i, n, copies[i], e);
        cr_assert(logw[i] > -INFINITY || copies[i] == 0, "%s: %zu of %zu has weight 0",
                  jebm_resampling_name(scheme), i, n);
    }
    cr_assert_eq(total, n, "%s: %zu walkers became %zu", jebm_resampling_name(scheme), n,
                 (size_t)total);
}

#define FOR_EACH_SCHEME(scheme) \
    for (jebm_resampling scheme = 0; scheme < JEBM_RESAMPLING_COUNT; scheme++)

Test(resample, schemes_have_their_names) {
    static const char *const names[] = {"multinomial", "stratified", "systematic",
                                        "residual",    "ssp",        "killing"};
    FOR_EACH_SCHEME(scheme) {
        cr_expect_str_eq(jebm_resampling_name(scheme), names[scheme]);
    }
    cr_expect_null(jebm_resampling_name(JEBM_RESAMPLING_COUNT));
    cr_expect_null(jebm_resampling_name((jebm_resampling)-1));
}

/* ---- every draw ----------------------------------------------------------------------------- */

Test(resample, offspring_stay_within_the_bounds_of_the_scheme_on_every_isa) {
    static const size_t sizes[] = {1, 2, 3, 7, 10, 49, 50, 127, 128, 129, 1000, MOST};
    static const double spreads[] = {0.0, 0.01, 1.0, 10.0, 1000.0};
    double logw[MOST];
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        if (jebm_isa_select((jebm_isa)isa) != JEBM_OK) {
            continue;
        }
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            for (size_t w = 0; w < sizeof spreads / sizeof *spreads; w++) {
                const size_t n = sizes[s];
                for (uint64_t step = 0; step < 20; step++) {
                    jebm_rng_uniforms(jebm_rng_make(3, n), 0, step, 0, n, logw);
                    for (size_t i = 0; i < n; i++) {
                        logw[i] = spreads[w] * logw[i] - 40.0;
                    }
                    if (step % 2 == 1 && n > 3) {
                        logw[0] = logw[n / 2] = logw[n - 1] = -INFINITY;
                    }
                    FOR_EACH_SCHEME(scheme) {
                        cr_assert_eq(draw(scheme, n, logw, step), JEBM_OK);
                        check_bounds(scheme, n, logw);
                    }
                }
            }
        }
    }
}

Test(resample, equal_weights_keep_every_walker_once) {
    static const double levels[] = {0.0, 0.1, -0.7, 1e5, -1e5, 1e-300, 1e300};
    double logw[MOST];
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
        for (size_t n = 1; n <= 300; n++) {
            for (size_t i = 0; i < n; i++) {
                logw[i] = levels[l];
            }
            FOR_EACH_SCHEME(scheme) {
                if (scheme == JEBM_MULTINOMIAL) {
                    continue;
                }
                cr_assert_eq(draw(scheme, n, logw, n), JEBM_OK);
                for (size_t i = 0; i < n; i++) {
                    cr_assert_eq(copies[i], 1, "%s: %zu of %zu has %u copies",
                                 jebm_resampling_name(scheme), i, n, copies[i]);
                }
            }
        }
    }
}

Test(resample, one_walker_with_everything_takes_every_place) {
    /* what the others have: nothing, nothing in double, 1e-22 of a walker */
    static const double others[] = {-INFINITY, -2000.0, -50.0};
    double logw[50];
    for (size_t n = 1; n <= 50; n++) {
        for (size_t o = 0; o < 3; o++) {
            for (size_t at = 0; at < n; at++) {
                for (size_t i = 0; i < n; i++) {
                    logw[i] = i == at ? 1e3 : 1e3 + others[o];
                }
                FOR_EACH_SCHEME(scheme) {
                    cr_assert_eq(draw(scheme, n, logw, at), JEBM_OK);
                    cr_assert_eq(copies[at], n, "%s: %zu of %zu has %u copies",
                                 jebm_resampling_name(scheme), at, n, copies[at]);
                    check_bounds(scheme, n, logw);
                }
            }
        }
    }
}

Test(resample, a_walker_of_weight_zero_is_never_chosen) {
    double logw[50];
    for (size_t n = 2; n <= 50; n += n < 10 ? 1 : 13) {
        const size_t places[] = {0, n / 2, n - 1};
        for (size_t k = 0; k < 3; k++) {
            for (size_t i = 0; i < n; i++) {
                logw[i] = i == places[k] ? -INFINITY : 0.3 * (double)(i % 3);
            }
            for (uint64_t step = 0; step < 2000; step++) {
                FOR_EACH_SCHEME(scheme) {
                    cr_assert_eq(draw(scheme, n, logw, step), JEBM_OK);
                    cr_assert_eq(copies[places[k]], 0, "%s: %zu of %zu",
                                 jebm_resampling_name(scheme), places[k], n);
                }
            }
        }
    }
}

Test(resample, sums_that_miss_one_by_a_rounding_lose_no_walker) {
    double logw[49];
    for (uint64_t step = 0; step < 2000; step++) {
        FOR_EACH_SCHEME(scheme) {
            /* ten tenths sum to just under 1, three times a third and the rest to just over */
            for (size_t i = 0; i < 10; i++) {
                logw[i] = log(0.1);
            }
            cr_assert_eq(draw(scheme, 10, logw, step), JEBM_OK);
            check_bounds(scheme, 10, logw);
            for (size_t i = 0; i < 49; i++) {
                logw[i] = log(1.0 / 49.0) - (i % 7 == 3 ? 1.0 : 0.0);
            }
            cr_assert_eq(draw(scheme, 49, logw, step), JEBM_OK);
            check_bounds(scheme, 49, logw);
            /* all the mass first, middle or last among masses of 1e-300 */
            for (size_t i = 0; i < 49; i++) {
                logw[i] = i % 24 == step % 24 ? 0.0 : log(1e-300);
            }
            cr_assert_eq(draw(scheme, 49, logw, step), JEBM_OK);
            check_bounds(scheme, 49, logw);
            for (size_t i = 0; i < 49; i++) {
                cr_assert(logw[i] == 0.0 || copies[i] == 0, "%s: %zu has a mass of 1e-300",
                          jebm_resampling_name(scheme), i);
            }
        }
    }
}

Test(resample, a_shift_of_all_log_weights_changes_nothing) {
    double logw[100], shifted[100];
    uint32_t first[100];
    for (uint64_t step = 0; step < 100; step++) {
        for (size_t i = 0; i < 100; i++) {
            logw[i] = rint(0x1p20 * sin((double)(i + step))) * 0x1p-20;
        }
        FOR_EACH_SCHEME(scheme) {
            cr_assert_eq(draw(scheme, 100, logw, step), JEBM_OK);
            memcpy(first, copies, sizeof first);
            for (double shift = -1e5; shift <= 1e5; shift += 2e5) {
                for (size_t i = 0; i < 100; i++) {
                    shifted[i] = logw[i] + shift;
                }
                cr_assert_eq(draw(scheme, 100, shifted, step), JEBM_OK);
                cr_expect_arr_eq(copies, first, sizeof first);
            }
        }
    }
}

/* ---- laws ----------------------------------------------------------------------------------- */

/* log-weights of kind k for n walkers; each expects at least 0.01 copies, so that 20000 draws see
 * it often enough for a normal law */
static void weights(int kind, size_t n, double *logw) {
    for (size_t i = 0; i < n; i++) {
        const double at = (double)i / (double)n;
        logw[i] = kind == 0   ? 1.5 * sin(6.28 * at)
                  : kind == 1 ? -4.0 * at
                  : kind == 2 ? (i == n / 2 ? 3.0 : 0.0)
                              : 1e5 + 2.0 * cos(37.0 * (double)(i * i));
    }
}
#define KINDS 4

/* Killing: walker j stays with probability s = e_j / max e, variance v_j = s (1 - s); K places
 * become free, filled by K draws from p = e/n. So the mean given who stays is stay_i + p_i K. */
static double variance_of_killing(size_t n, const double *expected, size_t i) {
    const double p = expected[i] / (double)n;
    double max = 0.0, K = 0.0, sum = 0.0;
    for (size_t j = 0; j < n; j++) {
        max = fmax(max, expected[j]);
    }
    for (size_t j = 0; j < n; j++) {
        const double s = expected[j] / max, shift = (i == j ? 1.0 : 0.0) - p;
        K += 1.0 - s;
        sum += s * (1.0 - s) * shift * shift;
    }
    return K * p * (1.0 - p) + sum;
}

/* Variance of the copies of each walker. One point a stratum falls into an interval with the
 * probability of their overlap; residual draws R = sum r times from r/R. */
static double variance_of(jebm_resampling scheme, size_t n, const double *expected, size_t i) {
    const double e = expected[i];
    double low = 0.0, R = 0.0, sum = 0.0;
    for (size_t j = 0; j < n; j++) {
        R += expected[j] - floor(expected[j]);
        low += j < i ? expected[j] : 0.0;
    }
    switch (scheme) {
    case JEBM_MULTINOMIAL:
        return e * (1.0 - e / (double)n);
    case JEBM_SYSTEMATIC:
    case JEBM_SSP:
        return (e - floor(e)) * (1.0 - (e - floor(e)));
    case JEBM_RESIDUAL:
        return (e - floor(e)) * (1.0 - (e - floor(e)) / R);
    case JEBM_KILLING:
        return variance_of_killing(n, expected, i);
    default:
        for (double s = floor(low); s < low + e; s++) {
            const double overlap = fmin(s + 1.0, low + e) - fmax(s, low);
            sum += overlap * (1.0 - overlap);
        }
        return sum;
    }
}

Test(resample, copies_have_the_mean_and_the_variance_of_their_scheme) {
    enum { STEPS = 20000 };
    static const size_t sizes[] = {7, 50};
    for (size_t s = 0; s < 2; s++) {
        for (int kind = 0; kind < KINDS; kind++) {
            const size_t n = sizes[s];
            double logw[50], expected[50];
            weights(kind, n, logw);
            expectations(n, logw, expected);
            FOR_EACH_SCHEME(scheme) {
                /* powers of (copies - expected) */
                double sum[5][50] = {{0}};
                for (uint64_t step = 0; step < STEPS; step++) {
                    cr_assert_eq(draw(scheme, n, logw, step), JEBM_OK);
                    for (size_t i = 0; i < n; i++) {
                        const double off = copies[i] - expected[i], off_2 = off * off;
                        sum[1][i] += off;
                        sum[2][i] += off_2;
                        sum[4][i] += off_2 * off_2;
                    }
                }
                for (size_t i = 0; i < n; i++) {
                    const char *name = jebm_resampling_name(scheme);
                    cr_expect_gt(expected[i], 0.01);
                    cr_expect(law_mean(STEPS, sum[1][i], sum[2][i], 0.0),
                              "%s, weights %d: %zu of %zu has %g copies, expected %g", name, kind,
                              i, n, expected[i] + sum[1][i] / STEPS, expected[i]);
                    const double variance = variance_of(scheme, n, expected, i);
                    cr_expect(law_mean(STEPS, sum[2][i], sum[4][i], variance),
                              "%s, weights %d: %zu of %zu has variance %g, expected %g", name, kind,
                              i, n, sum[2][i] / STEPS, variance);
                }
            }
        }
    }
}

Test(resample, variance_falls_from_multinomial_over_stratified_to_systematic) {
    /* Of all unbiased schemes systematic varies least, walker by walker; measured here, 1% being
     * more than 4.5 standard errors of a sum over 50 walkers and 20000 draws. */
    enum { STEPS = 20000, N = 50 };
    double logw[N], expected[N], variance[JEBM_RESAMPLING_COUNT] = {0};
    weights(0, N, logw);
    expectations(N, logw, expected);
    FOR_EACH_SCHEME(scheme) {
        for (uint64_t step = 0; step < STEPS; step++) {
            cr_assert_eq(draw(scheme, N, logw, step), JEBM_OK);
            for (size_t i = 0; i < N; i++) {
                variance[scheme] += (copies[i] - expected[i]) * (copies[i] - expected[i]) / STEPS;
            }
        }
    }
    cr_expect_gt(variance[JEBM_MULTINOMIAL], 1.5 * variance[JEBM_STRATIFIED]);
    cr_expect_gt(variance[JEBM_MULTINOMIAL], 1.5 * variance[JEBM_RESIDUAL]);
    cr_expect_gt(variance[JEBM_STRATIFIED], 0.99 * variance[JEBM_SYSTEMATIC]);
    cr_expect_gt(variance[JEBM_RESIDUAL], 0.99 * variance[JEBM_SYSTEMATIC]);
    cr_expect_float_eq(variance[JEBM_SSP], variance[JEBM_SYSTEMATIC],
                       0.014 * variance[JEBM_SYSTEMATIC], "1%% of each");
    cr_expect_gt(variance[JEBM_MULTINOMIAL], variance[JEBM_KILLING]);
}

/* ---- laws of single schemes ----------------------------------------------------------------- */

Test(resample, multinomial_copies_are_binomial_and_compete) {
    /* One walker: Binomial(n, p). Two: covariance -n p_i p_j, over steps that are independent. So
     * the sorted uniforms have the joint law of order statistics where it can be seen. */
    enum { STEPS = 100000, N = 50, CELLS = 6 };
    double logw[N], expected[N];
    for (int kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < N; i++) {
            logw[i] = kind == 0 ? 0.0 : 0.02 * (double)i;
        }
        expectations(N, logw, expected);
        const size_t watched[] = {0, 20, N - 1};
        double count[3][CELLS] = {{0}}, sum[3] = {0}, sum_2[3] = {0};
        for (uint64_t step = 0; step < STEPS; step++) {
            cr_assert_eq(draw(JEBM_MULTINOMIAL, N, logw, step), JEBM_OK);
            for (size_t k = 0; k < 3; k++) {
                const size_t a = watched[k], b = watched[(k + 1) % 3];
                const double product = (copies[a] - expected[a]) * (copies[b] - expected[b]);
                count[k][copies[a] < CELLS ? copies[a] : CELLS - 1]++;
                sum[k] += product;
                sum_2[k] += product * product;
            }
        }
        for (size_t k = 0; k < 3; k++) {
            const size_t a = watched[k], b = watched[(k + 1) % 3];
            double law[CELLS];
            for (unsigned c = 0; c < CELLS; c++) {
                law[c] = STEPS * (c < CELLS - 1 ? gsl_ran_binomial_pdf(c, expected[a] / N, N)
                                                : gsl_cdf_binomial_Q(c - 1, expected[a] / N, N));
            }
            const double value = law_pearson(CELLS, count[k], law);
            cr_expect(law_chi_square(value, CELLS - 1), "walker %zu: chi-square %g", a, value);
            cr_expect(law_mean(STEPS, sum[k], sum_2[k], -expected[a] * expected[b] / N),
                      "walkers %zu and %zu: covariance %g, expected %g", a, b, sum[k] / STEPS,
                      -expected[a] * expected[b] / N);
        }
    }
}

Test(resample, the_first_points_of_multinomial_are_order_statistics) {
    /* the number of points below t, all copies of the walkers up to there, is Binomial(n, t) */
    enum { STEPS = 50000, N = 7 };
    static const double t[] = {0.05, 0.3, 0.5, 0.9};
    for (size_t k = 0; k < 4; k++) {
        /* the mass below t on walkers 0, 1, 2, that above on the others */
        double logw[N], count[N + 1] = {0}, law[N + 1];
        for (size_t i = 0; i < N; i++) {
            logw[i] = log(i < 3 ? t[k] / 3.0 : (1.0 - t[k]) / 4.0);
        }
        for (uint64_t step = 0; step < STEPS; step++) {
            cr_assert_eq(draw(JEBM_MULTINOMIAL, N, logw, step), JEBM_OK);
            count[copies[0] + copies[1] + copies[2]]++;
        }
        /* cells that expect fewer than 5 join their neighbour */
        size_t cells = 0;
        double few = 0.0, seen = 0.0;
        for (unsigned c = 0; c <= N; c++) {
            few += STEPS * gsl_ran_binomial_pdf(c, t[k], N);
            seen += count[c];
            if (few >= 5.0) {
                law[cells] = few;
                count[cells++] = seen;
                few = seen = 0.0;
            }
        }
        law[cells - 1] += few;
        count[cells - 1] += seen;
        const double value = law_pearson(cells, count, law);
        cr_expect(law_chi_square(value, (double)cells - 1.0), "t %g: chi-square %g", t[k], value);
    }
}

/* The law of SSP by its definition (Gerber, Chopin, Whiteley 2019, Algorithm 2), all branches
 * followed: while two of the fractions xi are undecided, xi_i grows and xi_j falls by
 * a = min(1 - xi_i, xi_j), or the other way by b = min(xi_i, 1 - xi_j), with probabilities b/(a +
 * b) and a/(a + b). law[c] is the probability of the set c of walkers that get a copy. */
static void follow(size_t n, const double *xi, size_t i, size_t j, double probability,
                   double *law) {
    if (j == n) {
        unsigned chosen = 0;
        for (size_t k = 0; k < n; k++) {
            chosen |= (unsigned)(xi[k] > 0.5) << k;
        }
        law[chosen] += probability;
        return;
    }
    const double a = fmin(1.0 - xi[i], xi[j]), b = fmin(xi[i], 1.0 - xi[j]);
    for (int grows = 0; grows < 2; grows++) {
        double next[8];
        memcpy(next, xi, n * sizeof *next);
        next[i] += grows ? a : -b;
        next[j] += grows ? -a : b;
        const bool decided = next[i] < 1e-9 || next[i] > 1.0 - 1e-9;
        follow(n, next, decided ? j : i, j + 1, probability * (grows ? b : a) / (a + b), law);
    }
}

Test(resample, ssp_has_the_joint_law_of_its_definition) {
    enum { STEPS = 100000, N = 6, SETS = 1 << N };
    /* fractions, none of them 0, that sum to 3: pairs on both sides of 1 */
    static const double xi[N] = {0.7, 0.2, 0.9, 0.45, 0.15, 0.6};
    double logw[N], law[SETS] = {0}, count[SETS] = {0};
    follow(N, xi, 0, 1, 1.0, law);
    for (size_t i = 0; i < N; i++) {
        /* half of the six copies are certain */
        logw[i] = log(xi[i] + (i % 2 == 0 ? 1.0 : 0.0));
    }
    for (uint64_t step = 0; step < STEPS; step++) {
        unsigned chosen = 0;
        cr_assert_eq(draw(JEBM_SSP, N, logw, step), JEBM_OK);
        for (size_t i = 0; i < N; i++) {
            chosen |= (copies[i] - (i % 2 == 0 ? 1 : 0)) << i;
        }
        cr_assert_lt(chosen, SETS);
        count[chosen]++;
    }
    /* sets that can come out; the rarest is expected often enough for chi-square */
    size_t cells = 0;
    for (size_t c = 0; c < SETS; c++) {
        if (law[c] > 1e-12) {
            cr_assert_gt(STEPS * law[c], 5.0);
            count[cells] = count[c];
            law[cells++] = STEPS * law[c];
        } else {
            cr_assert_eq(count[c], 0.0, "a set that cannot come out did");
        }
    }
    const double value = law_pearson(cells, count, law);
    cr_expect_gt(cells, 5);
    cr_expect(law_chi_square(value, (double)cells - 1.0), "%zu sets: chi-square %g", cells, value);
}

Test(resample, ssp_copies_are_negatively_correlated_where_systematic_ones_are_not) {
    /* ten walkers of 1/2 and 3/2 copies in turn: systematic gives the extra copy to walkers that
     * lie two places apart together */
    enum { STEPS = 20000, N = 10 };
    double logw[N], expected[N], highest[JEBM_RESAMPLING_COUNT] = {0};
    for (size_t i = 0; i < N; i++) {
        logw[i] = log(i % 2 == 0 ? 0.5 : 1.5);
    }
    expectations(N, logw, expected);
    static const jebm_resampling schemes[] = {JEBM_SSP, JEBM_SYSTEMATIC};
    for (size_t s = 0; s < 2; s++) {
        double sum[N][N] = {{0}};
        for (uint64_t step = 0; step < STEPS; step++) {
            cr_assert_eq(draw(schemes[s], N, logw, step), JEBM_OK);
            for (size_t i = 0; i < N; i++) {
                for (size_t j = 0; j < i; j++) {
                    sum[i][j] += (copies[i] - expected[i]) * (copies[j] - expected[j]) / STEPS;
                }
            }
        }
        for (size_t i = 0; i < N; i++) {
            for (size_t j = 0; j < i; j++) {
                highest[schemes[s]] = fmax(highest[schemes[s]], sum[i][j]);
            }
        }
    }
    /* each product is +-1/4, so its mean over the steps has a standard error of at most this */
    const double error = 0.25 / sqrt((double)STEPS);
    cr_expect_lt(highest[JEBM_SSP], LAW_ERRORS * error);
    cr_expect_gt(highest[JEBM_SYSTEMATIC], 0.25 - LAW_ERRORS * error);
}

Test(resample, killing_keeps_the_heaviest_and_gives_it_its_share_of_free_places) {
    enum { N = 50, STEPS = 20000 };
    double logw[N], expected[N];
    weights(0, N, logw);
    expectations(N, logw, expected);
    double max = 0.0, sum = 0.0, sum_2 = 0.0;
    size_t heaviest = 0;
    for (size_t i = 0; i < N; i++) {
        heaviest = expected[i] > max ? i : heaviest;
        max = fmax(max, expected[i]);
    }
    for (uint64_t step = 0; step < STEPS; step++) {
        cr_assert_eq(draw(JEBM_KILLING, N, logw, step), JEBM_OK);
        cr_assert_geq(copies[heaviest], 1);
        sum += copies[heaviest] - 1.0;
        sum_2 += (copies[heaviest] - 1.0) * (copies[heaviest] - 1.0);
    }
    /* N - sum e / max places become free, sum e = N; each goes to it with probability max / N */
    cr_expect(law_mean(STEPS, sum, sum_2, max - 1.0), "%g, expected %g", sum / STEPS, max - 1.0);
}

/* ---- parents and the ensemble --------------------------------------------------------------- */

Test(resample, survivors_stay_and_spare_copies_fill_the_gaps_in_order) {
    const uint32_t some[] = {0, 3, 0, 1, 0, 2, 1}, expected[] = {1, 1, 1, 3, 5, 5, 6};
    jebm_resample_parents(7, some, parent);
    cr_expect_arr_eq(parent, expected, sizeof expected);
    double logw[MOST];
    for (uint64_t step = 0; step < 200; step++) {
        const size_t n = 1 + (size_t)step * 5;
        for (size_t i = 0; i < n; i++) {
            logw[i] = 4.0 * sin((double)(i * step));
        }
        FOR_EACH_SCHEME(scheme) {
            uint32_t used[MOST] = {0}, moved = 0;
            cr_assert_eq(draw(scheme, n, logw, step), JEBM_OK);
            jebm_resample_parents(n, copies, parent);
            for (size_t i = 0; i < n; i++) {
                cr_assert_lt(parent[i], n);
                used[parent[i]]++;
                cr_assert(copies[i] == 0 || parent[i] == i, "survivor %zu moved", i);
                if (copies[i] == 0) {
                    cr_assert_geq(parent[i], moved, "parents of gaps ascend");
                    moved = parent[i];
                }
            }
            cr_assert_arr_eq(used, copies, n * sizeof *used);
        }
    }
}

/* an ensemble whose entries tell whose they are */
static jebm_ensemble marked(size_t n, size_t d, size_t width, double level) {
    jebm_ensemble e;
    cr_assert_eq(jebm_ensemble_init(&e, n, d, width, NULL), JEBM_OK);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < d; j++) {
            e.x[i * d + j] = (float)(100 * i + j);
        }
        for (size_t j = 0; j < width; j++) {
            e.cache[i * width + j] = -(float)(100 * i + j);
        }
        e.U[i] = 0.5 + (double)i;
        e.logw[i] = level + 3.0 * sin((double)(7 * i));
    }
    e.log_z = 11.0;
    return e;
}

Test(resample, an_ensemble_moves_as_a_whole) {
    static const size_t shapes[][3] = {{1, 1, 1}, {2, 3, 0}, {129, 3, 2}, {1000, 5, 5}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        FOR_EACH_SCHEME(scheme) {
            for (double level = -1e5; level <= 1e5; level += 1e5) {
                const size_t n = shapes[s][0], d = shapes[s][1], width = shapes[s][2];
                jebm_ensemble e = marked(n, d, width, level), old = marked(n, d, width, level);
                long double sum = 0.0;
                for (size_t i = 0; i < n; i++) {
                    sum += expl(e.logw[i] - (long double)level);
                }
                const jebm_rng rng = jebm_rng_make(1, 2);
                cr_assert_eq(jebm_resample(scheme, &e, rng, 3, parent, copies, scratch), JEBM_OK);
                uint32_t alone[MOST];
                memcpy(alone, copies, n * sizeof *alone);
                for (size_t i = 0; i < n; i++) {
                    const size_t from = parent[i];
                    cr_assert(copies[i] == 0 || from == i);
                    cr_assert_arr_eq(e.x + i * d, old.x + from * d, d * sizeof *e.x);
                    cr_assert_arr_eq(e.cache + i * width, old.cache + from * width,
                                     width * sizeof *e.cache);
                    cr_assert_eq(e.U[i], old.U[from]);
                    cr_assert_eq(e.logw[i], 0.0);
                }
                /* 3e-11 is two ulps at 1e5; the sum is good to n eps */
                const long double log_z = 11.0 + (long double)level + logl(sum / (long double)n);
                cr_expect_lt(
                    fabsl(e.log_z - log_z), level == 0.0 ? 1e-13L * (long double)n : 3e-11L,
                    "%s: %.17g, expected %.17Lg", jebm_resampling_name(scheme), e.log_z, log_z);
                /* the ensemble draws what jebm_resample_copies() draws */
                cr_assert_eq(draw(scheme, n, old.logw, 3), JEBM_OK);
                cr_expect_arr_eq(copies, alone, n * sizeof *alone);
                jebm_ensemble_free(&e);
                jebm_ensemble_free(&old);
            }
        }
    }
}

Test(resample, log_z_takes_up_one_resampling_after_another) {
    jebm_ensemble e = marked(4, 1, 0, 0.0);
    const jebm_rng rng = jebm_rng_make(1, 2);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 4; i++) {
            e.logw[i] = i < 2 ? log(2.0) : -INFINITY;
        }
        cr_assert_eq(jebm_resample(JEBM_SYSTEMATIC, &e, rng, 0, parent, copies, scratch), JEBM_OK);
    }
    /* mean weight (2 + 2 + 0 + 0) / 4 = 1 */
    cr_expect_lt(fabs(e.log_z - 11.0), 1e-14);
    jebm_ensemble_free(&e);
}

Test(resample, weights_that_mean_nothing_leave_everything_untouched) {
    enum { N = 37 };
    for (int kind = 0; kind < 3; kind++) {
        FOR_EACH_SCHEME(scheme) {
            jebm_ensemble e = marked(N, 3, 2, 0.0), old = marked(N, 3, 2, 0.0);
            for (size_t i = 0; i < N; i++) {
                e.logw[i] = kind == 0 && i == N - 1 ? NAN
                            : kind == 1 && i == 0   ? INFINITY
                            : kind == 2             ? -INFINITY
                                                    : e.logw[i];
                old.logw[i] = e.logw[i];
                copies[i] = parent[i] = 99;
            }
            const jebm_rng rng = jebm_rng_make(1, 2);
            cr_expect_eq(jebm_resample(scheme, &e, rng, 0, parent, copies, scratch), JEBM_EDIVERGE);
            cr_expect_eq(draw(scheme, N, e.logw, 0), JEBM_EDIVERGE);
            cr_expect_arr_eq(e.storage, old.storage, jebm_ensemble_bytes(N, 3, 2));
            cr_expect_eq(e.log_z, 11.0);
            for (size_t i = 0; i < N; i++) {
                cr_assert_eq(copies[i], 99);
            }
            jebm_ensemble_free(&e);
            jebm_ensemble_free(&old);
        }
    }
}
