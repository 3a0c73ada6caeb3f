/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/batch.h"

#include "law.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void check_bijection(jebm_rng rng, uint64_t step, uint32_t n, unsigned char *seen) {
    const jebm_shuffle s = jebm_shuffle_make(rng, step, n);
    memset(seen, 0, n);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t image = jebm_shuffle_at(&s, i);
        cr_assert_lt(image, n, "n %u: %u -> %u", n, i, image);
        cr_assert(!seen[image], "n %u: %u is an image twice", n, image);
        seen[image] = 1;
    }
}

Test(batch, a_shuffle_is_a_bijection) {
    static const uint32_t large[] = {1000, 1023, 1024, 1025, 4095, 4096, 4097, 65536, 65537};
    unsigned char *seen = malloc(65537);
    const jebm_rng rng = jebm_rng_make(1, 2);
    for (uint64_t step = 0; step < 5; step++) {
        for (uint32_t n = 1; n <= 300; n++) {
            check_bijection(rng, step, n, seen);
        }
    }
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        check_bijection(rng, 7 + i, large[i], seen);
    }
    free(seen);
}

static int compare_images(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

Test(batch, the_largest_population_is_shuffled_too) {
    enum { M = 1000 };
    const jebm_shuffle s = jebm_shuffle_make(jebm_rng_make(3, 0), 0, UINT32_MAX);
    uint32_t image[M];
    for (uint32_t i = 0; i < M; i++) {
        image[i] = jebm_shuffle_at(&s, i % 2 == 0 ? i : UINT32_MAX - 1 - i);
    }
    qsort(image, M, sizeof *image, compare_images);
    for (size_t i = 1; i < M; i++) {
        cr_assert_neq(image[i - 1], image[i]);
    }
    cr_expect_lt(image[M - 1], UINT32_MAX);
}

static const struct {
    uint32_t n, m;
    uint64_t steps;
} cases[] = {{2, 1, 100000},  {3, 2, 100000},  {4, 2, 100000},  {5, 2, 100000},
             {7, 3, 100000},  {12, 5, 100000}, {16, 8, 100000}, {17, 4, 100000},
             {50, 25, 50000}, {64, 10, 50000}, {300, 100, 5000}};
#define CASES (sizeof cases / sizeof *cases)

Test(batch, every_walker_is_drawn_equally_often) {
    /* Inclusion of walker i has variance q(1 - q), q = m/n, and covariance -q(1 - q)/(n - 1) with
     * another's, so (n - 1)/n sum (count - Sq)^2 / Sq(1 - q) over S steps is chi-square of n - 1.
     */
    const jebm_rng rng = jebm_rng_make(4, 1);
    for (size_t c = 0; c < CASES; c++) {
        const uint32_t n = cases[c].n;
        const double q = (double)cases[c].m / n, S = (double)cases[c].steps;
        double count[300] = {0}, value = 0.0;
        for (uint64_t step = 0; step < cases[c].steps; step++) {
            const jebm_shuffle s = jebm_shuffle_make(rng, step, n);
            for (uint32_t i = 0; i < cases[c].m; i++) {
                count[jebm_shuffle_at(&s, i)]++;
            }
        }
        for (uint32_t i = 0; i < n; i++) {
            value += (count[i] - S * q) * (count[i] - S * q) / (S * q * (1.0 - q));
        }
        value *= (n - 1.0) / n;
        cr_expect(law_chi_square(value, n - 1.0), "%u of %u: chi-square %g", cases[c].m, n, value);
    }
}

/* images of draws i and j over n(n - 1) ordered pairs */
static void check_pairs(size_t c, uint32_t i, uint32_t j) {
    const jebm_rng rng = jebm_rng_make(5, i);
    const uint32_t n = cases[c].n;
    const size_t cells = (size_t)n * n;
    double *count = calloc(cells, sizeof *count), value = 0.0;
    const uint64_t steps = 2 * cases[c].steps;
    for (uint64_t step = 0; step < steps; step++) {
        const jebm_shuffle s = jebm_shuffle_make(rng, step, n);
        count[jebm_shuffle_at(&s, i) * n + jebm_shuffle_at(&s, j)]++;
    }
    const double expected = (double)steps / (n * (n - 1.0));
    for (uint32_t a = 0; a < n; a++) {
        cr_expect_eq(count[a * n + a], 0.0);
        for (uint32_t b = 0; b < n; b++) {
            const double off = count[a * n + b] - expected;
            value += a == b ? 0.0 : off * off / expected;
        }
    }
    cr_expect(law_chi_square(value, n * (n - 1.0) - 1.0), "draws %u, %u of %u: chi-square %g", i, j,
              n, value);
    free(count);
}

Test(batch, every_pair_of_walkers_is_drawn_equally_often) {
    /* of 300, 89700 pairs are too many cells for these draws */
    for (size_t c = 0; c < CASES && cases[c].n <= 64; c++) {
        check_pairs(c, 0, 1);
        check_pairs(c, 0, cases[c].n - 1);
    }
}

Test(batch, differences_of_large_batches_have_no_preference) {
    /* where n is a power of 4, the exclusive or of two images is uniform on 1 .. n - 1: the
     * statistic to which a network of too few rounds shows itself first */
    enum { STEPS = 200000 };
    static const uint32_t sizes[] = {64, 256, 1024, 4096};
    const jebm_rng rng = jebm_rng_make(9, 0);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const uint32_t n = sizes[k];
        const uint32_t seconds[] = {1, n / 2, n - 1};
        for (size_t j = 0; j < 3; j++) {
            double count[4096] = {0}, value = 0.0;
            const double expected = STEPS / (n - 1.0);
            for (uint64_t step = 0; step < STEPS; step++) {
                const jebm_shuffle s = jebm_shuffle_make(rng, step, n);
                count[jebm_shuffle_at(&s, 0) ^ jebm_shuffle_at(&s, seconds[j])]++;
            }
            for (uint32_t i = 1; i < n; i++) {
                value += (count[i] - expected) * (count[i] - expected) / expected;
            }
            cr_expect(law_chi_square(value, n - 2.0), "draws 0, %u of %u: chi-square %g",
                      seconds[j], n, value);
        }
    }
}

Test(batch, another_step_or_generator_draws_another_batch) {
    /* Mini-batches of 20 out of 1000 share 0.4 walkers on average; two equal ones have no chance.
     */
    enum { N = 1000, M = 20 };
    const jebm_rng rngs[] = {jebm_rng_make(6, 0), jebm_rng_make(6, 1), jebm_rng_make(7, 0)};
    const jebm_shuffle a = jebm_shuffle_make(rngs[0], 0, N);
    for (size_t r = 0; r < 3; r++) {
        for (uint64_t step = r == 0; step < 100; step++) {
            const jebm_shuffle b = jebm_shuffle_make(rngs[r], step, N);
            unsigned shared = 0;
            for (uint32_t i = 0; i < M; i++) {
                for (uint32_t j = 0; j < M; j++) {
                    shared += jebm_shuffle_at(&a, i) == jebm_shuffle_at(&b, j);
                }
            }
            cr_expect_leq(shared, 8);
        }
    }
}

Test(batch, a_shuffle_is_a_function_of_its_arguments) {
    const jebm_rng rng = jebm_rng_make(8, 0);
    const jebm_shuffle a = jebm_shuffle_make(rng, 5, 100), b = jebm_shuffle_make(rng, 5, 100);
    for (uint32_t i = 0; i < 100; i++) {
        cr_expect_eq(jebm_shuffle_at(&a, i), jebm_shuffle_at(&b, i));
    }
}
