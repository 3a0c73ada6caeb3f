/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/rng.h"

#include "core/isa.h"
#include "core/kernel.h"
#include "core/rng_internal.h"
#include "law.h"

#include <criterion/criterion.h>
#include <gsl/gsl_randist.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SQRT_HALF 0.70710678118654752440
#define TWO_PI 6.28318530717958647692528676655900577

/* Philox4x32 after the paper (Salmon et al. 2011, section 3.3): the key is bumped before rounds
 * 2 to 10 */
static void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]) {
    uint32_t k[2] = {key[0], key[1]};
    memcpy(words, counter, 4 * sizeof *words);
    for (int round = 1; round <= 10; round++) {
        if (round > 1) {
            k[0] += 0x9E3779B9u;
            k[1] += 0xBB67AE85u;
        }
        const uint64_t a = UINT64_C(0xD2511F53) * words[0], b = UINT64_C(0xCD9E8D57) * words[2];
        const uint32_t next[4] = {(uint32_t)(b >> 32) ^ words[1] ^ k[0], (uint32_t)b,
                                  (uint32_t)(a >> 32) ^ words[3] ^ k[1], (uint32_t)a};
        memcpy(words, next, sizeof next);
    }
}

/* uniform on (0, 1] of two words, by arithmetic: 1 - m/2^52 */
static double uniform_of(const uint32_t w[2]) {
    return 1.0 - (double)(((uint64_t)w[1] << 32 | w[0]) >> 12) * 0x1p-52;
}

/* Box-Muller of two words in double: radius and the pair. The angle is the signed second word over
 * a half circle, which the bit that the radius leaves over mirrors. */
static double box_muller_of(const uint32_t w[2], double pair[2]) {
    const double u = ((double)(w[0] >> 1) + 0.5) * 0x1p-31;
    const double radius = sqrt(-2.0 * log(u)), angle = TWO_PI * ((int32_t)w[1] * 0x1p-33);
    pair[0] = radius * cos(angle) * (w[0] % 2 == 0 ? 1.0 : -1.0);
    pair[1] = radius * sin(angle);
    return radius;
}

/* What single precision may do to a normal. Two roundings of u, 2^-24 each relative, move the
 * radius by 2^-23/radius; the polynomials and half a dozen roundings, of numbers up to 1, are 5e-7
 * of the radius. */
static double normal_error(double value, double radius) {
    return fabs(value) * 0x1.2p-23 / (radius * radius) + 5e-7 * radius + 1e-14;
}

#define VECTORS 3
typedef struct vector {
    uint32_t counter[4], key[2], words[4];
} vector;

static void read_vectors(vector v[VECTORS]) {
    FILE *file = fopen(DATA "/philox4x32_10.txt", "r");
    cr_assert_not_null(file);
    char line[256];
    size_t n = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#') {
            continue;
        }
        cr_assert_lt(n, VECTORS);
        vector *to = &v[n++];
        cr_assert_eq(sscanf(line,
                            "%8" SCNx32 "%8" SCNx32 "%8" SCNx32 "%8" SCNx32 "%8" SCNx32 "%8" SCNx32
                            "%8" SCNx32 "%8" SCNx32 "%8" SCNx32 "%8" SCNx32,
                            to->counter, to->counter + 1, to->counter + 2, to->counter + 3, to->key,
                            to->key + 1, to->words, to->words + 1, to->words + 2, to->words + 3),
                     10);
    }
    cr_assert_eq(n, VECTORS);
    fclose(file);
}

static const jebm_rng_kernels *const tables[JEBM_ISA_COUNT] = JEBM_PICK(jebm_rng_kernels);

Test(rng, words_are_the_known_answers) {
    vector v[VECTORS];
    read_vectors(v);
    for (size_t i = 0; i < VECTORS; i++) {
        const uint32_t *c = v[i].counter;
        uint32_t words[4];
        jebm_rng_words((jebm_rng){{v[i].key[0], v[i].key[1]}}, c[0], c[1],
                       (uint64_t)c[3] << 32 | c[2], words);
        cr_expect_arr_eq(words, v[i].words, sizeof words, "vector %zu", i);
        philox(c, v[i].key, words);
        cr_expect_arr_eq(words, v[i].words, sizeof words, "this file's philox, vector %zu", i);
    }
}

Test(rng, vectors_of_every_isa_give_the_known_answers) {
    vector v[VECTORS];
    read_vectors(v);
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        if (jebm_isa_select((jebm_isa)isa) != JEBM_OK) {
            continue;
        }
        for (size_t i = 0; i < VECTORS; i++) {
            const uint32_t *c = v[i].counter;
            const jebm_rng_site site = {
                {v[i].key[0], v[i].key[1]}, c[1], (uint64_t)c[3] << 32 | c[2]};
            double u[2], z[4];
            float normals[4];
            tables[isa]->uniforms(&site, c[0], 1, u);
            tables[isa]->normals(&site, c[0], 1, 1.0f, normals);
            for (size_t pair = 0; pair < 2; pair++) {
                const uint32_t *w = v[i].words + 2 * pair;
                cr_expect_eq(u[pair], uniform_of(w), "%s, vector %zu", jebm_isa_name(), i);
                const double radius = box_muller_of(w, z + 2 * pair);
                for (size_t k = 2 * pair; k < 2 * pair + 2; k++) {
                    cr_expect_leq(fabs(normals[k] - z[k]), normal_error(z[k], radius),
                                  "%s, vector %zu, normal %zu: %.9g, expected %.9g",
                                  jebm_isa_name(), i, k, normals[k], z[k]);
                }
            }
        }
    }
}

Test(rng, words_are_philox_of_key_and_address) {
    /* addresses that reach every bit of every field */
    uint32_t state[4] = {1, 2, 3, 4};
    const uint32_t key[2] = {5, 6};
    for (int i = 0; i < 2000; i++) {
        philox(state, key, state);
        const jebm_rng rng = {{state[3] ^ 77u, state[0] ^ 99u}};
        uint32_t words[4], expected[4];
        philox(state, rng.key, expected);
        jebm_rng_words(rng, state[0], state[1], (uint64_t)state[3] << 32 | state[2], words);
        cr_assert_arr_eq(words, expected, sizeof words);
    }
}

Test(rng, a_key_is_a_hash_of_seed_and_stream) {
    static const uint64_t some[] = {0,         1, 2, 0xffffffff, 0x100000000, 0xfedcba9876543210,
                                    UINT64_MAX};
    for (size_t s = 0; s < sizeof some / sizeof *some; s++) {
        for (size_t t = 0; t < sizeof some / sizeof *some; t++) {
            const uint32_t counter[4] = {(uint32_t)some[t], (uint32_t)(some[t] >> 32), 0x6a65626d};
            const uint32_t key[2] = {(uint32_t)some[s], (uint32_t)(some[s] >> 32)};
            uint32_t words[4];
            philox(counter, key, words);
            const jebm_rng rng = jebm_rng_make(some[s], some[t]);
            cr_expect(rng.key[0] == words[0] && rng.key[1] == words[1]);
        }
    }
}

static int compare_keys(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

Test(rng, a_million_seeds_and_streams_have_distinct_keys) {
    /* 64-bit keys: 1e12/2 pairs meet with probability 3e-8. Half of the streams use high words. */
    enum { SIDE = 1000 };
    uint64_t *keys = malloc(SIDE * SIDE * sizeof *keys);
    for (uint64_t s = 0; s < SIDE; s++) {
        for (uint64_t t = 0; t < SIDE; t++) {
            const jebm_rng rng = jebm_rng_make(s, t % 2 == 0 ? t : t << 32);
            keys[s * SIDE + t] = (uint64_t)rng.key[1] << 32 | rng.key[0];
        }
    }
    qsort(keys, SIDE * SIDE, sizeof *keys, compare_keys);
    for (size_t i = 1; i < SIDE * SIDE; i++) {
        cr_assert_neq(keys[i - 1], keys[i]);
    }
    free(keys);
}

Test(rng, uniforms_of_every_isa_equal_the_scalar_ones) {
    static const size_t firsts[] = {0, 2, 100, 65534, 0x7ffffffe, 0xffffff00};
    const jebm_rng rng = jebm_rng_make(11, 0xabcdef0123456789);
    const uint64_t step = UINT64_C(3) << 40 | 17;
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        if (jebm_isa_select((jebm_isa)isa) != JEBM_OK) {
            continue;
        }
        for (size_t f = 0; f < sizeof firsts / sizeof *firsts; f++) {
            for (size_t n = 0; n <= 70; n++) {
                double u[72];
                u[n] = -1.0;
                jebm_rng_uniforms(rng, 9, step, firsts[f], n, u);
                for (size_t i = 0; i < n; i++) {
                    const uint32_t index = (uint32_t)(firsts[f] + i);
                    uint32_t words[4];
                    jebm_rng_words(rng, index / 2, 9, step, words);
                    const double expected = jebm_rng_uniform(rng, index, 9, step);
                    cr_assert_eq(u[i], expected, "%s: n %zu, %zu: %.17g, expected %.17g",
                                 jebm_isa_name(), n, i, u[i], expected);
                    cr_assert_eq(u[i], uniform_of(words + 2 * (index % 2)));
                    cr_assert(u[i] > 0.0 && u[i] <= 1.0);
                }
                cr_assert_eq(u[n], -1.0, "%s writes beyond %zu uniforms", jebm_isa_name(), n);
            }
        }
    }
}

/* rows first .. first + n of d normals against Box-Muller in double from the same words */
static void check_normals(jebm_rng rng, size_t first, size_t n, size_t d, float scale) {
    float *out = malloc((n * d + 1) * sizeof *out);
    out[n * d] = -99.0f;
    jebm_rng_normals(rng, 21, 5, first, n, d, scale, out);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < d; j++) {
            const size_t block = (first + i) * ((d + 3) / 4) + j / 4;
            uint32_t words[4];
            double pair[2];
            jebm_rng_words(rng, (uint32_t)block, 21, 5, words);
            const double radius = box_muller_of(words + j % 4 / 2 * 2, pair);
            const double expected = pair[j % 2];
            const double value = (double)out[i * d + j] / (double)scale;
            cr_assert_leq(fabs(value - expected), normal_error(expected, radius),
                          "%s: d %zu, row %zu, column %zu: %.9g, expected %.9g", jebm_isa_name(), d,
                          i, j, value, expected);
        }
    }
    cr_assert_eq(out[n * d], -99.0f, "%s writes beyond %zu x %zu normals", jebm_isa_name(), n, d);
    free(out);
}

Test(rng, normals_of_every_isa_agree_with_box_muller_in_double) {
    static const size_t wide[] = {127, 255, 256, 257, 300, 511, 512, 513, 784, 3072};
    const jebm_rng rng = jebm_rng_make(12, 3);
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        if (jebm_isa_select((jebm_isa)isa) != JEBM_OK) {
            continue;
        }
        for (size_t d = 1; d <= 70; d++) {
            check_normals(rng, d, 1 + d % 5, d, 1.0f);
            check_normals(rng, 1000003, 2, d, 0.3f);
        }
        for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
            check_normals(rng, 7, 3, wide[i], 1e-3f);
        }
        /* one long row: every quadrant, small and large radii */
        check_normals(rng, 0, 1, 400000, 1.0f);
    }
}

Test(rng, a_row_of_normals_is_the_same_alone_and_in_bulk) {
    static const size_t widths[] = {1, 2, 3, 4, 5, 7, 16, 50, 63, 64, 65, 257, 784};
    const jebm_rng rng = jebm_rng_make(13, 1);
    enum { ROWS = 37, FIRST = 91 };
    float *bulk = malloc(ROWS * 784 * sizeof *bulk), *row = malloc(784 * sizeof *row);
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        if (jebm_isa_select((jebm_isa)isa) != JEBM_OK) {
            continue;
        }
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            const size_t d = widths[w];
            jebm_rng_normals(rng, 0, 77, FIRST, ROWS, d, 0.7f, bulk);
            for (size_t i = 0; i < ROWS; i++) {
                jebm_rng_normals(rng, 0, 77, FIRST + i, 1, d, 0.7f, row);
                cr_assert_arr_eq(row, bulk + i * d, d * sizeof *row, "%s: d %zu, row %zu",
                                 jebm_isa_name(), d, i);
            }
        }
    }
    free(bulk);
    free(row);
}

Test(rng, the_last_index_that_the_contract_allows_can_be_drawn) {
    const jebm_rng rng = jebm_rng_make(14, 0);
    const size_t last = UINT32_MAX - 1;
    float z[4];
    double u, pair[2];
    uint32_t words[4];
    jebm_rng_normals(rng, 0, 0, last, 1, 4, 1.0f, z);
    jebm_rng_words(rng, (uint32_t)last, 0, 0, words);
    const double radius = box_muller_of(words, pair);
    cr_expect_leq(fabs(z[0] - pair[0]), normal_error(pair[0], radius));
    jebm_rng_uniforms(rng, 0, 0, last, 1, &u);
    cr_expect_eq(u, jebm_rng_uniform(rng, (uint32_t)last, 0, 0));
}

/* ---- statistics ----------------------------------------------------------------------------- */

Test(rng, normals_have_the_moments_of_the_normal_law) {
    /* mean of x^k over n draws: expected m_k = (k-1)!! or 0, variance (m_2k - m_k^2) / n. The cut
     * at 6.66 changes m_6 by 2e-5, a fifteenth of a percent of its standard error. */
    enum { N = 10000000, ROW = 10000 };
    static const double m[] = {1, 0, 1, 0, 3, 0, 15, 0, 105, 0, 945, 0, 10395};
    const jebm_rng rng = jebm_rng_make(15, 0);
    float *x = malloc(ROW * sizeof *x);
    double sum[7] = {0};
    for (size_t i = 0; i < N / ROW; i++) {
        jebm_rng_normals(rng, JEBM_LANE_NOISE, 0, i, 1, ROW, 1.0f, x);
        for (size_t j = 0; j < ROW; j++) {
            double power = 1.0;
            for (int k = 1; k <= 6; k++) {
                power *= x[j];
                sum[k] += power;
            }
        }
    }
    for (int k = 1; k <= 6; k++) {
        const double mean = sum[k] / N, error = sqrt((m[2 * k] - m[k] * m[k]) / N);
        cr_expect_lt(fabs(mean - m[k]), LAW_ERRORS * error, "moment %d: %g, expected %g +- %g", k,
                     mean, m[k], error);
    }
    free(x);
}

static int compare_floats(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

Test(rng, normals_follow_the_normal_law) {
    /* Kolmogorov: P(sqrt(n) D > t) ~ 2 exp(-2 t^2), 5e-6 at t = 2.54 */
    enum { N = 1000000 };
    float *x = malloc(N * sizeof *x);
    jebm_rng_normals(jebm_rng_make(16, 0), JEBM_LANE_INIT, 9, 0, N / 50, 50, 1.0f, x);
    qsort(x, N, sizeof *x, compare_floats);
    double D = 0.0;
    for (size_t i = 0; i < N; i++) {
        const double F = gsl_cdf_ugaussian_P(x[i]);
        D = fmax(D, fmax(F - (double)i / N, (double)(i + 1) / N - F));
    }
    cr_expect_lt(sqrt(N) * D, 2.54);
    free(x);
}

Test(rng, tails_of_normals_have_their_share) {
    /* counts beyond t in n draws are binomial; expected: 1267 beyond 4, 11.5 beyond 5 */
    enum { N = 20000000, ROW = 10000 };
    const jebm_rng rng = jebm_rng_make(17, 0);
    float *x = malloc(ROW * sizeof *x), largest = 0.0f;
    unsigned beyond[2] = {0};
    for (size_t i = 0; i < N / ROW; i++) {
        jebm_rng_normals(rng, JEBM_LANE_NOISE, 1, i, 1, ROW, 1.0f, x);
        for (size_t j = 0; j < ROW; j++) {
            const float a = fabsf(x[j]);
            beyond[0] += a > 4.0f;
            beyond[1] += a > 5.0f;
            largest = a > largest ? a : largest;
        }
    }
    for (int t = 0; t < 2; t++) {
        const double p = 2.0 * gsl_cdf_ugaussian_Q(4.0 + t);
        cr_expect_gt(gsl_cdf_binomial_P(beyond[t], p, N), 5e-6, "%u beyond %d", beyond[t], 4 + t);
        cr_expect_gt(gsl_cdf_binomial_Q(beyond[t], p, N) + gsl_ran_binomial_pdf(beyond[t], p, N),
                     5e-6, "%u beyond %d", beyond[t], 4 + t);
    }
    cr_expect_leq(largest, 6.67f);
    free(x);
}

Test(rng, uniforms_are_uniform_in_high_middle_and_low_bits) {
    enum { N = 1000000, BINS = 1024 };
    static const unsigned shift[] = {42, 21, 0};
    double *u = malloc(N * sizeof *u), expected[BINS];
    for (size_t b = 0; b < BINS; b++) {
        expected[b] = (double)N / BINS;
    }
    jebm_rng_uniforms(jebm_rng_make(18, 0), JEBM_LANE_RESAMPLE, 3, 0, N, u);
    for (size_t s = 0; s < sizeof shift / sizeof *shift; s++) {
        double count[BINS] = {0};
        for (size_t i = 0; i < N; i++) {
            /* 1 - u is a multiple of 2^-52 in [0, 1) */
            count[(uint64_t)((1.0 - u[i]) * 0x1p52) >> shift[s] & (BINS - 1)]++;
        }
        const double value = law_pearson(BINS, count, expected);
        cr_expect(law_chi_square(value, BINS - 1), "bits from %u: chi-square %g", shift[s], value);
    }
    free(u);
}

/* Means of xy, (x^2-1)(y^2-1)/2, x(y^2-1)/sqrt 2 and (x^2-1)y/sqrt 2 over n pairs at the given
 * strides: 0 with standard error 1/sqrt n if the pairs are independent normals. */
static void check_independent(const char *what, size_t n, const float *x, size_t stride_x,
                              const float *y, size_t stride_y) {
    double sum[4] = {0};
    for (size_t i = 0; i < n; i++) {
        const double a = x[i * stride_x], b = y[i * stride_y];
        const double a2 = (a * a - 1.0) * SQRT_HALF, b2 = (b * b - 1.0) * SQRT_HALF;
        sum[0] += a * b;
        sum[1] += a2 * b2;
        sum[2] += a * b2;
        sum[3] += a2 * b;
    }
    for (int k = 0; k < 4; k++) {
        const double errors = sum[k] / sqrt((double)n);
        cr_expect_lt(fabs(errors), LAW_ERRORS, "%s: statistic %d is %.2f standard errors off", what,
                     k, errors);
    }
}

Test(rng, neighbouring_draws_are_independent) {
    enum { ROWS = 100000, D = 8, N = ROWS * D };
    const uint64_t seed = 19, stream = 4, step = 100;
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    const jebm_rng rng = jebm_rng_make(seed, stream);
    jebm_rng_normals(rng, JEBM_LANE_NOISE, step, 0, ROWS, D, 1.0f, x);
    check_independent("walker i and i + 1", N - D, x, 1, x + D, 1);
    /* within a block: words 0 and 1 give coordinates 0 and 1, words 2 and 3 give 2 and 3 */
    check_independent("cosine and sine", N / 4, x, 4, x + 1, 4);
    check_independent("second cosine and sine", N / 4, x + 2, 4, x + 3, 4);
    check_independent("two cosines", N / 4, x, 4, x + 2, 4);
    check_independent("two sines", N / 4, x + 1, 4, x + 3, 4);
    check_independent("blocks of a row", ROWS, x, D, x + 4, D);
    jebm_rng_normals(rng, JEBM_LANE_NOISE, step + 1, 0, ROWS, D, 1.0f, y);
    check_independent("step k and k + 1", N, x, 1, y, 1);
    jebm_rng_normals(rng, JEBM_LANE_NOISE, step + (UINT64_C(1) << 32), 0, ROWS, D, 1.0f, y);
    check_independent("step k and k + 2^32", N, x, 1, y, 1);
    jebm_rng_normals(rng, JEBM_LANE_INIT, step, 0, ROWS, D, 1.0f, y);
    check_independent("lane and the next", N, x, 1, y, 1);
    jebm_rng_normals(rng, JEBM_LANE_NOISE + JEBM_LANE_STRIDE, step, 0, ROWS, D, 1.0f, y);
    check_independent("inner step and the next", N, x, 1, y, 1);
    jebm_rng_normals(jebm_rng_make(seed, stream + 1), JEBM_LANE_NOISE, step, 0, ROWS, D, 1.0f, y);
    check_independent("stream and the next", N, x, 1, y, 1);
    jebm_rng_normals(jebm_rng_make(seed + 1, stream), JEBM_LANE_NOISE, step, 0, ROWS, D, 1.0f, y);
    check_independent("seed and the next", N, x, 1, y, 1);
    jebm_rng_normals(jebm_rng_make(stream, seed), JEBM_LANE_NOISE, step, 0, ROWS, D, 1.0f, y);
    check_independent("seed and stream exchanged", N, x, 1, y, 1);
    free(x);
    free(y);
}

Test(rng, neighbouring_uniforms_are_independent) {
    /* pairs on a 32 x 32 grid */
    enum { N = 1000000, SIDE = 32 };
    const jebm_rng rng = jebm_rng_make(20, 0);
    double *u = malloc(N * sizeof *u), *v = malloc(N * sizeof *v);
    double expected[SIDE * SIDE];
    for (size_t b = 0; b < SIDE * SIDE; b++) {
        expected[b] = (double)(N / 2) / (SIDE * SIDE);
    }
    jebm_rng_uniforms(rng, 3, 0, 0, N, u);
    jebm_rng_uniforms(rng, 3, 1, 0, N, v);
    const struct {
        const double *x, *y;
        const char *what;
    } pairs[] = {{u, u + 1, "within a block"}, {u, v, "step and the next"}};
    for (size_t p = 0; p < 2; p++) {
        double count[SIDE * SIDE] = {0};
        for (size_t i = 0; i < N; i += 2) {
            const size_t a = (size_t)((1.0 - pairs[p].x[i]) * SIDE);
            const size_t b = (size_t)((1.0 - pairs[p].y[i]) * SIDE);
            count[a * SIDE + b]++;
        }
        const double value = law_pearson(SIDE * SIDE, count, expected);
        cr_expect(law_chi_square(value, SIDE * SIDE - 1), "%s: chi-square %g", pairs[p].what,
                  value);
    }
    free(u);
    free(v);
}
