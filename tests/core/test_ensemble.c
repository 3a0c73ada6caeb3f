/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ensemble.h"

#include "core/isa.h"
#include "core/rng.h"
#include "core/weights_internal.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EPS 0x1p-53

/* what the weights say, by the definitions, in long double */
typedef struct oracle {
    long double max, log_mean_exp, ess, sum, sum_2;
} oracle;

static oracle oracle_of(size_t n, const double *logw) {
    oracle o = {.max = -INFINITY};
    for (size_t i = 0; i < n; i++) {
        o.max = logw[i] > o.max ? logw[i] : o.max;
    }
    for (size_t i = 0; i < n; i++) {
        const long double w = expl(logw[i] - o.max);
        o.sum += w;
        o.sum_2 += w * w;
    }
    o.log_mean_exp = o.max + logl(o.sum / (long double)n);
    o.ess = o.sum / (long double)n * o.sum / o.sum_2;
    return o;
}

/* n log-weights on [offset - spread, offset] */
static void draw(size_t n, double spread, double offset, uint64_t seed, double *logw) {
    jebm_rng_uniforms(jebm_rng_make(seed, n), JEBM_LANE_THETA, 0, 0, n, logw);
    for (size_t i = 0; i < n; i++) {
        logw[i] = offset - spread * (1.0 - logw[i]);
    }
}

static const double spreads[] = {0.0, 1e-3, 1.0, 30.0, 700.0, 1e5};
#define SPREADS (sizeof spreads / sizeof *spreads)

/* ---- weights -------------------------------------------------------------------------------- */

Test(ensemble, weight_stats_are_those_of_long_double) {
    enum { N = 5000 };
    static const size_t sizes[] = {1, 2, 3, 100, 128, 129, N};
    double *logw = malloc(N * sizeof *logw);
    for (size_t s = 0; s < SPREADS; s++) {
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            const size_t n = sizes[k];
            draw(n, spreads[s], -3.0, 1, logw);
            const oracle o = oracle_of(n, logw);
            jebm_weight_stats stats;
            cr_assert_eq(jebm_weight_stats_of(n, logw, &stats), JEBM_OK);
            /* n positive terms: each sum is good to n eps, and usually to sqrt n eps */
            cr_expect_eq(stats.max, (double)o.max);
            cr_expect_leq(fabsl(stats.log_mean_exp - o.log_mean_exp),
                          (double)n * EPS + 4 * EPS * fabs(stats.max), "n %zu, spread %g", n,
                          spreads[s]);
            cr_expect_leq(fabsl(stats.ess - o.ess), 4.0 * ((double)n + 4.0) * EPS * (double)o.ess,
                          "n %zu, spread %g: %.17g, expected %.17Lg", n, spreads[s], stats.ess,
                          o.ess);
            cr_expect(stats.ess > 0.0 && stats.ess <= 1.0 + 4 * EPS);
        }
    }
    free(logw);
}

Test(ensemble, normalised_weights_are_those_of_long_double_on_every_isa) {
    enum { N = 1000 };
    double logw[N], p[N];
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        if (jebm_isa_select((jebm_isa)isa) != JEBM_OK) {
            continue;
        }
        for (size_t s = 0; s < SPREADS; s++) {
            for (size_t n = 1; n <= N; n = n < 40 ? n + 1 : n * 5) {
                draw(n, spreads[s], 12.0, 2, logw);
                logw[n / 2] = n > 1 ? -INFINITY : logw[0];
                const oracle o = oracle_of(n, logw);
                double sum = 0.0;
                cr_assert_eq(jebm_weights_normalise(n, logw, p), JEBM_OK);
                for (size_t i = 0; i < n; i++) {
                    const long double gap = logw[i] - o.max, expected = expl(gap) / o.sum;
                    /* exp: 4e-16 and a rounding of its argument; the sum; 0 below exp(-708) */
                    const long double bound =
                        expected * (8.0 + (double)n + fabsl(gap)) * EPS + 1e-307L;
                    cr_assert(gap == -INFINITY ? p[i] == 0.0 : fabsl(p[i] - expected) <= bound,
                              "%s: n %zu, spread %g, %zu: %.17g, expected %.17Lg", jebm_isa_name(),
                              n, spreads[s], i, p[i], expected);
                    sum += p[i];
                }
                cr_assert_lt(fabs(sum - 1.0), 2.0 * ((double)n + 4.0) * EPS);
            }
        }
    }
}

Test(ensemble, a_shift_moves_log_mean_exp_and_nothing_else) {
    enum { N = 300 };
    double logw[N], shifted[N], p[N], q[N];
    draw(N, 20.0, 5.0, 3, logw);
    for (size_t i = 0; i < N; i++) {
        /* multiples of 2^-20, so that the shift itself is exact */
        logw[i] = rint(logw[i] * 0x1p20) * 0x1p-20;
    }
    jebm_weight_stats a, b;
    cr_assert_eq(jebm_weight_stats_of(N, logw, &a), JEBM_OK);
    cr_assert_eq(jebm_weights_normalise(N, logw, p), JEBM_OK);
    for (double shift = -1e5; shift <= 1e5; shift += 2e5) {
        for (size_t i = 0; i < N; i++) {
            shifted[i] = logw[i] + shift;
        }
        cr_assert_eq(jebm_weight_stats_of(N, shifted, &b), JEBM_OK);
        cr_assert_eq(jebm_weights_normalise(N, shifted, q), JEBM_OK);
        cr_expect_eq(b.ess, a.ess);
        cr_expect_eq(b.max, a.max + shift);
        cr_expect_arr_eq(p, q, sizeof p);
        /* one ulp at 1e5 */
        cr_expect_leq(fabs(b.log_mean_exp - (a.log_mean_exp + shift)), 0x1p-36);
    }
}

Test(ensemble, ess_is_one_for_equal_weights_and_the_share_of_those_that_count) {
    enum { N = 1000 };
    double logw[N];
    jebm_weight_stats stats;
    for (size_t n = 1; n <= N; n = n < 20 ? n + 1 : 2 * n) {
        for (size_t i = 0; i < n; i++) {
            logw[i] = -1234.5;
        }
        cr_assert_eq(jebm_weight_stats_of(n, logw, &stats), JEBM_OK);
        cr_expect_eq(stats.ess, 1.0);
        cr_expect_eq(stats.log_mean_exp, -1234.5);
        for (size_t alive = 1; alive < n; alive *= 2) {
            for (size_t i = 0; i < n; i++) {
                logw[i] = i < alive ? 7.0 : -INFINITY;
            }
            cr_assert_eq(jebm_weight_stats_of(n, logw, &stats), JEBM_OK);
            cr_expect_leq(fabs(stats.ess - (double)alive / (double)n), 4 * EPS);
            cr_expect_leq(fabs(stats.log_mean_exp - 7.0 - log((double)alive / (double)n)), 1e-14);
        }
    }
}

Test(ensemble, weights_that_mean_nothing_are_refused_and_nothing_is_written) {
    enum { N = 131 };
    static const double bad[] = {NAN, INFINITY};
    double logw[N], p[N], before[N];
    for (size_t i = 0; i < N; i++) {
        before[i] = p[i] = 42.0;
    }
    const jebm_weight_stats untouched = {1.0, 2.0, 3.0};
    jebm_weight_stats stats = untouched;
    for (size_t k = 0; k < 2; k++) {
        for (size_t at = 0; at < N; at += 65) {
            draw(N, 1.0, 0.0, 4, logw);
            logw[at] = bad[k];
            cr_expect_eq(jebm_weight_stats_of(N, logw, &stats), JEBM_EDIVERGE);
            cr_expect_eq(jebm_weights_normalise(N, logw, p), JEBM_EDIVERGE);
        }
    }
    for (size_t i = 0; i < N; i++) {
        logw[i] = -INFINITY;
    }
    cr_expect_eq(jebm_weight_stats_of(N, logw, &stats), JEBM_EDIVERGE);
    cr_expect_eq(jebm_weights_normalise(N, logw, p), JEBM_EDIVERGE);
    cr_expect_arr_eq(p, before, sizeof p);
    cr_expect(stats.max == 1.0 && stats.log_mean_exp == 2.0 && stats.ess == 3.0);
}

/* ---- the kernel, one block ------------------------------------------------------------------ */

Test(ensemble, the_block_kernel_of_every_isa_agrees_with_long_double) {
    double logw[JEBM_BLOCK], U[JEBM_BLOCK] = {0};
    float w[JEBM_BLOCK + 1];
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        if (jebm_isa_select((jebm_isa)isa) != JEBM_OK) {
            continue;
        }
        for (size_t s = 0; s < SPREADS; s++) {
            for (size_t n = 1; n <= JEBM_BLOCK; n++) {
                draw(n, spreads[s], -77.0, 5, logw);
                w[n] = -1.0f;
                const oracle o = oracle_of(n, logw);
                const jebm_block_weights b = jebm_weights_kernels_current()->block(n, logw, U, w);
                const double bound = ((double)n + 8.0) * EPS;
                cr_assert(b.finite);
                cr_assert_eq(b.max, (double)o.max);
                cr_assert_leq(fabsl(b.sum / o.sum - 1.0L), bound, "%s: n %zu, spread %g",
                              jebm_isa_name(), n, spreads[s]);
                cr_assert_leq(fabsl(b.sum_2 / o.sum_2 - 1.0L), 2.0 * bound, "%s: n %zu, spread %g",
                              jebm_isa_name(), n, spreads[s]);
                for (size_t i = 0; i < n; i++) {
                    /* half an ulp of single precision, or of its smallest numbers */
                    const long double expected = expl(logw[i] - o.max);
                    cr_assert_leq(fabsl(w[i] - expected), 0x1.001p-24L * expected + 0x1p-150L,
                                  "%s: n %zu, spread %g, %zu: %.9g, expected %.9Lg",
                                  jebm_isa_name(), n, spreads[s], i, w[i], expected);
                }
                cr_assert_eq(w[n], -1.0f, "%s writes beyond %zu weights", jebm_isa_name(), n);
            }
        }
    }
}

Test(ensemble, the_block_kernel_finds_what_is_not_finite_wherever_it_is) {
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    double logw[JEBM_BLOCK] = {0}, U[JEBM_BLOCK] = {0};
    float w[JEBM_BLOCK];
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        if (jebm_isa_select((jebm_isa)isa) != JEBM_OK) {
            continue;
        }
        for (size_t n = 1; n <= JEBM_BLOCK; n += 9) {
            for (size_t at = 0; at < n; at++) {
                for (size_t k = 0; k < 3; k++) {
                    logw[at] = bad[k];
                    cr_assert_not(jebm_weights_kernels_current()->block(n, logw, U, w).finite);
                    logw[at] = 0.0;
                    U[at] = bad[k];
                    cr_assert_not(jebm_weights_kernels_current()->block(n, logw, U, w).finite);
                    U[at] = 0.0;
                }
            }
        }
    }
}

Test(ensemble, blocks_combined_are_the_whole) {
    enum { N = 1000, BLOCKS = (N + JEBM_BLOCK - 1) / JEBM_BLOCK };
    double logw[N], U[N] = {0};
    float w[N];
    jebm_block_weights part[BLOCKS];
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        if (jebm_isa_select((jebm_isa)isa) != JEBM_OK) {
            continue;
        }
        for (size_t s = 0; s < SPREADS; s++) {
            draw(N, spreads[s], 3.0, 6, logw);
            /* one block far below the others */
            for (size_t i = 2 * JEBM_BLOCK; i < 3 * JEBM_BLOCK; i++) {
                logw[i] -= 50.0;
            }
            for (size_t b = 0; b < BLOCKS; b++) {
                const size_t first = b * JEBM_BLOCK;
                const size_t count = N - first < JEBM_BLOCK ? N - first : JEBM_BLOCK;
                part[b] = jebm_weights_kernels_current()->block(count, logw + first, U, w + first);
            }
            jebm_weight_stats all, folded;
            cr_assert_eq(jebm_weight_stats_of(N, logw, &all), JEBM_OK);
            cr_assert_eq(jebm_weights_combine(BLOCKS, part, N, &folded), JEBM_OK);
            cr_expect_eq(folded.max, all.max);
            cr_expect_lt(fabs(folded.log_mean_exp - all.log_mean_exp), 1e-13);
            cr_expect_lt(fabs(folded.ess / all.ess - 1.0), 1e-13);
            part[BLOCKS - 1].finite = false;
            cr_expect_eq(jebm_weights_combine(BLOCKS, part, N, &folded), JEBM_EDIVERGE);
        }
    }
}

/* ---- life cycle ----------------------------------------------------------------------------- */

Test(ensemble, a_new_one_is_zero_aligned_and_as_large_as_said) {
    static const size_t shapes[][3] = {
        {1, 1, 0}, {1, 1, 1}, {7, 3, 2}, {128, 50, 50}, {1001, 5, 0}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const size_t n = shapes[s][0], d = shapes[s][1], width = shapes[s][2];
        jebm_ensemble e;
        cr_assert_eq(jebm_ensemble_init(&e, n, d, width, NULL), JEBM_OK);
        cr_expect(e.n == n && e.d == d && e.cache_width == width && e.log_z == 0.0);
        cr_expect((uintptr_t)e.x % 64 == 0 && (uintptr_t)e.cache % 64 == 0 &&
                  (uintptr_t)e.logw % 64 == 0 && (uintptr_t)e.U % 64 == 0);
        /* no two arrays share memory, and all of it is there: the sanitizers watch the ends */
        for (size_t i = 0; i < n; i++) {
            cr_assert(e.logw[i] == 0.0 && e.U[i] == 0.0);
            e.logw[i] = 1.0;
            e.U[i] = 2.0;
        }
        for (size_t i = 0; i < n * d; i++) {
            cr_assert_eq(e.x[i], 0.0f);
            e.x[i] = 3.0f;
        }
        for (size_t i = 0; i < n * width; i++) {
            cr_assert_eq(e.cache[i], 0.0f);
            e.cache[i] = 4.0f;
        }
        cr_expect(e.logw[n - 1] == 1.0 && e.U[0] == 2.0 && e.x[n * d - 1] == 3.0f);
        const uint64_t least = n * (d + width) * sizeof(float) + 2 * n * sizeof(double);
        const uint64_t bytes = jebm_ensemble_bytes(n, d, width);
        cr_expect(bytes >= least && bytes < least + 4 * 64);
        jebm_ensemble_free(&e);
        cr_expect(e.x == NULL && e.n == 0);
    }
}

Test(ensemble, impossible_sizes_are_refused) {
    static const struct {
        size_t n, d;
        const char *found;
    } bad[] = {
        {0, 5, "found 0 x 5"},
        {5, 0, "found 5 x 0"},
        {(size_t)1 << 32, 1, "at most 4294967295 walkers"},
        {(size_t)1 << 32, 4, "at most 4294967295 walkers"},
        {(size_t)1 << 31, 5, "at most 2147483647 walkers"},
        {(size_t)1 << 30, 16, "at most 1073741823 walkers"},
        {1, (size_t)1 << 34, "at most 0 walkers"},
        {1, SIZE_MAX, "at most 0 walkers"},
        {SIZE_MAX, SIZE_MAX, "at most 0 walkers"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        jebm_ensemble e;
        jebm_error err = {0};
        cr_expect_eq(jebm_ensemble_init(&e, bad[i].n, bad[i].d, 0, &err), JEBM_EINVAL, "case %zu",
                     i);
        cr_expect_not_null(strstr(err.text, bad[i].found), "%s", err.text);
        jebm_ensemble_free(&e);
    }
    jebm_ensemble_free(NULL);
}

Test(ensemble, more_than_the_address_space_is_no_memory) {
    jebm_ensemble e;
    jebm_error err = {0};
    cr_expect_eq(jebm_ensemble_init(&e, 1, 1, SIZE_MAX / 8, &err), JEBM_ENOMEM);
    cr_expect_not_null(strstr(err.text, "no memory for 1 walkers"), "%s", err.text);
    jebm_ensemble_free(&e);
}
