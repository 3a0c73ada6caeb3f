/* Every back end's products against sums in double, over shapes that no block size divides.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nn/gemm_internal.h"

#include "core/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const jebm_product_shape shapes[] = {
    {.m = 1, .n = 1, .k = 1, .group = 1, .lda = 1, .ldb = 1, .ldc = 1},
    {.m = 33, .n = 17, .k = 25, .group = 33, .lda = 25, .ldb = 17, .ldc = 17},
    {.m = 64, .n = 1, .k = 100, .group = 16, .lda = 100, .ldb = 1, .ldc = 1, .prepared = true},
    {.m = 256, .n = 32, .k = 144, .group = 64, .lda = 144, .ldb = 32, .ldc = 32, .prepared = true},
    {.m = 70, .n = 25, .k = 16, .group = 35, .lda = 16, .ldb = 25, .ldc = 25, .prepared = true},
    {.m = 13,
     .n = 40,
     .k = 67,
     .group = 13,
     .lda = 13,
     .ldb = 40,
     .ldc = 40,
     .transposed = true,
     .accumulate = true},
    {.m = 32,
     .n = 144,
     .k = 256,
     .group = 32,
     .lda = 32,
     .ldb = 144,
     .ldc = 144,
     .transposed = true,
     .accumulate = true},
    {.m = 1,
     .n = 64,
     .k = 16,
     .group = 1,
     .lda = 1,
     .ldb = 64,
     .ldc = 64,
     .transposed = true,
     .accumulate = true},
};

/* multiples of 1/64 on [-2, 2): bf16 holds them exactly, so that one bound does for all back ends
 */
static void fill(uint64_t seed, size_t n, float *to) {
    for (size_t i = 0; i < n; i++) {
        uint32_t words[4];
        jebm_rng_words(jebm_rng_make(seed, 0), (uint32_t)i, 0, 0, words);
        to[i] = (float)(words[0] >> 24) / 64.0f - 2.0f;
    }
}

/* floats, or halves made of them: the numbers lose nothing */
static void *elements(const float *from, size_t n, bool half) {
    uint16_t *to = malloc(n * sizeof(float));
    cr_assert_not_null(to);
    memcpy(to, from, n * sizeof(float));
    for (size_t i = 0; half && i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &from[i], sizeof bits);
        to[i] = (uint16_t)(bits >> 16);
    }
    return to;
}

static void check_product(jebm_gemm_backend backend, const jebm_product_shape *s) {
    const bool half = jebm_gemm_is_half(backend);
    const size_t sa = s->m * s->k, sb = s->k * s->n, sc = s->m * s->n;
    float *a = malloc(sa * sizeof *a), *b = malloc(sb * sizeof *b), *c = malloc(sc * sizeof *c);
    double *expected = malloc(sc * sizeof *expected), *size = malloc(sc * sizeof *size);
    cr_assert(a != NULL && b != NULL && c != NULL && expected != NULL && size != NULL);
    fill(1, sa, a);
    fill(2, sb, b);
    fill(3, sc, c);
    for (size_t i = 0; i < sc; i++) {
        expected[i] = s->accumulate ? (double)c[i] : 0.0;
        size[i] = fabs(expected[i]);
        for (size_t l = 0; l < s->k; l++) {
            const double left =
                (double)a[s->transposed ? l * s->m + i / s->n : i / s->n * s->k + l];
            const double term = left * (double)b[l * s->n + i % s->n];
            expected[i] += term;
            size[i] += fabs(term);
        }
    }
    jebm_product *p = NULL;
    jebm_error err = {0};
    cr_assert_eq(jebm_product_new(backend, s, &p, &err), JEBM_OK, "%s", err.text);
    void *scratch = aligned_alloc(64, jebm_product_scratch(p) / 64 * 64 + 64);
    jebm_product_call *call = jebm_product_call_new(p, scratch);
    jebm_operand *operand = s->prepared ? jebm_operand_new(p) : NULL;
    cr_assert(call != NULL && (operand != NULL) == s->prepared);
    void *left = elements(a, sa, half), *right = elements(b, sb, half);
    if (s->prepared) {
        jebm_operand_set(p, operand, b);
    }
    jebm_product_run(p, call, left, s->prepared ? NULL : right, operand, c);
    for (size_t i = 0; i < sc; i++) {
        /* k additions and a rounding, each to 2^-24 of a partial sum */
        const double allowed = (double)(s->k + 1) * 0x1p-24 * size[i];
        cr_expect_leq(fabs((double)c[i] - expected[i]), allowed,
                      "%s, %zu x %zu x %zu, at %zu: found %.9g, expected %.9g, allowed %.2g",
                      jebm_gemm_name(backend), s->m, s->n, s->k, i, (double)c[i], expected[i],
                      allowed);
    }
    jebm_operand_free(operand);
    jebm_product_call_free(call);
    jebm_product_free(p);
    free(scratch);
    free(left);
    free(right);
    free(a);
    free(b);
    free(c);
    free(expected);
    free(size);
}

Test(gemm, products_are_the_sums_of_products) {
    for (int backend = 0; backend < JEBM_GEMM_COUNT; backend++) {
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            if (jebm_gemm_available((jebm_gemm_backend)backend)) {
                check_product((jebm_gemm_backend)backend, &shapes[i]);
            }
        }
    }
}

Test(gemm, back_ends_have_names_of_their_own) {
    static const char *const expected[] = {"reference", "openblas", "onednn", "bf16"};
    for (int backend = 0; backend < JEBM_GEMM_COUNT; backend++) {
        cr_expect_str_eq(jebm_gemm_name((jebm_gemm_backend)backend), expected[backend]);
    }
    cr_expect_null(jebm_gemm_name(JEBM_GEMM_COUNT));
}

Test(gemm, the_default_is_there_and_in_single_precision) {
    const jebm_gemm_backend chosen = jebm_gemm_default();
    cr_expect(jebm_gemm_available(chosen));
    cr_expect_not(jebm_gemm_is_half(chosen));
    cr_expect_neq(chosen, JEBM_GEMM_REFERENCE);
    cr_expect(jebm_gemm_available(JEBM_GEMM_REFERENCE));
    cr_expect_not(jebm_gemm_available(JEBM_GEMM_COUNT));
}

Test(gemm, a_warning_is_one_line_that_says_what_to_set) {
    const char *warning = jebm_gemm_warning();
    if (warning != NULL) {
        cr_expect_not_null(strstr(warning, "OPENBLAS_CORETYPE="));
        cr_expect_null(strchr(warning, '\n'));
    }
}
